// This file is a Serverless plugin: it completes what resources/resource-metadata.yml says to clients (RFC 9728), if the
// stage has it. serverless-offline knows no answers without a function, so a function gives the same answer there.
'use strict';

const { spawnSync } = require('child_process');
const { ServerResponse } = require('http');
const { AUTHORIZER, routeTable } = require('./endpoints.cjs');

const PATH = '.well-known/oauth-protected-resource';
const JSON_TYPE = 'application/json';
const CHALLENGE = 'gatewayresponse.header.WWW-Authenticate';

// Returns the address of the document. RFC 9728 says where it is for a resource that is a whole host: that is a custom
// domain. Otherwise it is known below the address that AWS gives the API.
function address(resource, stage) {
  const { origin, pathname } = new URL(resource);
  if (pathname === '/') return `${origin}/${PATH}`;
  const host = '${ApiGatewayRestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}';
  return { 'Fn::Sub': `https://${host}/${stage}/${PATH}` };
}

module.exports = class ResourceMetadata {
  constructor(serverless) {
    const { service, serviceDir, classes } = serverless;
    const resources = () => service.resources?.Resources;
    const template = () =>
      resources()?.ResourceMetadataMethod?.Properties.Integration.IntegrationResponses[0].ResponseTemplates;

    // Returns the document as the authorizer's own code makes it of its settings.
    const makeDocument = () => {
      const variables = Object.entries(service.getFunction(AUTHORIZER).environment);
      const { status, stdout, stderr } = spawnSync(
        '.venv/bin/python',
        ['-m', 'tools.resource_metadata', template()[JSON_TYPE]],
        {
          cwd: serviceDir,
          env: Object.fromEntries(variables.filter(([, value]) => typeof value === 'string')),
          input: routeTable(service),
          encoding: 'utf8',
        },
      );
      if (status !== 0) throw new classes.Error(stderr.trim(), 'NO_RESOURCE_METADATA');
      return stdout.trim();
    };

    const complete = () => {
      if (!template()) return;
      const document = makeDocument();
      // API Gateway would take a $ or a # for a variable or a directive of its template. In JSON they have other names.
      template()[JSON_TYPE] = document.replaceAll('$', '\\u0024').replaceAll('#', '\\u0023');
      const url = address(JSON.parse(document).resource, service.provider.stage);
      if (typeof url !== 'string' && service.provider.apiGateway?.disableDefaultEndpoint) {
        throw new classes.Error(
          'resourceMetadata: nobody can reach the address of the metadata, which is below the default endpoint, and' +
            ' disableDefaultEndpoint is set. Use a `resource` without a path, or remove disableDefaultEndpoint.',
          'NO_RESOURCE_METADATA',
        );
      }
      service.getFunction(AUTHORIZER).environment.RESOURCE_METADATA = url;
      const { ResponseParameters } = resources().UnauthorizedResponse.Properties;
      const filled = ResponseParameters[CHALLENGE].replace('{address}', () => url['Fn::Sub'] ?? url);
      ResponseParameters[CHALLENGE] = typeof url === 'string' ? filled : { 'Fn::Sub': filled };
    };

    const serveLocally = () => {
      if (!template()) return;
      service.functions.resourceMetadata = {
        name: 'resourceMetadata',
        handler: 'local/resource-metadata.handler',
        runtime: 'nodejs20.x', // starts at once
        environment: { DOCUMENT: makeDocument() },
        events: [{ http: { method: 'get', path: PATH, cors: true } }],
      };
      // It knows no gateway responses either. The client has called this address.
      const { writeHead } = ServerResponse.prototype;
      ServerResponse.prototype.writeHead = function writeHeadWithChallenge(status, ...rest) {
        const url = `http://${this.req.headers.host}/${service.provider.stage}/${PATH}`;
        if (status === 401) this.setHeader('WWW-Authenticate', `Bearer resource_metadata="${url}"`);
        return writeHead.call(this, status, ...rest);
      };
    };

    this.hooks = {
      'before:package:initialize': complete,
      'before:deploy:function:initialize': complete,
      // The first is for `sls offline`, the second for `sls offline start`.
      'before:offline:start': serveLocally,
      'before:offline:start:init': serveLocally,
    };
  }
};
