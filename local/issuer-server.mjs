// This file is the local issuer: an identity provider on 127.0.0.1 that gives anyone any token, shaped as
// Auth0's machine-to-machine tokens unless the request says otherwise. It publishes a discovery document. Its key is
// generated when it starts, and never leaves its memory.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server';
import { AUDIENCE, HOST, issuerUrl } from './settings.mjs';

// Starts it, and returns its URL. It names `api` to whoever asks which API its tokens are for.
export async function startIssuer(port, api) {
  const issuer = new OAuth2Issuer();
  issuer.url = issuerUrl(port);
  await issuer.keys.generate('RS256', { kid: randomBytes(12).toString('base64url') });

  const service = new OAuth2Service(issuer, { jwks: '/.well-known/jwks.json', token: '/oauth/token' });
  service.on('beforeTokenSigning', (token, { body }) => {
    if (body.grant_type !== 'client_credentials') return;
    token.payload = changed(machineToMachine(token.payload, body), body);
  });

  const server = createServer((request, response) => {
    if (request.url !== '/') return service.requestHandler(request, response);
    response.setHeader('Content-Type', 'application/json');
    return response.end(JSON.stringify({ issuer: issuer.url, api }));
  });
  await once(server.listen(port, HOST), 'listening');
  return issuer.url;
}

function machineToMachine({ iss, iat, exp }, { client_id = 'local-client', audience = AUDIENCE, scope }) {
  return {
    iss,
    sub: `${client_id}@clients`,
    aud: audience,
    iat,
    exp,
    ...(scope && { scope }),
    gty: 'client-credentials',
    azp: client_id,
  };
}

// Both come as JSON: an object of claims, and a list of names.
function changed(payload, { claims = '{}', without = '[]' }) {
  const names = JSON.parse(without);
  const entries = Object.entries({ ...payload, ...JSON.parse(claims) }).filter(([name]) => !names.includes(name));
  return Object.fromEntries(entries);
}
