"""`npm run doctor -- --stage prod`: are the settings right? It asks the live issuer, before you deploy.

It examines the settings that a deployment would have, with the authorizer's own code. With --token, it also
says why the authorizer rejects a token, or what rules.py returns for it and which routes it allows. The exit
status is 1 if anything is WRONG.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from auth import ConfigError, fetch
from auth.custom_rules import NO_RULES, Rules, load_rules
from tools import given_token
from tools.examination import Finding, examine
from tools.untrusted_text import one_line

# These never read .env, which is for development. `local` is the stage of `npm start`.
OWN_FILE_ONLY = ("staging", "prod", "local")


def settings_file(stage: str, folder: Path) -> str:
    """Return the name of the file in `folder` that a stage reads, or would read if it were there."""
    own = f".env.{stage}"
    return own if stage in OWN_FILE_ONLY or (folder / own).is_file() else ".env"


def source(stage: str, folder: Path, from_environment: Iterable[str]) -> Finding:
    """Say where the settings of a stage come from: its file, and the variables `from_environment`."""
    file, names = settings_file(stage, folder), ", ".join(sorted(from_environment))
    is_there = (folder / file).is_file()
    if is_there:
        text = f"Stage {stage} reads {file}."
    elif stage in OWN_FILE_ONLY:
        text = f"Stage {stage} has no {file}, and does not read .env."
    else:
        text = f"Stage {stage} has no .env.{stage} and no .env."
    if names:
        text += f" The environment sets {names}, and takes precedence."
    return Finding("ok" if is_there or names else "note", "settings", text)


def authorizer_environment(stage: str) -> dict[str, Any]:
    """Return the environment that the authorizer would get in a stage. Exits if `sls` can't tell."""
    command = ["node_modules/.bin/sls", "print", "--stage", stage, "--format", "json"]
    command += ["--path", "functions.authorizer.environment"]
    printed = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    try:
        printed.check_returncode()
        environment: dict[str, Any] = json.loads(printed.stdout)
    except (subprocess.CalledProcessError, ValueError):
        said = (printed.stdout + printed.stderr).splitlines()
        lines = [f"sls: {one_line(line)}" for line in said if line.strip()]
        raise SystemExit(
            "\n".join([*lines, "sls could not read the settings. Correct what it reports."])
        ) from None
    return environment


def own_rules(environment: Mapping[str, str]) -> tuple[Rules, list[Finding]]:
    """Return the rules of rules.py, and what is wrong with it. They may read the authorizer's environment."""
    os.environ.update(environment)
    try:
        return load_rules(), []
    except ConfigError as error:
        return NO_RULES, [Finding("WRONG", "rules.py", f"{error}.")]


def lines(finding: Finding) -> list[str]:
    """Return what is printed about a finding. Settings that belong together have a line each."""
    several = finding.recommended if len(finding.recommended) > 1 else ()
    first = f"{finding.level:<5}  {finding.subject}: {one_line(finding.text)}"
    return [first, *(f"       {setting}" for setting in several)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="npm run doctor --", description=__doc__)
    parser.add_argument("--stage", default="dev", help="the stage to examine (default: dev)")
    parser.add_argument("--token", type=given_token, help="a token to examine, too; - reads it from stdin")
    options = parser.parse_args()

    environment = authorizer_environment(options.stage)
    findings = [source(options.stage, Path(), (name for name in environment if os.environ.get(name)))]
    known = {name: str(value) for name, value in environment.items() if isinstance(value, str | int)}
    if unknown := ", ".join(sorted(environment.keys() - known.keys())):
        text = f"CloudFormation fills in {unknown} when it deploys. The rest is examined without it."
        findings.append(Finding("note", "settings", text))
    logging.getLogger("auth").addHandler(logging.NullHandler())  # the findings say what it would log
    rules, problems = own_rules(known)
    findings += [*problems, *examine(known, options.token, fetch, rules=rules)]

    for finding in findings:
        print("\n".join(lines(finding)))
    wrong = [finding for finding in findings if finding.level == "WRONG"]
    if any(finding.recommended or not finding.subject.startswith(("token", "rules.py")) for finding in wrong):
        file = settings_file(options.stage, Path())
        print(f"If a setting is wrong, correct it in {file} or the environment. See .env.sample.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
