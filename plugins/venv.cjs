// This file is a Serverless plugin: what runs Python (package, invoke local, offline) runs that of .venv.
'use strict';

const { existsSync } = require('fs');
const path = require('path');

module.exports = class ProjectPython {
  constructor(serverless) {
    const venv = path.join(serverless.serviceDir, '.venv');
    const use = () => {
      if (!existsSync(path.join(venv, 'bin', 'python'))) {
        throw new serverless.classes.Error('There is no .venv yet. Make it: npm run setup', 'NO_VENV');
      }
      // What `source .venv/bin/activate` sets. invoke local and offline look for python3 there first.
      process.env.VIRTUAL_ENV = venv;
    };
    this.hooks = {
      'before:package:initialize': use,
      'before:deploy:function:initialize': use,
      'before:invoke:local:loadEnvVars': use,
      'before:offline:start': use,
      'before:offline:start:init': use,
    };
  }
};
