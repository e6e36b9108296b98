"""What `npx sls deploy` uploads: built with the real tools, and run by AWS's own runtime client."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.environment import environment
from tests.support.gateway import Issuer
from tests.support.issuer import SigningKey, jwks, make_event, make_token
from tests.support.lambda_environment import LambdaEnvironment
from tests.support.packages import (
    AUTHORIZER,
    HERE,
    MAX_BYTES,
    ROOT,
    build,
    cannot_run,
    names,
    unpack,
    without_bytecode,
    wrong_objects,
)
from tests.support.service import HANDLERS

ARCHITECTURES = ("arm64", "x86_64")
PETSTORE = tuple(f"{function}.zip" for function, module in HANDLERS.items() if module == "petstore")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder with the packages for each architecture."""
    folders = {architecture: tmp_path_factory.mktemp(architecture) for architecture in ARCHITECTURES}
    for architecture, folder in folders.items():
        build(folder, architecture)
    return folders


@pytest.fixture(scope="module")
def unpacked(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The authorizer's package, unpacked, for each architecture."""
    return {
        architecture: unpack(folder / AUTHORIZER, tmp_path_factory.mktemp(f"unpacked-{architecture}"))
        for architecture, folder in built.items()
    }


@pytest.fixture
def runtime() -> None:
    """A Python that can run the packages: on a laptop the test is skipped without, on CI it fails."""
    if reason := cannot_run():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def spoiled(unpacked: dict[str, Path], tmp_path: Path) -> Path:
    """A package to break."""
    copy = shutil.copytree(unpacked[HERE], tmp_path / "spoiled")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)
    return copy


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_package_holds_what_runs_and_nothing_else(built: dict[str, Path], architecture: str) -> None:
    files = names(built[architecture] / AUTHORIZER)
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]

    # Of the bytecode, see below.
    assert {name.split("/")[0] for name in files} - {"__pycache__"} == {
        *("LICENSE", "auth", "handler.py"),
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


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_package_is_small(built: dict[str, Path], architecture: str) -> None:
    assert (built[architecture] / AUTHORIZER).stat().st_size <= MAX_BYTES


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_its_machine_code_is_for_lambda(unpacked: dict[str, Path], architecture: str) -> None:
    assert len(list(unpacked[architecture].rglob("*.so"))) == 2
    assert wrong_objects(unpacked[architecture], architecture) == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_of_its_bytecode_is_valid(unpacked: dict[str, Path], architecture: str, runtime: None) -> None:
    assert without_bytecode(unpacked[architecture]) == []
    sources = list(unpacked[architecture].rglob("*.py"))
    assert len(list(unpacked[architecture].rglob("*.pyc"))) == len(sources) > 100


def test_a_petstore_function_gets_nothing_of_the_authorizer(
    built: dict[str, Path], tmp_path: Path, runtime: None
) -> None:
    for name in PETSTORE:
        package = built["arm64"] / name

        assert not {name.partition("/")[0] for name in names(package) if "/" in name} - {"__pycache__"}
        assert "handler.py" not in names(package)
        assert without_bytecode(unpack(package, tmp_path / name)) == []


def test_the_licences_of_what_is_shipped_are_in_one_file(unpacked: dict[str, Path]) -> None:
    text = (unpacked["arm64"] / "LICENSE").read_text()

    assert text.startswith((ROOT / "LICENSE").read_text())
    libraries = [line.split()[1].rpartition("-")[0] for line in text.splitlines() if line.startswith("---- ")]
    assert set(libraries) == {"certifi", "cffi", "cryptography", "idna", "pyjwt", "requests", "urllib3"}
    assert "Apache License" in text  # of cryptography and requests
    assert "Mozilla Public License" in text  # of certifi


def test_another_checkout_gives_the_same_bytes(
    built: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "another checkout"
    made = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "mutants")
    mask = os.umask(0o077)
    try:
        # Its files have dates and modes of their own.
        shutil.copytree(ROOT, checkout, ignore=made, copy_function=shutil.copyfile)
        for name in (".venv", "node_modules"):
            (checkout / name).symlink_to(ROOT / name)
        for name, value in {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}.items():
            monkeypatch.setenv(name, value)
        build(tmp_path / "packages", checkout=checkout)
    finally:
        os.umask(mask)

    for name in (AUTHORIZER, *PETSTORE):
        assert (tmp_path / "packages" / name).read_bytes() == (built["arm64"] / name).read_bytes(), name


Start = Callable[..., LambdaEnvironment]


@pytest.fixture
def start(tmp_path: Path, runtime: None) -> Iterator[Start]:
    """Starts an unpacked package as Lambda does, with these variables set."""
    environments: list[LambdaEnvironment] = []

    def cold(package: Path, **variables: str) -> LambdaEnvironment:
        client = tmp_path / f"client-{len(environments)}"
        client.mkdir()
        environments.append(LambdaEnvironment(package, client, environment(**variables)))
        return environments[-1]

    yield cold
    for each in environments:
        each.close()


def test_aws_runtime_client_gets_a_policy_or_exactly_unauthorized(
    unpacked: dict[str, Path], start: Start, key: SigningKey
) -> None:
    package = unpacked[HERE]
    before = sorted(package.rglob("*"))
    token = make_token(key)
    with closing(Issuer(jwks(key))) as issuer:
        function = start(package, JWKS_URI=issuer.url)
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
    assert issuer.requests == 1
    assert sorted(package.rglob("*")) == before  # nothing had to be compiled


def test_an_issuer_that_is_down_is_another_error(
    unpacked: dict[str, Path], start: Start, key: SigningKey
) -> None:
    with closing(Issuer(b"")) as issuer:
        url = issuer.url
    outcome = start(unpacked[HERE], JWKS_URI=url).invoke(make_event(make_token(key)))

    assert (outcome.kind, outcome.body["errorType"]) == ("error", "KeysUnavailable")
    assert outcome.body["errorMessage"].startswith(f"no keys from {url}: ")


# The checks above find what they are for.


def test_a_library_for_another_machine_is_found(
    spoiled: Path, unpacked: dict[str, Path], start: Start
) -> None:
    other = "x86_64" if HERE == "arm64" else "arm64"
    rust = "cryptography/hazmat/bindings/_rust.abi3.so"
    shutil.copy(unpacked[other] / rust, spoiled / rust)

    assert wrong_objects(spoiled, HERE) == [f"{rust} is not for Linux on {HERE}"]
    outcome = start(spoiled).invoke(make_event(None))
    assert outcome.kind == "init/error"
    assert "_rust.abi3.so" in outcome.body["errorMessage"]


def test_a_library_for_another_python_or_system_is_found(spoiled: Path) -> None:
    (cffi,) = spoiled.glob("_cffi_backend.*")
    cffi.rename(spoiled / cffi.name.replace("313", "312"))
    (spoiled / "mac.cpython-313-darwin.so").write_bytes(b"\xcf\xfa\xed\xfe" + bytes(28))  # Mach-O

    assert wrong_objects(spoiled, HERE) == [
        f"{cffi.name.replace('313', '312')} is not for Python 3.13",
        f"mac.cpython-313-darwin.so is not for Linux on {HERE}",
    ]


def test_bytecode_that_is_stale_or_missing_is_found(spoiled: Path, runtime: None) -> None:
    with (spoiled / "auth/claims.py").open("a") as source:
        source.write("# edited\n")
    (spoiled / "auth/__pycache__/policy.cpython-313.pyc").unlink()
    for name, part, octets in [
        ("handler", slice(0, 4), b"\xcb\r\r\n"),  # Python 3.12
        ("jwt/api_jwt", slice(4, 8), bytes(4)),  # by the date of the source, as pip's
        ("jwt/api_jws", slice(4, 8), b"\x01\0\0\0"),  # by nothing
    ]:
        path = spoiled / Path(name).parent / f"__pycache__/{Path(name).name}.cpython-313.pyc"
        bytecode = bytearray(path.read_bytes())
        bytecode[part] = octets
        path.write_bytes(bytecode)

    assert without_bytecode(spoiled) == [
        "auth/claims.py has bytecode of another source",
        "auth/policy.py has no bytecode",
        "handler.py has bytecode of another Python",
        "jwt/api_jws.py has bytecode that its source is not checked against by hash",
        "jwt/api_jwt.py has bytecode that its source is not checked against by hash",
    ]


@pytest.mark.parametrize("module", ["auth/claims.py", "idna", "requests/adapters.py"])
def test_a_module_that_is_missing_is_found(spoiled: Path, start: Start, module: str) -> None:
    path = spoiled / module
    path.unlink() if path.is_file() else shutil.rmtree(path)

    outcome = start(spoiled).invoke(make_event(None))

    missing = module.removesuffix(".py").replace("/", ".")
    message = f"Unable to import module 'handler': No module named '{missing}'"
    assert (outcome.kind, outcome.body["errorMessage"]) == ("init/error", message)


def finish(package: Path, runtime: str) -> subprocess.CompletedProcess[str]:
    """Let plugins/bytecode.cjs finish one package for a runtime."""
    script = """
        const Finish = require('./plugins/bytecode.cjs');
        const [artifact, runtime] = process.argv.slice(1);
        const service = { provider: { runtime }, package: { artifact }, functions: {} };
        const serverless = { service, serviceDir: '.', classes: { Error } };
        const plugin = new Finish(serverless, {}, { log: { warning: console.log } });
        plugin.hooks['after:package:createDeploymentArtifacts']();
    """
    command = ["node", "-e", script, str(package), runtime]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that is not finished yet."""
    package = tmp_path / "package.zip"
    with ZipFile(package, "w") as files:
        files.writestr("LICENSE", "as you like")
        files.writestr("code/hello.py", "print('hello')\n")
    return package


def test_without_the_runtimes_python_the_package_has_no_bytecode_and_a_line_says_so(package: Path) -> None:
    run = finish(package, "python3.99")

    assert run.returncode == 0, run.stderr
    assert run.stdout == (
        "There is no Python 3.99 here to compile with:"
        " without bytecode, each cold start takes twice as long.\n"
    )
    assert names(package) == ["LICENSE", "code/hello.py"]


def test_what_does_not_compile_is_not_packaged(package: Path, runtime: None) -> None:
    with ZipFile(package, "a") as files:
        files.writestr("code/wrong.py", "def f(:")
    run = finish(package, "python3.13")

    assert run.returncode != 0
    assert 'File "/var/task/code/wrong.py", line 1' in run.stderr
    assert "SyntaxError" in run.stderr
