// This file is the requests that a newcomer tries first, each with the status to expect.

import { accessToken } from './access-token.mjs';

export async function samples(api, issuer) {
  const reader = await accessToken(issuer, 'read:pets');
  const creator = await accessToken(issuer, 'create:pets');
  const pet = '{"type":"cat","price":123.11}';
  return [
    { status: 200, why: 'the welcome page is public', url: api },
    { status: 200, why: 'the token may read:pets', url: `${api}/pets`, token: reader },
    { status: 200, why: 'the same token, another route', url: `${api}/pets/1`, token: reader },
    { status: 403, why: 'the token lacks create:pets', url: `${api}/pets`, token: reader, body: pet },
    { status: 200, why: 'this token may create:pets', url: `${api}/pets`, token: creator, body: pet },
    { status: 401, why: 'no token', url: `${api}/pets` },
    { status: 401, why: 'the signature was tampered with', url: `${api}/pets`, token: tampered(reader) },
  ];
}

// As one line for a shell.
export function curl(sample) {
  const quoted = Object.entries(headers(sample)).map(([name, value]) => `-H '${name}: ${value}'`);
  return ['curl -i', sample.url, ...(sample.body ? [`-d '${sample.body}'`] : []), ...quoted].join(' ');
}

export async function send(sample) {
  const { url, body } = sample;
  const response = await fetch(url, { method: body ? 'POST' : 'GET', headers: headers(sample), body });
  await response.text();
  return response.status;
}

function headers({ token, body }) {
  return {
    ...(body && { 'Content-Type': 'application/json' }),
    ...(token && { Authorization: `Bearer ${token}` }),
  };
}

// A character within the signature: the last one has bits that don't count.
function tampered(token) {
  const at = token.length - 100;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}
