// This file is a Serverless plugin: a rules.py that the authorizer could not use is reported before it is packaged,
// deployed or run. It is the authorizer's own code that checks it. What a rule returns is checked for each token.
'use strict';

const { spawnSync } = require('child_process');
const { AUTHORIZER } = require('./endpoints.cjs');
const { PYTHON, ROOT } = require('./project.cjs');

const LOAD_RULES = 'from auth.custom_rules import load_rules; load_rules()';

module.exports = class Rules {
  constructor(serverless) {
    const check = () => {
      // Rules may read the variables of the authorizer. CloudFormation fills in those that are no strings.
      const variables = Object.entries(serverless.service.getFunction(AUTHORIZER).environment);
      const { status, stderr } = spawnSync(PYTHON, ['-c', LOAD_RULES], {
        cwd: ROOT,
        env: Object.fromEntries(variables.filter(([, value]) => typeof value === 'string')),
        encoding: 'utf8',
      });
      if (status === 0) return;
      const message = stderr.split('ConfigError: ')[1];
      throw new serverless.classes.Error(message?.trim() ?? stderr, 'INVALID_RULES');
    };

    const checkIfInvoked = () => {
      if (serverless.processedInput.options.function === AUTHORIZER) check();
    };

    this.hooks = {
      'before:package:initialize': check,
      'before:deploy:function:initialize': check,
      'before:invoke:local:loadEnvVars': checkIfInvoked,
      'before:offline:start': check,
      'before:offline:start:init': check,
    };
  }
};
