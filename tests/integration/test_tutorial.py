"""The commands of the tutorial, as its readers type them, in a folder with an odd name."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.checkout import clean_environment, run
from tests.support.jwks_server import JwksServer, answer
from tests.support.odd_folder import copy_to_odd_folder
from tests.support.packages import AUTHORIZER
from tests.support.tokens import AUDIENCE, SigningKey, good_claims, jwks, make_token

INVOKE = ("npx", "sls", "invoke", "local", "-p", "event.json")
PET = '{"pathParameters": {"petId": "1"}}'

# All of these would change what pip installs for the package, or where.
PIP_OPTIONS = {
    "PIP_USER": "1",
    "PIP_PREFIX": "/nowhere",
    "PIP_DRY_RUN": "1",
    "PIP_ABI": "cp39",
    "PIP_PRE": "1",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_to_odd_folder(tmp_path_factory.mktemp("tutorial"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    (home / "pip.conf").write_text("[install]\nuser = true\n")
    python = {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"}
    return clean_environment(home, **PIP_OPTIONS, **python, PIP_CONFIG_FILE=str(home / "pip.conf"))


@pytest.fixture
def event(checkout: Path) -> Iterator[Path]:
    """event.json as it is after `cp event.json.sample event.json`."""
    event = checkout / "event.json"
    shutil.copy(checkout / "event.json.sample", event)
    yield event
    event.unlink()


@pytest.fixture
def issuer(checkout: Path, key: SigningKey) -> Iterator[str]:
    """An issuer whose settings are in .env, after `cp .env.sample .env` and filling in the placeholders."""
    with closing(JwksServer(answer(jwks(key)))) as issuer:
        url = issuer.url.removesuffix("jwks.json")
        document = json.dumps({"issuer": url, "jwks_uri": issuer.url}).encode()
        issuer.behave_at["/.well-known/openid-configuration"] = answer(document)
        settings = (checkout / ".env.sample").read_text()
        for placeholder, value in {
            "<api_audience>": AUDIENCE,
            "<token_issuer>": url,
        }.items():
            assert settings.count(placeholder) == 1
            settings = settings.replace(placeholder, value)
        (checkout / ".env").write_text(settings)
        yield url
    (checkout / ".env").unlink()


def test_without_settings_one_message_says_what_to_write(
    checkout: Path, environment: dict[str, str], event: Path
) -> None:
    invoked = run(checkout, *INVOKE, environment=environment)

    assert invoked.returncode == 1
    assert invoked.stdout == (
        "Error:\n"
        "The settings of stage dev are incomplete or invalid:\n"
        "  - AUDIENCE is not set\n"
        "  - TOKEN_ISSUER is not set\n"
        "Write them to .env, or set them in the environment. See .env.sample.\n"
    )
    assert "Traceback" not in invoked.stderr


def test_placeholders_that_were_not_filled_in_are_named(
    checkout: Path, environment: dict[str, str], event: Path
) -> None:
    shutil.copy(checkout / ".env.sample", checkout / ".env")
    invoked = run(checkout, *INVOKE, environment=environment)
    (checkout / ".env").unlink()

    assert "  - AUDIENCE is still <api_audience>, as in .env.sample\n" in invoked.stdout


def test_invoke_local_decides_with_the_authorizer(
    checkout: Path, environment: dict[str, str], event: Path, issuer: str, key: SigningKey
) -> None:
    token = make_token(key, good_claims(iss=issuer))
    event.write_text(event.read_text().replace("ACCESS_TOKEN", token))

    invoked = run(checkout, *INVOKE, environment=environment)

    assert invoked.returncode == 0, invoked.stdout + invoked.stderr
    decision = json.loads(invoked.stdout[invoked.stdout.index("\n{\n") :])
    assert decision["principalId"] == "client@clients"
    assert decision["policyDocument"]["Statement"][0]["Action"] == "execute-api:Invoke"
    assert decision["context"] == {"scope": "read:pets"}


@pytest.mark.parametrize("option", ["-f", "--function"])
def test_another_function_is_invoked_if_it_is_named(
    checkout: Path, environment: dict[str, str], option: str
) -> None:
    command = ("npx", "sls", "invoke", "local", option, "getPet", "--data", PET)
    invoked = run(checkout, *command, environment=environment)

    assert json.loads(invoked.stdout)["statusCode"] == 200


def test_the_service_is_packaged(checkout: Path, environment: dict[str, str], issuer: str) -> None:
    packaged = run(checkout, "npx", "sls", "package", environment=environment)

    assert packaged.returncode == 0, packaged.stdout + packaged.stderr
    with ZipFile(checkout / ".serverless" / AUTHORIZER) as package:
        folders = {name.partition("/")[0] for name in package.namelist()}
        assert {"handler.py", "auth", "jwt", "cryptography", "requests"} <= folders
        assert ".env" not in package.namelist()
