// This file is `npm start`: the local issuer and the whole API on 127.0.0.1, and requests to try on them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_PORT, AUDIENCE, HOST, ISSUER_PORT, STAGE, settings } from './defaults.mjs';
import { fail } from './fail.mjs';
import { startIssuer } from './issuer.mjs';
import { curl, samples, send } from './samples.mjs';

// What serverless-offline says of a request beyond its route, the authorizer's decision and what went wrong.
const NOISE = /^$|RequestId: .* Billed Duration|^Authorization function returned a successful response/;

console.log('Starting the issuer and the API ...');
const issuerPort = await freePort(ISSUER_PORT, 'ISSUER_PORT=3015');
const issuer = await startIssuer({ port: issuerPort, audience: AUDIENCE });
const apiPort = await freePort(API_PORT, 'API_PORT=3005');
const api = `http://${HOST}:${apiPort}/${STAGE}`;

// In a process group of its own, so that one signal reaches its Python processes too. The port where AWS's SDK
// may invoke functions is not used, so any free one does (0). Idle functions stay for a day: answers are quick.
const offline = spawn(
  'node_modules/.bin/sls',
  [
    ...['offline', '--stage', STAGE, '--noSponsor', '--host', HOST, '--httpPort', apiPort, '--lambdaPort', 0],
    ...['--terminateIdleLambdaTime', 86400],
  ],
  { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...settings(issuer) } },
);

// Held back while starting, and shown if that goes wrong.
const held = [];
let log = (line) => held.push(line);
for (const output of [offline.stdout, offline.stderr]) {
  createInterface(output).on('line', (line) => log(line));
}

let asked = false;
function end() {
  asked = true;
  signalAll('SIGTERM');
  setTimeout(() => process.exit(0), 2000);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
// npm passes on SIGINT and SIGTERM only. If anything else ended it, this process has another parent.
const parent = process.ppid;
setInterval(() => process.ppid === parent || end(), 500);
// However one of the two ends, nothing of the other is left.
process.on('exit', () => signalAll('SIGKILL'));
offline.on('exit', () => signalAll('SIGKILL'));
offline.on('close', (code) => {
  if (asked) process.exit(0);
  held.forEach(print);
  fail(`The API ended unexpectedly (exit code ${code}).`);
});

await listening(apiPort);
const requests = await samples(api, issuer);
// Each is sent once, so that all functions are warm when the user's first request comes.
const surprises = [];
for (const request of requests) {
  const status = await send(request);
  if (status === request.status) continue;
  surprises.push(`Got ${status} instead of ${request.status}: ${curl(request)}`);
}
if (surprises.length > 0) [...held, ...surprises].forEach(print);
held.length = 0;

console.log(`The API is on ${api}, its issuer on ${issuer}\n`);
for (const request of requests) console.log(`# ${request.status}  ${request.why}\n${curl(request)}\n`);
const elsewhere = process.env.ISSUER_PORT ? `ISSUER_PORT=${issuerPort} ` : '';
console.log(`Other tokens: ${elsewhere}npm run -s token -- --scope "read:pets create:pets"`);
console.log('Ctrl-C ends everything; start again to run changed code. Here is the log of the API:\n');
log = print;

function print(line) {
  if (!NOISE.test(line)) console.log(line);
}

function signalAll(signal) {
  try {
    process.kill(-offline.pid, signal);
  } catch {
    // all gone already
  }
}

// serverless-offline listens on the port it is told, and says 0 if that is 0: so look for a free one here.
async function freePort(port, example) {
  const server = createServer().listen(port, HOST);
  await once(server, 'listening').catch(({ code }) => {
    fail(`Port ${port} is not free (${code}). Choose another: ${example} npm start`);
  });
  const free = server.address().port;
  server.close();
  return free;
}

async function listening(port) {
  for (;;) {
    const socket = connect(port, HOST);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await sleep(100);
    } finally {
      socket.destroy();
    }
  }
}
