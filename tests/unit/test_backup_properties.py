"""One property of the key store and the backup together, over any sequence of what may happen to them.

No key is used later than 24 hours after the issuer last published it, as read by the environment's clock.
What comes from the copy keeps the copy's age, and is never fresh.
"""

import json
import math
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from auth import InvalidToken, Issuer, KeysUnavailable
from auth.backup import StoredCopy, back_up
from auth.fetch import start
from auth.keys import FRESH_FOR, STALE_KEYS_EXPIRE_AFTER, KeyStore
from tests.support.authorizer import Clock
from tests.support.tokens import AUDIENCE, ISSUER, SigningKey, jwks

URI = "https://issuer.example/jwks.json"
KIDS = ("old", "new")
STEP_BACK = 300  # seconds by which the clock may be set back

_PRIVATE = SigningKey.generate("old", "ES256").private
BODIES = {kid: jwks(SigningKey(kid, "ES256", _PRIVATE)) for kid in KIDS}


class Environment:
    """A Lambda environment: its key store, and when the issuer last answered it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.answered_at = -math.inf
        self.keys = KeyStore(URI, ("ES256",), fetch=self._fetch, read_backup=world.read, clock=world.clock)
        self.keys.expect(lambda: self._fetch(URI))
        self.keys.prefetch(with_backup=True)

    def _fetch(self, uri: str) -> bytes:
        body = self._world.answer()
        if body is BODIES.get(self._world.published):
            self.answered_at = self._world.clock.now
        return body


class World:
    """An issuer, the bucket, and environments that all have one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.published = "old"
        """What the issuer answers: with one of the keys, or `down`, or `rubbish`."""
        self.answers: dict[str, list[float]] = {kid: [] for kid in KIDS}
        """When the issuer answered with each key, whoever asked."""
        self.stored: StoredCopy | None = None
        self.s3_is_ahead_by = 0
        """Seconds by which the clock of S3 differs."""
        self.environments = [Environment(self)]

    def answer(self) -> bytes:
        if self.published == "down":
            raise OSError("down")
        if self.published == "rubbish":
            return b'{"keys": []}'
        self.answers[self.published].append(self.clock.now)
        return BODIES[self.published]

    def read(self, uri: str) -> StoredCopy:
        if self.stored is None:
            raise OSError("S3 answered NoSuchKey")
        return self.stored

    def write(self, uri: str, content: bytes) -> None:
        self.stored = StoredCopy(content, self.clock.now + self.s3_is_ahead_by)

    def back_up(self) -> None:
        issuer = Issuer(URI, (AUDIENCE,), (ISSUER,), ("ES256",))
        try:
            back_up([issuer], lambda uri: start(lambda _: self.answer(), 5), self.write, self.clock)
        except KeysUnavailable:
            assert self.published not in KIDS

    def check(self, environment: Environment) -> None:
        """Ask one environment for both keys."""
        for kid in KIDS:
            now = self.clock.now
            if environment.keys.fresh_key(kid, "ES256"):
                assert 0 <= now - environment.answered_at < FRESH_FOR
            try:
                environment.keys.get_key(kid, "ES256")
            except (InvalidToken, KeysUnavailable):
                continue
            assert now < max(self.answers[kid]) + STALE_KEYS_EXPIRE_AFTER
            assert now >= min(self.answers[kid]) - STEP_BACK


STEPS = st.one_of(
    st.tuples(st.just("issuer"), st.sampled_from([*KIDS, "down", "down", "rubbish"])),
    st.tuples(st.just("clock"), st.sampled_from([1, 30, 299, 300, 301, 600, 3600, 82_800, 86_399, 86_400])),
    st.tuples(st.just("clock"), st.sampled_from([-1, -299, -300, -301, -600, -3600, -86_400])),
    st.tuples(st.just("clock"), st.integers(-90_000, 90_000)),
    st.tuples(st.just("clock of S3"), st.sampled_from([-86_400, -400, 0, 0, 300, 400])),
    st.tuples(st.just("back up"), st.just(0)),
    st.tuples(st.just("new environment"), st.just(0)),
    st.tuples(st.just("break the copy"), st.sampled_from([b"", b"{}", b" " * 600_000])),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_no_key_is_used_a_day_after_the_issuer_last_published_it(
    steps: Iterable[tuple[str, object]],
) -> None:
    world = World()
    for step, value in steps:
        if step == "issuer":
            world.published = str(value)
        elif step == "clock":
            assert isinstance(value, int)
            world.clock.now += value
        elif step == "clock of S3":
            assert isinstance(value, int)
            world.s3_is_ahead_by = value
        elif step == "back up":
            world.back_up()
        elif step == "new environment":
            world.environments.append(Environment(world))
        else:
            assert isinstance(value, bytes)
            world.stored = StoredCopy(value, world.clock.now)
        for environment in world.environments:
            world.check(environment)


def test_the_steps_reach_keys_that_come_from_the_backup() -> None:
    """Or the property would say nothing about them."""
    world = World()
    world.back_up()
    world.published = "down"
    world.clock.now += 3600
    environment = Environment(world)

    assert json.loads(world.read(URI).body)["fetched_at"] == world.clock.now - 3600
    assert environment.keys.get_key("old", "ES256")
    assert environment.answered_at == -math.inf
