// This file is a Serverless plugin: `sls invoke local` without --function invokes the authorizer.
'use strict';

module.exports = class DefaultFunction {
  constructor(serverless) {
    const { commands, options } = serverless.processedInput;
    const isMissing = commands.join(' ') === 'invoke local' && options.function == null;
    // The framework requires the option, but reads the arguments once more after it has loaded the plugins.
    if (isMissing) process.argv.push('--function', 'authorizer');
  }
};
