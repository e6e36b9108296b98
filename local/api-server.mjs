// This file is the address of the local API: it passes requests on to serverless-offline, leads from `/` to the page to
// try the API on, and reports each request when it is answered.

import { createServer, request as send } from 'node:http';
import { once } from 'node:events';
import { HOST } from './settings.mjs';

// `begin` is called with each request. It returns a function, which is called with the status of the answer.
export async function startApi(port, { offlinePort, page, begin }) {
  const server = createServer((request, response) => {
    if (request.url === '/') return response.writeHead(302, { Location: page }).end();
    const end = begin(request);
    response.on('close', () => end(response.statusCode));
    const { method, url: path, rawHeaders: headers } = request; // raw: with those that are sent twice
    const passedOn = send({ host: HOST, port: offlinePort, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    passedOn.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    return request.pipe(passedOn);
  });
  await once(server.listen(port, HOST), 'listening');
}
