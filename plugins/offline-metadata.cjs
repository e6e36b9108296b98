// This file is a Serverless plugin: serverless-offline, too, tells clients how to get a token, if the stage does
// (plugins/resource-metadata.cjs). It knows no answers without a function, so a function gives the same answer. It is
// added when all endpoints have been checked: it is not one of serverless.yml.
'use strict';

const { ServerResponse } = require('http');
const { PATH, answer, makeDocument } = require('./resource-metadata.cjs');

module.exports = class OfflineMetadata {
  constructor(serverless) {
    const { service } = serverless;
    const add = () => {
      if (!answer(service)) return;
      service.functions.resourceMetadata = {
        name: 'resourceMetadata',
        handler: 'local/resource-metadata.handler',
        runtime: 'nodejs20.x', // starts at once
        environment: { DOCUMENT: makeDocument(serverless) },
        events: [{ http: { method: 'get', path: PATH, cors: true } }],
      };
      // Nor does it know gateway responses. The host is the one that the client has called.
      const { writeHead } = ServerResponse.prototype;
      ServerResponse.prototype.writeHead = function writeHeadWithChallenge(status, ...rest) {
        const url = `http://${this.req.headers.host}/${service.provider.stage}/${PATH}`;
        if (status === 401) this.setHeader('WWW-Authenticate', `Bearer resource_metadata="${url}"`);
        return writeHead.call(this, status, ...rest);
      };
    };
    // The first is for `sls offline`, the second for `sls offline start`.
    this.hooks = { 'before:offline:start': add, 'before:offline:start:init': add };
  }
};
