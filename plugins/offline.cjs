// This file is a Serverless plugin: for `sls offline` alone, the authorizer is called through gateway.py.
'use strict';

module.exports = class Gateway {
  constructor(serverless) {
    const wrap = () => {
      serverless.service.getFunction('authorizer').handler = 'local/gateway.authorize';
    };
    // `sls offline` and `sls offline start`
    this.hooks = { 'before:offline:start': wrap, 'before:offline:start:init': wrap };
  }
};
