// This file is a Serverless plugin: an endpoint has `scopes`, and the authorizer gets the route table that follows from
// them. When it is deployed, the table is the file routes.txt of its package, which may be of any size. When it runs
// here, the table is its variable ROUTE_SCOPES. A ROUTE_SCOPES of the operator replaces the table.
'use strict';

const fs = require('fs');
const JSZip = require('jszip');
const { isLocal } = require('./commands.cjs');
const { AUTHORIZER, KEY_BACKUP, SECTIONS, routeTable } = require('./endpoints.cjs');

// RFC 6749 section 3.3
const SCOPES = { type: 'array', items: { type: 'string', pattern: '^[!#-\\[\\]-~]+$' } };

// The route keys of public endpoints, and the lines of other APIs by their IDs, which begin sections of the table.
const CUSTOM = {
  publicEndpoints: { type: 'array', items: { type: 'string' } },
  otherRoutes: {
    type: 'object',
    propertyNames: { pattern: `^(?!(${Object.values(SECTIONS).join('|')})$)[A-Za-z0-9_-]+$` },
    additionalProperties: { type: 'array', items: { type: 'string', pattern: '^[A-Za-z$][ -~]*$' } },
  },
};

module.exports = class Routes {
  constructor(serverless) {
    const { service, configSchemaHandler } = serverless;
    for (const kind of Object.keys(SECTIONS)) {
      configSchemaHandler.defineFunctionEventProperties('aws', kind, { properties: { scopes: SCOPES } });
    }
    configSchemaHandler.defineCustomProperties({ type: 'object', properties: CUSTOM });

    const setVariable = () => {
      const authorizer = service.getFunction(AUTHORIZER);
      const table = process.env.ROUTE_SCOPES || (isLocal(serverless) && routeTable(service));
      authorizer.environment ??= {};
      if (table) authorizer.environment.ROUTE_SCOPES ||= table;
    };

    const addFile = async () => {
      // The function that makes the backup of the keys has the same package.
      const owners = [AUTHORIZER, KEY_BACKUP].map((name) => service.functions[name]?.package);
      const artifact = owners.find((owner) => owner?.artifact)?.artifact ?? service.package.artifact;
      if (!artifact) return; // `deploy function` packages another one
      const zip = await JSZip.loadAsync(fs.readFileSync(artifact));
      zip.file('routes.txt', routeTable(service), { date: new Date('1980-01-01T00:00:00Z') });
      const content = await zip.generateAsync({ type: 'nodebuffer', platform: 'UNIX', compression: 'DEFLATE' });
      fs.writeFileSync(artifact, content);
    };

    this.hooks = {
      'initialize': setVariable,
      'after:package:createDeploymentArtifacts': addFile,
      'after:deploy:function:packageFunction': addFile,
    };
  }
};
