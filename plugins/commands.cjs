// This file says which commands of the framework use the authorizer: they package, deploy or run it.
'use strict';

const { AUTHORIZER } = require('./endpoints.cjs');

const LOCAL_COMMANDS = ['print', 'invoke local', 'offline', 'offline start'];

// Tells whether the command runs here, with nothing of what CloudFormation creates.
function isLocal(serverless) {
  return LOCAL_COMMANDS.includes(serverless.processedInput.commands.join(' '));
}

// Returns the hooks with which `check` runs before the authorizer is packaged, deployed or run.
function hooksBeforeUse(serverless, check) {
  const checkIfInvoked = () => {
    if (serverless.processedInput.options.function === AUTHORIZER) check();
  };
  return {
    'before:package:initialize': check,
    'before:deploy:function:initialize': check,
    'before:invoke:local:loadEnvVars': checkIfInvoked,
    'before:offline:start': check,
    'before:offline:start:init': check,
  };
}

module.exports = { hooksBeforeUse, isLocal };
