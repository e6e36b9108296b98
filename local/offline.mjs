// This file runs `sls offline` for as long as this process lives, and finds the ports for it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from './fail.mjs';
import { fetchApi } from './issuer-client.mjs';
import { HOST, STAGE, environment, issuerUrl } from './settings.mjs';

// What serverless-offline prints besides a request's route, the authorizer's decision and errors.
const NOISE = /^$|RequestId: .* Billed Duration|^Authorization function returned a successful response/;

function printWithoutNoise(line) {
  if (!NOISE.test(line)) console.log(line);
}

// Starts it in the folder of a service, with options such as --httpPort. What it prints is kept until one asks for it,
// and then passed to `print`, line by line. `receive` gets what plugins/playground.cjs sends.
export function startOffline(options, issuer, { folder = '.', print = printWithoutNoise, receive = () => {} } = {}) {
  // In a process group of its own, so that one signal reaches its Python processes as well. On the lambdaPort the AWS
  // SDK could invoke functions, which nothing does: any free port (0). Idle functions stay for a day, so that they
  // answer fast.
  const offline = spawn(
    resolve('node_modules/.bin/sls'),
    [
      ...['offline', '--stage', STAGE, '--noSponsor', '--host', HOST, '--lambdaPort', 0],
      ...['--terminateIdleLambdaTime', 86400, ...options],
    ],
    { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: environment(issuer) },
  );

  offline.on('message', receive);
  let kept = [];
  let log = (line) => kept.push(line);
  for (const output of [offline.stdout, offline.stderr]) {
    createInterface(output).on('line', (line) => log(line));
  }
  const printKept = () => kept.forEach(print);
  const printLog = () => {
    kept = [];
    log = print;
  };

  const signalAll = (signal) => {
    try {
      process.kill(-offline.pid, signal);
    } catch {
      // all of them have ended
    }
  };
  let isEnding = false;
  const end = () => {
    isEnding = true;
    signalAll('SIGTERM');
    setTimeout(() => process.exit(0), 2000);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
  // npm passes on SIGINT and SIGTERM only. If it was ended in another way, this process gets another parent.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || end(), 500);
  // However one of the two ends, nothing of the other is left.
  process.on('exit', () => signalAll('SIGKILL'));
  offline.on('exit', () => signalAll('SIGKILL'));
  offline.on('close', (code) => {
    if (isEnding) process.exit(0);
    printKept();
    fail(`The API ended unexpectedly (exit code ${code}).`);
  });
  return { printKept, printLog };
}

// Returns a port for each name: the one that is wanted, or a free one for 0, which serverless-offline can't look for.
// `command` is for the message if one is not free.
export async function findPorts(wanted, command) {
  // None is released before all are found, so that no two are the same.
  const found = await Promise.all(
    Object.entries(wanted).map(async ([name, port]) => {
      const server = createServer().listen(port, HOST);
      const error = await once(server, 'listening').then(() => undefined, (error) => error);
      return { name, port, server, error };
    }),
  );
  const taken = found.filter(({ error }) => error);
  if (taken.length > 0) await failForPorts(taken, issuerUrl(wanted.ISSUER_PORT), command);
  const ports = found.map(({ server }) => server.address().port);
  found.forEach(({ server }) => server.close());
  return ports;
}

async function failForPorts(taken, issuer, command) {
  const running = await fetchApi(issuer);
  const reason = running
    ? `npm start is already running: the API is at ${running}, its issuer at ${issuer}`
    : taken.map(({ port, error }) => `Port ${port} is not free (${error.code}).`).join(' ');
  const others = taken.map(({ name, port }) => `${name}=${port + 5}`).join(' ');
  fail(`${reason}\nTo use other ports: ${others} ${command}`);
}

// Waits until somebody listens on a port.
export async function listening(port) {
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
