"""`npm run setup`, with the real Python, pip and npm, in a small project that needs small packages."""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.checkout import ROOT, clean_environment, run
from tests.support.odd_folder import NAME

SCRIPTS = ("set-up.js", "find-python.js", "pip.js")
TOOLS = (".venv", "node_modules")
FIRST_VERSIONS = {"library": "1.0", "tool": "1.0", "obsolete": "1.0", "node": "1.0.0"}

Run = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Project:
    """A project that is set up by the scripts of this one."""

    folder: Path
    index: Path
    """A folder of packages, instead of PyPI."""
    environment: dict[str, str]

    def copy(self, folder: Path) -> "Project":
        """Copy the project, and link its tools."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(*TOOLS))
        for name in TOOLS:
            (folder / name).symlink_to(self.folder / name)
        return replace(self, folder=folder)

    def require(self, lock_file: str, **versions: str) -> None:
        """Write a lock file with these versions of packages, and put the packages into the index."""
        pins = []
        for name, version in versions.items():
            wheel = make_wheel(self.index, name, version)
            pins.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
        (self.folder / lock_file).write_text("".join(pins))

    def require_node(self, version: str) -> None:
        """Write package.json and package-lock.json, which require a version of a package."""
        package = make_node_package(self.index, "tool", version)
        integrity = f"sha512-{base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()}"
        engines = json.loads((ROOT / "package.json").read_text())["engines"]
        project = {"name": "project", "devDependencies": {"tool": package.as_uri()}, "engines": engines}
        installed = {"version": version, "resolved": package.as_uri(), "integrity": integrity, "dev": True}
        packages = {"": project, "node_modules/tool": installed}
        lock = {"name": "project", "lockfileVersion": 3, "requires": True, "packages": packages}
        (self.folder / "package.json").write_text(json.dumps(project))
        (self.folder / "package-lock.json").write_text(json.dumps(lock))

    def set_up(self, *options: str, **variables: str) -> Run:
        command = ("node", "scripts/set-up.js", *options)
        return run(self.folder, *command, environment=self.environment | variables)

    def installed(self) -> dict[str, str]:
        """Return the versions of the packages in .venv, without Python's own, and of the Node package."""
        code = (
            "import json; from importlib.metadata import distributions;"
            "versions = {each.name: each.version for each in distributions()};"
            "print(json.dumps({k: v for k, v in versions.items() if k not in ('pip', 'setuptools')}))"
        )
        listing = run(self.folder, ".venv/bin/python", "-I", "-c", code, environment=self.environment)
        found: dict[str, str] = json.loads(listing.stdout)
        package = self.folder / "node_modules/tool/package.json"
        return found | {"node": json.loads(package.read_text())["version"] if package.exists() else "none"}


def make_wheel(folder: Path, name: str, version: str) -> Path:
    """Make a wheel with an empty module (PEP 427), and return its path."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = f"{name}-{version}.dist-info"
    with ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{metadata}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{metadata}/RECORD", "")
    return path


def make_node_package(folder: Path, name: str, version: str) -> Path:
    path = folder / f"{name}-{version}.tgz"
    content = json.dumps({"name": name, "version": version}).encode()
    member = tarfile.TarInfo("package/package.json")
    member.size = len(content)
    with tarfile.open(path, "w:gz") as package:
        package.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a developer, much of which would change or break an installation."""
    home = tmp_path_factory.mktemp("home")
    (home / "pip.conf").write_text("[install]\nuser = true\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with ZipFile(make_wheel(elsewhere, "library", "1.0")) as wheel:
        wheel.extractall(elsewhere)
    (elsewhere / "constraints.txt").write_text("library==0.9\n")
    return clean_environment(
        home,
        PIP_CONFIG_FILE=str(home / "pip.conf"),
        PIP_USER="1",
        PIP_TARGET=str(elsewhere / "target"),
        PIP_PREFIX=str(elsewhere / "prefix"),
        PIP_CONSTRAINT=str(elsewhere / "constraints.txt"),
        PIP_DRY_RUN="1",
        PIP_NO_BINARY=":all:",
        PIP_REQUIRE_VIRTUALENV="1",
        PYTHONPATH=str(elsewhere),
        PYTHONUSERBASE=str(elsewhere / "user"),
        NODE_ENV="production",
        npm_config_cache=str(home / ".npm"),
    )


@pytest.fixture(scope="module")
def new_project(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Project:
    """A project that has not been set up yet."""
    index = tmp_path_factory.mktemp("index")
    # The developer's own package index is used.
    own_index = {"PIP_FIND_LINKS": index.as_uri(), "PIP_NO_INDEX": "1"}
    project = Project(tmp_path_factory.mktemp("clone") / NAME, index, environment | own_index)
    (project.folder / "scripts").mkdir(parents=True)
    for name in SCRIPTS:
        shutil.copy(ROOT / "scripts" / name, project.folder / "scripts")
    (project.folder / "requirements").mkdir()
    project.require("requirements.txt", library="1.0")
    project.require("requirements/dev.txt", tool="1.0", obsolete="1.0")
    project.require_node("1.0.0")
    return project


@pytest.fixture(scope="module")
def first_runs(new_project: Project) -> list[Run]:
    """Two commands that are started at once in a new clone."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(new_project.set_up, ("--dev", "--dev")))


@pytest.fixture(scope="module")
def project(new_project: Project, first_runs: list[Run]) -> Project:
    """A project that has been set up with the development tools."""
    return new_project


def test_everything_is_installed_whatever_the_environment_says_to_pip_and_npm(project: Project) -> None:
    assert project.installed() == FIRST_VERSIONS


def test_of_two_commands_at_once_one_sets_up_and_the_other_waits(
    project: Project, first_runs: list[Run]
) -> None:
    printed = "".join(run.stderr for run in first_runs)

    assert [run.returncode for run in first_runs] == [0, 0], printed
    assert printed.count("Creating .venv") == 1
    assert printed.count("Waiting for another set-up in this folder ...") == 1
    assert not (project.folder / ".setup.lock").is_symlink()


@pytest.mark.parametrize("options", [(), ("--dev",)])
def test_what_is_installed_is_not_installed_again(project: Project, options: tuple[str]) -> None:
    done = project.set_up(*options)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_linked_venv_is_used_as_it_is_and_never_replaced(project: Project, tmp_path: Path) -> None:
    copy = project.copy(tmp_path / "copy")

    assert copy.set_up("--dev").stderr == ""

    copy.require("requirements.txt", library="2.0")
    refused = copy.set_up("--dev")
    assert refused.returncode == 1
    assert refused.stderr.startswith(".venv is a link to ")
    assert "does not match requirements.txt. Remove the link" in refused.stderr
    assert project.installed()["library"] == "1.0"


def test_linked_node_tools_are_used_as_they_are_and_never_replaced(project: Project, tmp_path: Path) -> None:
    copy = project.copy(tmp_path / "copy")
    copy.require_node("2.0.0")

    refused = copy.set_up()
    assert refused.returncode == 1
    assert refused.stderr.startswith("node_modules is a link to ")
    assert project.installed()["node"] == "1.0.0"


@pytest.fixture(scope="module")
def copied(project: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Run]:
    """A copy of the project with its tools, and the first set-up in it."""
    copy = replace(project, folder=tmp_path_factory.mktemp("copied") / "copy")
    shutil.copytree(project.folder, copy.folder, symlinks=True)
    return copy, copy.set_up("--dev")


def test_a_clone_that_was_moved_gets_a_new_venv(copied: tuple[Project, Run]) -> None:
    copy, first_run = copied

    assert first_run.stderr.startswith("Creating .venv")
    assert str(copy.folder) in (copy.folder / ".venv/pyvenv.cfg").read_text()


def test_after_a_change_each_command_finds_what_it_needs_in_any_order(copied: tuple[Project, Run]) -> None:
    project, _ = copied
    project.require("requirements.txt", library="2.0")
    assert project.set_up().returncode == 0  # as for `npm run doctor`
    assert project.installed()["library"] == "2.0"
    assert project.set_up("--dev").returncode == 0  # as for `npm test`
    assert project.installed() == FIRST_VERSIONS | {"library": "2.0"}

    project.require("requirements/dev.txt", tool="2.0")
    project.require_node("2.0.0")
    assert project.set_up().returncode == 0
    assert project.set_up("--dev").returncode == 0
    assert project.installed() == {"library": "2.0", "tool": "2.0", "node": "2.0.0"}


def test_a_set_up_that_was_killed_does_not_block_the_next_one(project: Project) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (project.folder / ".setup.lock").symlink_to(str(ended.pid))
    (project.folder / "node_modules/.package-lock.json").unlink()  # as an installation that was killed

    done = project.set_up("--dev")

    assert (done.returncode, done.stderr) == (0, "Installing the Node tools into node_modules ...\n")


def test_what_npm_itself_installed_is_recognized(project: Project) -> None:
    environment = project.environment | {"NODE_ENV": "development"}
    installed = run(project.folder, "npm", "ci", environment=environment)
    assert installed.returncode == 0, installed.stderr

    assert project.set_up("--dev").stderr == ""


@pytest.fixture
def set_up_with_node(project: Project, tmp_path: Path) -> Callable[[str], Run]:
    """Runs the set-up in a Node that claims to be of another version."""

    def set_up(version: str) -> Run:
        claim = tmp_path / "version.js"
        versions = f"{{ value: {{ ...process.versions, node: '{version}' }} }}"
        claim.write_text(
            f"Object.defineProperty(process, 'versions', {versions});"
            f"Object.defineProperty(process, 'version', {{ value: 'v{version}' }});"
        )
        return project.set_up(NODE_OPTIONS=f"--require={claim}")

    return set_up


@pytest.mark.parametrize("version", ["20.19.0", "20.20.2", "22.13.0", "22.99.0", "24.0.0", "25.1.0"])
def test_a_supported_node_is_accepted(set_up_with_node: Callable[[str], Run], version: str) -> None:
    assert set_up_with_node(version).returncode == 0


@pytest.mark.parametrize("version", ["18.20.8", "20.18.3", "21.7.3", "22.12.0", "23.11.1"])
def test_an_unsupported_node_is_rejected_with_the_versions_that_are_supported(
    set_up_with_node: Callable[[str], Run], version: str
) -> None:
    rejected = set_up_with_node(version)

    assert rejected.returncode == 1
    assert rejected.stderr == (
        f"This is Node v{version}, but the project needs ^20.19 || ^22.13 || >=24. See https://nodejs.org/\n"
    )


def test_the_lock_file_agrees_with_the_supported_versions_of_node() -> None:
    package, lock = (json.loads((ROOT / name).read_text()) for name in ("package.json", "package-lock.json"))

    assert package["engines"] == lock["packages"][""]["engines"]


def test_scripts_do_not_depend_on_the_path_of_the_folder() -> None:
    """A script of .venv/bin names its Python by its path, which a shell or the kernel may not find again."""
    texts = [*json.loads((ROOT / "package.json").read_text())["scripts"].values()]
    texts += [script.read_text() for script in sorted((ROOT / "scripts").glob("*.sh"))]
    commands = re.findall(r"(?:^|&& |\n *)(\.venv\S*/bin/\S+)", "\n".join(texts))

    assert ".venv/bin/python" in commands
    for command in {command for command in commands if not command.endswith("/python")}:
        assert (ROOT / command).read_bytes()[:2] != b"#!", f"run {command} by way of .venv/bin/python"
