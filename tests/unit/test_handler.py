"""Lambda's entry point: what it says to API Gateway, what it logs, and when it asks for keys."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import handler
from auth import ConfigError, KeysUnavailable, logs
from tests.support.deployed import Deployment, deployed
from tests.support.jwks_server import answer
from tests.support.tokens import ISSUER, SigningKey, good_claims, make_event, make_token


@pytest.fixture
def service(key: SigningKey) -> Iterator[Deployment]:
    with deployed(key) as deployment:
        yield deployment


def test_a_good_token_gets_a_policy(service: Deployment, key: SigningKey) -> None:
    invocation = service.invoke(make_event(make_token(key)))

    assert invocation.error is None
    assert invocation.response is not None
    assert invocation.response["principalId"] == "client@clients"
    assert invocation.response["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert invocation.log == [
        {
            "level": "INFO",
            "event": "decision",
            "outcome": "policy",
            "reason": "granted",
            "request_id": "request-1",
            "route": "GET /pets",
            "scopes": ["read:pets"],
            "subject": hashlib.sha256(f"{ISSUER} client@clients".encode()).hexdigest()[:16],
        }
    ]


STAGE = "arn:aws:execute-api:us-east-1:123456789012:apiId/dev/"


@pytest.mark.parametrize(
    ("request_", "reason", "route"),
    [
        ("POST/pets", "missing scopes: create:pets", "POST /pets"),
        ("GET/pets/7", "granted", "GET /pets/{petId}"),
        ("DELETE/pets", "the route is not in the route table", None),
    ],
)
def test_the_log_explains_a_403(
    service: Deployment, key: SigningKey, request_: str, reason: str, route: str | None
) -> None:
    token = make_token(key, good_claims(scope="openid read:pets"))
    (line,) = service.invoke(make_event(token, STAGE + request_)).log

    assert (line["outcome"], line["reason"], line.get("route")) == ("policy", reason, route)
    assert line["scopes"] == ["read:pets"]


def test_the_log_names_20_scopes_at_most(key: SigningKey) -> None:
    scopes = [f"scope-{n:02}" for n in range(30)]
    with deployed(key, ROUTE_SCOPES=f"GET /pets {' '.join(scopes)}") as service:
        (line,) = service.invoke(make_event(make_token(key, good_claims(scope=scopes)))).log

    assert line["scopes"] == scopes[:20]


def test_the_log_has_no_part_of_a_path_a_token_or_a_subject(service: Deployment, key: SigningKey) -> None:
    token = make_token(key, good_claims(sub="alice@example.com"))
    (line,) = service.invoke(make_event(token, f"{STAGE}GET/pets/alice")).log

    assert not [value for value in line.values() if "alice" in str(value) or str(value) in token]


def test_the_log_tells_callers_apart(service: Deployment, key: SigningKey) -> None:
    tokens = [make_token(key, good_claims(sub=sub)) for sub in ("alice", "bob", "alice")]
    alice, bob, same = (service.invoke(make_event(token)).log[0]["subject"] for token in tokens)

    assert alice == same != bob


def test_where_everything_is_granted_the_log_names_no_scopes(key: SigningKey) -> None:
    with deployed(key, ROUTE_SCOPES="*") as service:
        (line,) = service.invoke(make_event(make_token(key))).log

    assert line["reason"] == "granted"
    assert "scopes" not in line


def test_the_table_is_the_one_of_the_package_unless_the_environment_has_another(
    key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "routes.txt").write_text("[rest]\nGET /pets from:package")
    monkeypatch.setattr(handler, "ROUTES", tmp_path / "routes.txt")
    event = make_event(make_token(key))
    for variable, reason in (
        ("", "missing scopes: from:package"),
        ("GET /pets other", "missing scopes: other"),
    ):
        with deployed(key, ROUTE_SCOPES=variable) as service:
            (line,) = service.invoke(event).log
            assert line["reason"] == reason


def test_without_any_table_nothing_is_granted(
    key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "ROUTES", tmp_path / "routes.txt")
    with deployed(key, ROUTE_SCOPES="") as service:
        invocation = service.invoke(make_event(make_token(key)))

    assert type(invocation.error) is ConfigError
    assert "there is no route table" in str(invocation.error)


def test_keys_and_settings_are_read_once_for_many_tokens(service: Deployment, key: SigningKey) -> None:
    for _ in range(5):
        service.invoke(make_event(make_token(key)))

    assert len(service.issuer.requests) == 1


def test_an_outage_is_no_401(service: Deployment, key: SigningKey) -> None:
    service.issuer.behave = answer(b"rubbish")
    invocation = service.invoke(make_event(make_token(key)))

    assert type(invocation.error) is KeysUnavailable
    assert [line["event"] for line in invocation.log] == ["jwks_fetch_failed", "decision"]
    assert invocation.log[0]["jwks_uri"] == service.issuer.url
    assert invocation.log[1] == {
        "level": "ERROR",
        "event": "decision",
        "outcome": "keys_unavailable",
        "reason": f"no keys from {service.issuer.url}: not JSON",
        "request_id": "request-1",
    }


def test_a_mistake_in_the_settings_is_no_401_and_is_named_each_time(key: SigningKey) -> None:
    with deployed(key, AUDIENCE="", LEEWAY_SECONDS="soon") as service:
        for _ in range(2):
            invocation = service.invoke(make_event(make_token(key)))

            assert type(invocation.error) is ConfigError
            [line] = invocation.log
            assert line["level"] == "ERROR"
            assert line["outcome"] == "config_error"
            assert line["reason"] == str(invocation.error)
            assert "AUDIENCE" in line["reason"]
            assert "LEEWAY_SECONDS" in line["reason"]


def test_the_settings_say_how_much_is_logged(key: SigningKey) -> None:
    with deployed(key, LOG_LEVEL="ERROR") as service:
        assert service.invoke(make_event("rubbish")).log == []
        assert service.invoke(make_event(make_token(key))).log == []
        assert len(service.invoke({"type": "SQS"}).log) == 1


def test_a_call_without_lambdas_context_is_logged_as_well(
    service: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handler.authorize(make_event(None), None)

    assert json.loads(capsys.readouterr().out)["request_id"] is None


def test_a_log_line_is_one_line_of_ascii(service: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    details = {"reason": "\u2028\n\x1b[2J\ud800 ü"}
    logs.log.error("decision", extra={"details": details})
    out = capsys.readouterr().out

    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == {"level": "ERROR", "event": "decision", **details}


def test_a_log_line_is_printed_once_beside_lambdas_own_handler() -> None:
    assert not logs.log.propagate


@pytest.fixture
def start() -> Iterator[Callable[[], ModuleType]]:
    """Imports handler.py as a new Lambda environment does; the log's handlers are put back after."""
    handlers = logs.log.handlers[:]

    def load() -> ModuleType:
        logs.log.handlers[:] = []
        spec = importlib.util.spec_from_file_location("new_handler", handler.__file__)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    logs.log.handlers[:] = handlers


def test_keys_are_fetched_while_the_environment_starts(
    service: Deployment, key: SigningKey, start: Callable[[], ModuleType]
) -> None:
    started = start()
    assert len(service.issuer.requests) == 1

    started.authorize(make_event(make_token(key)), None)
    assert len(service.issuer.requests) == 1


def test_an_outage_does_not_keep_the_environment_from_starting(
    service: Deployment, key: SigningKey, start: Callable[[], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    service.issuer.behave = answer(b"rubbish")
    started = start()

    assert json.loads(capsys.readouterr().out)["event"] == "jwks_fetch_failed"
    with pytest.raises(Exception, match="no keys"):
        started.authorize(make_event(make_token(key)), None)


def test_a_mistake_in_the_settings_does_not_keep_the_environment_from_starting(
    key: SigningKey, start: Callable[[], ModuleType]
) -> None:
    with deployed(key, AUDIENCE="") as service:
        started = start()

        assert len(service.issuer.requests) == 0
        with pytest.raises(Exception, match="AUDIENCE"):
            started.authorize(make_event(make_token(key)), None)


def test_nothing_is_fetched_where_nothing_is_set(
    start: Callable[[], ModuleType], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {})
    start()

    assert capsys.readouterr().out == ""
