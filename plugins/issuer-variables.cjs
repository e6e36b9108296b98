// This file is a Serverless plugin: it completes the variables of the authorizer's issuers. Those that serverless.yml
// does not name, such as TOKEN_ISSUER__PARTNER, are passed on, and a JWKS_URI that is not set is found by discovery.
'use strict';

const { spawnSync } = require('child_process');
const { existsSync } = require('fs');
const { AUTHORIZER } = require('./endpoints.cjs');
const { PYTHON, ROOT } = require('./project.cjs');

const COMMANDS = ['package', 'deploy', 'deploy function', 'invoke local', 'offline', 'offline start', 'print'];

module.exports = class IssuerVariables {
  // Why a JWKS_URI was not found, by the name of the variable. settings.cjs reports it with what else is wrong.
  static reasons = {};

  constructor(serverless, cliOptions, { log }) {
    const complete = () => {
      const { commands, options } = serverless.processedInput;
      const command = commands.join(' ');
      const isMade = command === 'deploy' && options.package; // the variables are in the package
      const isOther = command === 'invoke local' && options.function !== AUTHORIZER;
      if (!COMMANDS.includes(command) || isMade || isOther) return;

      if (!existsSync(PYTHON)) return; // venv.cjs reports it, if it is needed
      const { environment } = serverless.service.getFunction(AUTHORIZER);
      // -E: not with the PYTHONPATH of this shell
      const { status, stdout, stderr } = spawnSync(PYTHON, ['-E', '-m', 'tools.issuer_variables'], {
        cwd: ROOT,
        input: JSON.stringify(environment),
        encoding: 'utf8',
      });
      if (status !== 0) throw new serverless.classes.Error(stderr, 'ISSUER_VARIABLES_NOT_COMPLETED');
      const { variables, found, reasons } = JSON.parse(stdout);
      Object.assign(environment, variables);
      Object.assign(IssuerVariables.reasons, reasons);
      found.forEach((line) => log.notice(line));
    };

    // Early enough for all of these commands.
    this.hooks = { initialize: complete };
  }
};
