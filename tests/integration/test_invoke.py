"""`sls invoke local -f authorizer -p event.json`, the command of the tutorial's readers."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.gateway import Issuer
from tests.support.issuer import AUDIENCE, SigningKey, good_claims, jwks, make_event, make_token

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def issuer(key: SigningKey) -> Iterator[str]:
    """The URL of an issuer that publishes `key`."""
    with closing(Issuer(jwks(key))) as issuer:
        yield issuer.url.removesuffix("jwks.json")


def invoke(event: object, tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "event.json").write_text(json.dumps(event))
    return subprocess.run(
        ["node_modules/.bin/sls", "invoke", "local", "-f", "authorizer", "-p", tmp_path / "event.json"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_for(issuer: str) -> dict[str, str]:
    return {"JWKS_URI": f"{issuer}jwks.json", "AUDIENCE": AUDIENCE, "TOKEN_ISSUER": issuer}


def log_lines(printed: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith('{"level"')]


def test_a_good_token_gets_a_policy_in_the_tutorials_shape(
    key: SigningKey, issuer: str, tmp_path: Path
) -> None:
    sample = json.loads((ROOT / "event.json.sample").read_text())
    token = make_token(key, good_claims(iss=issuer))
    event = sample | {"authorizationToken": sample["authorizationToken"].replace("ACCESS_TOKEN", token)}

    run = invoke(event, tmp_path, **settings_for(issuer))

    assert run.returncode == 0
    answer = json.loads(run.stdout[run.stdout.index("\n{\n") :])
    assert set(answer) == {"principalId", "policyDocument", "context"}
    assert answer["principalId"] == "client@clients"
    assert answer["policyDocument"]["Version"] == "2012-10-17"
    for statement in answer["policyDocument"]["Statement"]:
        assert set(statement) == {"Action", "Effect", "Resource"}
        assert statement["Action"] == "execute-api:Invoke"
    assert answer["context"] == {"scope": "read:pets"}
    assert [line["outcome"] for line in log_lines(run.stdout)] == ["policy"]


def test_a_tampered_token_is_unauthorized_and_the_log_says_why_in_one_line(
    key: SigningKey, issuer: str, tmp_path: Path
) -> None:
    token = make_token(key, good_claims(iss=issuer))
    tampered = token[:-100] + ("B" if token[-100] == "A" else "A") + token[-99:]

    run = invoke(make_event(tampered), tmp_path, **settings_for(issuer))

    assert run.returncode != 0
    assert "Exception: Unauthorized\n" in run.stdout
    (line,) = log_lines(run.stdout)
    assert (line["outcome"], line["reason"]) == ("unauthorized", "the signature does not match the key")
    for segment in tampered.split("."):
        assert segment not in run.stdout + run.stderr


def test_an_issuer_that_is_down_is_not_the_callers_fault(key: SigningKey, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        issuer = f"http://127.0.0.1:{server.getsockname()[1]}/"
    token = make_token(key, good_claims(iss=issuer))

    run = invoke(make_event(token), tmp_path, **settings_for(issuer))

    assert run.returncode != 0
    assert f"KeysUnavailable: no keys from {issuer}jwks.json" in run.stdout
    assert "Unauthorized" not in run.stdout


def test_settings_that_are_missing_are_named_in_one_message(tmp_path: Path) -> None:
    run = invoke(
        make_event("x.y.z"), tmp_path, JWKS_URI="https://issuer.example/", AUDIENCE="", TOKEN_ISSUER=""
    )

    assert run.returncode != 0
    assert "ConfigError: AUDIENCE is not set; TOKEN_ISSUER is not set" in run.stdout
