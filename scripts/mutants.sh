#!/usr/bin/env bash
# This file is `npm run mutants`: mutmut changes auth/ in small ways, and tells which changes no test notices.
set -euo pipefail
cd "$(dirname "$0")/.."

.venv/bin/python -m venv .venv/mutants
.venv/mutants/bin/pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements/dev.txt
.venv/mutants/bin/pip install --quiet --disable-pip-version-check mutmut==3.8.1
.venv/mutants/bin/mutmut run
