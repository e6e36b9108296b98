// This file is the requests that a newcomer tries first, each with the status to expect. It sends them, and prints them
// as commands for a shell.

import { fetchToken } from './issuer-client.mjs';
import { HOST } from './settings.mjs';

// The tokens, by the names of the shell variables that hold them.
const SCOPES = { READER: 'read:pets', CREATOR: 'create:pets' };

export function sampleRequests(api) {
  const pet = '{"type":"cat","price":123.11}';
  return [
    { status: 200, why: 'the welcome page is public', url: api },
    { status: 200, why: 'the token has the scope read:pets', url: `${api}/pets`, token: 'READER' },
    { status: 200, why: 'another route that needs read:pets', url: `${api}/pets/1`, token: 'READER' },
    { status: 403, why: 'the token lacks the scope create:pets', url: `${api}/pets`, token: 'READER', body: pet },
    { status: 200, why: 'this token has create:pets', url: `${api}/pets`, token: 'CREATOR', body: pet },
    { status: 401, why: 'no token', url: `${api}/pets` },
    { status: 401, why: 'a wrong signature', url: `${api}/pets`, token: 'READER', tampered: true },
  ];
}

export async function fetchTokens(issuer) {
  const tokens = Object.entries(SCOPES).map(async ([name, scope]) => [name, await fetchToken(issuer, scope)]);
  return Object.fromEntries(await Promise.all(tokens));
}

// Returns the status of the answer.
export async function send({ url, token, tampered, body }, tokens) {
  const headers = { ...(body && { 'Content-Type': 'application/json' }) };
  if (token) headers.Authorization = `Bearer ${tampered ? `${tokens[token].slice(0, -5)}AAAAA` : tokens[token]}`;
  const response = await fetch(url, { method: body ? 'POST' : 'GET', headers, body });
  await response.text();
  return response.status;
}

// Returns the command that sets a shell variable to a token with a scope. `prefix` is for npm.
export function tokenCommand(prefix, name, scope) {
  return `${name}=$(${prefix}npm run -s token -- --scope ${scope})`;
}

export function tokenCommands(prefix) {
  return Object.entries(SCOPES).map(([name, scope]) => tokenCommand(prefix, name, scope));
}

export function curl({ url, token, tampered, body }) {
  const usesProxy = ['http_proxy', 'all_proxy', 'ALL_PROXY'].some((name) => process.env[name]);
  const bearer = tampered ? `\${${token}%?????}AAAAA` : `$${token}`;
  return [
    `curl -i ${url}`,
    ...(usesProxy ? [`--noproxy ${HOST}`] : []),
    ...(body ? [`-d '${body}' -H 'Content-Type: application/json'`] : []),
    ...(token ? [`-H "Authorization: Bearer ${bearer}"`] : []),
  ].join(' ');
}
