"""A function with libraries of its own: in its package, and here (plugins/function-libraries.cjs)."""

import json
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.checkout import SLS, copy_project, leave_out_libraries, run
from tests.support.environment import SETTINGS
from tests.support.wheels import REQUIREMENTS

AUTHORIZERS_PACKAGE = "  # The sample API: see petstore.py."
FUNCTION = """  listOrders:
    handler: orders.list_orders
    libraries: orders-requirements.txt
    package:
      individually: true
      patterns: ['!handler.py', '!rules.py', '!auth/**', orders.py]

"""
HANDLER = """
import importlib.metadata
import idna

def list_orders(event, context):
    assert importlib.metadata.version("idna") == idna.__version__
    return {"statusCode": 200, "body": idna.__file__}
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a function that needs a library, which the authorizer's package does not have here."""
    checkout = leave_out_libraries(copy_project(tmp_path_factory.mktemp("libraries")))
    (version,) = re.findall(r"^idna==\S+", REQUIREMENTS.read_text(), flags=re.MULTILINE)
    (checkout / "orders-requirements.txt").write_text(f"{version}\n")
    (checkout / "orders.py").write_text(HANDLER)
    service = (checkout / "serverless.yml").read_text()
    assert service.count(AUTHORIZERS_PACKAGE) == 1
    (checkout / "serverless.yml").write_text(
        service.replace(AUTHORIZERS_PACKAGE, FUNCTION + AUTHORIZERS_PACKAGE)
    )
    return checkout


def test_the_libraries_of_a_function_are_in_its_package_alone(
    checkout: Path, clean: dict[str, str], tmp_path: Path
) -> None:
    packaged = run(checkout, SLS, "package", environment=clean | SETTINGS)

    assert packaged.returncode == 0, packaged.stdout + packaged.stderr
    with ZipFile(checkout / ".serverless/listOrders.zip") as package:
        package.extractall(tmp_path)
        assert "idna/__pycache__/__init__.cpython-313.pyc" in package.namelist()
    for other in {*(checkout / ".serverless").glob("*.zip")} - {checkout / ".serverless/listOrders.zip"}:
        assert not any(name.startswith("idna/") for name in ZipFile(other).namelist())
    # -I and -S: with nothing else on the path
    call = "import sys; sys.path.append('.'); import orders; print(orders.list_orders({}, None)['body'])"
    called = subprocess.run(
        [sys.executable, "-I", "-S", "-c", call], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(called.stdout.strip()).resolve() == (tmp_path / "idna/__init__.py").resolve()


def test_a_function_finds_its_libraries_on_this_machine(checkout: Path, clean: dict[str, str]) -> None:
    command = (SLS, "invoke", "local", "--function", "listOrders", "--data", "{}")
    invoked = run(checkout, *command, environment=clean)

    assert "/.libraries/listOrders-" in json.loads(invoked.stdout)["body"], invoked.stderr


def test_libraries_without_a_package_of_their_own_are_rejected(checkout: Path, clean: dict[str, str]) -> None:
    service = (checkout / "serverless.yml").read_text()
    (checkout / "serverless.yml").write_text(
        service.replace("      individually: true\n      patterns: ['!handler", "      patterns: ['!handler")
    )

    rejected = run(checkout, SLS, "package", environment=clean | SETTINGS)

    assert "The function listOrders has libraries, so it needs a package of its own" in rejected.stdout
