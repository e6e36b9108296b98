// This file is what the local tools agree on: addresses, and the settings that make the authorizer trust the
// local issuer.

import { fail } from './fail.mjs';

export const HOST = '127.0.0.1';
export const STAGE = 'local';
export const AUDIENCE = 'https://your-api-gateway';
export const ISSUER_PORT = port('ISSUER_PORT', 3010);
export const API_PORT = port('API_PORT', 3000);

// With a slash at the end, as Auth0 writes its issuers.
export function issuerUrl(port) {
  return `http://${HOST}:${port}/`;
}

// A variable of the environment wins over .env, so a user's own settings don't get in the way.
export function settings(issuer) {
  return {
    JWKS_URI: `${issuer}.well-known/jwks.json`,
    AUDIENCE,
    TOKEN_ISSUER: issuer,
    ALGORITHMS: 'RS256',
  };
}

function port(name, otherwise) {
  const value = Number(process.env[name] ?? otherwise);
  const isPort = Number.isInteger(value) && value >= 0 && value <= 65535;
  if (!isPort) fail(`${name} is not a port: ${process.env[name]}`);
  return value;
}
