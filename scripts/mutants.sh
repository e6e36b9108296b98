#!/usr/bin/env bash
# This file is `npm run mutants`: mutmut changes auth/ in small ways, and reports the changes that no test notices.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/python -m venv .venv/mutants
node scripts/pip.js .venv/mutants -r requirements.txt -r requirements/dev.txt
node scripts/pip.js .venv/mutants mutmut==3.8.1
.venv/mutants/bin/python -m mutmut run
