// This file is what the local tools agree on: where the issuer and the API are, and an environment for `sls` in which
// the authorizer accepts the issuer's tokens.

import { readFileSync } from 'node:fs';
import { fail } from './fail.mjs';

export const HOST = '127.0.0.1';
export const STAGE = 'local';
export const AUDIENCE = 'https://your-api-gateway';
export const ISSUER_PORT = port('ISSUER_PORT', 3010);
export const API_PORT = port('API_PORT', 3000);

// No request of these tools leaves this machine: with NODE_USE_ENV_PROXY, Node would send them to a proxy.
process.env.NO_PROXY = process.env.no_proxy = HOST;

// It ends with a slash, as Auth0's issuers do.
export function issuerUrl(port) {
  return `http://${HOST}:${port}/`;
}

// What is set here for a deployment (settings of another issuer, AWS credentials, a proxy) is left out: the local API
// is the same for everybody. LOG_LEVEL is the exception.
export function environment(issuer) {
  const variables = readFileSync('serverless.yml', 'utf8').matchAll(/\benv:(\w+)/g);
  const settings = new Set([...variables].map(([, name]) => name).filter((name) => name !== 'LOG_LEVEL'));
  settings.add('ROUTE_SCOPES'); // of plugins/routes.cjs
  const isLeftOut = (name) => settings.has(name.split('__')[0]) || /^AWS_|_proxy$/i.test(name);
  const others = Object.entries(process.env).filter(([name]) => !isLeftOut(name));
  return {
    ...Object.fromEntries(others),
    AUDIENCE,
    TOKEN_ISSUER: issuer, // which publishes its JWKS_URI
  };
}

function port(name, otherwise) {
  const value = Number(process.env[name] ?? otherwise);
  const isPort = Number.isInteger(value) && value >= 0 && value <= 65535;
  if (!isPort) fail(`${name} is not a port: ${process.env[name]}`);
  return value;
}
