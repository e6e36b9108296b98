"""The locked versions have the fixes for all advisories of a table.

`npm run audit` asks PyPI for the newest advisories. The table needs no network.
"""

import json
import re
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FLOORS = json.loads((ROOT / "tests/infra/advisory_floors.json").read_text())


def locked_by_pip(name: str) -> dict[str, Version]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): Version(version) for package, version in pins}


def locked_by_npm() -> list[tuple[str, str]]:
    """Return names and versions. A package may be there several times, in different versions."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return [(path.rpartition("node_modules/")[2], package["version"]) for path, package in packages.items()]


@pytest.mark.parametrize("row", FLOORS["pypi"], ids=lambda row: f"{row['package']} {row['floor']}")
def test_no_library_of_the_function_has_a_known_vulnerability(row: dict[str, str]) -> None:
    assert locked_by_pip("requirements.txt")[canonicalize_name(row["package"])] >= Version(row["floor"])


def test_the_tests_run_with_the_same_libraries_as_the_function() -> None:
    used, tested = locked_by_pip("requirements.txt"), locked_by_pip("requirements/dev.txt")

    assert {name: tested[name] for name in used.keys() & tested.keys()} == {
        name: used[name] for name in used.keys() & tested.keys()
    }


def test_each_direct_requirement_is_in_the_table() -> None:
    direct = re.findall(r"^([\w.-]+)", (ROOT / "requirements/deploy.in").read_text(), re.MULTILINE)

    assert {row["package"] for row in FLOORS["pypi"]} == set(direct)


def test_no_tool_has_a_known_vulnerability() -> None:
    floors = {row["package"]: Version(row["floor"]) for row in FLOORS["npm"]}

    assert not [(name, v) for name, v in locked_by_npm() if name in floors and Version(v) < floors[name]]
