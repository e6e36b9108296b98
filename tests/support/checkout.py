"""A copy of the project in a folder of its own, and an environment made from nothing to run it in.

What runs there sees neither a `.env` of the developer nor any variable of their shell, and reaches no AWS but
the endpoint that a test gives it.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Nothing listens on this port: a request to AWS that a test did not plan fails at once.
NO_AWS = "http://127.0.0.1:9"


def copy_project(folder: Path) -> Path:
    """Copy what git knows of the project, or would take into a commit, into `folder`, and return the copy.

    The installed tools (`.venv`, `node_modules`) are linked, not copied.
    """
    checkout = folder / "project"
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        source, target = ROOT / name, checkout / name
        if not source.is_file():
            continue  # deleted, but still in git's index
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        target.chmod(source.stat().st_mode)
    for tools in (".venv", "node_modules"):
        (checkout / tools).symlink_to(ROOT / tools)
    return checkout


def clean_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment of its own: a home folder, made-up AWS credentials, and `variables`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "CI": "true",  # no tool asks a question or looks for a newer version of itself
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": NO_AWS,
        **variables,
    }


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
