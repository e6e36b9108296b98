// This file is the local issuer: an identity provider on 127.0.0.1 that gives anyone any token, shaped as
// Auth0's machine-to-machine tokens. Its key is made when it starts, and never leaves its memory.

import { randomBytes } from 'node:crypto';
import { OAuth2Server } from 'oauth2-mock-server';
import { HOST, issuerUrl } from './defaults.mjs';

// Gives the issuer's URL. `audience` is that of a token whose request names none.
export async function startIssuer({ port, audience }) {
  const server = new OAuth2Server(undefined, undefined, {
    endpoints: { jwks: '/.well-known/jwks.json', token: '/oauth/token' },
  });
  await server.issuer.keys.generate('RS256', { kid: randomBytes(12).toString('base64url') });
  server.service.on('beforeTokenSigning', (token, request) => {
    if (request.body.grant_type !== 'client_credentials') return;
    token.payload = machineToMachine(token.payload, { client_id: 'local-client', audience, ...request.body });
  });
  await server.start(port, HOST);
  server.issuer.url = issuerUrl(server.address().port);
  return server.issuer.url;
}

function machineToMachine({ iss, iat, exp }, { client_id, audience, scope }) {
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
