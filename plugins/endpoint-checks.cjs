// This file is a Serverless plugin: it stops packaging where an endpoint would be public by accident, and where API
// Gateway would reuse a decision of the authorizer for requests that it is not about.
'use strict';

const { spawnSync } = require('child_process');
const { AUTHORIZER, endpoints, routeLines, routeTable, scopesByHand } = require('./endpoints.cjs');
const { PYTHON, ROOT } = require('./project.cjs');

const LARGE_POLICY = 8192; // bytes. AWS documents no limit but for WebSocket APIs, which have this one.

// What a cached decision depends on: the token, the method and the path of the route.
const CACHE_KEYS = {
  rest: ['method.request.header.Authorization', 'context.httpMethod', 'context.resourcePath'],
  http: ['$request.header.Authorization', '$context.routeKey'],
};

function isPublic({ api, key, guard }) {
  return !guard && (api !== 'websocket' || key === '$connect'); // whoever is connected has been let in
}

// Yields a sentence for each endpoint that is neither protected nor meant to be public, and for whatever else does not
// fit together: the authorizer, the scopes and custom.publicEndpoints.
function* unprotected(service) {
  const all = [...endpoints(service)];
  const apis = new Set(all.map(({ api }) => api));
  const entry = ({ api, key }) => (apis.size > 1 ? `${api} ${key}` : key);
  const listed = new Set(service.custom?.publicEndpoints ?? []);
  const open = all.filter(isPublic);
  if (apis.has('websocket') && !all.some(({ key }) => key === '$connect')) {
    open.push({ api: 'websocket', key: '$connect', name: 'The WebSocket API has no $connect route, and so it' });
  }

  for (const one of open.filter((each) => !listed.has(entry(each)))) {
    yield `${one.name} has no authorizer, so anybody could call it. Add \`authorizer\` and \`scopes\` to it. If it is` +
      ` meant to be public, add to custom.publicEndpoints: - ${entry(one)}`;
  }
  const entries = new Set(open.map(entry));
  for (const name of [...listed].filter((each) => !entries.has(each))) {
    yield `custom.publicEndpoints lists ${name}, but no endpoint without an authorizer has this name. Remove it, or` +
      ` correct it: it must be one of ${[...entries].join(', ') || 'none'}.`;
  }
  for (const { api, key, name, scopes, guard } of all) {
    if (api === 'websocket' && key !== '$connect' && (guard || scopes)) {
      yield `${name} can't have an authorizer: API Gateway runs it on $connect only. Move \`authorizer\` and` +
        ' `scopes` there.';
    } else if (guard?.isOurs && !scopes) {
      yield `${name} has the authorizer, but no scopes. Add those that a token needs, such as scopes: [read:pets].` +
        ' If any valid token will do, write scopes: []';
    } else if (scopes && !guard?.isOurs) {
      yield `${name} has scopes, but not the authorizer of this service, which alone checks them. Add it as` +
        ' `authorizer`, or remove `scopes`.';
    }
  }
}

// Yields a sentence for each authorizer whose answers API Gateway would not understand, or cache for too much.
function* misused(service) {
  const { apiGateway } = service.provider;
  const extension = service.resources?.extensions?.ApiGatewayRestApi?.Properties?.Policy;
  const hasResourcePolicy = (apiGateway?.resourcePolicy ?? []).length > 0 || extension;
  const byName = {};
  for (const { api, name, guard } of endpoints(service)) {
    if (!guard?.isOurs) continue;
    const first = (byName[`${api} ${guard.name}`] ??= guard);
    if (JSON.stringify(guard) !== JSON.stringify(first)) {
      yield `Two different authorizers are called ${guard.name}, and the API would get only the last one. Give one of` +
        ' them a name of its own, as custom.jwtRequest has, and arn: !GetAtt AuthorizerLambdaFunction.Arn';
    }
    if (guard.enableSimpleResponses) {
      yield `The authorizer ${guard.name} has enableSimpleResponses, but it answers with a policy. Remove` +
        ' enableSimpleResponses.';
    }
    if (api === 'websocket' && !guard.identitySource) {
      yield `The authorizer of ${name} has no identitySource: API Gateway would reject requests without a header` +
        ' called Auth. Write it as authorizer: { name: authorizer, identitySource: [] }';
    }
    if (guard.type === 'token' && hasResourcePolicy) {
      yield 'The REST API has a resource policy, with which API Gateway allows a request that the policy of a TOKEN' +
        ' authorizer neither allows nor denies. Use the REQUEST authorizer for all endpoints (authorizer:' +
        ' ${self:custom.jwtRequest}), or remove the resource policy.';
    }
    const isCached = api in CACHE_KEYS && guard.type === 'request' && Number.parseInt(guard.resultTtlInSeconds, 10) !== 0;
    const sources = [guard.identitySource ?? []].flat().join(',').toLowerCase().split(/[\s,]+/);
    const missing = isCached ? CACHE_KEYS[api].filter((source) => !sources.includes(source.toLowerCase())) : [];
    if (missing.length > 0) {
      yield `API Gateway would reuse an answer of the authorizer ${guard.name} for requests to other routes: its` +
        ` identitySource lacks ${missing.join(' and ')}. Write identitySource:` +
        ` ${CACHE_KEYS[api].join(', ')}. Or turn the cache off: resultTtlInSeconds: 0`;
    }
  }
}

// Returns the endpoints whose scopes don't count, because a table by hand has others for them, or none.
function overruled(service) {
  const given = service.getFunction(AUTHORIZER).environment?.ROUTE_SCOPES;
  if (typeof given !== 'string' || !given.trim()) return [];
  const scopesOf = scopesByHand(given);
  const text = (scopes) => scopes && [...new Set(scopes)].sort().join(' ');
  return [...endpoints(service)].filter(
    (endpoint) => endpoint.guard?.isOurs && endpoint.scopes && text(scopesOf(endpoint)) !== text(endpoint.scopes),
  );
}

// Lets the authorizer's own code judge the route table.
function judge(serverless) {
  const { service } = serverless;
  const lines = routeLines(service);
  const given = service.getFunction(AUTHORIZER).environment?.ROUTE_SCOPES;
  const isByHand = given && given !== routeTable(service);
  const hasToken = [...endpoints(service)].some(({ guard }) => guard?.isOurs && guard.type === 'token');
  const { stage, region } = service.provider;
  const stageArn = `arn:aws:execute-api:${region}:123456789012:a1b2c3d4e5/${stage}/`;
  const { status, stdout, stderr } = spawnSync(
    PYTHON,
    ['-E', '-m', 'tools.policy_check', ...(hasToken ? [stageArn] : [])],
    { cwd: ROOT, input: isByHand ? String(given) : routeTable(service), encoding: 'utf8' },
  );
  if (status !== 0) throw new serverless.classes.Error(stderr, 'ROUTES_NOT_CHECKED');
  const { invalid, not_one_policy: reason, largest } = JSON.parse(stdout);
  const named = (text) => text.replace(/line (\d+)/, (_, number) => lines[number - 1].name);
  // What is wrong with a table by hand is reported with the other settings.
  const problems = isByHand ? [] : invalid.map(([number, text]) => `${lines[number - 1].name}: ${named(text)}.`);
  if (reason) {
    problems.push(
      `A TOKEN authorizer answers with one policy for the whole REST API, but ${reason}. Or use the REQUEST authorizer, which` +
        ' can have any routes, for all endpoints: authorizer: ${self:custom.jwtRequest}',
    );
  }
  return { problems, largest };
}

module.exports = class EndpointChecks {
  constructor(serverless, options, { log }) {
    const check = () => {
      const { service } = serverless;
      const { problems, largest } = judge(serverless);
      const all = new Set([...unprotected(service), ...misused(service), ...problems]);
      if (all.size > 0) {
        const lines = ['The endpoints of serverless.yml are incomplete or invalid:'];
        for (const problem of all) lines.push(`  - ${problem}`);
        throw new serverless.classes.Error(lines.join('\n'), 'INVALID_ENDPOINTS');
      }
      const [first, ...others] = overruled(service);
      if (first) {
        log.warning(
          `ROUTE_SCOPES is set, so the \`scopes\` of the endpoints don't count. They differ for ${first.name}` +
            `${others.length > 0 ? ` and ${others.length} more` : ''}. If you have moved the table to the endpoints, remove` +
            ' ROUTE_SCOPES from serverless.yml, the .env files and the environment. If not, write the same `scopes` on' +
            ' the endpoints.',
        );
      }
      if (largest > LARGE_POLICY) {
        log.warning(
          `The policy of a token can have ${largest} bytes. API Gateway may reject policies of more than ${LARGE_POLICY}. Use` +
            ' the REQUEST authorizer, whose policies are small: authorizer: ${self:custom.jwtRequest}',
        );
      }
    };
    this.hooks = {
      'before:package:initialize': check,
      'before:deploy:function:initialize': check,
      'before:offline:start': check,
      'before:offline:start:init': check,
    };
  }
};
