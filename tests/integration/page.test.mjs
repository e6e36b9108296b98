// This file tests the page to try the local API on, in a real browser. test_local_stack.py runs it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { chromium } from 'playwright-core';

const { BROWSER, PAGE, API, PROTECTED } = process.env; // PROTECTED: the number of routes that need a token
const ROUTES = ['GET /', 'GET /pets', 'POST /pets', 'GET /pets/{petId}']; // there may be others
const REFUSED = /^Failed to load resource: the server responded with a status of 4\d\d /; // by Chromium itself

let browser;
let page;
let complaints; // of the browser
let requested; // URLs

before(async () => {
  // Other names than that of the test resolve to nothing, so that the browser reaches nothing else.
  const names = '--host-resolver-rules=MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';
  browser = await chromium.launch({ executablePath: BROWSER, args: [names] });
});
after(() => browser?.close());

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const opened = await context.newPage();
  opened.setDefaultTimeout(10_000); // milliseconds
  complaints = [];
  requested = [];
  opened.on('console', (message) => complaints.push(message.text()));
  opened.on('pageerror', (error) => complaints.push(error.message));
  opened.on('request', (request) => requested.push(request.url()));
  await opened.goto(PAGE);
  await tokenStatus(opened, /^Valid until /);
  return opened;
}

async function tokenStatus(of, pattern) {
  await of.locator('.token-status').filter({ hasText: pattern }).waitFor();
}

function row(name) {
  return page.locator('form.route', { has: page.getByRole('button', { name: `Send ${name}`, exact: true }) });
}

function numberOfRoutes() {
  return page.locator('form.route').count();
}

// Returns the expected status and the one that came, for each route.
async function sendAll() {
  await page.locator('.summary').evaluate((summary) => summary.replaceChildren());
  await page.getByRole('button', { name: 'Send all requests' }).click();
  await page.locator('.summary').filter({ hasText: /requests:/ }).waitFor();
  const statuses = ROUTES.map(async (name) => {
    const [expected, came] = await row(name).locator('.status').allTextContents();
    return [name, [Number(expected), Number(came)]];
  });
  return Object.fromEntries(await Promise.all(statuses));
}

async function getToken(...scopes) {
  for (const box of await page.locator('[name="scope"]').all()) await box.setChecked(scopes.includes(await box.inputValue()));
  await page.locator('.token-status').evaluate((status) => status.replaceChildren());
  await page.getByRole('button', { name: 'Get a token' }).click();
  await tokenStatus(page, new RegExp(`Scopes: ${scopes.join(', ') || 'none'}[.]$`));
}

function payload() {
  return page.locator('.token-payload').textContent().then(JSON.parse);
}

function bothAre(...statuses) {
  return Object.fromEntries(ROUTES.map((name, index) => [name, [statuses[index], statuses[index]]]));
}

describe('the page', () => {
  beforeEach(async () => {
    page = await open();
  });
  afterEach(async () => {
    const others = complaints.filter((text) => !REFUSED.test(text));
    const elsewhere = requested.filter((url) => !url.startsWith(PAGE) && !url.startsWith(API) && !url.startsWith('data:'));
    await page.context().close();
    assert.deepEqual(others, [], 'the browser complained');
    assert.deepEqual(elsewhere, [], 'another host was asked');
  });

  test('a token has the chosen scopes, which open their routes and no others', async () => {
    await getToken('read:pets');
    assert.deepEqual(await sendAll(), bothAre(200, 200, 403, 200));
    await getToken('create:pets');
    assert.deepEqual(await sendAll(), bothAre(200, 403, 200, 403));
    await getToken('read:pets', 'create:pets');
    assert.deepEqual(await sendAll(), bothAre(200, 200, 200, 200));
    await getToken();
    assert.deepEqual(await sendAll(), bothAre(200, 403, 403, 403));
    assert.equal(await page.locator('.summary').textContent(), `${await numberOfRoutes()} requests: all as expected.`);
  });

  test('a broken token is a 401, which the page expects and explains', async () => {
    const breaks = {
      'Expired': 'the token has expired',
      'Tampered': 'the signature does not match',
      'Another audience': 'the token is for another audience',
      'No token': 'there is no token',
    };
    for (const [name, reason] of Object.entries(breaks)) {
      const button = page.getByRole('button', { name });
      await button.click();
      await tokenStatus(page, `Will be rejected: ${reason}.`);
      assert.equal(await button.getAttribute('aria-pressed'), 'true');
      assert.deepEqual(await sendAll(), bothAre(200, 401, 401, 401));
      assert.equal(await page.locator('.decoded').isVisible(), name !== 'No token');
    }
    await getToken('read:pets');
    assert.equal(await page.locator('[aria-pressed="true"]').count(), 0);
    assert.deepEqual(await sendAll(), bothAre(200, 200, 403, 200));
  });

  test('a status that nobody expected is reported as such', async () => {
    // The authorizer rejects an ID token, which the page does not know.
    await page.getByText('More claims').click();
    await page.locator('.claims').fill('{"token_use": "id"}');
    await getToken('read:pets');
    assert.deepEqual((await sendAll())['GET /pets'], [200, 401]);
    assert.equal(await page.locator('.summary').textContent(), `${await numberOfRoutes()} requests: ${PROTECTED} not as expected.`);
    assert.match(await row('GET /pets').locator('.came').textContent(), /^401 not as expected/);
  });

  test('claims are added to the token, and what is not a JSON object is reported', async () => {
    await page.getByText('More claims').click();
    const field = page.locator('.claims');
    await field.fill('{"org_id": "acme", "sub": "me"}');
    await getToken('read:pets');
    const { org_id: organization, sub } = await payload();
    assert.deepEqual([organization, sub], ['acme', 'me']);

    for (const invalid of ['{"org_id": acme}', '["acme"]', 'null']) {
      await field.fill(invalid);
      await page.getByRole('button', { name: 'Get a token' }).click();
      await tokenStatus(page, 'More claims must be a JSON object');
      assert.equal(await field.getAttribute('aria-invalid'), 'true');
      assert.equal((await payload()).org_id, 'acme');
    }
  });

  test('the parameters and the body of a request can be changed, and the answer is shown', async () => {
    await getToken('read:pets', 'create:pets');
    await row('GET /pets/{petId}').getByLabel('petId').fill('7');
    await row('GET /pets/{petId}').getByRole('button').click();
    await row('GET /pets/{petId}').getByText('there is no pet with this id').waitFor();
    assert.match(await row('GET /pets/{petId}').locator('.came').textContent(), /^404 allowed; the backend answered/);

    await row('GET /pets').getByLabel('type').fill('fish');
    await row('GET /pets').getByRole('button').click();
    await row('GET /pets').getByText('"price": 0.99').waitFor();

    await row('POST /pets').getByText('Body').first().click();
    await row('POST /pets').getByLabel('Body of POST /pets').fill('{"type": "gecko", "price": 3}');
    await row('POST /pets').getByRole('button').click();
    await row('POST /pets').getByText('"gecko"').waitFor();
    assert.match(await row('POST /pets').locator('.result').textContent(), /content-type: application[/]json/);
  });

  test('the keyboard is enough', async () => {
    const focus = () => page.evaluate(() => {
      const { activeElement: element } = document;
      const { outlineStyle } = getComputedStyle(element);
      const name = element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent;
      return { name: name.trim(), tag: element.tagName, isMarked: outlineStyle !== 'none' };
    });
    const tabTo = async (name) => {
      for (let steps = 0; steps < 60; steps += 1) {
        await page.keyboard.press('Tab');
        const focused = await focus();
        assert.ok(focused.isMarked && focused.name, `${JSON.stringify(focused)} has no outline or no name`);
        if (focused.name === name) return;
      }
      assert.fail(`no way to ${name} with the Tab key`);
    };

    await page.locator('body').press('Home');
    await tabTo('read:pets');
    await page.keyboard.press('Space');
    await tabTo('create:pets');
    await page.keyboard.press('Space');
    await tabTo('Get a token');
    await page.keyboard.press('Enter');
    await tokenStatus(page, /Scopes: create:pets[.]$/);
    for (const name of ['Expired', 'Tampered', 'Another audience', 'No token', 'Encoded', 'Send all requests']) await tabTo(name);
    for (const name of ROUTES.slice(0, 2)) await tabTo(`Send ${name}`);
    await tabTo('Body');
    await page.keyboard.press('Enter');
    await tabTo('Body of POST /pets');
    await tabTo('Send POST /pets');
    await page.keyboard.press('Enter');
    await page.locator('.summary').filter({ hasText: 'POST /pets: as expected.' }).waitFor();
    assert.equal((await focus()).name, 'Send POST /pets');
    await tabTo('Headers and body of the answer to POST /pets');
  });

  test('whoever listens is told what came', async () => {
    await row('GET /pets').getByRole('button').click();
    await page.getByRole('status').filter({ hasText: 'GET /pets: as expected.' }).waitFor();
    await page.getByRole('button', { name: 'No token' }).click();
    await page.getByRole('status').filter({ hasText: 'Will be rejected: there is no token.' }).waitFor();
  });
});

for (const colorScheme of ['light', 'dark']) {
  test(`the ${colorScheme} page fits a phone, and all of its text can be read`, async () => {
    page = await open({ colorScheme, viewport: { width: 360, height: 640 } });
    await sendAll();
    for (const summary of await page.locator('summary').all()) await summary.click();
    const { overflow, faint } = await page.evaluate(measure);
    await page.context().close();

    assert.equal(overflow, 0);
    assert.deepEqual(faint, []);
  });
}

// Returns the pixels by which the page is too wide, and the texts with a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3).
function measure() {
  const luminance = (color) => {
    const parts = color.match(/[\d.]+/g).slice(0, 3).map((value) => value / 255);
    const [red, green, blue] = parts.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const background = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return backgroundColor === 'rgba(0, 0, 0, 0)' ? background(element.parentElement) : backgroundColor;
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: element, textContent } = texts.currentNode;
    if (!textContent.trim() || !element.checkVisibility()) continue;
    const [dark, light] = [getComputedStyle(element).color, background(element)].map(luminance).sort((a, b) => a - b);
    if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push(textContent.trim());
  }
  return { overflow: document.documentElement.scrollWidth - innerWidth, faint };
}

describe('a website that is open in the same browser', () => {
  let website;
  before((_, done) => {
    website = createServer((request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>Another website</title><iframe></iframe>');
    }).listen(0, '127.0.0.1', done);
  });
  after(() => website.close());

  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
  });
  afterEach(() => page.context().close());

  // Sends a request to the issuer from the page that is open. Returns the status, which the page itself does not get.
  async function statusFor(mode) {
    const url = `${PAGE}oauth/token`;
    const arrived = page.waitForEvent('requestfinished', (request) => request.url() === url && request.method() === 'POST');
    const read = page.evaluate(
      ([target, ofMode]) =>
        fetch(target, { method: 'POST', mode: ofMode, body: new URLSearchParams({ grant_type: 'client_credentials' }) })
          .then((response) => response.text(), () => ''),
      [url, mode],
    );
    const response = await (await arrived).response();
    return [response.status(), await read];
  }

  test('gets no token', async () => {
    await page.goto(`http://127.0.0.1:${website.address().port}/`);
    assert.deepEqual(await statusFor('no-cors'), [403, '']);
  });

  test('gets none by a name that resolves to this machine', async () => {
    const rebound = PAGE.replace('127.0.0.1', 'rebound.example');
    const answer = await page.goto(rebound);
    assert.equal(answer.status(), 403);
    const status = await page.evaluate(
      (target) =>
        fetch(target, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }) })
          .then((response) => response.status),
      `${rebound}oauth/token`,
    );
    assert.equal(status, 403);
  });

  test('can open the page, but not put it into a frame', async () => {
    await page.goto(`http://127.0.0.1:${website.address().port}/`);
    await page.locator('iframe').evaluate((frame, target) => {
      frame.src = target;
      return new Promise((loaded) => frame.addEventListener('load', loaded, { once: true }));
    }, PAGE);
    assert.match(page.frames()[1].url(), /^chrome-error:/);

    await page.evaluate((target) => { location.href = target; }, PAGE);
    await tokenStatus(page, /^Valid until /);
  });
});
