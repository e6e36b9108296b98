// This file is where a Python is looked for. Like set-up.js it needs nothing installed, and an old Node can read it.
'use strict';

const { existsSync, readdirSync } = require('fs');
const { homedir } = require('os');
const path = require('path');
const { spawnSync } = require('child_process');

// { version: '3.13.0', venv: true }, or undefined if there is no such Python, or it is too old.
function inspect(python) {
  // Debian has venv's other half, ensurepip, in a package of its own.
  const code = `import importlib.util, sys
print('%d.%d.%d' % sys.version_info[:3], importlib.util.find_spec('ensurepip') is not None)`;
  const result = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  if (result.status !== 0) return undefined;
  const [version, venv] = result.stdout.trim().split(' ');
  const [major, minor] = version.split('.').map(Number);
  return major === 3 && minor >= 11 ? { version, venv: venv === 'True' } : undefined;
}

// pyenv's shims on PATH fail for a version that is installed but not activated, so look behind them.
function pyenv(minor) {
  const versions = path.join(process.env.PYENV_ROOT || path.join(homedir(), '.pyenv'), 'versions');
  if (!existsSync(versions)) return [];
  return readdirSync(versions)
    .filter((name) => new RegExp(`^3\\.${minor}\\.\\d+$`).test(name))
    .map((name) => path.join(versions, name, 'bin', 'python3'));
}

// Commands that may run a Python 3.<minor>.
function candidates(minor) {
  return [`python3.${minor}`, ...pyenv(minor)];
}

module.exports = { candidates, inspect };
