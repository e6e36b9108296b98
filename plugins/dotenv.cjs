// This file says which file a stage takes its settings from. serverless.yml asks it whether to load one (`useDotenv`):
// the framework then loads .env.<stage>, or else .env.
'use strict';

const { existsSync } = require('fs');

// These never use .env, which is for development: what is meant for another issuer must not be deployed by accident.
// `local` is the stage of `npm start`, which has an issuer of its own.
const OWN_FILE_ONLY = ['staging', 'prod', 'local'];

// Returns the name of the file, whether it exists or not.
function settingsFile(stage) {
  const own = `.env.${stage}`;
  return OWN_FILE_ONLY.includes(stage) || existsSync(own) ? own : '.env';
}

// The framework's schema knows `true` only: anything else is null.
async function useDotenv({ resolveVariable }) {
  return existsSync(settingsFile(await resolveVariable('sls:stage'))) || null;
}

module.exports = { settingsFile, useDotenv };
