// This file is how the local tools get a token: from the running local issuer over HTTP, as any client would.

import { fail } from './fail.mjs';

export async function accessToken(issuer, scope) {
  const response = await fetch(`${issuer}oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'local-client', scope }),
  }).catch(() => {
    const port = 'on another port: set ISSUER_PORT here, too';
    return fail(`No local issuer on ${issuer}. Start it in another terminal: npm start (${port})`);
  });
  if (!response.ok) fail(`${issuer} answered ${response.status} instead of a token: is it the local issuer?`);
  return (await response.json()).access_token;
}
