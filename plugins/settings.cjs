// This file is a Serverless plugin: what the authorizer would refuse to run with is not packaged, and so not deployed.
// It is the authorizer's own code that looks at its settings.
'use strict';

const { spawnSync } = require('child_process');

const READ = 'import os; from auth import Settings; Settings.from_environment(os.environ)';

module.exports = class Settings {
  constructor(serverless) {
    const check = () => {
      const { environment } = serverless.service.getFunction('authorizer');
      // What CloudFormation has yet to fill in (!ImportValue, say) can't be looked at.
      if (Object.values(environment).some((value) => typeof value === 'object')) return;
      const options = { cwd: serverless.serviceDir, env: environment, encoding: 'utf8' };
      const { status, stderr } = spawnSync('.venv/bin/python', ['-c', READ], options);
      if (status === 0) return;

      const mistakes = stderr.split('ConfigError: ')[1];
      if (mistakes === undefined) throw new serverless.classes.Error(stderr);
      const stage = serverless.getProvider('aws').getStage();
      throw new serverless.classes.Error(
        [
          `The settings of stage ${stage} won't do:`,
          ...mistakes.trim().split('; ').map((mistake) => `  - ${mistake}`),
          `Write them into .env.${stage} (.env if there is none), or into the environment. See .env.sample.`,
        ].join('\n'),
      );
    };
    this.hooks = { 'before:package:initialize': check, 'before:deploy:function:initialize': check };
  }
};
