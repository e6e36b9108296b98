// This file is a Serverless plugin: serverless-offline starts Python without a shell.
//
// It passes the path of its own Python file to a shell without quotes, so it fails in a folder whose name has a space,
// a quote or a $ in it. Without a shell, Python gets the arguments as they are, and signals reach it directly.
'use strict';

const childProcess = require('child_process');
const { syncBuiltinESMExports } = require('module');

module.exports = class NoShell {
  constructor() {
    const { spawn } = childProcess;
    childProcess.spawn = (command, ...rest) => {
      const [args, options] = rest;
      const isList = Array.isArray(args) && args.length > 0;
      return isList && options?.shell ? spawn(command, args, { ...options, shell: false }) : spawn(command, ...rest);
    };
    syncBuiltinESMExports(); // for modules that import { spawn }
  }
};
