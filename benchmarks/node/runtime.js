// This file is ../runtime.py for Node: node runtime.js PIPE
'use strict';

const { readFileSync, writeSync } = require('fs');

const pipe = Number(process.argv[2]);
const tell = (line) => writeSync(pipe, `${line}\n`);

tell('up');
const { authorize } = require('./authorizer.js');
tell('ready');
authorize(JSON.parse(readFileSync(0, 'utf8'))).then((answer) => {
  tell(JSON.stringify(answer));
  tell(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  process.kill(process.pid, 'SIGKILL');
});
