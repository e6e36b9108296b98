"""This file is the key store: it keeps an issuer's keys, and knows when to fetch them or read the backup."""

import logging
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from .backup import StoredCopy, parse_copy
from .errors import InvalidToken, KeysUnavailable
from .fetch import FETCH_TIMEOUT
from .jwks import Key, KeySet, parse_jwks

# In seconds of the wall clock: the monotonic clock stands still while a Lambda environment is frozen. API
# Gateway caches policies, which adds up to `authorizerTtl` to each of the first two.
FRESH_FOR = 600  # after a good fetch; then they are fetched again, and a withdrawn key is rejected
STALE_KEYS_EXPIRE_AFTER = 24 * 3600  # after a good fetch, while the issuer can't be reached
MAX_STEP_BACK = 300  # of the clock; a larger one leaves the age of the keys unknown
MISS_PAUSE = 30  # between two fetches for an unknown kid
MAX_FAILURE_PAUSE = 30  # after failed fetches: 1, 2, 4 ... up to this

log = logging.getLogger(__name__)


@dataclass
class _HeldKeys:
    """A key set, when it was fetched, and the earliest time that the clock has shown since."""

    key_set: KeySet
    fetched_at: float
    are_from_backup: bool = False
    earliest: float = math.inf

    def are_fresh(self, now: float) -> bool:
        """Tell whether they are what the issuer published a moment ago. A copy of it never counts as that."""
        is_recent = _is_within(FRESH_FOR, self.fetched_at, now) and self._have_known_age()
        return is_recent and not self.are_from_backup

    def _have_known_age(self) -> bool:
        """Tell whether the clock has not been set back by much since they were fetched."""
        return self.fetched_at - self.earliest <= MAX_STEP_BACK

    def expire_in(self, now: float) -> float:
        """Return for how many seconds they may still be used.

        Their age counts from when they were fetched, or from the earliest time since, if the clock was set
        back.
        """
        self.earliest = min(self.earliest, now)
        if not self._have_known_age():
            return 0
        return max(0, min(self.fetched_at, self.earliest) + STALE_KEYS_EXPIRE_AFTER - now)


class KeyStore:
    """Finds the keys of one issuer, and fetches its JWKS as rarely as possible.

    A class because there is state: the keys, and when fetches failed, or did not bring the wanted key.
    `fetch` returns the body at a URL, or raises OSError; `read_backup` returns the copy of it, or raises
    OSError; `clock` returns the time in seconds. Safe for threads.
    """

    def __init__(
        self,
        jwks_uri: str,
        algorithms: Collection[str],
        *,
        fetch: Callable[[str], bytes],
        read_backup: Callable[[str], StoredCopy] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._jwks_uri = jwks_uri
        self._algorithms = algorithms
        self._fetch = fetch
        self._read_backup = read_backup
        self._clock = clock
        self._fetching = threading.Lock()
        self._held = _HeldKeys(KeySet({}, {}), -math.inf)
        self._started_fetch: tuple[float, Callable[[], bytes]] | None = None
        self._last_miss_at = -math.inf
        self._failed_at = -math.inf
        self._failures = 0
        self._failure = ""
        self._is_backup_unread = False  # since the last fetch, which failed

    def fresh_key(self, kid: str | None, alg: str) -> Key | None:
        """Return the key with this name if the keys are fresh.

        A `kid` of None means the issuer's only key.
        """
        held = self._held  # another thread may replace it
        return held.key_set.find(kid, alg) if held.are_fresh(self._clock()) else None

    def get_key(self, kid: str | None, alg: str, is_candidate: Callable[[Key], bool] = lambda _: True) -> Key:
        """Return the key with this name: from memory, from the issuer if a fetch is due, or from the backup.

        A key for which `is_candidate` returns False is treated as missing, so that a newer one is fetched.
        Raises InvalidToken if the issuer has no such key, and KeysUnavailable if that can't be found out.
        """
        key = self._unexpired_key(kid, alg, is_candidate)
        if key is None:
            self._fetching.acquire()
        elif not self._fetching.acquire(blocking=False):
            return key  # another thread is fetching
        try:
            self._fetch_if_due(kid, alg, is_candidate)
            key = self._unexpired_key(kid, alg, is_candidate)
            if key is None:
                self._read_backup_if_due()
                key = self._unexpired_key(kid, alg, is_candidate)
            if key is not None:
                return key
            if self._failures:
                raise KeysUnavailable(f"no keys from {self._jwks_uri}: {self._failure}")
            if kid is None:
                raise InvalidToken("the token has no kid, and the issuer has no single key that verifies it")
            raise InvalidToken("the issuer has no key with this kid and alg", kid=kid)
        finally:
            self._fetching.release()

    def expect(self, answer: Callable[[], bytes]) -> None:
        """Use the answer to a fetch that has just been started (see `start_fetch`), when keys are needed."""
        self._started_fetch = (self._clock(), answer)

    def prefetch(self, *, with_backup: bool) -> None:
        """Use the answer to a started fetch now, or else the backup.

        A failure is logged, and `get_key` fetches again.
        """
        with self._fetching:
            self._take_started_fetch()
            if with_backup:
                self._read_backup_if_due()

    def _take_started_fetch(self) -> None:
        if self._started_fetch:
            started_at, answer = self._started_fetch
            self._started_fetch = None
            self._replace_keys(answer, started_at)

    def _unexpired_key(self, kid: str | None, alg: str, is_candidate: Callable[[Key], bool]) -> Key | None:
        held = self._held
        key = held.key_set.find(kid, alg) if held.expire_in(self._clock()) else None
        return key if key and is_candidate(key) else None

    def _fetch_if_due(self, kid: str | None, alg: str, is_candidate: Callable[[Key], bool]) -> None:
        self._take_started_fetch()
        fresh = self.fresh_key(kid, alg)
        if (fresh is None or not is_candidate(fresh)) and self._may_fetch():
            self._refetch(kid, alg, is_candidate)

    def _may_fetch(self) -> bool:
        now = self._clock()
        failure_pause = min(2**self._failures // 2, MAX_FAILURE_PAUSE)
        if _is_within(failure_pause, self._failed_at, now):
            return False
        return not (self._held.are_fresh(now) and _is_within(MISS_PAUSE, self._last_miss_at, now))

    def _refetch(self, kid: str | None, alg: str, is_candidate: Callable[[Key], bool]) -> None:
        """Fetch the keys because of a token whose key is not among the fresh ones.

        MISS_PAUSE starts if it was missing from fresh keys, or is missing from the new ones. After any other
        fetch, a new key is accepted as soon as it is published.
        """
        asked_at = self._clock()
        is_miss = self._held.are_fresh(asked_at)
        is_answered = self._replace_keys(lambda: self._fetch(self._jwks_uri), asked_at)
        if is_miss or (is_answered and self._unexpired_key(kid, alg, is_candidate) is None):
            self._last_miss_at = asked_at

    def _replace_keys(self, answer: Callable[[], bytes], asked_at: float) -> bool:
        """Replace the keys by those of an answer, if it has usable ones.

        Return True if they were replaced.
        """
        try:
            self._held = _HeldKeys(parse_jwks(answer(), self._algorithms), asked_at)
        except (OSError, ValueError) as error:
            # A fetch that was started earlier may have been over for long.
            self._failed_at = min(self._clock(), asked_at + FETCH_TIMEOUT)
            self._failures += 1
            self._failure = str(error)
            self._is_backup_unread = True
            self._log_failure()
            return False
        self._failures = 0
        self._is_backup_unread = False
        return True

    def _read_backup_if_due(self) -> None:
        """Replace the keys by those of the backup, if they may be used for longer than what is held.

        It is read once after each fetch that failed.
        """
        if not self._read_backup or not self._is_backup_unread:
            return
        self._is_backup_unread = False
        try:
            stored = self._read_backup(self._jwks_uri)
            now = self._clock()
            key_set, fetched_at = parse_copy(stored, self._jwks_uri, self._algorithms, now)
            copy = _HeldKeys(key_set, fetched_at, are_from_backup=True)
            if not copy.expire_in(now):
                raise ValueError("the copy is too old")
            if copy.expire_in(now) <= self._held.expire_in(now):
                raise ValueError("the copy is not later than the keys in memory")
        except (OSError, ValueError) as error:
            reason = {"jwks_uri": self._jwks_uri, "reason": str(error)}
            log.error("key_backup_unusable", extra={"details": reason})
            return
        self._held = copy
        age = {"jwks_uri": self._jwks_uri, "age_in_seconds": max(0, int(now - fetched_at))}
        log.error("keys_from_backup", extra={"details": age})  # at every LOG_LEVEL

    def _log_failure(self) -> None:
        remaining = self._held.expire_in(self._failed_at)
        source = "backup" if self._held.are_from_backup else "issuer"
        details = {
            "jwks_uri": self._jwks_uri,
            "reason": self._failure,
            "stale_keys_from": source if remaining else "none",
            "stale_keys_expire_in_seconds": int(remaining),
        }
        log.error("jwks_fetch_failed", extra={"details": details})


def _is_within(seconds: float, since: float, now: float) -> bool:
    """Tell whether `now` is less than `seconds` after `since`.

    False if the clock went backwards: keys would stay fresh, and pauses last, for as long as it did.
    """
    return 0 <= now - since < seconds
