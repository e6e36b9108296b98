// This file is the address of the local API: it passes requests on to serverless-offline, leads from `/` to the page to
// try the API on, and reports each request when it is answered.

import { randomBytes } from 'node:crypto';
import { createServer, request as send } from 'node:http';
import { once } from 'node:events';
import { HOST } from './settings.mjs';

const TRACE_ID = 'X-Amzn-Trace-Id';

// `begin` is called with each request and its trace ID. It returns a function, which is called with the status of the
// answer.
export async function startApi(port, { offlinePort, page, begin }) {
  const server = createServer((request, response) => {
    if (request.url === '/') return response.writeHead(302, { Location: page }).end();
    const traceId = newTraceId();
    const end = begin(request, traceId);
    response.on('close', () => end(response.statusCode));
    const { method, url: path } = request;
    const headers = [...withoutTraceId(request.rawHeaders), TRACE_ID, traceId];
    const passedOn = send({ host: HOST, port: offlinePort, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    passedOn.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    return request.pipe(passedOn);
  });
  await once(server.listen(port, HOST), 'listening');
}

// API Gateway adds one to each request, too. Source: AWS, "Using X-Ray with API Gateway".
function newTraceId() {
  const seconds = Math.floor(Date.now() / 1000);
  return `Root=1-${seconds.toString(16)}-${randomBytes(12).toString('hex')}`;
}

// Raw headers are a list of names and values in turn, with those that are sent twice.
function withoutTraceId(rawHeaders) {
  const isOther = (_, index) => rawHeaders[index - (index % 2)].toLowerCase() !== TRACE_ID.toLowerCase();
  return rawHeaders.filter(isOther);
}
