"""What `npx sls deploy` uploads: packaged by the real tools, and run by AWS's own runtime client."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.checkout import ROOT, copy_project, run
from tests.support.environment import SETTINGS, environment
from tests.support.jwks_server import JwksServer, answer
from tests.support.lambda_environment import LambdaEnvironment
from tests.support.packages import (
    AUTHORIZER,
    HERE,
    MAX_BYTES,
    make_packages,
    names,
    unpack,
    without_bytecode,
    wrong_objects,
)
from tests.support.serverless_yml import HANDLERS
from tests.support.tokens import SigningKey, jwks, make_event, make_token

ARCHITECTURES = ("arm64", "x86_64")
PETSTORE = tuple(f"{function}.zip" for function, module in HANDLERS.items() if module == "petstore")


@pytest.fixture(scope="module")
def built(prod_package: Path, dev_package: Path) -> dict[str, Path]:
    """The folder with the packages for each architecture."""
    return {"arm64": prod_package, "x86_64": dev_package}


@pytest.fixture(scope="module")
def unpacked(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The authorizer's package, unpacked, for each architecture."""
    return {
        architecture: unpack(folder / AUTHORIZER, tmp_path_factory.mktemp(f"unpacked-{architecture}"))
        for architecture, folder in built.items()
    }


@pytest.fixture
def spoiled(unpacked: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of an unpacked package, to be damaged."""
    copy = shutil.copytree(unpacked[HERE], tmp_path / "spoiled")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)
    return copy


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_package_contains_what_runs_and_nothing_else(built: dict[str, Path], architecture: str) -> None:
    files = names(built[architecture] / AUTHORIZER)
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]

    # The bytecode has a test of its own.
    assert {name.split("/")[0] for name in files} - {"__pycache__"} == {
        *("LICENSE", "auth", "handler.py", "rules.py", "routes.txt"),
        *("jwt", "cryptography", f"_cffi_backend.cpython-313-{machine}-linux-gnu.so"),
        *("requests", "urllib3", "idna", "certifi"),
    }
    ours = {"handler.py", *(str(path.relative_to(ROOT)) for path in ROOT.glob("auth/*.py"))}
    assert {name for name in files if name.endswith(".py") and name.startswith(("auth/", "handler"))} == ours
    assert not [name for name in files if name.endswith((".pyi", "py.typed", ".env", ".sample"))]
    with ZipFile(built[architecture] / AUTHORIZER) as package:
        assert {file.external_attr >> 16 for file in package.infolist()} == {0o100644}


def test_each_function_finds_its_handler_in_its_package(built: dict[str, Path]) -> None:
    for function, module in HANDLERS.items():
        own = built["arm64"] / f"{function}.zip"
        package = own if own.exists() else built["arm64"] / AUTHORIZER

        assert f"{module}.py" in names(package), (
            f"{module}.py is not in {package.name}. In serverless.yml, add to the function {function}:"
            f" package: ${{self:custom.petstorePackage}}, and {module}.py to the patterns of that"
        )


def test_the_documentation_names_everything_in_the_package(built: dict[str, Path]) -> None:
    page = (ROOT / "docs/package.md").read_text()
    rows = re.findall(r"^\| `(.+?)/?` \|", page, flags=re.MULTILINE)
    packaged = {name.partition("/")[0] for name in names(built["arm64"] / AUTHORIZER)}

    assert {name for name in packaged if not any(fnmatch(name, row) for row in rows)} == set()
    assert {row for row in rows if not any(fnmatch(name, row) for name in packaged)} == set()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_package_is_no_larger_than_its_limit(built: dict[str, Path], architecture: str) -> None:
    assert (built[architecture] / AUTHORIZER).stat().st_size <= MAX_BYTES


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_native_code_is_for_lambda(unpacked: dict[str, Path], architecture: str) -> None:
    assert len(list(unpacked[architecture].rglob("*.so"))) == 2
    assert wrong_objects(unpacked[architecture], architecture) == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_bytecode_is_valid(unpacked: dict[str, Path], architecture: str, runtime: None) -> None:
    assert without_bytecode(unpacked[architecture]) == []
    sources = list(unpacked[architecture].rglob("*.py"))
    assert len(list(unpacked[architecture].rglob("*.pyc"))) == len(sources) > 100


def test_a_petstore_package_contains_nothing_of_the_authorizer(
    built: dict[str, Path], tmp_path: Path, runtime: None
) -> None:
    for name in PETSTORE:
        package = built["arm64"] / name

        assert not {name.partition("/")[0] for name in names(package) if "/" in name} - {"__pycache__"}
        assert not {"handler.py", "rules.py", "routes.txt"} & set(names(package))
        assert without_bytecode(unpack(package, tmp_path / name)) == []


def test_the_licences_of_all_libraries_are_in_one_file(unpacked: dict[str, Path]) -> None:
    text = (unpacked["arm64"] / "LICENSE").read_text()

    assert text.startswith((ROOT / "LICENSE").read_text())
    libraries = [line.split()[1].rpartition("-")[0] for line in text.splitlines() if line.startswith("---- ")]
    assert set(libraries) == {"certifi", "cffi", "cryptography", "idna", "pyjwt", "requests", "urllib3"}
    assert "Apache License" in text  # of cryptography and requests
    assert "Mozilla Public License" in text  # of certifi


def test_another_checkout_is_packaged_to_the_same_bytes(
    built: dict[str, Path], clean: dict[str, str], tmp_path: Path
) -> None:
    another = copy_project(tmp_path / "another folder")
    for path in another.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            os.utime(path, (1_000_000_000, 1_000_000_000))
    machine = {"HOME": str(tmp_path), "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}
    mask = os.umask(0o077)
    try:
        packages = make_packages(another, environment=clean | SETTINGS | machine)
    finally:
        os.umask(mask)

    for name in (AUTHORIZER, *PETSTORE):
        assert (packages / name).read_bytes() == (built["arm64"] / name).read_bytes(), name


Start = Callable[..., LambdaEnvironment]


@pytest.fixture
def start(tmp_path: Path, runtime: None) -> Iterator[Start]:
    """Starts an unpacked package as Lambda does, with these variables."""
    environments: list[LambdaEnvironment] = []

    def cold(package: Path, **variables: str) -> LambdaEnvironment:
        client = tmp_path / f"client-{len(environments)}"
        client.mkdir()
        environments.append(LambdaEnvironment(package, client, environment(**variables)))
        return environments[-1]

    yield cold
    for each in environments:
        each.close()


def test_the_runtime_client_of_aws_gets_a_policy_or_exactly_unauthorized(
    unpacked: dict[str, Path], start: Start, key: SigningKey
) -> None:
    package = unpacked[HERE]
    before = sorted(package.rglob("*"))
    token = make_token(key)
    with closing(JwksServer(answer(jwks(key)))) as issuer:
        function = start(package, JWKS_URI=issuer.url, ROUTE_SCOPES="")  # the routes are in the package
        good = function.invoke(make_event(token))
        bad = function.invoke(make_event(token[:-9] + "A" * 9))
        again = function.invoke(make_event(token))
        printed = function.close()

    assert good.kind == "response"
    assert good.body["principalId"] == "client@clients"
    assert good.body["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert good.body["context"] == {"scope": "read:pets"}
    assert (bad.kind, bad.body["errorMessage"]) == ("error", "Unauthorized")
    assert again == good
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [line["outcome"] for line in lines] == ["policy", "unauthorized", "policy"]
    assert {line["request_id"] for line in lines} == {"request-1"}
    assert token not in printed
    assert len(issuer.requests) == 1
    assert sorted(package.rglob("*")) == before  # nothing had to be compiled


def test_an_issuer_that_is_down_is_reported_as_another_error(
    unpacked: dict[str, Path], start: Start, key: SigningKey
) -> None:
    with closing(JwksServer(answer(b""))) as issuer:
        url = issuer.url
    outcome = start(unpacked[HERE], JWKS_URI=url).invoke(make_event(make_token(key)))

    assert (outcome.kind, outcome.body["errorType"]) == ("error", "KeysUnavailable")
    assert outcome.body["errorMessage"].startswith(f"no keys from {url}: ")


# Damaged packages do not pass the checks above.


def test_a_library_for_another_machine_is_detected(
    spoiled: Path, unpacked: dict[str, Path], start: Start
) -> None:
    other = "x86_64" if HERE == "arm64" else "arm64"
    rust = "cryptography/hazmat/bindings/_rust.abi3.so"
    shutil.copy(unpacked[other] / rust, spoiled / rust)

    assert wrong_objects(spoiled, HERE) == [f"{rust} is not for Linux on {HERE}"]
    outcome = start(spoiled).invoke(make_event(None))
    assert outcome.kind == "init/error"
    assert "_rust.abi3.so" in outcome.body["errorMessage"]


def test_a_library_for_another_python_or_system_is_detected(spoiled: Path) -> None:
    (cffi,) = spoiled.glob("_cffi_backend.*")
    cffi.rename(spoiled / cffi.name.replace("313", "312"))
    (spoiled / "mac.cpython-313-darwin.so").write_bytes(b"\xcf\xfa\xed\xfe" + bytes(28))  # Mach-O

    assert wrong_objects(spoiled, HERE) == [
        f"{cffi.name.replace('313', '312')} is not for Python 3.13",
        f"mac.cpython-313-darwin.so is not for Linux on {HERE}",
    ]


def test_stale_and_missing_bytecode_is_detected(spoiled: Path, runtime: None) -> None:
    with (spoiled / "auth/claims.py").open("a") as source:
        source.write("# edited\n")
    (spoiled / "auth/__pycache__/policy.cpython-313.pyc").unlink()
    for name, part, octets in [
        ("handler", slice(0, 4), b"\xcb\r\r\n"),  # Python 3.12
        ("jwt/api_jwt", slice(4, 8), bytes(4)),  # checked by the date of the source, as pip writes it
        ("jwt/api_jws", slice(4, 8), b"\x03\0\0\0"),  # checked by its hash at each cold start
        ("auth/routes", slice(4, 8), b"\x01\0\0\0"),  # checked by nothing
    ]:
        path = spoiled / Path(name).parent / f"__pycache__/{Path(name).name}.cpython-313.pyc"
        bytecode = bytearray(path.read_bytes())
        bytecode[part] = octets
        path.write_bytes(bytecode)

    assert without_bytecode(spoiled) == [
        "auth/claims.py has bytecode of another source",
        "auth/policy.py has no bytecode",
        "auth/routes.py has bytecode that is checked in another way than it should be",
        "handler.py has bytecode of another Python",
        "jwt/api_jws.py has bytecode that is checked in another way than it should be",
        "jwt/api_jwt.py has bytecode that is checked in another way than it should be",
    ]


@pytest.mark.parametrize("module", ["auth/claims.py", "idna", "requests/adapters.py"])
def test_a_missing_module_fails_the_import(spoiled: Path, start: Start, module: str) -> None:
    path = spoiled / module
    path.unlink() if path.is_file() else shutil.rmtree(path)

    outcome = start(spoiled).invoke(make_event(None))

    missing = module.removesuffix(".py").replace("/", ".")
    message = f"Unable to import module 'handler': No module named '{missing}'"
    assert (outcome.kind, outcome.body["errorMessage"]) == ("init/error", message)


Finish = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def finish(unfinished: Path, checkout: Path, clean: dict[str, str]) -> Finish:
    """Runs plugins/bytecode.cjs on the unfinished package, for the given runtime."""
    script = """
        const Finish = require('./plugins/bytecode.cjs');
        const [artifact, runtime] = process.argv.slice(1);
        const service = { provider: { runtime }, package: { artifact }, functions: {} };
        const serverless = { service, serviceDir: '.', classes: { Error } };
        const plugin = new Finish(serverless, {}, { log: { warning: console.log } });
        plugin.hooks['after:package:createDeploymentArtifacts']();
    """
    return lambda runtime: run(checkout, "node", "-e", script, unfinished, runtime, environment=clean)


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A package as the framework makes it."""
    package = tmp_path / "package.zip"
    with ZipFile(package, "w") as files:
        files.writestr("LICENSE", "as you like")
        files.writestr("code/hello.py", "print('hello')\n")
    return package


def test_without_the_python_of_the_runtime_there_is_a_warning_and_no_bytecode(
    unfinished: Path, finish: Finish
) -> None:
    ran = finish("python3.99")

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (
        "There is no Python 3.99 here to compile with:"
        " without bytecode, each cold start takes twice as long.\n"
    )
    assert names(unfinished) == ["LICENSE", "code/hello.py"]


def test_code_that_does_not_compile_is_not_packaged(unfinished: Path, finish: Finish, runtime: None) -> None:
    with ZipFile(unfinished, "a") as files:
        files.writestr("code/wrong.py", "def f(:")
    ran = finish("python3.13")

    assert ran.returncode != 0
    assert 'File "/var/task/code/wrong.py", line 1' in ran.stderr
    assert "SyntaxError" in ran.stderr
