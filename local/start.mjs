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
const surprises = [];
for (const request of sampleRequests(`http://${HOST}:${offlinePort}/${STAGE}`)) {
  const status = await send(request, token);
  if (status !== request.status) surprises.push({ request, status });
}
// Rules of one's own may refuse this token. Anything else is a fault, which the log explains.
if (surprises.some(({ status }) => status !== 403)) offline.printKept();
for (const { request, status } of surprises) {
  const why = status === 403 ? ' (does a rule in rules.py refuse the token?)' : '';
  console.log(`Expected ${request.status}, but got ${status}${why}: ${curl(request)}`);
}

await startApi(apiPort, { offlinePort, page: issuer, begin: (request) => log.begin(request) });
const prefix = process.env.ISSUER_PORT ? `ISSUER_PORT=${issuerPort} ` : '';
console.log(`
Try it in a browser: ${issuer}
The API is at ${api}, its issuer at ${issuer}

Or in another terminal, in this folder:

${tokenCommand(prefix, 'TOKEN', SCOPE)}
${sampleRequests(api).map((request) => `# ${request.status}: ${request.why}\n${curl(request)}`).join('\n')}

Press Ctrl-C to stop everything. After changing code, start it again. Each request is logged here:
`);
offline.printLog();
