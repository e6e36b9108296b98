#!/usr/bin/env bash
# This file is `npm run template-check`: cfn-lint and checkov check the templates of the stage prod and of account/.
set -euo pipefail
cd "$(dirname "$0")/.."

# The values don't matter: packaging requires some.
export JWKS_URI=https://issuer.example/jwks.json AUDIENCE=https://api.example TOKEN_ISSUER=https://issuer.example/
npx sls package --stage prod
templates=(.serverless/*-update-stack.json account/*.yml)
.venv/bin/python .venv/bin/cfn-lint "${templates[@]}"

# checkov needs older libraries than the other tools, so it has an environment of its own.
.venv/bin/python -m venv .venv/checkov
node scripts/pip.js .venv/checkov checkov==3.3.30
.venv/checkov/bin/python -m checkov.main --file "${templates[@]}"
