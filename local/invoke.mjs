// This file is `npm run invoke`: the authorizer decides one event, and the policy is printed. If there are settings of
// an issuer, it is that one, and the event is event.json. If not, it is the local issuer, and the token is a fresh one.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fail } from './fail.mjs';
import { fetchToken } from './issuer-client.mjs';
import { ISSUER_PORT, STAGE, environment, issuerUrl } from './settings.mjs';

const LOCAL_ISSUER = /^http:\/\/127\.0\.0\.1:\d+\/$/; // whatever its port was when it issued the token

const file = ['.env.dev', '.env'].find((name) => existsSync(name));
const settings = file ?? (process.env.TOKEN_ISSUER && 'the environment');

function invoke(args, env) {
  const { status } = spawnSync('node_modules/.bin/sls', ['invoke', 'local', ...args], { stdio: 'inherit', env });
  process.exitCode = status ?? 1;
}

if (settings) {
  if (!existsSync('event.json')) {
    fail('There is no event.json. Copy event.json.sample to event.json, and put a token from your issuer into it.');
  }
  console.error(`Using the issuer of ${settings}, and the token of event.json.`);
  invoke(['--path', 'event.json'], process.env);
} else {
  const issuer = issuerUrl(ISSUER_PORT);
  const event = readEvent();
  const { iss, scope } = unverifiedClaims(event.authorizationToken);
  if (iss === undefined || LOCAL_ISSUER.test(iss)) {
    const scopes = scope ?? 'read:pets';
    event.authorizationToken = `Bearer ${await fetchToken(issuer, scopes)}`;
    console.error(`Using the local issuer, ${issuer}, and a fresh token with the scope ${scopes}.`);
  } else {
    console.error(`Using the local issuer, ${issuer}, since there is no .env. The token of event.json is from ${iss}.`);
  }
  invoke(['--stage', STAGE, '--data', JSON.stringify(event)], environment(issuer));
}

// The user's event if there is one. It is never written.
function readEvent() {
  const file = existsSync('event.json') ? 'event.json' : 'event.json.sample';
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return fail(`${file} is not JSON: ${error.message}`);
  }
}

// What is not a JWT, such as the ACCESS_TOKEN of the sample, has no claims.
function unverifiedClaims(authorizationToken) {
  try {
    return JSON.parse(Buffer.from(authorizationToken.split('.')[1], 'base64url'));
  } catch {
    return {};
  }
}
