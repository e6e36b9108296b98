// This file is a Serverless plugin: `sls offline` calls the authorizer by way of local/gateway.py.
//
// serverless-offline knows functions by their names. So each authorizer of an API becomes a function of its own here,
// which calls local/gateway.py and knows what the authorizer has in serverless.yml.
'use strict';

const { AUTHORIZER, endpoints } = require('./endpoints.cjs');
const { ROOT } = require('./project.cjs');
const { enabledKeys } = require('./usage-plans.cjs');

// Answers are cached for 300 seconds by default, for WebSocket APIs never.
function properties(api, { type, identitySource, resultTtlInSeconds }, routes) {
  const ttl = api === 'rest' ? Number(resultTtlInSeconds ?? 300) : Number((api === 'http' && resultTtlInSeconds) || 0);
  const byDefault = api === 'rest' && ttl > 0 ? 'method.request.header.Authorization' : [];
  const sources = [identitySource ?? byDefault].flat().flatMap((text) => text.split(/[\s,]+/));
  return { api, type, identitySource: sources, resultTtlInSeconds: ttl, routes };
}

module.exports = class Gateway {
  constructor(serverless) {
    const { service } = serverless;
    const wrap = () => {
      const original = service.getFunction(AUTHORIZER);
      const ours = [...endpoints(service)].filter(({ guard }) => guard?.isOurs);
      const { apiGateway } = service.provider;
      // serverless-offline overlooks keys that are grouped by plans.
      if (apiGateway) apiGateway.apiKeys = enabledKeys(apiGateway.apiKeys);
      const httpAuthorizers = service.provider.httpApi?.authorizers;
      for (const { api, guard, given } of ours) {
        const name = `${api}_${guard.name}`;
        const routes = ours.filter((other) => other.api === api && other.guard.name === guard.name);
        const made = properties(api, guard, routes.map(({ key }) => key));
        // Where the code is, if the service is in another folder
        const variables = { ...original.environment, PYTHONPATH: ROOT, LOCAL_AUTHORIZER: JSON.stringify(made) };
        service.functions[name] = { ...original, handler: 'local/gateway.authorize', events: [], environment: variables };
        if (api === 'http') httpAuthorizers[name] = { ...httpAuthorizers[guard.name], functionName: name };
        const { arn, ...others } = typeof given.authorizer === 'string' ? {} : given.authorizer;
        given.authorizer = { ...others, name };
      }
    };
    // The first is for `sls offline`, the second for `sls offline start`.
    this.hooks = { 'before:offline:start': wrap, 'before:offline:start:init': wrap };
  }
};
