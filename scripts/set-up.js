// This file is `npm run setup`, which every npm script runs first: Python's libraries go into .venv, Node's
// tools into node_modules. A step runs only if its inputs changed. `--dev` adds what tests and checks the code.
//
// It needs nothing installed, and is plain enough for an old Node, which then says that it is too old.
'use strict';

const { createHash } = require('crypto');
const { existsSync, readFileSync, rmSync, writeFileSync } = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { candidates, inspect } = require('./find-python.js');

const root = path.dirname(__dirname);
const venvPython = path.join(root, '.venv', 'bin', 'python');

function say(line) {
  process.stderr.write(line + '\n');
}

function fail(line) {
  say(line);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major >= 24;
  if (fits) return;
  fail(`Node 20.19 or newer is needed (or 22.13+, 24+), this is ${process.version}. See https://nodejs.org/`);
}

// The tool's output is shown only if it fails: then it says why.
function run(command, args, advice) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (result.status === 0) return;
  say([result.error, result.stdout, result.stderr].filter(Boolean).join('\n').trim());
  fail(advice);
}

function findPython() {
  // 3.13 is what Lambda runs
  const others = [14, 12, 11].map(candidates);
  let withoutVenv;
  for (const python of candidates(13).concat('python3', 'python', ...others)) {
    const found = inspect(python);
    if (found && found.venv) return { python, version: found.version };
    withoutVenv = withoutVenv || (found && found.version);
  }
  if (!withoutVenv) {
    return fail('Python 3.11 or newer is needed, best 3.13. See https://www.python.org/downloads/');
  }
  const debian = `python${withoutVenv.split('.').slice(0, 2).join('.')}-venv`;
  return fail(`Python ${withoutVenv} lacks its venv module. On Debian or Ubuntu: sudo apt install ${debian}`);
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

// `context` is what else the outcome depends on.
function fingerprint(file, context) {
  return createHash('sha256').update(`${context}\n${read(path.join(root, file))}`).digest('hex');
}

function setUpPython(files) {
  const stamp = path.join(root, '.venv', 'setup.json');
  const done = JSON.parse(read(stamp) || '{}');
  let found = inspect(venvPython);
  // Scripts in .venv/bin name its folder, so a copied or moved .venv does not do.
  const wanted = (file) => fingerprint(file, `${found && found.version} ${root}`);

  // Without its stamp a .venv is half made, or not ours: begin anew.
  if (done[files[0]] !== wanted(files[0])) {
    const { python, version } = findPython();
    say(`Making .venv with Python ${version} ...`);
    run(python, ['-m', 'venv', '--clear', '.venv'], `Could not make .venv with ${python}: see above.`);
    found = inspect(venvPython);
    delete done[files[0]];
  }
  const missing = files.filter((file) => done[file] !== wanted(file));
  if (missing.length === 0) return;

  say(`Installing ${missing.join(' and ')} into .venv (Python ${found.version}) ...`);
  rmSync(stamp, { force: true });
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'];
  for (const file of missing) args.push('-r', file);
  run(venvPython, args, "Could not install the Python libraries: see pip's message above, then try again.");
  for (const file of files) done[file] = wanted(file);
  writeFileSync(stamp, JSON.stringify(done));
}

function setUpNode() {
  // `npm ci` begins by removing node_modules, and this stamp with it.
  const stamp = path.join(root, 'node_modules', '.setup');
  const wanted = fingerprint('package-lock.json', '');
  if (read(stamp) === wanted) return;
  say('Installing the Node tools into node_modules ...');
  const advice = "Could not install the Node tools: see npm's message above, then try again.";
  run('npm', ['ci', '--ignore-scripts'], advice);
  writeFileSync(stamp, wanted);
}

checkNode();
setUpPython(['requirements.txt'].concat(process.argv.includes('--dev') ? 'requirements/dev.txt' : []));
setUpNode();
