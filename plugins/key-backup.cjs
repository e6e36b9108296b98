// This file is a Serverless plugin: the authorizer and the function that makes the backup of its keys have the same
// variables, those of the issuers and those of the bucket. A stage that has the backup disabled does not get that
// function, and neither do local commands, which know of no bucket.
'use strict';

const { isLocal } = require('./commands.cjs');
const { AUTHORIZER, KEY_BACKUP } = require('./endpoints.cjs');

module.exports = class KeyBackup {
  constructor(serverless) {
    const connect = () => {
      const { [AUTHORIZER]: authorizer, [KEY_BACKUP]: backup } = serverless.service.functions;
      if (!backup?.handler || isLocal(serverless)) {
        delete serverless.service.functions[KEY_BACKUP];
        return;
      }
      const environment = { ...authorizer.environment, ...backup.environment };
      authorizer.environment = backup.environment = environment;
    };
    this.hooks = { initialize: connect };
  }
};
