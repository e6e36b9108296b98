// This file is a Serverless plugin: `sls invoke local` without --function invokes the authorizer.
'use strict';

const { AUTHORIZER } = require('./endpoints.cjs');

module.exports = class DefaultFunction {
  constructor(serverless) {
    const { commands, options } = serverless.processedInput;
    const isMissing = commands.join(' ') === 'invoke local' && options.function == null;
    // The framework requires the option, but reads the arguments once more after it has loaded the plugins.
    if (isMissing) process.argv.push('--function', AUTHORIZER);
  }
};
