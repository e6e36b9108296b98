// This file is `npm run setup`, which all npm scripts run first. It installs the Python libraries into .venv and the
// Node tools into node_modules, unless they are there already. `--dev` adds the tools that test and check the code.
//
// It needs nothing installed, and an old Node can run it, to say that it is too old.
'use strict';

const { createHash } = require('crypto');
const { lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, rmSync } = require('fs');
const { existsSync, symlinkSync, writeFileSync } = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { candidates, inspect } = require('./find-python.js');
const { pipInstall } = require('./pip.js');
const { engines } = require('../package.json');

const root = path.dirname(__dirname);
const venv = path.join(root, '.venv');
const nodeModules = path.join(root, 'node_modules');

function say(line) {
  process.stderr.write(line + '\n');
}

function fail(line) {
  say(line);
  process.exit(1);
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

// `ranges` is as in package.json, for example `^20.19 || >=24`.
function isSupported(version, ranges) {
  const [major, minor] = version.split('.').map(Number);
  return ranges.split(' || ').some((range) => {
    const [lowest, leastMinor] = range.replace(/^\D+/, '').split('.').map(Number);
    if (major === lowest) return minor >= (leastMinor || 0);
    return range.startsWith('>=') && major > lowest;
  });
}

function checkNode() {
  if (isSupported(process.versions.node, engines.node)) return;
  fail(`This is Node ${process.version}, but the project needs ${engines.node}. See https://nodejs.org/`);
}

// The output of a tool is shown only if it fails.
function check({ status, error, stdout, stderr }, advice) {
  if (status === 0) return;
  say([error, stdout, stderr].filter(Boolean).join('\n').trim());
  fail(advice);
}

const captured = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 };

// A copy of the project may use the tools of another one by a link. Those are not to be replaced from here.
function refuseLink(folder, lockFile) {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (!found || !found.isSymbolicLink()) return;
  const name = path.basename(folder);
  fail(`${name} is a link to ${readlinkSync(folder)}, which does not match ${lockFile}. Remove the link, then try again.`);
}

function findPython() {
  // 3.13 is what Lambda runs.
  const others = [14, 12, 11].map(candidates);
  let withoutVenv;
  for (const python of candidates(13).concat('python3', 'python', ...others)) {
    const found = inspect(python);
    if (found && found.hasVenv) return { python, version: found.version };
    withoutVenv = withoutVenv || (found && found.version);
  }
  if (!withoutVenv) {
    return fail('Python 3.11 or newer is needed, preferably 3.13. See https://www.python.org/downloads/');
  }
  const debian = `python${withoutVenv.split('.').slice(0, 2).join('.')}-venv`;
  return fail(`Python ${withoutVenv} has no venv module. On Debian or Ubuntu: sudo apt install ${debian}`);
}

// What is installed is recorded in .venv itself, so that the record is gone whenever .venv is.
const records = path.join(venv, 'installed');

function recordOf(lockFile) {
  return path.join(records, lockFile.replace('/', '-'));
}

// The scripts in .venv/bin contain the path of .venv: a copy of it, or one that was moved, doesn't work.
function describe(lockFile) {
  const found = inspect(path.join(venv, 'bin', 'python'));
  const context = found && `${found.version} ${realpathSync(venv)}`;
  return createHash('sha256').update(`${context}\n${read(path.join(root, lockFile))}`).digest('hex');
}

function isInstalled(lockFile) {
  return read(recordOf(lockFile)) === describe(lockFile);
}

function installPython(lockFiles) {
  let missing = lockFiles.filter((file) => !isInstalled(file));
  refuseLink(venv, missing[0]);
  // What another version of a lock file installed would stay there, so begin anew.
  const isOutdated = missing.some((file) => existsSync(recordOf(file)));
  if (isOutdated || missing.includes('requirements.txt')) {
    const { python, version } = findPython();
    say(`Creating .venv with Python ${version} ...`);
    rmSync(records, { recursive: true, force: true });
    const made = spawnSync(python, ['-I', '-m', 'venv', '--clear', '.venv'], captured);
    check(made, `Could not create .venv with ${python}: see above.`);
    missing = lockFiles;
  }
  say(`Installing ${missing.join(' and ')} into .venv ...`);
  const files = missing.map((file) => ['-r', file]);
  const installed = pipInstall(venv, ['--require-hashes'].concat(...files), captured);
  check(installed, "Could not install the Python libraries: see pip's message above, then try again.");
  mkdirSync(records, { recursive: true });
  for (const file of missing) writeFileSync(recordOf(file), describe(file));
}

// npm writes down what it installed when it is done, and removes that with node_modules.
function isNodeInstalled() {
  const record = read(path.join(nodeModules, '.package-lock.json'));
  if (!record) return false;
  const installed = JSON.parse(record).packages;
  const wanted = JSON.parse(read(path.join(root, 'package-lock.json'))).packages;
  delete wanted['']; // the project itself
  const isMissing = (name) => !installed[name] && !wanted[name].optional; // one for another platform, say
  const isOther = (name) => !wanted[name] || installed[name].integrity !== wanted[name].integrity;
  return !Object.keys(wanted).some(isMissing) && !Object.keys(installed).some(isOther);
}

function installNode() {
  refuseLink(nodeModules, 'package-lock.json');
  say('Installing the Node tools into node_modules ...');
  // All of them are development dependencies, which npm leaves out where NODE_ENV is production.
  const installed = spawnSync('npm', ['ci', '--ignore-scripts', '--include=dev'], captured);
  check(installed, "Could not install the Node tools: see npm's message above, then try again.");
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// Waits until no other set-up runs in this folder. The lock is a link whose target is the id of its process: it is made
// in one step, and is void when that process has ended.
function lock() {
  const file = path.join(root, '.setup.lock');
  for (let isTold = false; ; ) {
    try {
      symlinkSync(String(process.pid), file);
      process.on('exit', () => rmSync(file, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    let owner;
    try {
      owner = Number(readlinkSync(file));
    } catch (error) {
      continue; // removed just now
    }
    if (!isRunning(owner)) {
      rmSync(file, { force: true });
    } else {
      if (!isTold) say('Waiting for another set-up in this folder ...');
      isTold = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200); // milliseconds
    }
  }
}

checkNode();
const lockFiles = ['requirements.txt'].concat(process.argv.includes('--dev') ? 'requirements/dev.txt' : []);
if (!lockFiles.every(isInstalled) || !isNodeInstalled()) {
  lock();
  if (!lockFiles.every(isInstalled)) installPython(lockFiles);
  if (!isNodeInstalled()) installNode();
}
