// This file is the local issuer: an identity provider on 127.0.0.1 that gives anyone any token, shaped as
// Auth0's machine-to-machine tokens unless the request says otherwise. It publishes a discovery document. Its key is
// generated when it starts, and never leaves its memory. Its address is also that of the page to try the API on.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server';
import { isFromOwnPage } from './own-page.mjs';
import { AUDIENCE, HOST, issuerUrl } from './settings.mjs';

// The page has a Content-Security-Policy of its own, in which it can't forbid others to put it in a frame.
const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
};

// Starts it, and returns its URL. It names `api` to whoever asks which API its tokens are for. `page` returns the HTML
// of the page, if there is one.
export async function startIssuer(port, api, page) {
  const issuer = new OAuth2Issuer();
  issuer.url = issuerUrl(port);
  await issuer.keys.generate('RS256', { kid: randomBytes(12).toString('base64url') });

  const service = new OAuth2Service(issuer, { jwks: '/.well-known/jwks.json', token: '/oauth/token' });
  service.on('beforeTokenSigning', (token, { body }) => {
    if (body.grant_type !== 'client_credentials') return;
    token.payload = changed(machineToMachine(token.payload, body), body);
  });

  const own = new URL(issuer.url);
  const server = createServer((request, response) => {
    if (!isFromOwnPage(request, own)) {
      return response.writeHead(403).end(`Only programs and this page may send requests here: ${issuer.url}\n`);
    }
    if (page && request.url === '/') return response.writeHead(200, PAGE_HEADERS).end(page());
    if (request.url !== '/api') return service.requestHandler(request, response);
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
