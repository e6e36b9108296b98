"""When the key store reads the backup, and which of its keys it uses: an issuer, a backup and a clock of
functions.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from auth import InvalidToken, KeysUnavailable
from auth.backup import StoredCopy
from auth.keys import STALE_KEYS_EXPIRE_AFTER, KeyStore
from tests.support.authorizer import DAY, MINUTE, Clock
from tests.support.tokens import SigningKey, jwks

URI = "https://issuer.example/jwks.json"
HOUR = 60 * MINUTE


@dataclass
class World:
    """An issuer, the backup of its keys, and a key store for both."""

    body: bytes | None
    """The answer of the issuer. None: it is down."""
    stored: StoredCopy | None = None
    """What the bucket has. None: S3 answers with an error."""
    clock: Clock = field(default_factory=Clock)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = self.new_environment()

    def new_environment(self) -> KeyStore:
        self.keys = KeyStore(
            URI, ("RS256",), fetch=self.fetch, read_backup=self.read_backup, clock=self.clock
        )
        return self.keys

    def fetch(self, uri: str) -> bytes:
        self.calls.append("issuer")
        if self.body is None:
            raise OSError("down")
        return self.body

    def read_backup(self, uri: str) -> StoredCopy:
        self.calls.append("backup")
        if self.stored is None:
            raise OSError("S3 answered AccessDenied")
        return self.stored

    def back_up(self, *keys: SigningKey, age: float = 0, uri: str = URI) -> None:
        """Put a copy of these keys into the bucket, made `age` seconds ago."""
        made_at = self.clock.now - age
        copy = {"jwks_uri": uri, "fetched_at": int(made_at), "jwks": json.loads(jwks(*keys))}
        self.stored = StoredCopy(json.dumps(copy).encode(), made_at)

    def get(self, kid: str = "key-1") -> str:
        """Return `found`, or what was raised."""
        try:
            self.keys.get_key(kid, "RS256")
        except (InvalidToken, KeysUnavailable) as error:
            return type(error).__name__
        return "found"


@pytest.fixture
def down(key: SigningKey) -> World:
    """The issuer is down, and a copy of its key was made five minutes ago. No keys are held."""
    world = World(None)
    world.back_up(key, age=5 * MINUTE)
    return world


@pytest.fixture
def up(key: SigningKey) -> World:
    """The issuer publishes `key`, and its keys have just been fetched. The copy was made before that."""
    world = World(jwks(key))
    world.back_up(key, age=5 * MINUTE)
    assert world.get() == "found"
    world.calls.clear()
    return world


# When it is read


def test_it_is_not_read_while_the_issuer_answers(up: World, key: SigningKey, new_key: SigningKey) -> None:
    assert up.get("unknown") == "InvalidToken"
    for _ in range(5):
        up.clock.now += 5 * MINUTE
        assert up.get() == "found"
        assert up.get("unknown") == "InvalidToken"

    assert "backup" not in up.calls


def test_it_is_read_after_a_fetch_that_failed(down: World) -> None:
    assert down.get() == "found"
    assert down.calls == ["issuer", "backup"]


def test_it_is_not_read_for_a_key_that_is_held(up: World) -> None:
    up.body = None
    for _ in range(20):
        up.clock.now += 10 * MINUTE
        assert up.get() == "found"

    assert set(up.calls) == {"issuer"}


def test_it_is_not_read_after_a_fetch_that_succeeded(up: World) -> None:
    """Also not because an earlier one failed."""
    body, up.body = up.body, None
    up.clock.now += 10 * MINUTE
    assert up.get() == "found"
    up.body = body
    up.clock.now += MINUTE
    assert up.get("unknown") == "InvalidToken"
    assert up.get("unknown") == "InvalidToken"

    assert up.calls == ["issuer", "issuer"]


def test_it_is_read_once_for_each_fetch_that_failed(down: World) -> None:
    down.stored = None
    for _ in range(4 * MINUTE):
        assert down.get() == "KeysUnavailable"
        down.clock.now += 1

    assert down.calls == down.calls.count("issuer") * ["issuer", "backup"]
    assert down.calls.count("issuer") == 12  # after pauses of 1, 2, 4 ... 30 seconds


def test_it_is_read_for_a_new_key_though_another_caller_has_asked_the_issuer_just_before(
    up: World, key: SigningKey, new_key: SigningKey
) -> None:
    up.body = None
    up.clock.now += 10 * MINUTE
    up.back_up(key, new_key, age=1)
    assert up.get() == "found"
    assert up.get("key-2") == "found"

    assert up.calls == ["issuer", "backup"]


def test_it_is_read_at_once_if_the_fetch_of_a_starting_environment_failed(down: World) -> None:
    down.keys.expect(lambda: down.fetch(URI))
    down.keys.prefetch(with_backup=True)
    assert down.calls == ["issuer", "backup"]

    assert down.get() == "found"
    assert down.calls == ["issuer", "backup"]


def test_a_starting_environment_may_leave_it_to_the_first_caller(down: World) -> None:
    down.keys.expect(lambda: down.fetch(URI))
    down.keys.prefetch(with_backup=False)
    assert down.calls == ["issuer"]

    assert down.get() == "found"
    assert down.calls == ["issuer", "backup"]


def test_it_is_not_read_if_the_fetch_of_a_starting_environment_succeeded(up: World, key: SigningKey) -> None:
    up.new_environment().expect(lambda: jwks(key))
    up.keys.prefetch(with_backup=True)

    assert up.get() == "found"
    assert up.calls == []


def test_without_a_backup_an_outage_is_as_before() -> None:
    world = World(None)
    world.keys = KeyStore(URI, ("RS256",), fetch=world.fetch, clock=world.clock)

    assert world.get() == "KeysUnavailable"
    assert world.calls == ["issuer"]


# Which copies are used, and for how long


@pytest.mark.parametrize(
    ("age", "result"),
    [
        (0, "found"),
        (STALE_KEYS_EXPIRE_AFTER - HOUR, "found"),
        (STALE_KEYS_EXPIRE_AFTER - 1, "found"),
        (STALE_KEYS_EXPIRE_AFTER, "KeysUnavailable"),
        (STALE_KEYS_EXPIRE_AFTER + HOUR, "KeysUnavailable"),
        (-300, "found"),
        (-301, "KeysUnavailable"),
        (-DAY, "KeysUnavailable"),
    ],
)
def test_a_copy_is_used_if_it_is_less_than_a_day_old(
    down: World, key: SigningKey, age: int, result: str
) -> None:
    down.back_up(key, age=age)

    assert down.get() == result


@pytest.mark.parametrize("age", [0, 5 * MINUTE, STALE_KEYS_EXPIRE_AFTER - HOUR])
def test_the_keys_of_a_copy_keep_its_age(down: World, key: SigningKey, age: int) -> None:
    down.back_up(key, age=age)
    assert down.get() == "found"
    down.stored = None
    down.clock.now += STALE_KEYS_EXPIRE_AFTER - age - 1
    assert down.get() == "found"

    down.clock.now += 1
    assert down.get() == "KeysUnavailable"


def test_a_copy_of_another_jwks_is_not_used(down: World, key: SigningKey) -> None:
    down.back_up(key, uri="https://another.example/jwks.json")

    assert down.get() == "KeysUnavailable"


@pytest.mark.parametrize("content", [b"", b"rubbish", b" " * 3_000_000], ids=["empty", "broken", "3 MB"])
def test_a_copy_that_is_not_usable_is_as_if_it_were_not_there(down: World, content: bytes) -> None:
    down.stored = StoredCopy(content, down.clock.now)

    assert down.get() == "KeysUnavailable"


def test_a_kid_that_the_copy_lacks_is_no_401(down: World) -> None:
    assert down.get("unknown") == "KeysUnavailable"
    assert down.get() == "found"
    assert down.get("unknown") == "KeysUnavailable"


def test_the_keys_of_a_copy_are_never_fresh(down: World, key: SigningKey) -> None:
    down.back_up(key, age=0)
    assert down.get() == "found"

    assert down.keys.fresh_key("key-1", "RS256") is None
    down.clock.now += 1
    assert down.get() == "found"
    assert down.calls == ["issuer", "backup", "issuer"]


def test_the_answer_of_the_issuer_replaces_the_copy_within_30_seconds(
    down: World, key: SigningKey, new_key: SigningKey
) -> None:
    for _ in range(10 * MINUTE):
        assert down.get() == "found"
        down.clock.now += 1
    down.body = jwks(new_key)
    down.back_up(key)
    down.clock.now += 30

    assert down.get() == "InvalidToken"
    assert down.get("key-2") == "found"
    assert down.keys.fresh_key("key-2", "RS256") is not None


# Of memory and the copy, the later one


def test_a_copy_that_is_later_than_what_is_held_replaces_it(
    up: World, key: SigningKey, new_key: SigningKey
) -> None:
    up.body = None
    up.clock.now += HOUR
    up.back_up(new_key, age=5 * MINUTE)

    assert up.get("key-2") == "found"
    assert up.get() == "KeysUnavailable"


def test_a_copy_that_is_earlier_than_what_is_held_is_not_used(
    up: World, key: SigningKey, new_key: SigningKey
) -> None:
    up.body = None
    up.clock.now += HOUR
    up.back_up(new_key, age=HOUR + 1)

    assert up.get("key-2") == "KeysUnavailable"
    assert up.get() == "found"


def test_a_later_copy_replaces_an_earlier_one(down: World, key: SigningKey, new_key: SigningKey) -> None:
    assert down.get() == "found"
    down.clock.now += HOUR
    down.back_up(new_key)
    assert down.get("key-2") == "found"

    assert down.get() == "KeysUnavailable"


# The clock


def test_a_copy_replaces_keys_that_are_unusable_since_the_clock_was_set_back(
    up: World, key: SigningKey
) -> None:
    up.body = None
    up.clock.now -= DAY
    assert up.get() == "KeysUnavailable"

    up.clock.now += DAY + MINUTE
    up.back_up(key, age=5 * MINUTE)
    assert up.get() == "found"


def test_the_keys_of_a_copy_are_unusable_when_the_clock_is_set_back_by_more_than_five_minutes(
    down: World, key: SigningKey
) -> None:
    down.back_up(key)
    assert down.get() == "found"
    down.clock.now -= 300
    assert down.get() == "found"

    down.clock.now -= 301
    assert down.get() == "KeysUnavailable"


def test_the_future_of_a_copy_counts_as_a_step_back_of_the_clock(down: World, key: SigningKey) -> None:
    down.back_up(key, age=-200)
    assert down.get() == "found"
    down.clock.now -= 100
    assert down.get() == "found"

    down.clock.now -= 1
    assert down.get() == "KeysUnavailable"


def test_the_day_of_a_copy_from_the_future_begins_now(
    down: World, key: SigningKey, logged: list[dict[str, Any]]
) -> None:
    down.back_up(key, age=-200)
    assert down.get() == "found"
    assert logged[-1]["age_in_seconds"] == 0
    down.stored = None
    down.clock.now += STALE_KEYS_EXPIRE_AFTER

    assert down.get() == "KeysUnavailable"


def test_what_the_clock_shows_after_the_copy_was_read_counts(
    down: World, key: SigningKey, logged: list[dict[str, Any]]
) -> None:
    down.back_up(key, age=STALE_KEYS_EXPIRE_AFTER - 2)
    read = down.read_backup

    def read_slowly(uri: str) -> StoredCopy:
        stored = read(uri)
        down.clock.now += 3
        return stored

    down.keys._read_backup = read_slowly
    assert down.get() == "KeysUnavailable"
    assert logged[-1]["reason"] == "the copy is too old"


# The log


def test_a_copy_that_is_used_is_logged_with_its_age(
    down: World, key: SigningKey, logged: list[dict[str, Any]]
) -> None:
    assert [down.get() for _ in range(3)] == 3 * ["found"]

    assert [line["event"] for line in logged] == ["jwks_fetch_failed", "keys_from_backup"]
    assert logged[1] == {"event": "keys_from_backup", "jwks_uri": URI, "age_in_seconds": 5 * MINUTE}


def test_a_fetch_that_fails_says_where_the_keys_are_from_that_are_used_instead(
    up: World, new_key: SigningKey, logged: list[dict[str, Any]]
) -> None:
    up.body = None
    up.clock.now += HOUR
    assert up.get() == "found"
    up.back_up(new_key, age=MINUTE)
    assert up.get("key-2") == "found"
    up.clock.now += MINUTE
    assert up.get("key-2") == "found"
    up.stored = None
    up.clock.now += STALE_KEYS_EXPIRE_AFTER
    assert up.get("key-2") == "KeysUnavailable"

    failures = [line for line in logged if line["event"] == "jwks_fetch_failed"]
    assert [line["stale_keys_from"] for line in failures] == ["issuer", "backup", "none"]
    assert failures[1]["stale_keys_expire_in_seconds"] == STALE_KEYS_EXPIRE_AFTER - 2 * MINUTE


REASONS: dict[str, tuple[Callable[[World, SigningKey], object], str]] = {
    "not readable": (lambda world, key: setattr(world, "stored", None), "S3 answered AccessDenied"),
    "broken": (lambda world, key: setattr(world, "stored", StoredCopy(b"", 0)), "not JSON"),
    "old": (lambda world, key: world.back_up(key, age=STALE_KEYS_EXPIRE_AFTER), "the copy is too old"),
}


@pytest.mark.parametrize("problem", REASONS)
def test_the_log_says_why_a_copy_is_not_used_if_it_is(
    down: World, key: SigningKey, logged: list[dict[str, Any]], problem: str
) -> None:
    cause, reason = REASONS[problem]
    cause(down, key)
    assert down.get() == "KeysUnavailable"

    assert logged[1:] == [{"event": "key_backup_unusable", "jwks_uri": URI, "reason": reason}]


def test_the_log_says_that_a_copy_was_read_for_a_key_that_only_a_later_one_could_have(
    up: World, logged: list[dict[str, Any]]
) -> None:
    up.body = None
    assert up.get("unknown") == "KeysUnavailable"

    reason = "the copy is not later than the keys in memory"
    assert logged[1:] == [{"event": "key_backup_unusable", "jwks_uri": URI, "reason": reason}]
