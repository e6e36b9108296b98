"""The rules of the key store, with an endpoint on 127.0.0.1.

Tokens are decided over as a whole, and an outcome is the status that API Gateway would answer. Time is
moved, not waited for.
"""

import ast
import logging
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import pytest

from auth.fetch import start_fetch
from auth.keys import STALE_KEYS_EXPIRE_AFTER
from tests.support.authorizer import DAY, MINUTE, Authorizer
from tests.support.jwks_server import Gate, answer, head, raw
from tests.support.tokens import SigningKey, good_claims, jwks, make_token, token, token_with_unknown_kid

ROOT = Path(__file__).parents[2]

# Fresh keys


def test_keys_are_asked_for_once_in_ten_minutes(cold: Authorizer, key: SigningKey) -> None:
    for _ in range(10 * MINUTE):
        assert cold.status(token(key)) == 200
        cold.clock.now += 1
    assert cold.fetches == 1

    assert cold.status(token(key)) == 200
    assert cold.fetches == 2


def test_a_withdrawn_key_is_refused_ten_minutes_later(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.publish(new_key)
    warm.clock.now += 10 * MINUTE - 1
    assert warm.status(token(key)) == 200

    warm.clock.now += 1
    assert warm.status(token(key)) == 401


def test_a_miss_just_before_does_not_put_the_ten_minutes_off(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.clock.now += 10 * MINUTE - 10
    warm.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    assert warm.status(token_with_unknown_kid()) == 500
    warm.publish(new_key)
    warm.clock.now += 10

    assert warm.status(token(key)) == 401


def test_the_ten_minutes_begin_when_the_issuer_is_asked(
    cold: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    def withdraw_before_it_arrives(connection: socket.socket) -> None:
        cold.publish(new_key)
        cold.clock.now += 3
        answer(jwks(key))(connection)

    cold.issuer.behave = withdraw_before_it_arrives
    assert cold.status(token(key)) == 200
    cold.clock.now += 10 * MINUTE - 3

    assert cold.status(token(key)) == 401


def test_junk_does_not_ask_the_issuer(cold: Authorizer, key: SigningKey) -> None:
    junk = [token(key, exp=1), token(key, aud="x"), token(key, iss="x"), token(key, sub=7), "a.b.c"]

    assert [cold.status(each) for each in junk] == 5 * [401]
    assert cold.fetches == 0


# Rotation


def test_a_rotated_key_is_accepted_at_once_with_one_fetch(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.clock.now += 5 * MINUTE
    warm.publish(key, new_key)

    assert [warm.status(token(new_key)) for _ in range(10)] == 10 * [200]
    assert warm.fetches == 1


def test_a_key_rotated_a_second_after_a_cold_start_is_accepted_at_once(
    cold: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    assert cold.status(token(key)) == 200
    cold.clock.now += 1
    cold.publish(key, new_key)

    assert cold.status(token(new_key)) == 200
    assert cold.fetches == 2


def test_a_key_rotated_a_second_after_a_prefetch_is_accepted_at_once(
    cold: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    cold.keys.expect(start_fetch(cold.issuer.url).result)
    cold.keys.prefetch(with_backup=False)
    cold.clock.now += 1
    cold.publish(key, new_key)

    assert cold.status(token(new_key)) == 200
    assert cold.fetches == 2


def test_a_key_that_is_published_after_a_fetch_was_started_is_accepted_at_once(
    cold: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    cold.keys.expect(lambda: jwks(key))
    cold.clock.now += 5 * MINUTE
    cold.publish(key, new_key)

    assert cold.status(token(new_key)) == 200
    assert cold.fetches == 1


def test_a_started_fetch_that_failed_long_ago_is_repeated_by_the_first_caller(
    cold: Authorizer, key: SigningKey
) -> None:
    def fail() -> bytes:
        raise OSError("down")

    cold.keys.expect(fail)
    cold.clock.now += 5 * MINUTE

    assert cold.status(token(key)) == 200
    assert cold.fetches == 1


def test_a_started_fetch_is_not_repeated_by_the_first_caller(cold: Authorizer, key: SigningKey) -> None:
    cold.keys.expect(lambda: jwks(key))

    assert cold.status(token(key)) == 200
    assert cold.fetches == 0


def test_a_key_rotated_a_second_after_an_outage_is_accepted_at_once(
    cold: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    cold.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    assert cold.status(token(key)) == 500
    cold.clock.now += 1
    cold.publish(key)
    assert cold.status(token(key)) == 200
    cold.clock.now += 1
    cold.publish(key, new_key)

    assert cold.status(token(new_key)) == 200


def test_eight_threads_at_a_rotation_cause_one_fetch_and_nobody_is_refused(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    tokens = [token(new_key, jti=str(n)) for n in range(200)]
    warm.publish(key, new_key)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(warm.status, tokens)) == {200}
    assert warm.fetches == 1


def test_in_a_siege_a_new_key_is_accepted_within_30_seconds_and_valid_callers_are_never_refused(
    warm: Authorizer, key: SigningKey
) -> None:
    published: list[SigningKey] = [key]
    waiting: dict[SigningKey, int] = {}
    waited = []
    for second in range(20 * MINUTE):
        assert [warm.status(token_with_unknown_kid()) for _ in range(5)] == 5 * [401]
        assert warm.status(token(key)) == 200
        accepted = [new for new in waiting if warm.status(token(new)) == 200]
        waited += [second - waiting.pop(new) for new in accepted]
        if second in (90, 317, 610, 901):
            published.append(SigningKey(f"key of second {second}", "RS256", key.private))
            waiting[published[-1]] = second
            warm.publish(*published)
        warm.clock.now += 1

    assert len(waited) == 4
    assert max(waited) == 30
    assert warm.fetches == 40


def test_the_30_seconds_begin_when_the_issuer_is_asked(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    def rotate_before_it_arrives(connection: socket.socket) -> None:
        warm.publish(key, new_key)
        warm.clock.now += 3
        answer(jwks(key))(connection)

    warm.issuer.behave = rotate_before_it_arrives
    assert warm.status(token(new_key)) == 401
    warm.clock.now += 30 - 3

    assert warm.status(token(new_key)) == 200


# Tokens that name no key


def unnamed(key: SigningKey, **claims: Any) -> str:
    return make_token(key, good_claims(**claims), {"kid": None})


def test_a_token_that_names_no_key_is_for_the_only_one(warm: Authorizer, key: SigningKey) -> None:
    assert warm.status(unnamed(key)) == 200
    assert warm.fetches == 0


def test_a_token_that_names_no_key_is_rejected_where_there_are_several(
    cold: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    cold.publish(key, new_key)

    assert [cold.status(unnamed(one)) for one in (key, new_key)] == [401, 401]
    assert cold.status(token(key)) == 200


def test_a_token_with_a_kid_is_not_for_a_key_without(cold: Authorizer, key: SigningKey) -> None:
    cold.publish(key.jwk(kid=None))

    assert cold.status(token(key)) == 401
    assert cold.status(unnamed(key)) == 200


def test_an_only_key_that_is_replaced_is_accepted_at_once_with_one_fetch(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.publish(new_key)

    assert [warm.status(unnamed(new_key, jti=str(n))) for n in range(5)] == 5 * [200]
    assert warm.fetches == 1
    assert warm.status(unnamed(key)) == 401


def test_a_thousand_forged_tokens_that_name_no_key_cause_one_fetch_in_30_seconds(
    warm: Authorizer, key: SigningKey, stranger: SigningKey
) -> None:
    forged = unnamed(stranger)
    for _ in range(3):
        assert {warm.status(forged) for _ in range(300)} == {401}
        assert warm.status(unnamed(key)) == 200
        warm.clock.now += 30
    assert warm.fetches == 3


def test_a_forged_token_that_names_no_key_is_a_500_while_the_issuer_is_down(
    warm: Authorizer, key: SigningKey, stranger: SigningKey
) -> None:
    """It might be signed by a newer key, as a token under an unknown kid might be."""
    warm.issuer.behave = answer(b"", status="503 Authorizer Unavailable")

    assert warm.status(unnamed(stranger)) == 500
    assert warm.status(unnamed(key)) == 200


def test_a_token_that_names_no_key_is_no_401_in_an_outage_if_stale_keys_have_not_signed_it(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.issuer.behave = answer(b"", status="503 Service Unavailable")
    warm.clock.now += 10 * MINUTE

    assert warm.status(unnamed(new_key)) == 500
    assert warm.status(unnamed(key)) == 200


def test_a_forged_token_that_names_no_key_causes_one_fetch_at_a_cold_start(
    cold: Authorizer, stranger: SigningKey
) -> None:
    assert [cold.status(unnamed(stranger)) for _ in range(3)] == 3 * [401]
    assert cold.fetches == 1


# A flood of unknown kids


@pytest.fixture(params=["warm", "cold"])
def warm_or_cold(request: pytest.FixtureRequest) -> Authorizer:
    service: Authorizer = request.getfixturevalue(request.param)
    return service


def test_a_thousand_unknown_kids_cause_one_fetch(warm_or_cold: Authorizer) -> None:
    assert {warm_or_cold.status(token_with_unknown_kid()) for _ in range(1000)} == {401}
    assert warm_or_cold.fetches == 1


def test_ten_minutes_of_unknown_kids_cause_at_most_20_fetches(warm_or_cold: Authorizer) -> None:
    for _ in range(10 * MINUTE):
        assert {warm_or_cold.status(token_with_unknown_kid()) for _ in range(3)} == {401}
        warm_or_cold.clock.now += 1

    assert warm_or_cold.fetches <= 20


# Outages


def test_an_unknown_kid_among_fresh_keys_is_no_401_while_the_issuer_is_down(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    for _ in range(29):
        assert warm.status(token(new_key)) == 500
        assert warm.status(token(key)) == 200
        warm.clock.now += 1
    assert warm.fetches == 1

    warm.publish(key, new_key)
    warm.clock.now += 1
    assert warm.status(token(new_key)) == 200


@pytest.mark.parametrize("age", [0, 10 * MINUTE], ids=["cold", "stale"])
def test_failed_fetches_are_1_2_4_to_30_seconds_apart(cold: Authorizer, key: SigningKey, age: int) -> None:
    if age:
        cold.status(token(key))
    cold.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    cold.issuer.requests.clear()
    cold.clock.now += age
    start, times = cold.clock.now, []
    for _ in range(4 * 125):
        before = cold.fetches
        cold.status(token(key))
        if cold.fetches > before:
            times.append(cold.clock.now - start)
        cold.clock.now += 0.25
    assert times == [0, 1, 3, 7, 15, 31, 61, 91, 121]

    cold.publish(key)
    cold.clock.now += 30
    assert cold.status(token(key)) == 200
    cold.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    cold.issuer.requests.clear()
    cold.clock.now += 10 * MINUTE
    cold.status(token(key))
    cold.clock.now += 1
    cold.status(token(key))
    assert cold.fetches == 2


def test_the_pause_begins_when_a_fetch_has_failed(cold: Authorizer, key: SigningKey) -> None:
    def fail_slowly(connection: socket.socket) -> None:
        cold.clock.now += 3
        answer(b"", status="503 Authorizer Unavailable")(connection)

    cold.issuer.behave = fail_slowly
    assert [cold.status(token(key)) for _ in range(10)] == 10 * [500]
    assert cold.fetches == 1


def test_a_failed_fetch_is_logged_in_words_of_ours(
    warm: Authorizer, key: SigningKey, logged: list[Any]
) -> None:
    forged = '\r\n{"level": "ERROR", "event": "decision"}'
    warm.issuer.behave = answer(forged.encode(), f"X: y{forged}", status='500 {"level": "ERROR"}')
    warm.clock.now += 10 * MINUTE
    warm.status(token(key))

    line = {"event": "jwks_fetch_failed", "jwks_uri": warm.issuer.url, "reason": "HTTP status 500"}
    assert logged == [
        line
        | {"stale_keys_from": "issuer", "stale_keys_expire_in_seconds": STALE_KEYS_EXPIRE_AFTER - 10 * MINUTE}
    ]

    warm.clock.now += STALE_KEYS_EXPIRE_AFTER
    warm.status(token(key))
    assert logged[1:] == [line | {"stale_keys_from": "none", "stale_keys_expire_in_seconds": 0}]


def test_no_library_logs_what_the_issuer_says(warm: Authorizer) -> None:
    root = BufferingHandler(capacity=1000)
    warm.issuer.behave = raw(head("this is no header", "nor is this") + b"{}")
    warm.clock.now += 10 * MINUTE
    logging.getLogger().addHandler(root)
    try:
        assert warm.status(token_with_unknown_kid()) == 500
    finally:
        logging.getLogger().removeHandler(root)

    assert {record.name for record in root.buffer} <= {"auth.keys"}


# Several callers at once


def test_32_threads_from_cold_cause_one_fetch_and_all_are_answered(cold: Authorizer, key: SigningKey) -> None:
    cold.issuer.behave = gate = Gate(answer(jwks(key)))
    with ThreadPoolExecutor(32) as threads:
        statuses = [threads.submit(cold.status, token(key)) for _ in range(32)]
        assert cold.issuer.asked.wait(10)
        gate.open.set()

        assert {status.result() for status in statuses} == {200}
    assert cold.fetches == 1


def test_a_fetch_that_fails_while_32_threads_wait_is_not_repeated_by_each(
    cold: Authorizer, key: SigningKey
) -> None:
    cold.issuer.behave = gate = Gate(answer(b"", status="503 Authorizer Unavailable"))
    with ThreadPoolExecutor(32) as threads:
        statuses = [threads.submit(cold.status, token(key)) for _ in range(32)]
        assert cold.issuer.asked.wait(10)
        gate.open.set()

        assert {status.result() for status in statuses} == {500}
    assert cold.fetches == 1


@pytest.mark.parametrize("asking", ["for a known kid", "for an unknown kid"])
def test_nobody_with_a_known_key_waits_while_another_asks(
    warm: Authorizer, key: SigningKey, asking: str
) -> None:
    warm.issuer.behave = gate = Gate(answer(jwks(key)))
    warm.clock.now += 10 * MINUTE
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(
            warm.status, token(key) if asking == "for a known kid" else token_with_unknown_kid()
        )
        assert warm.issuer.asked.wait(10)

        assert {warm.status(token(key)) for _ in range(100)} == {200}
        assert not first.done()
        gate.open.set()
        first.result()
    assert warm.fetches == 1


def test_whoever_asks_for_an_unknown_kid_waits_for_the_fetch_that_is_on_its_way(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.issuer.behave = gate = Gate(answer(jwks(key, new_key)))
    warm.clock.now += 10 * MINUTE
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(warm.status, token(key))
        assert warm.issuer.asked.wait(10)
        second = threads.submit(warm.status, token(new_key))
        gate.open.set()

        assert (first.result(), second.result()) == (200, 200)
    assert warm.fetches == 1


def test_16_threads_of_valid_and_hostile_callers_get_the_right_answers(
    cold: Authorizer, key: SigningKey, new_key: SigningKey, stranger: SigningKey
) -> None:
    wrong: list[tuple[str, int]] = []
    decisions = 0
    over = threading.Event()

    def call(seed: int) -> None:
        nonlocal decisions
        chance = random.Random(seed)
        while not over.is_set():
            kind, sent, right = chance.choice(
                [
                    ("valid", token(key), {200}),
                    ("under a key that comes and goes", token(new_key), {200, 401}),
                    ("under a stranger's key of the same name", token(stranger), {401}),
                    ("expired", token(key, exp=1), {401}),
                    ("under an unknown kid", token_with_unknown_kid(), {401}),
                    ("no token", "a.b.c", {401}),
                ]
            )
            status = cold.status(sent)
            decisions += 1
            if status not in right:
                wrong.append((kind, status))

    def issue(connection: socket.socket) -> None:
        answer(jwks(key, *[new_key][cold.fetches % 2 :]))(connection)

    cold.issuer.behave = issue
    with ThreadPoolExecutor(16) as threads:
        calls = [threads.submit(call, seed) for seed in range(16)]
        for _ in range(200):
            time.sleep(0.01)
            cold.clock.now += 40
        over.set()
        for each in calls:
            each.result()

    assert wrong == []
    assert decisions > 500
    assert cold.fetches > 10


# The clock


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "forward"])
@pytest.mark.parametrize("before", ["a fetch", "a miss", "an outage"])
def test_a_clock_that_jumps_by_a_day_loses_no_service(
    warm: Authorizer, key: SigningKey, new_key: SigningKey, jump: int, before: str
) -> None:
    if before == "a miss":
        assert warm.status(token_with_unknown_kid()) == 401
    if before == "an outage":
        warm.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
        warm.clock.now += 10 * MINUTE
        for _ in range(10):
            assert warm.status(token(key)) == 200
            warm.clock.now += 30
    warm.publish(key, new_key)
    warm.clock.now += jump

    assert warm.status(token(new_key)) == 200
    assert warm.status(token(key)) == 200


def test_keys_are_not_fresh_to_a_clock_that_went_backwards(
    warm: Authorizer, key: SigningKey, new_key: SigningKey
) -> None:
    warm.publish(new_key)
    warm.clock.now -= 1

    assert warm.status(token(key)) == 401


@pytest.mark.parametrize(("seconds", "status"), [(1, 200), (300, 200), (301, 500), (DAY, 500)])
def test_in_an_outage_known_keys_are_used_unless_the_clock_went_back_by_more_than_five_minutes(
    warm: Authorizer, key: SigningKey, seconds: int, status: int
) -> None:
    warm.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    warm.clock.now -= seconds

    assert warm.status(token(key)) == status


@pytest.mark.parametrize("after", [1, 10 * MINUTE])
def test_keys_stay_unusable_when_a_clock_that_went_back_comes_forward_again(
    warm: Authorizer, key: SigningKey, after: int
) -> None:
    warm.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    warm.clock.now -= DAY
    assert warm.status(token(key)) == 500
    warm.clock.now += DAY + after
    assert warm.status(token(key)) == 500

    warm.publish(key)
    warm.clock.now += 30
    assert warm.status(token(key)) == 200


def test_the_age_of_keys_counts_from_the_earliest_time_that_the_clock_has_shown(
    warm: Authorizer, key: SigningKey
) -> None:
    """The clock was ahead when they were fetched."""
    warm.issuer.behave = answer(b"", status="503 Authorizer Unavailable")
    warm.clock.now -= 200
    assert warm.status(token(key)) == 200
    warm.clock.now += STALE_KEYS_EXPIRE_AFTER - 1
    assert warm.status(token(key)) == 200

    warm.clock.now += 1
    assert warm.status(token(key)) == 500


# The only network


def test_nothing_else_imports_requests() -> None:
    def imports(path: Path) -> set[str]:
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
        return names

    ours = [ROOT / "handler.py", *(ROOT / "auth").glob("*.py")]

    assert [path.name for path in ours if imports(path) & {"requests", "urllib3"}] == ["fetch.py"]
