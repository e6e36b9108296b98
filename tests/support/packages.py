"""The packages that `npx sls package` makes: how to build one, and what is wrong with it, if anything is.

A check returns one line for each thing that is wrong, so that a test can tell what it found.
"""

import os
import platform
import re
import subprocess
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from zipfile import ZipFile

from tests.support.environment import environment

ROOT = Path(__file__).parents[2]
AUTHORIZER = "jwt-rsa-custom-authorizer.zip"
RUNTIME = (3, 13)

# e_machine in the header of an ELF file
MACHINES = {"arm64": 183, "x86_64": 62}
HERE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
MAX_BYTES = 6.0 * 2**20
CHECKED_HASH = (0b11).to_bytes(4, "little")  # the flags of PEP 552


def build(destination: Path, architecture: str = "arm64", *, checkout: Path = ROOT) -> None:
    """Put the packages of `checkout` into `destination`."""
    run = subprocess.run(
        [
            *("node_modules/.bin/sls", "package", "--package", str(destination)),
            *("--param", f"architecture={architecture}"),
        ],
        cwd=checkout,
        env=os.environ | environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(run.stdout)


def names(package: Path) -> list[str]:
    """The files in a package, in order."""
    with ZipFile(package) as files:
        return files.namelist()


def unpack(package: Path, folder: Path) -> Path:
    """Unpack it as Lambda does: nothing can be written beside its files."""
    with ZipFile(package) as files:
        files.extractall(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    return folder


def cannot_run() -> str:
    """Why this Python can neither run a package nor judge its bytecode; nothing if it can."""
    version = ".".join(map(str, RUNTIME))
    if sys.version_info[:2] != RUNTIME:
        return f"the packages are for Python {version}: install it, and remove .venv"
    return "" if sys.platform == "linux" else "the packages are for Linux"


def without_bytecode(folder: Path) -> list[str]:
    """Which files Python would compile at each cold start, or run without a look at their source."""
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
        elif header[4:8] != CHECKED_HASH:
            problems.append(f"{name} has bytecode that its source is not checked against by hash")
        elif header[8:] != source_hash(source.read_bytes()):
            problems.append(f"{name} has bytecode of another source")
    return problems


def wrong_objects(folder: Path, architecture: str) -> list[str]:
    """Which files of machine code Lambda could not load."""
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
