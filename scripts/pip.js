// This file runs pip for the set-up and for other scripts: `node scripts/pip.js .venv/checkov checkov`.
// Like set-up.js it needs nothing installed, and an old Node can run it.
//
// pip reads each of its options from the environment as well. The user's variables that say how to fetch packages (an
// index, a proxy, certificates) are kept. The others would change what is installed, or where: PIP_USER, PIP_TARGET,
// PIP_CONSTRAINT, PIP_DRY_RUN and so on.
'use strict';

const { spawnSync } = require('child_process');
const path = require('path');

const KEPT = new Set(
  [
    ...['INDEX_URL', 'EXTRA_INDEX_URL', 'NO_INDEX', 'FIND_LINKS', 'TRUSTED_HOST', 'CERT', 'CLIENT_CERT'],
    ...['PROXY', 'NO_PROXY_ENV', 'KEYRING_PROVIDER', 'TIMEOUT', 'DEFAULT_TIMEOUT', 'RETRIES', 'RESUME_RETRIES'],
    ...['CACHE_DIR', 'NO_CACHE_DIR', 'USE_FEATURE', 'USE_DEPRECATED', 'CONFIG_FILE'],
    ...['DISABLE_PIP_VERSION_CHECK', 'NO_INPUT'],
  ].map((name) => `PIP_${name}`),
);

// Returns the names of the variables that pip must not see.
function harmfulVariables(environment) {
  return Object.keys(environment).filter((name) => name.startsWith('PIP_') && !KEPT.has(name));
}

// Installs into a virtual environment, and returns what spawnSync returns. `options` are for spawnSync.
function pipInstall(virtualEnvironment, args, options) {
  const env = Object.assign({}, process.env);
  for (const name of harmfulVariables(env)) delete env[name];
  const python = path.join(virtualEnvironment, 'bin', 'python');
  // -I: packages on PYTHONPATH are not taken for installed ones. --no-user: pip.conf may say otherwise.
  const command = ['-I', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-user'];
  return spawnSync(python, command.concat(args), Object.assign({ env }, options));
}

module.exports = { harmfulVariables, pipInstall };

if (require.main === module) {
  const [virtualEnvironment, ...args] = process.argv.slice(2);
  process.exitCode = pipInstall(virtualEnvironment, args, { stdio: 'inherit' }).status === 0 ? 0 : 1;
}
