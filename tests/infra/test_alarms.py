"""Which lines of the authorizer's log trigger which alarm. Lambda's own runtime writes the lines."""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import yaml

import handler
from auth.backup import _client, make_copy
from auth.custom_rules import Rules
from auth.settings import LOG_LEVELS
from tests.support.deployed import Deployment, deployed
from tests.support.isolation import AWS
from tests.support.jwks_server import JwksServer, answer
from tests.support.lambda_log import bootstrap, lines_of
from tests.support.tokens import SigningKey, good_claims, jwks, make_event, make_token

ROOT = Path(__file__).parents[2]
NOW = f"Last-Modified: {formatdate(usegmt=True)}"


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's YAML without resolving its functions."""


Loader.add_multi_constructor("!", lambda loader, tag, node: node.value)


def resources() -> dict[str, Any]:
    made: dict[str, Any] = yaml.load((ROOT / "resources/alarms.yml").read_text(), Loader)["Resources"]
    return made


def metric_filters() -> list[tuple[str, str]]:
    """Return the patterns of resources/alarms.yml, each with the metric that counts its lines."""
    return [
        (made["Properties"]["FilterPattern"], metric["MetricName"])
        for made in resources().values()
        if made["Type"] == "AWS::Logs::MetricFilter"
        for metric in made["Properties"]["MetricTransformations"]
    ]


def matches(pattern: str, line: str) -> bool:
    """Tell whether CloudWatch counts a line, for the two kinds of patterns that are used here.

    Either the line has all the terms, and none of those with a minus; or it is JSON with a member of this
    value, or with one that begins with what is before a `*`. Source: AWS, "Filter pattern syntax for metric
    filters".
    """
    member = re.fullmatch(r'\{ \$\.(\w+) = "(\w+)(\*?)" \}', pattern)
    if member:
        try:
            value = json.loads(line)
        except ValueError:
            return False
        text = value.get(member[1]) if isinstance(value, dict) else None
        return isinstance(text, str) and (text.startswith(member[2]) if member[3] else text == member[2])
    assert re.fullmatch(r'(-?"[^"]+" ?)+', pattern)
    return all((term in line) != bool(minus) for minus, term in re.findall(r'(-?)"([^"]+)"', pattern))


def counted(*lines: str) -> set[str]:
    """Return the metrics that count one of these lines."""
    assert lines
    return {metric for pattern, metric in metric_filters() for line in lines if matches(pattern, line)}


@pytest.fixture
def service(key: SigningKey) -> Iterator[Deployment]:
    with deployed(key) as deployment:
        yield deployment


def hostile_kids(key: SigningKey) -> list[str]:
    texts = ("[ERROR] TypeError", "Task timed out", "Runtime exited", 'x", "event": "jwks_fetch_failed')
    return [make_token(key, header={"kid": text}) for text in texts]


def test_no_caller_can_trigger_an_alarm(key: SigningKey, stranger: SigningKey) -> None:
    tokens = [
        make_token(key),
        make_token(key, good_claims(scope="")),
        make_token(stranger),
        make_token(key, good_claims(exp=1)),
        make_token(SigningKey.generate("unknown")),
        "x.y.z",
        "[ERROR]",
        *hostile_kids(key),
    ]
    with deployed(key):
        lines = [line for token in tokens for line in lines_of(make_event(token))]

    assert len([line for line in lines if "[ERROR] Exception: Unauthorized" in line]) == len(tokens) - 2
    assert len([line for line in lines if '"outcome"' in line]) == len(tokens)
    assert counted(*lines) == set()


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_an_outage_of_the_issuer_triggers_the_alarms_for_keys_at_every_log_level(
    key: SigningKey, level: str
) -> None:
    with deployed(key, LOG_LEVEL=level) as service:
        service.issuer.behave = answer(b"rubbish")
        lines = lines_of(make_event(make_token(key)))

    assert any(line.startswith("[ERROR] KeysUnavailable") for line in lines)
    assert counted(*lines) == {"KeysUnavailable", "JwksFetchFailures"}


def test_an_outage_that_no_caller_notices_has_a_metric_of_its_own(key: SigningKey) -> None:
    with deployed(key) as service:
        lines_of(make_event(make_token(key)))
        service.issuer.behave = answer(b"rubbish")
        next(iter(handler._key_stores().values()))._clock = lambda: time.time() + 3600
        lines = lines_of(make_event(make_token(key)))

    assert any('"outcome": "policy"' in line for line in lines)
    assert counted(*lines) == {"JwksFetchFailures"}


def test_keys_of_the_backup_keep_an_outage_from_callers_and_so_from_their_alarm(key: SigningKey) -> None:
    with closing(JwksServer(answer(b"", status="404 Not Found"))) as s3:
        backup = {"KEY_BACKUP_BUCKET": "backup", "KEY_BACKUP_OWNER": "123456789012"}
        aws = AWS | {"AWS_ENDPOINT_URL": s3.url.rpartition("/")[0]}
        for is_there in (False, True):
            _client.cache_clear()
            with deployed(key, **backup, **aws) as service:
                service.issuer.behave = answer(b"rubbish")
                if is_there:
                    s3.behave = answer(make_copy(service.issuer.url, jwks(key), time.time(), ("RS256",)), NOW)
                lines = lines_of(make_event(make_token(key)))

            assert any('"keys_from_backup"' in line for line in lines) is is_there
            assert counted(*lines) - {"JwksFetchFailures"} == (set() if is_there else {"KeysUnavailable"})
    _client.cache_clear()


def test_an_invalid_setting_counts_as_an_error_of_the_authorizer(key: SigningKey) -> None:
    with deployed(key, AUDIENCE=""):
        assert counted(*lines_of(make_event(make_token(key)))) == {"AuthorizerErrors"}


def test_a_rule_that_fails_has_an_alarm_of_its_own_that_one_request_does_not_trigger(key: SigningKey) -> None:
    with deployed(key) as service:
        service.use_rules(Rules(refuse=lambda claims: claims["x"]))
        lines = lines_of(make_event(make_token(key)))
    alarm = resources()["RuleFailedAlarm"]["Properties"]

    assert any(line.startswith("[ERROR] ConfigError: rule_failed") for line in lines)
    assert counted(*lines) == {alarm["MetricName"]} == {"RuleFailures"}
    assert len([line for line in lines if matches('{ $.reason = "rule_failed*" }', line)]) == 1
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Sum", "GreaterThanThreshold")
    assert alarm["Threshold"] > 1


def test_a_token_that_a_rule_refuses_triggers_no_alarm(key: SigningKey) -> None:
    with deployed(key) as service:
        service.use_rules(Rules(refuse=lambda _: "rule_failed"))
        lines = lines_of(make_event(make_token(key)))

    assert counted(*lines) == set()


def test_a_rules_py_that_cannot_be_used_counts_as_an_error_of_the_authorizer(key: SigningKey) -> None:
    with deployed(key) as service:
        service.use_rules(Rules())
        sys.modules["rules"].refuses = lambda claims: None  # type: ignore[attr-defined]
        assert counted(*lines_of(make_event(make_token(key)))) == {"AuthorizerErrors"}


def test_a_bug_counts_as_an_error_of_the_authorizer(service: Deployment) -> None:
    lines = lines_of(None)

    assert any(line.startswith("[ERROR] AttributeError") for line in lines)
    assert counted(*lines) == {"AuthorizerErrors"}


def test_a_package_that_cannot_be_imported_counts_as_an_error_of_the_authorizer() -> None:
    lines = lines_of({}, lambda event, context: bootstrap._get_handler("no_such_module.authorize"))

    assert any(line.startswith("[ERROR] Runtime.ImportModuleError") for line in lines)
    assert counted(*lines) == {"AuthorizerErrors"}


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-25T12:00:00.000Z 8a0ff1a5 Task timed out after 6.00 seconds",
        "RequestId: 8a0ff1a5 Error: Runtime exited with error: signal: killed",
    ],
)
def test_a_timeout_and_a_crash_count_as_errors_of_the_authorizer(
    line: str,
) -> None:
    assert counted(line) == {"AuthorizerErrors"}
