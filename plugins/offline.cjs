// This file is a Serverless plugin: `sls offline` calls the authorizer by way of local/gateway.py.
'use strict';

const { AUTHORIZER, isArnOfAuthorizer } = require('./endpoints.cjs');

module.exports = class Gateway {
  constructor(serverless) {
    const { service } = serverless;
    const wrap = () => {
      service.getFunction(AUTHORIZER).handler = 'local/gateway.authorize';
      // serverless-offline knows functions by their names, not by their ARNs.
      for (const { events } of Object.values(service.functions)) {
        for (const endpoint of events.flatMap(({ http, websocket }) => [http, websocket])) {
          if (!isArnOfAuthorizer(endpoint?.authorizer?.arn)) continue;
          const { arn, ...others } = endpoint.authorizer;
          endpoint.authorizer = { ...others, name: AUTHORIZER };
        }
      }
    };
    // The first is for `sls offline`, the second for `sls offline start`.
    this.hooks = { 'before:offline:start': wrap, 'before:offline:start:init': wrap };
  }
};
