// This file is a Serverless plugin: all commands that run Python (package, deploy, invoke local, offline) run that of
// .venv, and pip installs there what requirements.txt says.
'use strict';

const { existsSync } = require('fs');
const path = require('path');
const { harmfulVariables } = require('../scripts/pip.js');

module.exports = class VirtualEnvironment {
  constructor(serverless) {
    const venv = path.join(serverless.serviceDir, '.venv');
    const activate = () => {
      if (!existsSync(path.join(venv, 'bin', 'python'))) {
        throw new serverless.classes.Error('There is no .venv. To make it: npm run setup', 'NO_VENV');
      }
      // As .venv/bin/activate does. invoke local and offline then look for python3 there first.
      process.env.VIRTUAL_ENV = venv;
      for (const name of ['PYTHONHOME', 'PYTHONPATH', ...harmfulVariables(process.env)]) delete process.env[name];
    };
    this.hooks = {
      'before:package:initialize': activate,
      'before:deploy:function:initialize': activate,
      'before:invoke:local:loadEnvVars': activate,
      'before:offline:start': activate,
      'before:offline:start:init': activate,
    };
  }
};
