// This file is a Serverless plugin: it makes the page of local/page/ for the routes of this service. `npm start` serves
// it, and so does a deployed API whose stage has `playground: enabled`.
'use strict';

const makeDocument = require('../local/page/document.cjs');
const { AUTHORIZER, endpoints, routeTable, scopesByHand } = require('./endpoints.cjs');

// Returns a value that a JSON Schema admits.
function example({ type, enum: values, properties = {}, items = {} }) {
  if (values) return values[0];
  if (type === 'object') return Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, example(of)]));
  if (type === 'array') return [example(items)];
  return { number: 1, integer: 1, boolean: true, null: null }[type] ?? 'text';
}

function exampleBody(method, request, service) {
  if (!['POST', 'PUT', 'PATCH'].includes(method)) return undefined;
  const given = request?.schemas?.['application/json'];
  const schema = typeof given === 'string' ? service.provider.apiGateway?.request?.schemas?.[given] : given;
  return example({ type: 'object', ...(schema?.schema ?? schema) });
}

// What the page has to know of the REST API.
function pageConfig(service) {
  const { environment = {} } = service.getFunction(AUTHORIZER);
  const byHand = environment.ROUTE_SCOPES && environment.ROUTE_SCOPES !== routeTable(service);
  const tableScopes = byHand && scopesByHand(environment.ROUTE_SCOPES);
  const routes = [...endpoints(service)].filter(({ api }) => api === 'rest').map((endpoint) => {
    const { key, given, guard, scopes } = endpoint;
    const [method, path] = key.split(' ');
    return {
      method,
      path,
      isPublic: !guard,
      scopes: guard?.isOurs ? (tableScopes ? tableScopes(endpoint) : scopes) : undefined,
      query: Object.keys(given.request?.parameters?.querystrings ?? {}),
      body: exampleBody(method, given.request, service),
    };
  });
  const scopeClaims = String(environment.SCOPE_CLAIMS).split(',').map((name) => name.trim());
  return { service: service.service, stage: service.provider.stage, scopeClaims, routes };
}

module.exports = class Playground {
  constructor(serverless) {
    const { service } = serverless;
    // To local/start.mjs, if that has started this process.
    const send = () => process.send?.(pageConfig(service));
    const fill = () => {
      const method = service.resources?.Resources?.PlaygroundMethod;
      if (!method) return;
      const [response] = method.Properties.Integration.IntegrationResponses;
      response.ResponseTemplates['text/html'] = makeDocument(pageConfig(service));
    };
    this.hooks = {
      'before:offline:start': send,
      'before:offline:start:init': send,
      'before:package:initialize': fill, // later the framework changes what endpoints say of requests,
    };
  }
};
