// This file tests, in a real browser, the page that a deployed API serves, and what a page of another origin can read of
// the API's answers. test_playground.py runs it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import makeDocument from '../../local/page/document.cjs';

const { BROWSER, API, API_WITHOUT_KEYS, SERVICE, READER, EXPIRED } = process.env;
const ROUTES = ['GET /', 'GET /pets', 'POST /pets', 'GET /pets/{petId}']; // there may be others

let browser;
before(async () => {
  const names = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';
  browser = await chromium.launch({ executablePath: BROWSER, args: [names] });
});
after(() => browser?.close());

test('a token that is pasted in is decoded, and opens its routes', async () => {
  const page = await browser.newPage();
  const complaints = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.setDefaultTimeout(10_000); // milliseconds
  const answer = await page.goto(`${API}/playground`);
  assert.equal(answer.headers()['content-type'], 'text/html; charset=utf-8');
  assert.equal(answer.headers()['x-frame-options'], 'DENY');
  assert.equal(await page.locator('.api').textContent(), API);
  assert.deepEqual(await page.locator('.breaks button').allTextContents(), ['Tampered', 'No token']);

  const status = (text) => page.locator('.token-status').filter({ hasText: text }).waitFor();
  const sendAll = async () => {
    await page.getByRole('button', { name: 'Send all requests' }).click();
    const count = await page.locator('form.route').count();
    await page.locator('.summary').filter({ hasText: `${count} requests: all as expected.` }).waitFor();
    return Promise.all(
      ROUTES.map((name) => {
        const button = page.getByRole('button', { name: `Send ${name}`, exact: true });
        return page.locator('form.route', { has: button }).locator('.came .status').textContent();
      }),
    );
  };
  const paste = async (text) => {
    await page.getByLabel('Paste an access token').fill(text);
    await page.getByRole('button', { name: 'Use this token' }).click();
  };

  await page.getByRole('button', { name: 'Tampered' }).click();
  await status('Paste a token first.');
  assert.deepEqual(await sendAll(), ['200', '401', '401', '401']);
  await paste(`Bearer ${READER}\n`);
  await status('Scopes: read:pets.');
  assert.deepEqual(await sendAll(), ['200', '200', '403', '200']);
  await page.getByRole('button', { name: 'Tampered' }).click();
  await status('Will be rejected: the signature does not match.');
  assert.deepEqual(await sendAll(), ['200', '401', '401', '401']);
  await paste(EXPIRED);
  await status('Will be rejected: the token has expired.');
  assert.deepEqual(await sendAll(), ['200', '401', '401', '401']);
  await paste('not a token');
  await status('Will be rejected: this is not a JWT.');
  assert.deepEqual(await sendAll(), ['200', '401', '401', '401']);

  assert.deepEqual(complaints.filter((text) => !/the server responded with a status of (401|403)/.test(text)), []);
});

test('a page of another origin can read a 200, a 401, a 403 and a 503', async () => {
  const website = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>Another website</title>');
  });
  website.unref();
  await new Promise((listening) => website.listen(0, '127.0.0.1', listening));
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${website.address().port}/`);
  const ask = (url, token, method = 'GET') =>
    page.evaluate(
      async ([target, bearer, verb]) => {
        const headers = { 'Content-Type': 'application/json', ...(bearer && { Authorization: `Bearer ${bearer}` }) };
        const response = await fetch(target, { method: verb, headers });
        return [response.status, response.headers.get('WWW-Authenticate'), response.headers.get('Retry-After')];
      },
      [url, token, method],
    );

  const challenge = `Bearer realm="${SERVICE}"`;
  assert.deepEqual(await ask(`${API}/pets`, READER), [200, null, null]);
  assert.deepEqual(await ask(`${API}/pets`), [401, challenge, null]);
  const forbidden = await ask(`${API}/pets`, READER, 'POST');
  assert.deepEqual([forbidden[0], forbidden[1].startsWith(challenge)], [403, true]);
  assert.deepEqual(await ask(`${API_WITHOUT_KEYS}/pets`, READER), [503, null, '30']);
});

test('long names of routes, parameters and scopes fit a phone, and what is not known is no error', async () => {
  const long = 'administrators-of-the-organization';
  const routes = [
    { method: 'ANY', path: `/${long}/{${long}}/{proxy+}`, scopes: [`read:${long}:${long}`, `write:${long}`], query: [long] },
    { method: 'GET', path: '/another-authorizer', query: [] },
    { method: 'DELETE', path: '/any-token', scopes: [], query: [] },
  ];
  const html = makeDocument({ service: long, stage: long, scopeClaims: ['scope'], routes });
  const page = await browser.newPage({ viewport: { width: 360, height: 640 } });
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.route(`${API}/playground`, (route) => route.fulfill({ body: html, contentType: 'text/html' }));
  await page.goto(`${API}/playground`);
  await page.getByLabel('Paste an access token').fill(READER);
  await page.getByRole('button', { name: 'Use this token' }).click();

  assert.deepEqual(await page.locator('.expected .status').allTextContents(), ['403', '?', '200']);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  assert.deepEqual(complaints, []);
});
