// This file is a Serverless plugin: a rules.py that the authorizer could not use is reported before it is packaged,
// deployed or run. It is the authorizer's own code that checks it. What a rule returns is checked for each token. Usage
// plans that lack a part are not packaged.
'use strict';

const { spawnSync } = require('child_process');
const { hooksBeforeUse } = require('./commands.cjs');
const { AUTHORIZER } = require('./endpoints.cjs');
const { PYTHON, ROOT } = require('./project.cjs');
const { missingParts } = require('./usage-plans.cjs');

// Prints the names of the rules that there are.
const LOAD_RULES = `
from auth.custom_rules import load_rules
print(*(name for name, rule in load_rules()._asdict().items() if rule))`;

module.exports = class Rules {
  constructor(serverless) {
    const check = () => {
      // Rules may read the variables of the authorizer. CloudFormation fills in those that are no strings.
      const variables = Object.entries(serverless.service.getFunction(AUTHORIZER).environment);
      const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', LOAD_RULES], {
        cwd: ROOT,
        env: Object.fromEntries(variables.filter(([, value]) => typeof value === 'string')),
        encoding: 'utf8',
      });
      // The last line, since rules.py may print something, too
      if (status === 0) return stdout.trimEnd().split('\n').at(-1).split(' ');
      const message = stderr.split('ConfigError: ')[1];
      throw new serverless.classes.Error(message?.trim() ?? stderr, 'INVALID_RULES');
    };

    const checkWithUsagePlans = () => {
      const missing = missingParts(serverless.service, check().includes('usage_plan_key'));
      if (missing.length === 0) return;
      const lines = ['The usage plans are incomplete (docs/rules.md shows all parts):', ...missing];
      throw new serverless.classes.Error(lines.join('\n  - '), 'INCOMPLETE_USAGE_PLANS');
    };

    this.hooks = { ...hooksBeforeUse(serverless, check), 'before:package:initialize': checkWithUsagePlans };
  }
};
