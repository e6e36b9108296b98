// This file is `npm start`: the local issuer and the whole API on 127.0.0.1, and requests to try on them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from './fail.mjs';
import { fetchApi } from './issuer-client.mjs';
import { startIssuer } from './issuer-server.mjs';
import { curl, fetchTokens, sampleRequests, send, tokenCommands } from './sample-requests.mjs';
import { API_PORT, HOST, ISSUER_PORT, STAGE, environment, issuerUrl } from './settings.mjs';

// What serverless-offline prints besides a request's route, the authorizer's decision and errors.
const NOISE = /^$|RequestId: .* Billed Duration|^Authorization function returned a successful response/;

console.log('Starting the issuer and the API ...');
const [issuerPort, apiPort] = await findPorts({ ISSUER_PORT, API_PORT });
const api = `http://${HOST}:${apiPort}/${STAGE}`;
const issuer = await startIssuer(issuerPort, api);

// In a process group of its own, so that one signal reaches its Python processes as well. On the lambdaPort the AWS SDK
// could invoke functions, which nothing does: any free port (0). Idle functions stay for a day, so that they answer fast.
const offline = spawn(
  'node_modules/.bin/sls',
  [
    ...['offline', '--stage', STAGE, '--noSponsor', '--host', HOST, '--httpPort', apiPort, '--lambdaPort', 0],
    ...['--terminateIdleLambdaTime', 86400],
  ],
  { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environment(issuer) },
);

// Kept while it starts, and printed if that fails.
const kept = [];
let log = (line) => kept.push(line);
for (const output of [offline.stdout, offline.stderr]) {
  createInterface(output).on('line', (line) => log(line));
}

let isEnding = false;
function end() {
  isEnding = true;
  signalAll('SIGTERM');
  setTimeout(() => process.exit(0), 2000);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
// npm passes on SIGINT and SIGTERM only. If it was ended in another way, this process gets another parent.
const parent = process.ppid;
setInterval(() => process.ppid === parent || end(), 500);
// However one of the two ends, nothing of the other is left.
process.on('exit', () => signalAll('SIGKILL'));
offline.on('exit', () => signalAll('SIGKILL'));
offline.on('close', (code) => {
  if (isEnding) process.exit(0);
  kept.forEach(print);
  fail(`The API ended unexpectedly (exit code ${code}).`);
});

await listening(apiPort);
const requests = sampleRequests(api);
const tokens = await fetchTokens(issuer);
// Each is sent once, so that all functions are warm when the user's first request arrives.
const surprises = [];
for (const request of requests) {
  const status = await send(request, tokens);
  if (status === request.status) continue;
  surprises.push(`Expected ${request.status}, but got ${status}: ${curl(request)}`);
}
if (surprises.length > 0) [...kept, ...surprises].forEach(print);
kept.length = 0;

const prefix = process.env.ISSUER_PORT ? `ISSUER_PORT=${issuerPort} ` : '';
console.log(`The API is on ${api}, its issuer on ${issuer}\n`);
console.log(`In another terminal, in this folder:\n\n${tokenCommands(prefix).join('\n')}\n`);
for (const request of requests) console.log(`# ${request.status}  ${request.why}\n${curl(request)}\n`);
console.log(`A token with both scopes: ${prefix}npm run -s token -- --scope "read:pets create:pets"`);
console.log('Ctrl-C ends everything. To run changed code, start again. The log of the API follows:\n');
log = print;

function print(line) {
  if (!NOISE.test(line)) console.log(line);
}

function signalAll(signal) {
  try {
    process.kill(-offline.pid, signal);
  } catch {
    // all of them have ended
  }
}

// Returns a port for each name: the one that is wanted, or a free one for 0, which serverless-offline can't look for.
async function findPorts(wanted) {
  // None is released before all are found, so that no two are the same.
  const found = await Promise.all(
    Object.entries(wanted).map(async ([name, port]) => {
      const server = createServer().listen(port, HOST);
      const error = await once(server, 'listening').then(() => undefined, (error) => error);
      return { name, port, server, error };
    }),
  );
  const taken = found.filter(({ error }) => error);
  if (taken.length > 0) await failForPorts(taken, issuerUrl(wanted.ISSUER_PORT));
  const ports = found.map(({ server }) => server.address().port);
  found.forEach(({ server }) => server.close());
  return ports;
}

async function failForPorts(taken, issuer) {
  const running = await fetchApi(issuer);
  const reason = running
    ? `npm start is already running: the API is on ${running}, its issuer on ${issuer}`
    : taken.map(({ port, error }) => `Port ${port} is not free (${error.code}).`).join(' ');
  const others = taken.map(({ name, port }) => `${name}=${port + 5}`).join(' ');
  fail(`${reason}\nTo use other ports: ${others} npm start`);
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
