// This file is a Serverless plugin: settings that the authorizer would reject are reported before it is packaged,
// deployed or run. It is the authorizer's own code that checks them.
'use strict';

const { spawnSync } = require('child_process');
const { hooksBeforeUse } = require('./commands.cjs');
const { settingsFile } = require('./dotenv.cjs');
const { AUTHORIZER, routeTable } = require('./endpoints.cjs');
const { reasons } = require('./issuer-variables.cjs');
const { PYTHON, ROOT } = require('./project.cjs');

const READ_SETTINGS =
  'import os, sys; from auth import Settings; Settings.from_environment(os.environ, sys.stdin.read())';

// Says why a JWKS_URI is not set, if discovery looked for it.
function explanation(problem) {
  const [name] = problem.split(' ');
  return reasons[name] ? `. ${reasons[name]}` : '';
}

module.exports = class Settings {
  constructor(serverless) {
    const check = () => {
      const variables = Object.entries(serverless.service.getFunction(AUTHORIZER).environment);
      // CloudFormation fills in the others (!ImportValue, !Ref) when it deploys. An issuer has a stand-in, so that the
      // rest of its settings is checked.
      const unknown = variables.filter(([, value]) => typeof value !== 'string').map(([name]) => name);
      const known = variables
        .filter(([name]) => !unknown.includes(name) || name.startsWith('TOKEN_ISSUER'))
        .map(([name, value]) => [name, unknown.includes(name) ? `the value of ${name}` : value]);
      const { status, stderr } = spawnSync(PYTHON, ['-c', READ_SETTINGS], {
        cwd: ROOT,
        env: Object.fromEntries(known),
        input: routeTable(serverless.service),
        encoding: 'utf8',
      });
      if (status === 0) return;

      const message = stderr.split('ConfigError: ')[1];
      if (message === undefined) throw new serverless.classes.Error(stderr, 'SETTINGS_NOT_CHECKED');
      const problems = message.trim().split('; ');
      const ours = problems.filter((problem) => !unknown.some((name) => problem.startsWith(`${name} `)));
      if (ours.length === 0) return;

      const stage = serverless.getProvider('aws').getStage();
      const file = settingsFile(stage);
      const lines = [
        `The settings of stage ${stage} are incomplete or invalid:`,
        ...ours.map((problem) => `  - ${problem}${explanation(problem)}`),
        `Write them to ${file}, or set them in the environment. See .env.sample.`,
      ];
      if (file !== '.env') lines.push(`Stage ${stage} does not read .env.`);
      throw new serverless.classes.Error(lines.join('\n'), 'INVALID_SETTINGS');
    };

    this.hooks = hooksBeforeUse(serverless, check);
  }
};
