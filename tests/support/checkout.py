"""A copy of the project in a folder of its own, and an environment made from nothing to run its tools in.

What runs there sees neither a `.env` of the developer nor any variable of their shell, reaches no AWS but the
endpoint that a test gives it, and installs Python packages without a package index.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.support.isolation import AWS, CALLER
from tests.support.serverless_yml import TEXT
from tests.support.wheels import wheels

ROOT = Path(__file__).parents[2]
SLS = ROOT / "node_modules/.bin/sls"


def copy_project(folder: Path) -> Path:
    """Copy the project without what .gitignore names into `folder`, and return the copy.

    The installed tools (`.venv`, `node_modules`) are linked, not copied. The copy has no rules of its own
    and no usage plans, whatever the developer has written to rules.py and serverless.yml.
    """
    checkout = folder / "project"
    lines = (ROOT / ".gitignore").read_text().splitlines()
    ignored = [line.rstrip("/") for line in lines if line and line[0] not in "#!"]
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=shutil.ignore_patterns(".git", *ignored))
    shutil.copy(ROOT / ".env.sample", checkout)
    (checkout / "rules.py").write_text("")
    (checkout / "serverless.yml").write_text(TEXT)
    for tools in (".venv", "node_modules"):
        (checkout / tools).symlink_to(ROOT / tools)
    return checkout


def leave_out_libraries(checkout: Path) -> Path:
    """Let a copy be packaged without libraries, which is much faster. Return the copy."""
    (checkout / "requirements.txt").unlink()
    return checkout


def leave_out_dashboard(checkout: Path) -> Path:
    """Let a copy be deployed where there are no dashboards and saved queries: in an emulated AWS.

    Return the copy.
    """
    service = (checkout / "serverless.yml").read_text()
    enabled = "    dashboard: enabled\n"
    assert enabled in service
    (checkout / "serverless.yml").write_text(service.replace(enabled, ""))
    return checkout


def clean_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment of its own: a home folder, made-up AWS credentials, and `variables`."""
    return {
        "PATH": _path(),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "CI": "true",  # no tool asks a question or looks for a newer version of itself
        # `sls` compiles its schema in 2 s, and keeps the result here for all tests, by the schema's hash.
        "SLS_SCHEMA_CACHE_BASE_DIR": str(ROOT / "node_modules/.cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels().as_uri(),  # not a path, which pip would split at spaces
        **AWS,
        **variables,
    }


@cache
def _path() -> str:
    """Return PATH, with the folder of Node itself first where a version manager stands in for it.

    A version manager (asdf, mise, Volta) looks for its versions in the developer's home folder.
    """
    path = CALLER["PATH"]
    found = shutil.which("node", path=path)
    if not found:
        return path
    command, environment = [found, "--print", "process.execPath"], CALLER | {"NODE_OPTIONS": ""}
    asked = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    node = asked.stdout.strip()
    is_node_itself = os.path.realpath(found) == os.path.realpath(node)
    return path if is_node_itself else f"{os.path.dirname(node)}{os.pathsep}{path}"


def npm_run(script: str) -> tuple[str, ...]:
    """Return the command that runs a script of package.json without the set-up. Its options follow."""
    return ("npm", "run", "--silent", "--ignore-scripts", script, "--")


def run(
    checkout: Path,
    *command: str | Path,
    environment: Mapping[str, str],
    standard_input: str = "",
    timeout: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy with `environment` alone. `timeout` is in seconds."""
    return subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        input=standard_input,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
