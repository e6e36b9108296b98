// This file is a Serverless plugin: what exceeds a limit of AWS is reported before it is packaged, instead of by a
// deployment that fails halfway.
'use strict';

const NAME_LENGTH = 64; // characters, of the name of a role (IAM) or of a function (Lambda)
const ENVIRONMENT_SIZE = 4096; // bytes, of all variables of a function together (Lambda); they are measured as JSON

// Yields a sentence for each name that is too long.
function* longNames(service) {
  const roles = Object.values(service.resources?.Resources ?? {}).filter(({ Type }) => Type === 'AWS::IAM::Role');
  const names = [
    ...roles.map(({ Properties }) => ['role', Properties?.RoleName]),
    ...Object.values(service.functions).map(({ name }) => ['function', name]),
  ];
  for (const [kind, name] of names) {
    if (typeof name !== 'string' || name.length <= NAME_LENGTH) continue; // CloudFormation makes up the others
    yield `The name of the ${kind} ${name} has ${name.length} characters, but AWS allows ${NAME_LENGTH}.` +
      ' Use a shorter stage name, or shorten `service` in serverless.yml.';
  }
}

// Yields a sentence for each function whose environment is too large.
function* largeEnvironments(service) {
  const size = (value) => Buffer.byteLength(JSON.stringify(value));
  for (const [name, { environment }] of Object.entries(service.functions)) {
    const variables = { ...service.provider.environment, ...environment };
    if (size(variables) <= ENVIRONMENT_SIZE) continue;
    const [largest] = Object.keys(variables).sort((a, b) => size(variables[b]) - size(variables[a]));
    const instead = largest === 'ROUTE_SCOPES' ? ', or write `scopes` on the endpoints instead, whose number has no limit' : '';
    yield `The environment variables of the function ${name} have ${size(variables)} bytes, but AWS allows` +
      ` ${ENVIRONMENT_SIZE}. Shorten ${largest}, which has ${size(variables[largest])} of them${instead}.`;
  }
}

module.exports = class Limits {
  constructor(serverless) {
    const check = () => {
      const problems = [...longNames(serverless.service), ...largeEnvironments(serverless.service)];
      if (problems.length > 0) throw new serverless.classes.Error(problems.join('\n'), 'LIMIT_EXCEEDED');
    };
    this.hooks = { 'before:package:initialize': check, 'before:deploy:function:initialize': check };
  }
};
