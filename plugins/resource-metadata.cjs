// This file is a Serverless plugin: it completes what resources/resource-metadata.yml tells clients (RFC 9728), if the
// stage has it: the document, its address in the 401, and the address for the authorizer, which writes it into a 403.
'use strict';

const { spawnSync } = require('child_process');
const { AUTHORIZER, routeTable } = require('./endpoints.cjs');

const PATH = '.well-known/oauth-protected-resource';
const CHALLENGE = 'gatewayresponse.header.WWW-Authenticate';

// Returns where the document stands in the template, or undefined if the stage has none.
function answer(service) {
  const method = service.resources?.Resources?.ResourceMetadataMethod;
  return method?.Properties.Integration.IntegrationResponses[0].ResponseTemplates;
}

// Returns the document, which the authorizer's own code makes of its settings.
function makeDocument({ service, serviceDir, classes }) {
  const variables = Object.entries(service.getFunction(AUTHORIZER).environment);
  const { status, stdout, stderr } = spawnSync(
    '.venv/bin/python',
    ['-m', 'tools.resource_metadata', answer(service)['application/json']],
    {
      cwd: serviceDir,
      env: Object.fromEntries(variables.filter(([, value]) => typeof value === 'string')),
      input: routeTable(service),
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new classes.Error(stderr.trim(), 'NO_RESOURCE_METADATA');
  return stdout.trim();
}

// Returns the address of the document. RFC 9728 says where it is for a resource that is a whole host: that is a custom
// domain. Otherwise it is known below the address that AWS gives the API.
function address(resource, stage) {
  const { origin, pathname } = new URL(resource);
  if (pathname === '/') return `${origin}/${PATH}`;
  const host = '${ApiGatewayRestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}';
  return { 'Fn::Sub': `https://${host}/${stage}/${PATH}` };
}

module.exports = class ResourceMetadata {
  static PATH = PATH;
  static answer = answer;
  static makeDocument = makeDocument;

  constructor(serverless) {
    const { service, classes } = serverless;
    const complete = () => {
      if (!answer(service)) return;
      const document = makeDocument(serverless);
      // API Gateway would take a $ or a # for a variable or a directive of its template. In JSON they have other names.
      answer(service)['application/json'] = document.replaceAll('$', '\\u0024').replaceAll('#', '\\u0023');

      const url = address(JSON.parse(document).resource, service.provider.stage);
      if (typeof url !== 'string' && service.provider.apiGateway?.disableDefaultEndpoint) {
        throw new classes.Error(
          'resourceMetadata: nobody can reach the address of the metadata, which is below the default endpoint, and' +
            ' disableDefaultEndpoint is set. Use a `resource` without a path, or remove disableDefaultEndpoint.',
          'NO_RESOURCE_METADATA',
        );
      }
      service.getFunction(AUTHORIZER).environment.RESOURCE_METADATA = url;
      const { ResponseParameters } = service.resources.Resources.UnauthorizedResponse.Properties;
      const header = ResponseParameters[CHALLENGE].replace('{address}', () => url['Fn::Sub'] ?? url);
      ResponseParameters[CHALLENGE] = typeof url === 'string' ? header : { 'Fn::Sub': header };
    };

    this.hooks = { 'before:package:initialize': complete, 'before:deploy:function:initialize': complete };
  }
};
