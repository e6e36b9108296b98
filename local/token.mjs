// This file is `npm run token`: it prints an access token of the running local issuer, and nothing else. Its claims can
// be changed, to try what the authorizer does with the tokens of another issuer.

import { parseArgs } from 'node:util';
import { fail } from './fail.mjs';
import { fetchToken } from './issuer-client.mjs';
import { ISSUER_PORT, issuerUrl } from './settings.mjs';

const USAGE = `Usage: npm run token -- [--scope "read:pets create:pets"] [--claim NAME=JSON] [--without NAME]
The scope is read:pets if --scope is not given; --scope "" asks for none. --claim and --without can be repeated.
A value that is a word, and not JSON, is taken as a string.`;

function options() {
  const several = { type: 'string', multiple: true, default: [] };
  try {
    const known = { scope: { type: 'string', default: 'read:pets' }, claim: several, without: several };
    return parseArgs({ options: known }).values;
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
}

// Returns the name and the value of a claim.
function claim(argument) {
  const [, name, text] = /^([^=]+)=(.*)$/s.exec(argument) ?? fail(`--claim ${argument} is not NAME=JSON.\n${USAGE}`);
  try {
    return [name, JSON.parse(text)];
  } catch {
    // Such as acme or read:pets. What looks like JSON is not meant as a string.
    return /^[[{"]/.test(text.trim()) ? fail(`The value of the claim ${name} is not JSON: ${text}`) : [name, text];
  }
}

const { scope, claim: claims, without } = options();
console.log(await fetchToken(issuerUrl(ISSUER_PORT), scope, { claims: Object.fromEntries(claims.map(claim)), without }));
