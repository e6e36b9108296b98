// This file finds Python on this machine. Like set-up.js it needs nothing installed, and an old Node can run it.
'use strict';

const { existsSync, readdirSync } = require('fs');
const { homedir } = require('os');
const path = require('path');
const { spawnSync } = require('child_process');

// Returns { version: '3.13.0', hasVenv: true }, or undefined if the command is no Python, or one that is too old.
function inspect(python) {
  // Debian has ensurepip, which venv needs, in a package of its own.
  const code = `import importlib.util, sys
print('%d.%d.%d' % sys.version_info[:3], importlib.util.find_spec('ensurepip') is not None)`;
  const result = spawnSync(python, ['-I', '-c', code], { encoding: 'utf8' });
  if (result.status !== 0) return undefined;
  const [version, hasVenv] = result.stdout.trim().split(' ');
  const [major, minor] = version.split('.').map(Number);
  return major === 3 && minor >= 11 ? { version, hasVenv: hasVenv === 'True' } : undefined;
}

// pyenv's commands on PATH fail for a version that is installed but not activated, so look for its files as well.
function installedByPyenv(minor) {
  const versions = path.join(process.env.PYENV_ROOT || path.join(homedir(), '.pyenv'), 'versions');
  if (!existsSync(versions)) return [];
  return readdirSync(versions)
    .filter((name) => new RegExp(`^3\\.${minor}\\.\\d+$`).test(name))
    .map((name) => path.join(versions, name, 'bin', 'python3'));
}

// Returns the commands that may run Python 3.<minor>.
function candidates(minor) {
  return [`python3.${minor}`, ...installedByPyenv(minor)];
}

module.exports = { candidates, inspect };
