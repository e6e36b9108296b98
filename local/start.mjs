// This file is `npm start`: the local issuer and the whole API on 127.0.0.1, and requests to try on them.

import { startApi } from './api-server.mjs';
import { fetchToken } from './issuer-client.mjs';
import { startIssuer } from './issuer-server.mjs';
import { findPorts, listening, startOffline } from './offline.mjs';
import makeDocument from './page/document.cjs';
import { RequestLog } from './request-log.mjs';
import { SCOPE, curl, sampleRequests, send, tokenCommand } from './sample-requests.mjs';
import { API_PORT, AUDIENCE, HOST, ISSUER_PORT, STAGE } from './settings.mjs';

console.log('Starting the issuer and the API ...');
const [issuerPort, apiPort, offlinePort] = await findPorts({ ISSUER_PORT, API_PORT, offlinePort: 0 }, 'npm start');
const api = `http://${HOST}:${apiPort}/${STAGE}`;
let page = 'The API is still starting. Try again in a few seconds.';
const issuer = await startIssuer(issuerPort, api, () => page);

const log = new RequestLog((line) => console.log(line));
const offline = startOffline(['--httpPort', offlinePort], issuer, {
  print: (line) => log.add(line),
  receive: (config) => {
    page = makeDocument({ ...config, api, hasIssuer: true, audience: AUDIENCE });
  },
});
await listening(offlinePort);
// Each is sent once, past the log, so that these functions are warm when the user's first request arrives.
const token = await fetchToken(issuer, SCOPE);
const statuses = [];
for (const request of sampleRequests(`http://${HOST}:${offlinePort}/${STAGE}`)) {
  statuses.push(await send(request, token));
}
const results = sampleRequests(api).map((request, index) => result(request, statuses[index]));
const surprises = results.filter(({ status, expected }) => status !== expected);
// Rules of one's own may change what this token may do. Anything else is a fault, which the log explains.
if (surprises.some(({ rule }) => !rule)) offline.printKept();
for (const { status, expected, rule, command } of surprises) {
  console.log(`Expected ${expected}, but got ${status}${rule ? ` (${rule})` : ''}: ${command}`);
}

// `rule` is what a rule of one's own may have done to the token, if one can be the cause of the status.
function result(request, status) {
  const { status: expected, why } = request;
  const rules = { '200 403': 'does a rule in rules.py refuse the token?', '403 200': 'does a rule in rules.py grant it?' };
  return { status, expected, why, rule: rules[`${expected} ${status}`], command: curl(request) };
}

function comment({ status, expected, why, rule }) {
  return status === expected ? `# ${status}: ${why}` : `# ${status}, not ${expected}: ${rule ?? 'see the lines above'}`;
}

await startApi(apiPort, { offlinePort, page: issuer, begin: (request, traceId) => log.begin(request, traceId) });
const prefix = process.env.ISSUER_PORT ? `ISSUER_PORT=${issuerPort} ` : '';
console.log(`
Try it in a browser: ${issuer}
The API is at ${api}, its issuer at ${issuer} (which serves that page, too)

Or in another terminal, in this folder:

${tokenCommand(prefix, 'TOKEN', SCOPE)}
${results.map((one) => `${comment(one)}\n${one.command}`).join('\n')}

Press Ctrl-C to stop everything. After changing code, start it again. Each request to the API is logged here:
`);
offline.printLog();
