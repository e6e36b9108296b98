// This file is `npm run token`: prints an access token of the running local issuer, alone on stdout.

import { parseArgs } from 'node:util';
import { accessToken } from './access-token.mjs';
import { ISSUER_PORT, issuerUrl } from './defaults.mjs';
import { fail } from './fail.mjs';

function options() {
  try {
    return parseArgs({ options: { scope: { type: 'string', default: 'read:pets' } } }).values;
  } catch (error) {
    return fail(`${error.message}\nUsage: npm run token -- --scope "read:pets create:pets"`);
  }
}

console.log(await accessToken(issuerUrl(ISSUER_PORT), options().scope));
