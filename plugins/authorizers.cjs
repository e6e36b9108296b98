// This file is a Serverless plugin: it sets what the framework has no options for, on each API Gateway authorizer that
// runs the function `authorizer`. The authorizer of a REST API gets the tutorial's name and its invoke role. Only the
// authorizers themselves may invoke the function: by default, every method of the API may.
'use strict';

const { AUTHORIZER, LOGICAL_ID } = require('./endpoints.cjs');

const REST = 'AWS::ApiGateway::Authorizer';
const HTTP_OR_WEBSOCKET = 'AWS::ApiGatewayV2::Authorizer';

// Returns the logical ID of the permission that the framework made for an authorizer of this name.
function permissionId(naming, { Type, Properties }) {
  const { ApiId, Name } = Properties;
  if (Type === REST) return naming.getLambdaApiGatewayPermissionLogicalId(Name);
  const isWebSocket = ApiId.Ref === naming.getWebsocketsApiLogicalId();
  return isWebSocket
    ? naming.getLambdaWebsocketsPermissionLogicalId(Name)
    : naming.getLambdaAuthorizerHttpApiPermissionLogicalId(Name);
}

function arn(api, authorizer) {
  const text = 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/authorizers/${Authorizer}';
  return { 'Fn::Sub': [text, { Api: api, Authorizer: { Ref: authorizer } }] };
}

module.exports = class Authorizers {
  constructor(serverless) {
    const complete = () => {
      const { service } = serverless;
      const provider = serverless.getProvider('aws');
      const { naming } = provider;
      const { Resources, Outputs } = service.provider.compiledCloudFormationTemplate;
      for (const [id, authorizer] of Object.entries(Resources)) {
        const { Type, Properties } = authorizer;
        const isAuthorizer = Type === REST || Type === HTTP_OR_WEBSOCKET;
        if (!isAuthorizer || !JSON.stringify(Properties.AuthorizerUri ?? '').includes(`"${LOGICAL_ID}"`)) continue;

        const permission = Resources[permissionId(naming, authorizer)];
        if (permission) permission.Properties.SourceArn = arn(Properties.RestApiId ?? Properties.ApiId, id);
        if (Type !== REST) continue;

        // For endpoints that another service adds to this API
        const output = `${naming.getNormalizedFunctionName(Properties.Name)}Id`;
        const name = `${service.service}-${provider.getStage()}-${output}`;
        const description = `The authorizer ${Properties.Name} of this API, for endpoints that another service adds`;
        Outputs[output] = { Description: description, Value: { Ref: id }, Export: { Name: name } };

        if (Properties.Name === AUTHORIZER) Properties.Name = 'jwt-rsa-custom-authorizer';
        if (service.resources?.Resources?.InvokeRole) {
          Properties.AuthorizerCredentials = { 'Fn::GetAtt': ['InvokeRole', 'Arn'] };
        }
      }
    };
    this.hooks = { 'after:package:compileEvents': complete };
  }
};
