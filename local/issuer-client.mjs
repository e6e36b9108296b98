// This file asks the running local issuer, over HTTP, as any client would.

import { fail } from './fail.mjs';

// Returns an access token with a scope. `claims` are added or replace others, and those named in `without` are left out.
export async function fetchToken(issuer, scope, { claims = {}, without = [] } = {}) {
  const changes = { claims: JSON.stringify(claims), without: JSON.stringify(without) };
  const request = { grant_type: 'client_credentials', client_id: 'local-client', scope };
  const body = new URLSearchParams({ ...request, ...changes });
  return (await ask(issuer, 'oauth/token', { method: 'POST', body })).access_token;
}

// Returns the IDs of the issuer's keys.
export async function fetchKeyIds(issuer) {
  return (await ask(issuer, '.well-known/jwks.json')).keys.map(({ kid }) => kid);
}

async function ask(issuer, path, options) {
  const response = await fetch(`${issuer}${path}`, options).catch(() => {
    const elsewhere = 'If it runs on another port, set ISSUER_PORT here as well.';
    return fail(`There is no local issuer on ${issuer}. Start it in another terminal: npm start. ${elsewhere}`);
  });
  if (!response.ok) fail(`${issuer}${path} answered ${response.status}: is it the local issuer?`);
  return response.json();
}

// Returns the URL of the API that the issuer's tokens are for; undefined if no local issuer answers.
export async function fetchApi(issuer) {
  try {
    const response = await fetch(`${issuer}api`, { signal: AbortSignal.timeout(2000) }); // milliseconds
    const answer = await response.json();
    return answer.issuer === issuer ? answer.api : undefined;
  } catch {
    return undefined;
  }
}
