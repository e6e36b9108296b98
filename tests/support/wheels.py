"""The libraries of requirements.txt as wheels, so that packaging in a test needs no package index."""

import shutil
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.isolation import CALLER
from tests.support.sharing import locked

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements.txt"
# What serverless.yml asks pip for.
PLATFORMS = ("manylinux2014_aarch64", "manylinux2014_x86_64")


@cache
def wheels() -> Path:
    """Return a folder with the wheels for each architecture.

    They are downloaded once for each requirements.txt, with the index and the proxy of the developer's own
    environment, as `npm run setup` does. Their hashes must be those of requirements.txt.
    """
    folder = ROOT / ".venv/wheels"
    with locked(ROOT / ".venv/wheels.lock"):
        current = folder / sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
        if not current.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _download(current)
    return current


def _download(target: Path) -> None:
    with TemporaryDirectory(dir=target.parent) as unfinished:
        for platform in PLATFORMS:
            downloaded = subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
                    *("--require-hashes", "--only-binary", ":all:", "--python-version", "3.13"),
                    *("--implementation", "cp", "--platform", platform),
                    *("--requirement", REQUIREMENTS, "--dest", f"{unfinished}/wheels"),
                ],
                env=CALLER,
                check=False,
            )
            if downloaded.returncode:
                raise RuntimeError("The libraries of requirements.txt could not be downloaded: see above.")
        Path(unfinished, "wheels").rename(target)
