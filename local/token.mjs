// This file is `npm run token`: it prints an access token of the running local issuer, and nothing else.

import { parseArgs } from 'node:util';
import { fail } from './fail.mjs';
import { fetchToken } from './issuer-client.mjs';
import { ISSUER_PORT, issuerUrl } from './settings.mjs';

function options() {
  try {
    return parseArgs({ options: { scope: { type: 'string', default: 'read:pets' } } }).values;
  } catch (error) {
    return fail(`${error.message}\nUsage: npm run token -- --scope "read:pets create:pets"`);
  }
}

console.log(await fetchToken(issuerUrl(ISSUER_PORT), options().scope));
