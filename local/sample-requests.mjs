// This file is the requests that a newcomer tries first, each with the status to expect. It sends them, and prints them
// as commands for a shell.

import { HOST } from './settings.mjs';

// The scope of the token that they send: `token` names the shell variable that holds it.
export const SCOPE = 'read:pets';

export function sampleRequests(api) {
  const pet = '{"type":"cat","price":123.11}';
  return [
    { status: 200, why: 'the token has the scope read:pets', url: `${api}/pets`, token: 'TOKEN' },
    { status: 200, why: 'this route needs the same scope', url: `${api}/pets/1`, token: 'TOKEN' },
    { status: 403, why: 'this one needs create:pets', url: `${api}/pets`, token: 'TOKEN', body: pet },
    { status: 401, why: 'no token', url: `${api}/pets` },
  ];
}

// Returns the status of the answer. `value` is the token.
export async function send({ url, token, body }, value) {
  const headers = { ...(token && { Authorization: `Bearer ${value}` }) };
  const response = await fetch(url, { method: body ? 'POST' : 'GET', headers, body });
  await response.text();
  return response.status;
}

// Returns the command that sets a shell variable to a token with a scope. `prefix` is for npm.
export function tokenCommand(prefix, name, scope) {
  return `${name}=$(${prefix}npm run -s token -- --scope ${scope})`;
}

export function curl({ url, token, body }) {
  const usesProxy = ['http_proxy', 'all_proxy', 'ALL_PROXY'].some((name) => process.env[name]);
  return [
    `curl -i ${url}`,
    ...(usesProxy ? [`--noproxy ${HOST}`] : []),
    ...(token ? [`-H "Authorization: Bearer $${token}"`] : []),
    ...(body ? [`-d '${body}'`] : []),
  ].join(' ');
}
