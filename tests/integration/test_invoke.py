"""`sls invoke local -f authorizer -p event.json`, as readers of the tutorial type it."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.checkout import ROOT, SLS, run
from tests.support.jwks_server import JwksServer, answer
from tests.support.tokens import AUDIENCE, SigningKey, good_claims, jwks, make_event, make_token

Invoke = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def issuer(key: SigningKey) -> Iterator[str]:
    """The URL of an issuer that publishes `key`, as its tokens name it."""
    with closing(JwksServer(answer(jwks(key)))) as issuer:
        yield issuer.url.removesuffix("jwks.json")


@pytest.fixture
def invoke(checkout: Path, clean: dict[str, str], tmp_path: Path) -> Invoke:
    """Lets the authorizer decide over an event, with the given settings."""

    def invoke_local(event: object, **settings: str) -> CompletedProcess[str]:
        (tmp_path / "event.json").write_text(json.dumps(event))
        command = ("invoke", "local", "-f", "authorizer", "-p", tmp_path / "event.json")
        return run(checkout, SLS, *command, environment=clean | settings)

    return invoke_local


def settings_for(issuer: str) -> dict[str, str]:
    return {"JWKS_URI": f"{issuer}jwks.json", "AUDIENCE": AUDIENCE, "TOKEN_ISSUER": issuer}


def log_lines(printed: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith('{"level"')]


def test_a_good_token_gets_a_policy_of_the_shape_that_the_tutorial_shows(
    invoke: Invoke, key: SigningKey, issuer: str
) -> None:
    sample = json.loads((ROOT / "event.json.sample").read_text())
    token = make_token(key, good_claims(iss=issuer))
    event = sample | {"authorizationToken": sample["authorizationToken"].replace("ACCESS_TOKEN", token)}

    ran = invoke(event, **settings_for(issuer))

    assert ran.returncode == 0
    assert ran.stdout.startswith('{"level"')  # before the policy, which is JSON, too
    answer = json.loads(ran.stdout[ran.stdout.index("\n{\n") :])
    assert set(answer) == {"principalId", "policyDocument", "context"}
    assert answer["principalId"] == "client@clients"
    assert answer["policyDocument"]["Version"] == "2012-10-17"
    for statement in answer["policyDocument"]["Statement"]:
        assert set(statement) == {"Action", "Effect", "Resource"}
        assert statement["Action"] == "execute-api:Invoke"
    assert answer["context"] == {"scope": "read:pets"}
    assert [line["outcome"] for line in log_lines(ran.stdout)] == ["policy"]


def test_a_tampered_token_is_unauthorized_and_one_log_line_says_why(
    invoke: Invoke, key: SigningKey, issuer: str
) -> None:
    token = make_token(key, good_claims(iss=issuer))
    tampered = token[:-100] + ("B" if token[-100] == "A" else "A") + token[-99:]

    ran = invoke(make_event(tampered), **settings_for(issuer))

    assert ran.returncode == 1
    assert ran.stdout.startswith('{"level"')  # before the traces
    assert "Exception: Unauthorized\n" in ran.stdout
    (line,) = log_lines(ran.stdout)
    assert (line["outcome"], line["reason"]) == ("unauthorized", "the signature does not match the key")
    for segment in tampered.split("."):
        assert segment not in ran.stdout + ran.stderr


def test_an_issuer_that_is_down_is_not_the_fault_of_the_caller(invoke: Invoke, key: SigningKey) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        issuer = f"http://127.0.0.1:{server.getsockname()[1]}/"
    token = make_token(key, good_claims(iss=issuer))

    ran = invoke(make_event(token), **settings_for(issuer))

    assert ran.returncode != 0
    assert f"KeysUnavailable: no keys from {issuer}jwks.json" in ran.stdout
    assert "Unauthorized" not in ran.stdout


def test_missing_settings_are_named_in_one_message(invoke: Invoke) -> None:
    ran = invoke(make_event("x.y.z"), JWKS_URI="https://issuer.example/")

    assert ran.returncode != 0
    assert "  - AUDIENCE is not set\n  - TOKEN_ISSUER is not set\n" in ran.stdout
