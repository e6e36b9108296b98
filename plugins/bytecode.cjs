// This file is a Serverless plugin: it gives each package bytecode and licences, and the same bytes on each machine.
//
// The framework's zips carry fixed dates, which makes the bytecode that pip writes stale: each cold start compiles all
// files anew, and takes twice as long. So pip writes none (--no-compile), and this compiles what is in the zip, with the
// hash of its source inside (PEP 552). The hash is checked when a file is imported, also in the libraries: that takes
// 2 ms of a cold start, and whoever edits a file of the package runs what they see.
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const JSZip = require('jszip');
const { candidates, inspect } = require('../scripts/find-python.js');

// Lambda unpacks the package here: tracebacks name its files so.
const TASK_ROOT = '/var/task';

function findPython(serviceDir, version) {
  const venv = path.join(serviceDir, '.venv', 'bin', 'python');
  return [venv, ...candidates(version.split('.')[1]), 'python3'].find((python) => {
    const found = inspect(python);
    return found && found.version.startsWith(`${version}.`);
  });
}

// Where Python looks for the bytecode of a file (PEP 3147).
function bytecodeName(source, version) {
  const { dir, name } = path.posix.parse(source);
  return path.posix.join(dir, '__pycache__', `${name}.cpython-${version.replace('.', '')}.pyc`);
}

function list(zip) {
  return Object.keys(zip.files).sort();
}

function text(zip, name) {
  return zip.file(name).async('string');
}

function put(zip, name, content) {
  zip.file(name, content, { createFolders: false });
}

// Puts the licences of the libraries behind our own, and takes out what else pip noted of them (*.dist-info).
async function gatherLicences(zip) {
  const licences = zip.file('LICENSE') ? [await text(zip, 'LICENSE')] : [];
  for (const name of list(zip)) {
    const [, folder, library] = /^((.+)\.dist-info)\/RECORD$/.exec(name) || [];
    if (!folder) continue;
    const installed = (await text(zip, name)).split('\n').map((line) => line.split(',')[0]);
    if (!installed.some((file) => zip.file(file) && !file.startsWith(`${folder}/`))) continue; // none of it is shipped
    for (const file of installed.filter((file) => file.startsWith(`${folder}/licenses/`))) {
      licences.push(`---- ${library}: ${file}\n\n${await text(zip, file)}`);
    }
  }
  if (licences.length) put(zip, 'LICENSE', licences.join('\n\n'));
  list(zip).filter((name) => /^[^/]+\.dist-info\//.test(name)).forEach((name) => zip.remove(name));
}

// Returns what does not compile: nothing, if all is well. `sources` maps names to contents.
function addBytecode(zip, sources, python, version) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bytecode-'));
  try {
    for (const [name, source] of sources) {
      fs.mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), source);
    }
    const compile = ['-I', '-m', 'compileall', '-q', '-s', folder, '-p', TASK_ROOT];
    const result = spawnSync(python, [...compile, '--invalidation-mode', 'checked-hash', folder], { encoding: 'utf8' });
    if (result.status !== 0) return result.stdout + result.stderr;
    for (const [name] of sources) {
      const bytecode = bytecodeName(name, version);
      put(zip, bytecode, fs.readFileSync(path.join(folder, bytecode)));
    }
    return '';
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

// With one date and mode, whatever umask the files were made under.
async function write(zip, artifact) {
  const same = { date: new Date('1980-01-01T00:00:00Z'), unixPermissions: 0o100644 };
  for (const file of Object.values(zip.files)) Object.assign(file, same);
  const deflate = { compression: 'DEFLATE', compressionOptions: { level: 9 } };
  fs.writeFileSync(artifact, await zip.generateAsync({ type: 'nodebuffer', platform: 'UNIX', ...deflate }));
}

module.exports = class Finish {
  constructor(serverless, options, { log }) {
    const { service, serviceDir } = serverless;

    const finish = async () => {
      const version = service.provider.runtime.replace('python', '');
      const python = findPython(serviceDir, version);
      if (!python) {
        log.warning(
          `There is no Python ${version} here to compile with: without bytecode, each cold start takes twice as long.`,
        );
      }
      const packages = [service, ...Object.values(service.functions)].map((owner) => owner.package);
      for (const artifact of new Set(packages.map((made) => made && made.artifact).filter(Boolean))) {
        const zip = await JSZip.loadAsync(fs.readFileSync(artifact));
        await gatherLicences(zip);
        const sources = new Map();
        for (const name of list(zip).filter((name) => name.endsWith('.py'))) {
          sources.set(name, await zip.file(name).async('nodebuffer'));
          // Anew, since the framework deflated it with Node's zlib, which is another one on another machine.
          put(zip, name, sources.get(name));
        }
        const problems = python ? addBytecode(zip, sources, python, version) : '';
        if (problems) throw new serverless.classes.Error(`Not all of it compiles:\n${problems}`, 'NOT_COMPILED');
        await write(zip, artifact);
      }
    };

    // pip would leave in place what an earlier command has put there, of whatever version.
    const startAnew = () =>
      fs.rmSync(path.join(serviceDir, '.serverless', 'requirements'), { recursive: true, force: true });

    this.hooks = {
      'after:package:createDeploymentArtifacts': finish,
      'after:deploy:function:initialize': startAnew,
      'after:deploy:function:packageFunction': finish,
    };
  }
};
