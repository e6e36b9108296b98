// This file is a Serverless plugin: it sets what the framework has no options for, on each API Gateway authorizer that
// runs the function `authorizer`. The authorizer of a REST API gets the tutorial's name and its invoke role. Only the
// authorizers themselves may invoke the function: by default, every method of the API may, and with a WebSocket API
// every API of everybody. That goes for the other functions of a WebSocket API, too, which believe what the events say
// about the caller: only this API may invoke them.
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

const API_ARN = 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}';

function arn(api, authorizer) {
  return { 'Fn::Sub': [`${API_ARN}/authorizers/\${Authorizer}`, { Api: api, Authorizer: { Ref: authorizer } }] };
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
      for (const [name, { events }] of Object.entries(service.functions)) {
        if (!events.some(({ websocket }) => websocket)) continue;
        const permission = Resources[naming.getLambdaWebsocketsPermissionLogicalId(name)];
        permission.Properties.SourceArn ??= { 'Fn::Sub': [`${API_ARN}/*`, { Api: provider.getApiGatewayWebsocketApiId() }] };
      }
    };
    this.hooks = { 'after:package:compileEvents': complete };
  }
};
