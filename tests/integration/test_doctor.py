"""The doctor as an operator runs it: the real `sls` reads the settings, and the issuer is a real server."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.checkout import clean_environment, copy_project, run
from tests.support.jwks_server import JwksServer, answer
from tests.support.tokens import AUDIENCE, SigningKey, good_claims, jwks, make_token

Doctor = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with a variable that CloudFormation fills in when it deploys."""
    checkout = copy_project(tmp_path_factory.mktemp("doctor"))
    service = checkout / "serverless.yml"
    text = service.read_text()
    changed = text.replace("      LOG_LEVEL: ${env", "      BUCKET: !Ref Bucket\n      LOG_LEVEL: ${env")
    assert changed != text
    service.write_text(changed)
    return checkout


@pytest.fixture
def doctor(checkout: Path, tmp_path: Path) -> Doctor:
    """Runs the doctor in a copy of the project."""

    def run_doctor(*options: str, standard_input: str = "", **variables: str) -> CompletedProcess[str]:
        command = (".venv/bin/python", "-m", "tools.doctor", *options)
        environment = clean_environment(tmp_path, **variables)
        return run(checkout, *command, environment=environment, standard_input=standard_input)

    return run_doctor


@pytest.fixture
def site(key: SigningKey) -> Iterator[JwksServer]:
    """An issuer whose metadata is full of commands to a terminal and to a CI runner."""
    with closing(JwksServer(answer(b"", status="404 Not Found"))) as endpoint:
        endpoint.behave_at["/jwks.json"] = answer(jwks(key))
        issuer = endpoint.url.removesuffix("jwks.json")
        metadata = {"issuer": issuer, "jwks_uri": f"{issuer}\n::add-mask::x\r\x1b[31m##[stop-commands]x"}
        endpoint.behave_at["/.well-known/openid-configuration"] = answer(json.dumps(metadata).encode())
        yield endpoint


def test_settings_and_a_token_are_judged_and_nothing_untrusted_is_printed_raw(
    checkout: Path, doctor: Doctor, site: JwksServer, key: SigningKey
) -> None:
    issuer = site.url.removesuffix("jwks.json")
    settings = {"JWKS_URI": site.url, "AUDIENCE": AUDIENCE, "TOKEN_ISSUER": issuer.rstrip("/")}
    (checkout / ".env.dev").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    claims = good_claims(iss=issuer, scope="read:pets ::add-mask::x ##[error]x")
    header = f"Authorization: Bearer {make_token(key, claims)}\n"

    done = doctor("--token", "-", standard_input=header, ALGORITHMS="ES256")

    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0] == (
        "ok     settings: Stage dev reads .env.dev. The environment sets ALGORITHMS, and takes precedence."
    )
    assert lines[1].startswith("note   settings: CloudFormation fills in BUCKET when it deploys.")
    wrong = [line for line in lines if line.startswith("WRONG")]
    assert len(wrong) == 2
    assert wrong[0].endswith("Write ALGORITHMS=RS256")
    assert wrong[1].endswith(f"Write TOKEN_ISSUER={issuer}")
    assert "ok     token: GET /pets: allowed." in lines
    assert lines[-1] == "If a setting is wrong, correct it in .env.dev or the environment. See .env.sample."
    assert all(re.fullmatch("(ok|note|WRONG|If a setting) [ -~]+", line) for line in lines)
    assert "add-mask" in done.stdout
    assert "##" not in done.stdout
    assert done.stderr == ""


def test_settings_that_are_missing_are_named_with_the_file_to_write(doctor: Doctor) -> None:
    done = doctor("--stage", "prod", REQUIRED_CLAIM="org_id=acme")

    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("ok     settings: Stage prod has no .env.prod, and does not read .env.")
    for name in ("AUDIENCE", "TOKEN_ISSUER"):
        assert f"WRONG  settings: {name} is not set." in lines
    assert not any("JWKS_URI is not set" in line for line in lines)  # it can be found once there is an issuer
    misspelled = [line for line in lines if "REQUIRED_CLAIM is not a setting" in line]
    assert len(misspelled) == 1
    assert misspelled[0].startswith("WRONG")
    assert lines[-1] == "If a setting is wrong, correct it in .env.prod or the environment. See .env.sample."


def test_what_sls_says_when_it_fails_is_printed_as_its_words(checkout: Path, doctor: Doctor) -> None:
    service = checkout / "serverless.yml"
    text = service.read_text()
    service.write_text(text.replace("${env:AUDIENCE, ''}", "${env:MISSING\u001b[31m##[error]}"))
    done = doctor()
    service.write_text(text)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    assert any("MISSING" in line for line in lines)
    assert all(re.fullmatch("sls: [ -~]+", line) for line in lines[:-1])
    assert "##" not in done.stdout + done.stderr
