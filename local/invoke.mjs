// This file is `npm run invoke`: the authorizer decides one event, and the policy is printed. If there are settings of
// an issuer, it is that one, and the event is event.json. If not, it is the local issuer. Then a token that has
// expired, or is from before the issuer was started again, is replaced by a fresh one with the same claims.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fail } from './fail.mjs';
import { fetchKeyIds, fetchToken } from './issuer-client.mjs';
import { SCOPE } from './sample-requests.mjs';
import { ISSUER_PORT, STAGE, environment, issuerUrl } from './settings.mjs';

const LOCAL_ISSUER = /^http:\/\/127\.0\.0\.1:\d+\/$/; // whatever its port was when it issued the token

// What its tokens have unless a request says otherwise.
const ISSUED_CLAIMS = ['iss', 'sub', 'aud', 'iat', 'exp', 'gty', 'azp'];

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
  const { token, words } = await currentToken(event.authorizationToken, issuer);
  if (token) event.authorizationToken = `Bearer ${token}`;
  console.error(`Using the local issuer, ${issuer}, ${words}`);
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

// Returns a fresh token if the event needs one, and words that say which token is used.
async function currentToken(authorizationToken, issuer) {
  if (String(authorizationToken).endsWith('ACCESS_TOKEN')) { // as in event.json.sample
    return { token: await fetchToken(issuer, SCOPE), words: `and a fresh token with the scope ${SCOPE}.` };
  }
  const { header, payload } = unverified(authorizationToken);
  const { iss, iat, exp, ...claims } = payload;
  if (iss !== undefined && !LOCAL_ISSUER.test(iss)) {
    return { words: `since there is no .env. The token of event.json is from ${iss}.` };
  }
  const isExpired = exp <= Date.now() / 1000;
  if (!isExpired && !(await hasOldKey(header, issuer))) return { words: 'and the token of event.json.' };

  const without = ISSUED_CLAIMS.filter((name) => !(name in payload));
  const token = await fetchToken(issuer, '', { claims, without });
  const reason = isExpired ? 'has expired' : 'is not signed with the key of the running issuer';
  return { token, words: `and a fresh token with the claims of the one in event.json, which ${reason}.` };
}

// The local issuer has a new key each time that it starts.
async function hasOldKey({ kid }, issuer) {
  return kid !== undefined && !(await fetchKeyIds(issuer)).includes(kid);
}

// What is not a JWT has neither header nor claims.
function unverified(authorizationToken) {
  try {
    const [header, payload] = authorizationToken.split('.', 2).map((segment) => {
      return JSON.parse(Buffer.from(segment.split(' ').pop(), 'base64url'));
    });
    return { header: { ...header }, payload: { ...payload } };
  } catch {
    return { header: {}, payload: {} };
  }
}
