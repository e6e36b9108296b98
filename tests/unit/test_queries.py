"""What the queries of resources/queries.yml find in the log of an authorizer.

Lambda's own runtime writes the lines. Those of LINES_OF_LAMBDA and the timeout are examples of AWS.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

import handler
from auth.backup import StoredCopy, make_copy
from auth.custom_rules import Rules
from auth.keys import STALE_KEYS_EXPIRE_AFTER
from tests.support.deployed import deployed
from tests.support.jwks_server import answer
from tests.support.lambda_log import lines_of
from tests.support.logs_insights import Query, Record, discover
from tests.support.tokens import (
    METHOD_ARN,
    SigningKey,
    good_claims,
    jwks,
    make_event,
    make_token,
    token_with_kid,
)

QUERIES: dict[str, str] = yaml.safe_load((Path(__file__).parents[2] / "resources/queries.yml").read_text())

# As in AWS, "Viewing CloudWatch logs for Lambda functions"; Init Duration only after a cold start.
REPORT = (
    "REPORT RequestId: 8f507cfc\tDuration: {duration} ms\tBilled Duration: 80 ms\tMemory Size: 256 MB\t"
    "Max Memory Used: 73 MB"
)
LINES_OF_LAMBDA = [
    "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:1",
    "START RequestId: 8f507cfc Version: $LATEST",
    "END RequestId: 8f507cfc",
    REPORT.format(duration="79.67") + "\tInit Duration: 310.02 ms\t",
    REPORT.format(duration="2.05") + "\t",
]


@contextmanager
def an_hour_later() -> Iterator[None]:
    """Let the keys in hand be an hour old."""
    for store in handler._key_stores().values():
        store._clock = lambda: time.time() + 3600
    yield


@contextmanager
def a_backup(content: bytes) -> Iterator[None]:
    """Let there be a copy of the keys that S3 received two hours ago."""
    for store in handler._key_stores().values():
        store._read_backup = lambda uri: StoredCopy(content, time.time() - 7200)
    yield


def copy_of(url: str, key: SigningKey) -> bytes:
    return make_copy(url, jwks(key), time.time(), ["RS256"])


@pytest.fixture(scope="module")
def log(key: SigningKey, stranger: SigningKey) -> list[Record]:
    """A log with all that can happen, two minutes between any two invocations."""
    reader, nobody = make_token(key), make_token(key, good_claims(scope=""))
    create, unknown = METHOD_ARN.replace("GET/pets", "POST/pets"), METHOD_ARN.replace("GET/pets", "GET/x")
    invocations = [LINES_OF_LAMBDA]
    with deployed(key) as service:
        invocations += [lines_of(make_event(reader)), lines_of(make_event(reader, create))]
        invocations += [lines_of(make_event(nobody)), lines_of(make_event(reader, unknown))]
        for token in (make_token(stranger), make_token(key, good_claims(exp=1)), "x.y.z", "x.y.z"):
            invocations.append(lines_of(make_event(token)))
        invocations += [lines_of(make_event(token_with_kid(kid))) for kid in ("new", "new", "Task timed out")]
        service.issuer.behave = answer(b"rubbish")
        with an_hour_later():
            invocations.append(lines_of(make_event(reader)))
        service.start_cold()
        invocations.append(lines_of(make_event(reader)))
        for content in (copy_of(service.issuer.url, key), b"rubbish"):
            service.start_cold()
            with a_backup(content):
                invocations.append(lines_of(make_event(reader)))
            if content != b"rubbish":
                with an_hour_later():
                    invocations.append(lines_of(make_event(reader)))
    with deployed(key, AUDIENCE=""):
        invocations.append(lines_of(make_event(reader)))
    with deployed(key) as service:
        invocations.append(lines_of(None))  # a bug
        service.use_rules(Rules(refuse=lambda claims: "not of the organization acme"))
        invocations.append(lines_of(make_event(reader)))
        service.use_rules(Rules(scopes=lambda claims: claims["roles"]))
        invocations.append(lines_of(make_event(reader)))
    invocations.append(["2026-11-25T12:00:00.000Z 8a0ff1a5 Task timed out after 6.00 seconds"])
    return [discover(line, minute * 120_000) for minute, lines in enumerate(invocations) for line in lines]


def ask(name: str, log: list[Record]) -> list[Record]:
    return Query(QUERIES[name]).run(log)


def counts(rows: list[Record], *names: str) -> dict[tuple[Any, ...], int]:
    """Return how many lines each row stands for, by the columns with these names."""
    number = "decisions" if "decisions" in rows[0] else "tokens"
    return {tuple(row.get(name) for name in names): row[number] for row in rows}


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_reads_fields_that_the_log_has_and_finds_something(name: str, log: list[Record]) -> None:
    query = Query(QUERIES[name])

    assert query.fields <= set().union(*log)
    assert query.run(log)
    assert '"' not in QUERIES[name]
    assert "\n" not in QUERIES[name]  # it becomes part of a JSON text


def test_each_decision_is_counted_once_under_its_outcome(log: list[Record]) -> None:
    rows = ask("decisions", log)
    totals = {name: sum(row[name] for row in rows) for name in rows[0] if name != "bin(5m)"}

    assert totals == {"policies": 8, "unauthorized": 7, "keys_unavailable": 2, "config_errors": 2}
    assert sum(totals.values()) == len([record for record in log if record.get("event") == "decision"])
    assert len(rows) > 1
    assert all(row["bin(5m)"] % 300_000 == 0 for row in rows)


def test_refusals_are_all_decisions_but_the_granted_ones_by_reason(log: list[Record]) -> None:
    refusals = counts(ask("refusals", log), "outcome", "reason")

    assert sum(refusals.values()) == 19 - 4
    assert refusals["policy", "missing scopes: create:pets"] == 1
    assert refusals["policy", "the route is not in the route table"] == 1
    assert refusals["unauthorized", "expired"] == 1
    assert ("policy", "granted") not in refusals


def test_keys_says_for_how_long_an_issuer_may_stay_away_and_how_old_the_copy_of_its_keys_is(
    log: list[Record],
) -> None:
    rows = {(row["event"], row.get("stale_keys_from")): row for row in ask("keys", log)}

    assert {name: row["times"] for name, row in rows.items()} == {
        ("jwks_fetch_failed", "issuer"): 1,
        ("jwks_fetch_failed", "backup"): 1,
        ("jwks_fetch_failed", "none"): 3,  # in new environments
        ("keys_from_backup", None): 1,
        ("key_backup_unusable", None): 1,
    }
    assert rows["keys_from_backup", None]["hours_old"] == pytest.approx(2, abs=0.1)
    assert rows["key_backup_unusable", None]["last_reason"]
    assert rows["jwks_fetch_failed", "none"]["hours_left"] == 0
    hours_left = [rows["jwks_fetch_failed", source]["hours_left"] for source in ("issuer", "backup")]
    assert hours_left == pytest.approx([STALE_KEYS_EXPIRE_AFTER / 3600 - hours for hours in (1, 3)], abs=0.1)


def test_cold_starts_are_the_invocations_that_lambda_reports_an_init_duration_for(log: list[Record]) -> None:
    (row,) = ask("coldStarts", log)

    assert (row["cold_starts"], row["slowest_ms"], row["memory_mb"]) == (1, 310.02, 73)


def test_why_401_counts_the_tokens_of_each_reason(log: list[Record]) -> None:
    rows = ask("why401", log)
    tokens = counts(rows, "reason")

    assert sum(tokens.values()) == 7
    assert tokens["the issuer has no key with this kid and alg",] == 3
    assert [row["tokens"] for row in rows] == sorted(tokens.values(), reverse=True)
    assert {row["example"] for row in rows} == {"request-1"}
    assert all(row["first_seen"] <= row["last_seen"] for row in rows)


def test_why_403_tells_who_lacks_which_scope_on_which_route_or_which_rule_refused(log: list[Record]) -> None:
    refused = counts(ask("why403", log), "route", "reason")

    assert refused == {
        ("POST /pets", "missing scopes: create:pets"): 1,
        ("GET /pets", "missing scopes: read:pets"): 1,
        (None, "the route is not in the route table"): 1,
        ("GET /pets", "refused_by_rule: not of the organization acme"): 1,
    }
    assert {len(row["subject"]) for row in ask("why403", log)} == {16}


def test_unknown_kids_are_counted_by_kid(log: list[Record]) -> None:
    assert counts(ask("unknownKids", log), "kid") == {("new",): 2, ("Task timed out",): 1}


def test_outages_are_all_that_callers_get_a_503_for_and_nothing_that_they_can_cause(
    log: list[Record],
) -> None:
    found = ask("outages", log)
    kinds = [row.get("outcome") or row.get("event") or row["@message"].split()[1] for row in found]

    assert kinds == [
        "8a0ff1a5",  # the timeout
        "config_error",  # the rule that fails
        "AttributeError:",
        "config_error",  # the setting
        *("jwks_fetch_failed", "key_backup_unusable", "keys_unavailable"),
        "jwks_fetch_failed",  # while the keys of the backup are used
        *("jwks_fetch_failed", "keys_from_backup"),
        *("jwks_fetch_failed", "keys_unavailable"),
        "jwks_fetch_failed",
    ]
    assert [row["@timestamp"] for row in found] == sorted((row["@timestamp"] for row in found), reverse=True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("parse @message '*' as x", "command parse is not known"),
        ("filter a ~= 1", "not known here:  ~= 1"),
        ('filter a = "b"', "not known here"),
        ("filter a not = 1", "`not` must be followed by `like`"),
        ("filter lower(a) = 'b'", "function lower is not known"),
        ("filter a like b", "like takes a text or a pattern"),
        ("filter (a = 1", r"\) expected"),
        ("stats pct(a) as b", "function pct is not known"),
        ("stats count(*) as b | sort c desc", "stats leaves no column c"),
        ("limit 1 limit 2", r"\| expected"),
        ("limit", "ends too early"),
    ],
)
def test_what_the_evaluator_does_not_know_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Query(text)


def test_an_inequality_with_an_absent_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="not there"):
        Query("filter a != 1").run([{"@timestamp": 0}])
