// This file makes one HTML document of the files in this folder. It needs no other file, and its Content-Security-Policy
// admits no script or style but its own, and no address but its own and that of the API.
//
// There is no $ and no # in it: API Gateway would take them for variables and directives of a mapping template.
'use strict';

const { createHash } = require('crypto');
const { readFileSync } = require('fs');
const path = require('path');

function read(name) {
  return readFileSync(path.join(__dirname, name), 'utf8');
}

function hash(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

// `config` is what page.js reads: see plugins/playground.cjs. `config.api` is the URL of the API; if there is none, the
// API is where the page is.
module.exports = function makeDocument(config) {
  const sources = { script: [], style: [] };
  const inline = (kind, name) => {
    const text = `\n${read(name)}`;
    sources[kind].push(hash(text));
    return `<${kind}>${text}</${kind}>`;
  };
  // A < could begin an end tag of the script.
  const data = JSON.stringify(config).replace(/[<$#]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  const html = read('index.html')
    .replace(/<link rel="stylesheet" href="(.*)">/, (_, name) => inline('style', name))
    .replace(/<script src="(.*)"><\/script>/g, (_, name) => inline('script', name))
    .replace('id="config">', (tag) => tag + data);
  const policy = [
    "default-src 'none'",
    `script-src ${sources.script.join(' ')}`,
    `style-src ${sources.style.join(' ')}`,
    `connect-src 'self' ${config.api ? new URL(config.api).origin : ''}`.trim(),
    'img-src data:', // the icon
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ];
  return html.replace('<meta charset="utf-8">', (tag) => {
    return `${tag}\n<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">`;
  });
};
