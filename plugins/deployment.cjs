// This file is a Serverless plugin: it joins the stage of stage.yml to the deployment of the API that the framework
// makes, and lets that be made if the API changed, after all of it.
//
// As the framework makes it, a deployment is made each time, and as soon as the methods are there: a gateway response
// that comes later takes effect with the next deploy only. Here it waits for the whole API, and is called by a digest of
// it, so that no change means no deployment (AWS's own CDK and SAM do the same).
'use strict';

const { createHash } = require('crypto');

const DEPLOYMENT = 'AWS::ApiGateway::Deployment';
const STAGE = 'AWS::ApiGateway::Stage';
const REST_API = 'AWS::ApiGateway::RestApi';
// What an API consists of, in contrast to what it is published by.
const API_PART = /^AWS::ApiGateway::(?!Stage$|BasePathMapping$)/;

function idOf(resources, type) {
  return Object.keys(resources).find((id) => resources[id].Type === type);
}

function joinStage(resources) {
  const made = idOf(resources, DEPLOYMENT);
  const stage = idOf(resources, STAGE);
  const deployment = resources[made];
  delete resources[made];
  // What the framework lets wait for the deployment (a usage plan, say) needs the stage.
  for (const resource of Object.values(resources)) {
    const dependencies = [].concat(resource.DependsOn ?? []);
    if (!dependencies.includes(made)) continue;
    resource.DependsOn = dependencies.map((id) => (id === made ? stage : id));
  }

  // Not API keys and the like, which wait for the stage.
  const api = Object.keys(resources).filter((id) => {
    const { Type, Properties } = resources[id];
    return Type === REST_API || (API_PART.test(Type) && Properties?.RestApiId);
  });
  const definitions = JSON.stringify(api.sort().map((id) => [id, resources[id]]));
  const id = `ApiGatewayDeployment${createHash('sha256').update(definitions).digest('hex').slice(0, 16)}`;
  delete deployment.Properties.StageName; // or it would make a stage, too
  deployment.DependsOn = api.filter((id) => resources[id].Type !== REST_API);
  resources[id] = deployment;
  resources[stage].Properties.DeploymentId = { Ref: id };
}

module.exports = class Stage {
  constructor(serverless) {
    const join = () => joinStage(serverless.service.provider.compiledCloudFormationTemplate.Resources);
    this.hooks = { 'after:aws:package:finalize:mergeCustomProviderResources': join };
  }
};
