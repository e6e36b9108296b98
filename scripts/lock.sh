#!/usr/bin/env bash
# This file is `npm run lock`: it pins the Python packages, and what they depend on, with their hashes. Its options are
# those of `uv pip compile`, such as --upgrade.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
  .venv/bin/uv pip compile "${@:3}" --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-annotate --no-strip-extras --no-config "$1" --output-file "$2"
}

lock requirements/deploy.in requirements.txt "$@"
lock requirements/dev.in requirements/dev.txt "$@" # after requirements.txt, whose versions it must agree with
lock requirements/ministack.in requirements/ministack.txt "$@"
