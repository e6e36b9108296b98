// This file is a Serverless plugin: a function may have libraries of its own, which only its package gets:
//
//   listOrders:
//     handler: orders.list_orders
//     libraries: orders-requirements.txt # what pip installs into its package
//     package:
//       individually: true
//
// When the function runs here, they are installed for this machine, in a folder that no other function sees.
'use strict';

const { createHash } = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const JSZip = require('jszip');
const { pipInstall } = require('../scripts/pip.js');
const { VENV } = require('./project.cjs');

// Yields the paths of all files below a folder.
function* filesBelow(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(file);
    else yield file;
  }
}

module.exports = class FunctionLibraries {
  constructor(serverless) {
    const { service, serviceDir, classes, configSchemaHandler } = serverless;
    configSchemaHandler.defineFunctionProperties('aws', { properties: { libraries: { type: 'string' } } });
    const withLibraries = () => Object.entries(service.functions).filter(([, { libraries }]) => libraries);

    const install = (name, libraries, folder, options) => {
      const args = ['--target', folder, '--no-compile', ...options, '-r', libraries];
      const { status, stdout, stderr } = pipInstall(VENV, args, { cwd: serviceDir, encoding: 'utf8' });
      if (status === 0) return;
      const message = `Could not install the libraries of the function ${name} (${libraries}):\n${stdout}${stderr}`;
      throw new classes.Error(message, 'LIBRARIES_NOT_INSTALLED');
    };

    const check = () => {
      for (const [name, { package: own }] of withLibraries()) {
        if (own?.individually) continue;
        const message = `The function ${name} has libraries, so it needs a package of its own: individually: true`;
        throw new classes.Error(message, 'LIBRARIES_OF_SHARED_PACKAGE');
      }
    };

    // With the options that the authorizer's libraries are installed with: for Lambda.
    const addToPackages = async () => {
      const options = service.custom.pythonRequirements.pipCmdExtraArgs.flatMap((option) => option.split(' '));
      for (const [name, { libraries, package: { artifact } }] of withLibraries()) {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'libraries-'));
        try {
          install(name, libraries, folder, options);
          const zip = await JSZip.loadAsync(fs.readFileSync(artifact));
          for (const file of filesBelow(folder)) {
            const name = path.relative(folder, file);
            // Programs are not run on Lambda, and contain the path of this machine's Python.
            if (!name.startsWith('bin/')) zip.file(name, fs.readFileSync(file), { createFolders: false });
          }
          fs.writeFileSync(artifact, await zip.generateAsync({ type: 'nodebuffer', platform: 'UNIX' }));
        } finally {
          fs.rmSync(folder, { recursive: true });
        }
      }
    };

    // Returns the folder with the libraries of a function, for this machine.
    const folderOf = (name, libraries) => {
      const digest = createHash('sha256');
      // Another Python may need other files.
      const files = [path.join(VENV, 'pyvenv.cfg'), path.join(serviceDir, libraries)];
      for (const file of files) digest.update(fs.readFileSync(file));
      const folder = path.join(serviceDir, '.libraries', `${name}-${digest.digest('hex').slice(0, 16)}`);
      if (!fs.existsSync(folder)) {
        fs.rmSync(`${folder}.new`, { recursive: true, force: true });
        install(name, libraries, `${folder}.new`, []);
        fs.renameSync(`${folder}.new`, folder);
      }
      return folder;
    };

    const useOffline = () => {
      for (const [name, declared] of withLibraries()) {
        declared.environment = { ...declared.environment, PYTHONPATH: folderOf(name, declared.libraries) };
      }
    };

    // The framework has set the variables of the function already, and venv.cjs has removed PYTHONPATH.
    const useInvoked = () => {
      const name = serverless.processedInput.options.function;
      const { libraries } = service.getFunction(name);
      if (libraries) process.env.PYTHONPATH = folderOf(name, libraries);
    };

    this.hooks = {
      'before:package:initialize': check,
      'after:package:createDeploymentArtifacts': addToPackages,
      'after:deploy:function:packageFunction': addToPackages,
      'before:invoke:local:loadEnvVars': useInvoked,
      'before:offline:start': useOffline,
      'before:offline:start:init': useOffline,
    };
  }
};
