// This file is `npm run invoke`: the authorizer decides over event.json, and prints the policy. Without a .env
// it trusts the local issuer, and makes event.json with a fresh token if there is none.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { accessToken } from './access-token.mjs';
import { ISSUER_PORT, STAGE, issuerUrl, settings } from './defaults.mjs';
import { fail } from './fail.mjs';

const issuer = issuerUrl(ISSUER_PORT);
const ownIssuer = existsSync('.env');

if (ownIssuer && !existsSync('event.json')) {
  fail('event.json is missing: cp event.json.sample event.json, and put a token of your issuer in it.');
} else if (!ownIssuer && !existsSync('event.json')) {
  const token = await accessToken(issuer, 'read:pets');
  writeFileSync('event.json', readFileSync('event.json.sample', 'utf8').replace('ACCESS_TOKEN', token));
  console.error('Made event.json from event.json.sample, with a fresh token for read:pets.');
}

const result = spawnSync(
  'node_modules/.bin/sls',
  ['invoke', 'local', '-f', 'authorizer', '-p', 'event.json', ...(ownIssuer ? [] : ['--stage', STAGE])],
  { stdio: 'inherit', env: { ...process.env, ...(ownIssuer ? {} : settings(issuer)) } },
);
process.exitCode = result.status ?? 1;
if (process.exitCode !== 0 && !ownIssuer) {
  console.error('The first line says why. The token is that of event.json: delete it for a fresh one of the local issuer.');
}
