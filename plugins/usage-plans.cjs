// This file is usage plans, of which serverless.yml and rules.py have a part each: docs/rules.md shows all parts.
'use strict';

const { endpoints } = require('./endpoints.cjs');

// Returns the keys of provider.apiGateway.apiKeys that are enabled. They may be grouped by the plans that they belong to.
function enabledKeys(apiKeys = []) {
  const keys = apiKeys.flatMap((key) => {
    const [first] = Object.values(key);
    return Array.isArray(first) ? first : [key];
  });
  return keys.filter(({ enabled }) => enabled !== false);
}

// Returns a sentence for each missing part of usage plans whose keys the authorizer names, if there is any part of them.
// With apiKeySourceType: HEADER, callers send the keys, and all parts but the rule are for them.
function missingParts(service, hasRule) {
  const { apiKeySourceType, usagePlan } = service.provider.apiGateway ?? {};
  const resources = Object.values(service.resources?.Resources ?? {});
  const hasPlan = usagePlan || resources.some(({ Type }) => Type === 'AWS::ApiGateway::UsagePlan');
  const all = [...endpoints(service)];
  const guarded = all.filter(({ api, guard }) => api === 'rest' && guard?.isOurs);
  const isPrivate = guarded.some(({ given }) => given.private);
  const source = apiKeySourceType?.toUpperCase();
  // The rule may also be for a WebSocket API, or for an API of another service.
  const others = all.some(({ api }) => api === 'websocket') || Object.keys(service.custom?.otherRoutes ?? {}).length > 0;
  const ruleIsForRestApi = hasRule && guarded.length > 0 && !others;
  const isTheirs = source === 'HEADER' || guarded.length === 0;
  if (!(ruleIsForRestApi || source === 'AUTHORIZER' || (!isTheirs && (isPrivate || hasPlan)))) return [];

  const missing = [];
  if (source !== 'AUTHORIZER') {
    missing.push(
      'API Gateway does not read the keys that the authorizer names. Add to provider.apiGateway: apiKeySourceType:' +
        ' AUTHORIZER. If callers send an API key themselves, write HEADER, and remove usage_plan_key from rules.py',
    );
  }
  if (!hasRule) missing.push('The authorizer names no keys. Add the function usage_plan_key to rules.py');
  if (!hasPlan) missing.push('There are no usage plans. Add usagePlan, and apiKeys, to provider.apiGateway');
  if (!isPrivate) missing.push('No endpoint counts requests. Add to each that does: private: true');
  return missing;
}

module.exports = { enabledKeys, missingParts };
