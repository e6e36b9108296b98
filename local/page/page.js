// This file is what the page does: it gets a token, and sends a request to each route. Its configuration is in the
// document: see plugins/playground.cjs.
'use strict';

const config = JSON.parse(document.querySelector('[type="application/json"]').textContent);
const api = config.api ?? parentOf(location);
const find = (selector) => document.querySelector(selector);

let token; // { text, decoded, isTampered }, or undefined: none is sent
let pasted; // the last token that was pasted in, if it is a JWT

const rows = config.routes.map(makeRow);

// The URL of the stage, if this page is one of its paths.
function parentOf({ origin, pathname }) {
  const segments = pathname.split('/').filter(Boolean);
  return [origin, ...segments.slice(0, -1)].join('/');
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function hidden(text) {
  return element('span', { className: 'visually-hidden' }, text);
}

// Returns a field of a form and the label that contains it.
function field(name, value) {
  const input = element('input', { name, value, size: 8, autocomplete: 'off', spellcheck: false, required: value !== '' });
  return { input, label: element('label', {}, name, ' ', input) };
}

function json(value) {
  return JSON.stringify(value, null, 2);
}

// --- the token

const BREAKS = [
  { name: 'Expired', isForIssuer: true, apply: () => issue({ iat: now() - 7200, exp: now() - 3600 }) },
  { name: 'Tampered', apply: tamper },
  { name: 'Another audience', isForIssuer: true, apply: () => issue({ aud: 'https://another-api.example' }) },
  { name: 'No token', apply: () => use(undefined) },
];

function now() {
  return Math.floor(Date.now() / 1000); // seconds
}

function use(text, isTampered = false) {
  token = text && { text, decoded: decode(text), isTampered };
  for (const button of document.querySelectorAll('[aria-pressed]')) button.ariaPressed = 'false';
  showToken();
  for (const row of rows) row.reset();
  find('.summary').textContent = '';
}

function showToken() {
  const problem = rejection(token, config.audience);
  const { header, payload } = token?.decoded ?? {};
  const scopes = payload ? [...scopesOf(payload, config.scopeClaims)].join(', ') : '';
  const until = payload && !problem ? new Date(payload.exp * 1000).toLocaleTimeString() : '';
  say(problem ? 'Will be rejected: ' + problem + '.' : 'Valid until ' + until + '. Scopes: ' + (scopes || 'none') + '.');
  find('.token-status').classList.toggle('rejected', Boolean(problem));
  find('.decoded').hidden = !token;
  for (const part of document.querySelectorAll('.json')) part.hidden = !payload;
  find('.token-header').textContent = json(header);
  find('.token-payload').textContent = json(payload);
  find('.token-text').textContent = token?.text;
}

function say(text) {
  find('.token-status').textContent = text;
}

// Requests a token with the chosen scopes and claims from the local issuer, and uses it.
async function issue(changes = {}) {
  const scopes = [...document.querySelectorAll('[name="scope"]:checked')].map(({ value }) => value);
  const claims = JSON.stringify({ ...moreClaims(), ...changes });
  const form = { grant_type: 'client_credentials', client_id: 'local-client', scope: scopes.join(' '), claims };
  const response = await fetch('oauth/token', { method: 'POST', body: new URLSearchParams(form) });
  if (!response.ok) throw new Error('The issuer answered ' + response.status + '.');
  const { access_token: text } = await response.json();
  use(text);
  return text;
}

function moreClaims() {
  const field = find('.claims');
  field.removeAttribute('aria-invalid');
  try {
    const claims = JSON.parse(field.value.trim() || '{}');
    if (Object.prototype.toString.call(claims) === '[object Object]') return claims;
  } catch {
    // not JSON
  }
  field.setAttribute('aria-invalid', 'true');
  field.closest('details').open = true;
  field.focus();
  throw new Error('More claims must be a JSON object, such as {"org_id": "acme"}.');
}

// Changes the payload, and keeps the signature of the original one.
async function tamper() {
  const original = config.hasIssuer ? await issue() : pasted;
  if (!original) throw new Error('Paste a token first.');
  const [header, , signature] = original.split('.');
  const payload = { ...decode(original).payload, sub: 'somebody-else' };
  use([header, encode(payload), signature].join('.'), true);
}

function usePasted() {
  const text = find('.pasted').value.trim().split(' ').pop(); // without `Bearer`
  if (!text) throw new Error('Paste a token first.');
  pasted = decode(text) && text;
  use(text);
}

async function copyToken() {
  await navigator.clipboard.writeText(token.text);
  say('The token was copied.');
}

// Returns a listener that does something, and reports what goes wrong.
function listener(act) {
  return async (event) => {
    event.preventDefault();
    try {
      await act();
    } catch (error) {
      say(error.message);
    }
  };
}

// --- the requests

function makeRow(route) {
  const method = route.method === 'ANY' ? 'GET' : route.method;
  const name = route.method + ' ' + route.path;
  const parameters = route.path.split('{').slice(1).map((part) => field(part.split('}')[0], '1'));
  const query = (route.query ?? []).map((parameter) => field(parameter, ''));
  const body = route.body && element('textarea', { rows: 4, spellcheck: false, value: json(route.body), ariaLabel: 'Body of ' + name });

  const expected = element('p', { className: 'expected' });
  const result = element('div', { className: 'result' });
  const required = route.isPublic
    ? ['public']
    : route.scopes?.length > 0
      ? ['requires', ...route.scopes.map((scope) => element('code', {}, scope))]
      : [route.scopes ? 'requires any valid token' : 'its scopes are not known here'];

  const form = element(
    'form',
    { className: 'route' },
    element(
      'div',
      { className: 'request' },
      element('h3', {}, element('span', { className: 'method' }, route.method), ' ', element('span', { className: 'path' }, route.path)),
      element('p', { className: 'required' }, ...required),
      element('p', { className: 'fields' }, ...[...parameters, ...query].map(({ label }) => label)),
      ...(body ? [element('details', {}, element('summary', {}, 'Body'), body)] : []),
    ),
    expected,
    element('button', {}, 'Send', hidden(' ' + name)),
    result,
  );

  function url() {
    const values = parameters.map(({ input }) => encodeURIComponent(input.value));
    const [start, ...parts] = route.path.split('{');
    const path = start + parts.map((part, index) => values[index] + part.split('}')[1]).join('');
    const given = query.map(({ input }) => [input.name, input.value]).filter(([, value]) => value);
    const search = new URLSearchParams(given).toString();
    return api + path + (search && '?' + search);
  }

  // Returns the verdict, and shows it with the answer. `isOpen`: the answer is shown in full.
  async function send(isOpen) {
    const { status: wanted } = showExpectation();
    result.replaceChildren(element('p', { className: 'came' }, 'Sending ...'));
    const started = performance.now();
    try {
      const headers = {
        ...(token && !route.isPublic && { Authorization: 'Bearer ' + token.text }),
        ...(body && { 'Content-Type': 'application/json' }),
      };
      const request = { method, headers, body: body?.value, credentials: 'omit', cache: 'no-store' };
      const response = await fetch(url(), request);
      const text = await response.text();
      const duration = Math.round(performance.now() - started);
      const judged = verdict(wanted, response.status);
      show(judged, response, text, duration, isOpen);
      return judged;
    } catch (error) {
      const judged = { kind: 'wrong', text: 'No response: ' + error.message };
      result.replaceChildren(element('p', { className: 'came wrong' }, judged.text));
      return judged;
    }
  }

  function show(judged, response, text, duration, isOpen) {
    const headers = [...response.headers].map((header) => header.join(': ')).join('\n');
    const details = element(
      'details',
      { open: isOpen },
      element('summary', {}, 'Headers and body', hidden(' of the answer to ' + name)),
      part('Headers that scripts can read', headers || 'none'),
      part('Body', pretty(text) || 'empty'),
    );
    result.replaceChildren(
      element(
        'p',
        { className: 'came ' + judged.kind },
        element('strong', { className: 'status' }, String(response.status)),
        ' ' + judged.text,
        element('span', { className: 'duration' }, ' ' + duration + ' ms'),
      ),
      details,
    );
  }

  function part(title, text) {
    const shown = element('pre', { tabIndex: 0, role: 'group', ariaLabel: title + ', ' + name }, text);
    return element('div', {}, element('h4', {}, title), shown);
  }

  function showExpectation() {
    const { status, reason } = expectation(route, token, config);
    expected.replaceChildren(
      'Expected ',
      element('strong', { className: 'status' }, String(status ?? '?')),
      element('span', { className: 'reason' }, ' ' + reason),
    );
    return { status };
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { text } = await send(true);
    find('.summary').textContent = name + ': ' + text + '.';
  });
  find('.routes').append(element('li', {}, form));

  return {
    send,
    reset() {
      showExpectation();
      result.replaceChildren();
    },
  };
}

function verdict(wanted, status) {
  if (status === wanted) return { kind: 'right', text: 'as expected' };
  const isFromBackend = wanted === 200 && status < 500 && ![401, 403].includes(status);
  if (isFromBackend) return { kind: 'right', text: 'allowed; the backend answered' };
  return wanted ? { kind: 'wrong', text: 'not as expected' } : { kind: 'open', text: 'no expectation' };
}

function pretty(text) {
  try {
    return json(JSON.parse(text));
  } catch {
    return text.trim();
  }
}

async function sendAll() {
  const verdicts = [];
  for (const row of rows) verdicts.push(await row.send(false)); // one by one, so that the log is in this order
  const wrong = verdicts.filter(({ kind }) => kind === 'wrong').length;
  const outcome = wrong === 0 ? 'all as expected' : wrong + ' not as expected';
  find('.summary').textContent = verdicts.length + ' requests: ' + outcome + '.';
}

// --- the document

function showScopes() {
  const scopes = new Set(config.routes.flatMap((route) => route.scopes ?? []));
  const boxes = [...scopes].map((value, index) => {
    const box = element('input', { type: 'checkbox', name: 'scope', value, checked: index === 0 });
    return element('label', {}, box, ' ', element('code', {}, value));
  });
  find('.scopes').append(...boxes);
}

function showBreaks() {
  for (const { name, apply } of BREAKS.filter(({ isForIssuer }) => config.hasIssuer || !isForIssuer)) {
    const button = element('button', { type: 'button' }, name);
    button.ariaPressed = 'false';
    const press = async () => {
      await apply();
      button.ariaPressed = 'true';
    };
    button.addEventListener('click', listener(press));
    find('.breaks .buttons').append(button);
  }
}

find('.service').textContent = config.service;
find('.stage').textContent = config.stage;
find('.api').textContent = api;
showScopes();
showBreaks();
find('.copy').addEventListener('click', listener(copyToken));
find('.send-all').addEventListener('click', sendAll);
const start = find(config.hasIssuer ? '.issue' : '.paste');
start.hidden = false;
find('.log-hint').hidden = !config.hasIssuer;
start.addEventListener('submit', listener(config.hasIssuer ? () => issue() : usePasted));
use(undefined);
if (config.hasIssuer) start.requestSubmit();
