// This file is a Serverless plugin: `sls offline` calls the authorizer by way of local/gateway.py.
'use strict';

module.exports = class Gateway {
  constructor(serverless) {
    const wrap = () => {
      serverless.service.getFunction('authorizer').handler = 'local/gateway.authorize';
    };
    // The first is for `sls offline`, the second for `sls offline start`.
    this.hooks = { 'before:offline:start': wrap, 'before:offline:start:init': wrap };
  }
};
