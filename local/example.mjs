// This file is `npm run example -- NAME`: it runs a service of examples/ on 127.0.0.1, with the local issuer.

import { fail } from './fail.mjs';
import { startIssuer } from './issuer-server.mjs';
import { findPorts, listening, startOffline } from './offline.mjs';
import { curl, tokenCommand } from './sample-requests.mjs';
import { API_PORT, HOST, ISSUER_PORT } from './settings.mjs';

// For each example: the option of serverless-offline for its port, the scheme of its URL, the scope of the token that
// its requests use, and these requests as commands, with what to expect.
const EXAMPLES = {
  'http-api': {
    option: '--httpPort',
    scheme: 'http',
    scope: 'read:orders',
    commands: (api) => [
      ['200', curl({ url: `${api}/orders/7`, token: 'TOKEN' })],
      ['403  the token lacks read:invoices', curl({ url: `${api}/orders/7/invoice`, token: 'TOKEN' })],
      ['401  no token', curl({ url: `${api}/orders/7` })],
    ],
  },
  websocket: {
    option: '--websocketPort',
    scheme: 'ws',
    scope: 'chat:join',
    commands: (api) => {
      const client = `node examples/websocket/client.mjs ${api}`;
      return [
        ['it sends a message and prints the answer', `${client} --token $TOKEN`],
        ['the token in the query, as browsers have to send it', `${client} --token $TOKEN --query`],
        ['401  no token', client],
      ];
    },
  },
};

const name = process.argv[2];
const example = EXAMPLES[name];
if (!example) fail(`Which one? ${Object.keys(EXAMPLES).map((one) => `npm run example -- ${one}`).join(' or ')}`);

console.log(`Starting the issuer and examples/${name} ...`);
const [issuerPort, apiPort] = await findPorts({ ISSUER_PORT, API_PORT }, `npm run example -- ${name}`);
const api = `${example.scheme}://${HOST}:${apiPort}`;
const issuer = await startIssuer(issuerPort, api);
const offline = startOffline([example.option, apiPort], issuer, { folder: `examples/${name}` });
await listening(apiPort);

console.log(`The API is at ${api}, its issuer at ${issuer}\n`);
const prefix = process.env.ISSUER_PORT ? `ISSUER_PORT=${issuerPort} ` : '';
console.log(`In another terminal, in this folder:\n\n${tokenCommand(prefix, 'TOKEN', example.scope)}\n`);
for (const [expected, command] of example.commands(api)) console.log(`# ${expected}\n${command}\n`);
console.log('Press Ctrl-C to stop everything. After changing code, start it again. The log of the API follows:\n');
offline.printLog();
