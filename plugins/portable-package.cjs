// This file is a Serverless plugin: a package can be deployed from another folder than the one where it was made, but
// only to the stage and the region that it was made for.
//
// The framework writes the absolute paths of the zips into the state file of a package. `sls deploy --package` copies
// the package to .serverless and then looks for the zips at these paths, so they must be relative.
'use strict';

const path = require('path');

module.exports = class PortablePackage {
  constructor(serverless) {
    const { service, serviceDir } = serverless;
    const relative = (owner) => {
      if (owner?.artifact) owner.artifact = path.relative(serviceDir, owner.artifact);
    };

    const makePathsRelative = () => {
      [service, service.package, ...Object.values(service.functions).map((made) => made.package)].forEach(relative);
    };

    // The framework would deploy a package of prod to dev: what differs between stages is in the package.
    const checkTarget = () => {
      const provider = serverless.getProvider('aws');
      const { stage, region } = service.provider; // of the package, since the framework has read its state file
      if (stage === provider.getStage() && region === provider.getRegion()) return;
      throw new serverless.classes.Error(
        `This package was made for stage ${stage} in ${region}, not for ${provider.getStage()} in ` +
          `${provider.getRegion()}. Deploy it with --stage ${stage} --region ${region}, or package the service again.`,
        'PACKAGE_OF_ANOTHER_STAGE',
      );
    };

    this.hooks = {
      'before:aws:package:finalize:saveServiceState': makePathsRelative,
      'before:deploy:deploy': checkTarget,
    };
  }
};
