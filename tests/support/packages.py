"""What `npm run package` makes, and checks of it.

A check returns one line for each problem, so that a test can name what was found.
"""

import json
import platform
import re
import sys
from collections.abc import Mapping
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.support.checkout import ROOT, npm_run, run
from tests.support.serverless_yml import SERVICE

AUTHORIZER = f"{SERVICE}.zip"
BOUNDARY = "arn:aws:iam::123456789012:policy/stage"
RUNTIME = (3, 13)

# e_machine in the header of an ELF file
MACHINES = {"arm64": 183, "x86_64": 62}
HERE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
MAX_BYTES = 6.0 * 2**20
# The flags of PEP 552. Our own files take effect when they are edited; nobody edits the libraries.
CHECKED_HASH = (0b11).to_bytes(4, "little")
UNCHECKED_HASH = (0b01).to_bytes(4, "little")


def make_packages(checkout: Path, *options: str, environment: Mapping[str, str]) -> Path:
    """Run `npm run package` in a copy of the project. Return the folder with the packages and the templates.

    Raises RuntimeError with the output of the command if it failed.
    """
    made = run(checkout, *npm_run("package"), *options, environment=environment)
    if made.returncode:
        raise RuntimeError(made.stdout + made.stderr)
    return checkout / "package"


def leave_out_dashboard(folder: Path) -> None:
    """Let packages be deployed where there are no dashboards and saved queries: in an emulated AWS."""
    left_out = ("AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition")

    def without(value: dict[str, Any]) -> dict[str, Any]:
        return {
            name: member
            for name, member in value.items()
            if not (isinstance(member, dict) and member.get("Type") in left_out)
        }

    for file in folder.glob("*.json"):
        file.write_text(json.dumps(json.loads(file.read_text(), object_hook=without)))


def names(package: Path) -> list[str]:
    """Return the names of the files in a package, in order."""
    with ZipFile(package) as files:
        return files.namelist()


def unpack(package: Path, folder: Path) -> Path:
    """Unpack a package as Lambda does, so that nothing can be written beside its files. Return the folder."""
    with ZipFile(package) as files:
        files.extractall(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    return folder


def cannot_run() -> str:
    """Return why this Python can neither run a package nor check its bytecode, or "" if it can."""
    version = ".".join(map(str, RUNTIME))
    if sys.version_info[:2] != RUNTIME:
        return f"the packages are for Python {version}: install it, and remove .venv"
    return "" if sys.platform == "linux" else "the packages are for Linux"


def without_bytecode(folder: Path) -> list[str]:
    """Return the files that Python would compile at each cold start, or whose bytecode is of another source.

    Also our own files if Python would not check that, and libraries if it would, which takes time.
    """
    problems = []
    for source in sorted(folder.rglob("*.py")):
        bytecode = Path(cache_from_source(str(source)))
        name = source.relative_to(folder)
        if not bytecode.exists():
            problems.append(f"{name} has no bytecode")
            continue
        header = bytecode.read_bytes()[:16]
        if header[:4] != MAGIC_NUMBER:
            problems.append(f"{name} has bytecode of another Python")
        elif header[4:8] != (CHECKED_HASH if (ROOT / name).exists() else UNCHECKED_HASH):
            problems.append(f"{name} has bytecode that is checked in another way than it should be")
        elif header[8:] != source_hash(source.read_bytes()):
            problems.append(f"{name} has bytecode of another source")
    return problems


def wrong_objects(folder: Path, architecture: str) -> list[str]:
    """Return the files of machine code that Lambda could not load."""
    version = "".join(map(str, RUNTIME))
    problems = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        header = path.read_bytes()[:20]
        is_elf = header.startswith(b"\x7fELF")
        if not is_elf and path.suffix not in (".so", ".dylib", ".pyd"):
            continue
        if not is_elf or int.from_bytes(header[18:], "little") != MACHINES[architecture]:
            problems.append(f"{name} is not for Linux on {architecture}")
        elif not re.search(rf"\.(cpython-{version}-[^.]+|abi3)\.so$", path.name):
            problems.append(f"{name} is not for Python {'.'.join(map(str, RUNTIME))}")
    return problems
