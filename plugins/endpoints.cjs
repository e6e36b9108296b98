// This file reads serverless.yml: its endpoints, which authorizer each of them has, and the route table that follows.
'use strict';

const AUTHORIZER = 'authorizer'; // the function
const KEY_BACKUP = 'keyBackup'; // the function of resources/key-backup.yml
const LOGICAL_ID = 'AuthorizerLambdaFunction'; // its name in CloudFormation

// The sections of the route table, by the names of the events.
const SECTIONS = { http: 'rest', httpApi: 'http', websocket: 'websocket' };

// Tells whether an ARN in serverless.yml is that of the authorizer's function.
function isArnOfAuthorizer(arn) {
  return [arn?.['Fn::GetAtt']].flat().join('.') === `${LOGICAL_ID}.Arn`;
}

// What API Gateway calls the route of an event, such as `GET /pets/{petId}`.
const routeKeys = {
  http({ method, path }) {
    return `${method.toUpperCase()} /${path.replace(/^\//, '').replace(/\/$/, '')}`;
  },
  httpApi({ method, path }) {
    return path === '*' ? '$default' : `${method === '*' ? 'ANY' : method.toUpperCase()} ${path}`;
  },
  websocket({ route }) {
    return route;
  },
};

// The short forms of events, such as `- http: GET /pets`.
const shortForms = {
  http(text) {
    const [method, path] = text.split(' ');
    return { method, path };
  },
  httpApi(text) {
    const [method, path] = text === '*' ? ['*', '*'] : text.split(' ');
    return { method, path };
  },
  websocket(text) {
    return { route: text };
  },
};

// The properties of an endpoint's authorizer. `isOurs`: it runs the function `authorizer` of this service.
function guard(authorizer, kind, service) {
  const given = typeof authorizer === 'string' ? { name: authorizer } : authorizer;
  if (kind === 'httpApi') {
    const made = service.provider.httpApi?.authorizers?.[given.name];
    const isOurs = made?.functionName === AUTHORIZER || isArnOfAuthorizer(made?.functionArn);
    return { ...made, isOurs, name: given.name };
  }
  const isOurs = given.arn ? isArnOfAuthorizer(given.arn) : given.name === AUTHORIZER && !given.authorizerId;
  return { ...given, isOurs, type: kind === 'http' ? (given.type ?? 'token').toLowerCase() : 'request' };
}

// Yields the endpoints of all functions: `given` is what serverless.yml says. One without an authorizer has no `guard`.
function* endpoints(service) {
  for (const [name, { events }] of Object.entries(service.functions)) {
    for (const event of events ?? []) {
      const kind = Object.keys(SECTIONS).find((one) => event[one]);
      if (!kind) continue;
      const given = typeof event[kind] === 'string' ? shortForms[kind](event[kind]) : event[kind];
      const key = routeKeys[kind](given);
      yield {
        api: SECTIONS[kind],
        key,
        given,
        name: `${key} of the function ${name}`,
        scopes: given.scopes,
        guard: given.authorizer && guard(given.authorizer, kind, service),
      };
    }
  }
}

// Returns the lines of the route table, each with the name of what it is for. An endpoint whose scopes are missing has
// no line, so that the authorizer denies it.
function routeLines(service) {
  const sections = Object.fromEntries(Object.values(SECTIONS).map((api) => [api, []]));
  for (const { api, key, name, scopes, guard: authorizer } of endpoints(service)) {
    if (authorizer?.isOurs && scopes) sections[api].push({ name, text: [key, ...scopes].join(' ') });
  }
  for (const [id, lines] of Object.entries(service.custom?.otherRoutes ?? {})) {
    sections[id] = lines.map((text) => ({ name: `${text} (custom.otherRoutes.${id})`, text }));
  }
  const used = Object.entries(sections).filter(([, lines]) => lines.length > 0);
  return used.flatMap(([id, lines]) => [{ name: id, text: `[${id}]` }, ...lines]);
}

function routeTable(service) {
  return routeLines(service).map(({ text }) => `${text}\n`).join('');
}

// Returns a function of an endpoint: the scopes that a table by hand has for it, or undefined if it has no such route.
function scopesByHand(table) {
  if (table.trim() === '*') return () => [];
  const routes = {};
  const name = (section, key) => `[${section}] ${key.replace(/{[^}+]+/g, '{')}`; // parameters may have other names
  let section = '';
  for (const line of table.split('\n').map((each) => each.trim())) {
    if (line.startsWith('[')) {
      section = line.slice(1, -1);
      continue;
    }
    const [first, ...rest] = line.split(/\s+/);
    const key = first.startsWith('$') ? first : `${first.toUpperCase()} ${rest.shift()}`;
    routes[name(section, key)] = rest;
  }
  return ({ api, key }) => {
    const keys = [key, key.replace(/^[A-Z]+ /, 'ANY ')];
    return keys.flatMap((each) => [name(api, each), name('', each)]).map((each) => routes[each]).find(Boolean);
  };
}

module.exports = {
  AUTHORIZER,
  KEY_BACKUP,
  LOGICAL_ID,
  SECTIONS,
  endpoints,
  isArnOfAuthorizer,
  routeLines,
  routeTable,
  scopesByHand,
};
