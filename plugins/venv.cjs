// This file is a Serverless plugin: all commands that run Python (package, deploy, invoke local, offline) run that of
// .venv, and pip installs what requirements.txt says.
'use strict';

const { existsSync } = require('fs');
const path = require('path');
const { harmfulVariables } = require('../scripts/pip.js');
const { PYTHON, ROOT, VENV } = require('./project.cjs');

module.exports = class VirtualEnvironment {
  constructor(serverless) {
    const activate = () => {
      if (!existsSync(PYTHON)) {
        throw new serverless.classes.Error('There is no .venv. To create it, run: npm run setup', 'NO_VENV');
      }
      // As .venv/bin/activate does. invoke local and offline then look for python3 there first.
      process.env.VIRTUAL_ENV = VENV;
      for (const name of ['PYTHONHOME', 'PYTHONPATH', ...harmfulVariables(process.env)]) delete process.env[name];
      // serverless-python-requirements joins these to the folder of the service.
      const { custom } = serverless.service;
      const relative = (name) => path.relative(serverless.serviceDir, name);
      const places = { pythonBin: relative(PYTHON), fileName: relative(path.join(ROOT, 'requirements.txt')) };
      custom.pythonRequirements = { ...custom.pythonRequirements, ...places };
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
