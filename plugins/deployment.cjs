// This file is a Serverless plugin: it connects the stage of resources/stage.yml with the deployment of the API, and
// lets CloudFormation create a deployment whenever the API has changed, after all parts of the API.
//
// By default, the framework creates a deployment every time, as soon as the methods exist: a gateway response that is
// created later takes effect with the next deployment only. Here the deployment depends on the whole API and is named
// after a digest of it, so that an unchanged API is not deployed again (AWS CDK and SAM do the same).
'use strict';

const { createHash } = require('crypto');

const DEPLOYMENT = 'AWS::ApiGateway::Deployment';
const STAGE = 'AWS::ApiGateway::Stage';
const REST_API = 'AWS::ApiGateway::RestApi';
// The types that belong to the definition of an API, as opposed to how it is published.
const DEFINITION = /^AWS::ApiGateway::(?!Stage$|BasePathMapping$)/;

function findByType(resources, type) {
  return Object.keys(resources).find((id) => resources[id].Type === type);
}

function connectStage(resources) {
  const originalId = findByType(resources, DEPLOYMENT);
  const stageId = findByType(resources, STAGE);
  const deployment = resources[originalId];
  delete resources[originalId];
  // Resources that the framework lets depend on the deployment, such as a usage plan, need the stage.
  for (const resource of Object.values(resources)) {
    const dependencies = [].concat(resource.DependsOn ?? []);
    if (!dependencies.includes(originalId)) continue;
    resource.DependsOn = dependencies.map((id) => (id === originalId ? stageId : id));
  }

  // API keys and usage plans have no RestApiId. They depend on the stage, so the deployment can't depend on them.
  const definition = Object.keys(resources).filter((id) => {
    const { Type, Properties } = resources[id];
    return Type === REST_API || (DEFINITION.test(Type) && Properties?.RestApiId);
  });
  const digest = createHash('sha256').update(JSON.stringify(definition.sort().map((id) => [id, resources[id]])));
  const id = `ApiGatewayDeployment${digest.digest('hex').slice(0, 16)}`;
  delete deployment.Properties.StageName; // with a name, it would create a stage too
  deployment.DependsOn = definition.filter((id) => resources[id].Type !== REST_API);
  resources[id] = deployment;
  resources[stageId].Properties.DeploymentId = { Ref: id };
}

module.exports = class Deployment {
  constructor(serverless) {
    const connect = () => connectStage(serverless.service.provider.compiledCloudFormationTemplate.Resources);
    this.hooks = { 'after:aws:package:finalize:mergeCustomProviderResources': connect };
  }
};
