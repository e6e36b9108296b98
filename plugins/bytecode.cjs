// This file is a Serverless plugin: it adds bytecode and licences to each package, and makes packages reproducible: they
// have the same bytes on every machine.
//
// The framework sets all dates in a zip to a fixed one, so the bytecode that pip writes would be stale: each cold start
// would compile all files again, and take twice as long. So pip writes none (--no-compile), and this plugin compiles the
// files of the zip. The bytecode contains the hash of its source (PEP 552). Python checks it when it imports one of our own
// files, so that an edit in the package takes effect. For the libraries, which nobody edits, a cold start saves reading
// and hashing 300 files.
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const JSZip = require('jszip');
const { candidates, inspect } = require('../scripts/find-python.js');
const { PYTHON, ROOT } = require('./project.cjs');

// Where Lambda unpacks the package. Tracebacks then show this path.
const TASK_ROOT = '/var/task';

function findPython(version) {
  return [PYTHON, ...candidates(version.split('.')[1]), 'python3'].find((python) => {
    const found = inspect(python);
    return found && found.version.startsWith(`${version}.`);
  });
}

// Returns where Python looks for the bytecode of a file (PEP 3147).
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

// Appends the licences of the libraries to our own, and removes the metadata of pip (*.dist-info) but for what matches
// `kept`.
async function gatherLicences(zip, kept) {
  const licences = zip.file('LICENSE') ? [await text(zip, 'LICENSE')] : [];
  for (const name of list(zip)) {
    const [, folder, library] = /^((.+)\.dist-info)\/RECORD$/.exec(name) || [];
    if (!folder) continue;
    const installed = (await text(zip, name)).split('\n').map((line) => line.split(',')[0]);
    if (!installed.some((file) => zip.file(file) && !file.startsWith(`${folder}/`))) continue; // it is not in the package
    const isLicence = (file) => file.startsWith(`${folder}/`) && /\.dist-info\/(licenses\/|LICEN[CS]E|COPYING|NOTICE)/.test(file);
    for (const file of installed.filter((file) => isLicence(file) && zip.file(file))) {
      licences.push(`---- ${library}: ${file}\n\n${await text(zip, file)}`);
    }
  }
  if (licences.length) put(zip, 'LICENSE', licences.join('\n\n'));
  const metadata = list(zip).filter((name) => /^[^/]+\.dist-info\//.test(name));
  metadata.filter((name) => !kept.test(name)).forEach((name) => zip.remove(name));
}

// Returns the errors of files that do not compile, as text. `sources` maps names to contents, `mode` says when Python checks
// the hash of a source: checked-hash or unchecked-hash.
function addBytecode(zip, sources, python, version, mode) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bytecode-'));
  try {
    for (const [name, source] of sources) {
      fs.mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
      fs.writeFileSync(path.join(folder, name), source);
    }
    const compile = ['-I', '-m', 'compileall', '-q', '-s', folder, '-p', TASK_ROOT];
    const result = spawnSync(python, [...compile, '--invalidation-mode', mode, folder], { encoding: 'utf8' });
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

// All files get the same date and mode, whatever they have on this machine.
async function write(zip, artifact) {
  const same = { date: new Date('1980-01-01T00:00:00Z'), unixPermissions: 0o100644 };
  for (const file of Object.values(zip.files)) Object.assign(file, same);
  const deflate = { compression: 'DEFLATE', compressionOptions: { level: 9 } };
  fs.writeFileSync(artifact, await zip.generateAsync({ type: 'nodebuffer', platform: 'UNIX', ...deflate }));
}

module.exports = class Bytecode {
  constructor(serverless, options, { log }) {
    const { service, serviceDir } = serverless;

    const finish = async () => {
      const version = service.provider.runtime.replace('python', '');
      const python = findPython(version);
      if (!python) {
        log.warning(
          `There is no Python ${version} here to compile with: without bytecode, each cold start takes twice as long.`,
        );
      }
      const packages = [service, ...Object.values(service.functions)].map((owner) => owner.package);
      const withLibraries = Object.values(service.functions).filter(({ libraries }) => libraries);
      const artifactsWithLibraries = withLibraries.map((owner) => owner.package.artifact);
      for (const artifact of new Set(packages.map((contents) => contents && contents.artifact).filter(Boolean))) {
        const zip = await JSZip.loadAsync(fs.readFileSync(artifact));
        // A function's own libraries may look for their versions and plugins. The authorizer's don't.
        const kept = artifactsWithLibraries.includes(artifact) ? /\/(METADATA|entry_points\.txt)$/ : /^$/;
        await gatherLicences(zip, kept);
        const ours = new Map();
        const libraries = new Map();
        for (const name of list(zip).filter((name) => name.endsWith('.py'))) {
          const isOurs = [serviceDir, ROOT].some((folder) => fs.existsSync(path.join(folder, name)));
          const sources = isOurs ? ours : libraries;
          sources.set(name, await zip.file(name).async('nodebuffer'));
          // Compress it again: the framework used the zlib of Node, whose result differs between machines.
          put(zip, name, sources.get(name));
        }
        const add = (sources, mode) => (python ? addBytecode(zip, sources, python, version, mode) : '');
        const problems = add(ours, 'checked-hash') + add(libraries, 'unchecked-hash');
        if (problems) throw new serverless.classes.Error(`Some files of the package do not compile:\n${problems}`, 'NOT_COMPILED');
        await write(zip, artifact);
      }
    };

    // pip would leave files there that an earlier command installed, of whatever version.
    const removeInstalled = () =>
      fs.rmSync(path.join(serviceDir, '.serverless', 'requirements'), { recursive: true, force: true });

    this.hooks = {
      'after:package:createDeploymentArtifacts': finish,
      'after:deploy:function:initialize': removeInstalled,
      'after:deploy:function:packageFunction': finish,
    };
  }
};
