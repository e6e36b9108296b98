"""This file is the key store: it keeps an issuer's keys, and knows when to fetch them."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import InvalidToken, KeysUnavailable
from .jwks import parse_jwks

if TYPE_CHECKING:
    from jwt import PyJWK

# In seconds of the wall clock: the monotonic clock stands still while a Lambda environment is frozen.
FRESH_FOR = 600  # after a good fetch; a withdrawn key is rejected at the latest when this is over
STALE_KEYS_EXPIRE_AFTER = 24 * 3600  # after a good fetch, while the issuer can't be reached
MISS_PAUSE = 30  # between two fetches for an unknown kid
MAX_FAILURE_PAUSE = 30  # after failed fetches: 1, 2, 4 ... up to this

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _KeySet:
    keys: "dict[str, PyJWK]" = field(default_factory=dict)
    fetched_at: float = float("-inf")


class KeyStore:
    """Finds the keys of one issuer by `kid`, and fetches its JWKS as seldom as possible.

    A class because there is state: the keys, and when fetches failed or were in vain. `fetch` returns the
    body at a URL, or raises OSError; `clock` returns the time in seconds. Safe for threads.
    """

    def __init__(
        self,
        jwks_uri: str,
        algorithms: Collection[str],
        *,
        fetch: Callable[[str], bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._jwks_uri = jwks_uri
        self._algorithms = algorithms
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._key_set = _KeySet()
        self._missed_at = float("-inf")
        self._failed_at = float("-inf")
        self._failures = 0
        self._failure = ""

    def fresh_key(self, kid: str) -> "PyJWK | None":
        """Return the key of this `kid` if it is known and no fetch is due."""
        key_set = self._key_set  # another thread may replace it
        return key_set.keys.get(kid) if self._is_fresh(key_set) else None

    def get_key(self, kid: str) -> "PyJWK":
        """Return the key of this `kid`, after a fetch if one is due.

        Raises InvalidToken if the issuer has no such key, and KeysUnavailable if that can't be found out.
        """
        key = self._unexpired_key(kid)
        if key is None:
            self._fetching.acquire()
        elif not self._fetching.acquire(blocking=False):
            return key  # another thread is fetching
        try:
            if self.fresh_key(kid) is None and self._may_fetch():
                self._refetch(kid)
            key = self._unexpired_key(kid)
            if key is not None:
                return key
            if self._failures:
                raise KeysUnavailable(f"no keys from {self._jwks_uri}: {self._failure}")
            raise InvalidToken("the issuer has no key with this kid", kid=kid)
        finally:
            self._fetching.release()

    def prefetch(self, answer: Callable[[], bytes]) -> None:
        """Keep the keys of a fetch that was started earlier (see `fetch.start_fetch`).

        A failure is logged, and `get_key` fetches again.
        """
        with self._fetching:
            self._replace_keys(answer)

    def _is_fresh(self, key_set: _KeySet) -> bool:
        return _is_within(FRESH_FOR, key_set.fetched_at, self._clock())

    def _unexpired_key(self, kid: str) -> "PyJWK | None":
        key_set = self._key_set
        is_unexpired = self._clock() - key_set.fetched_at < STALE_KEYS_EXPIRE_AFTER
        return key_set.keys.get(kid) if is_unexpired else None

    def _may_fetch(self) -> bool:
        now = self._clock()
        failure_pause = min(2**self._failures // 2, MAX_FAILURE_PAUSE)
        if _is_within(failure_pause, self._failed_at, now):
            return False
        return not (self._is_fresh(self._key_set) and _is_within(MISS_PAUSE, self._missed_at, now))

    def _refetch(self, kid: str) -> None:
        """Fetch the keys because of `kid`, which has no fresh key.

        MISS_PAUSE starts if fresh keys lacked the kid, or if the new ones lack it. After any other fetch, a
        new key is accepted as soon as it is published.
        """
        asked_at = self._clock()
        is_miss = self._is_fresh(self._key_set)
        is_answered = self._replace_keys(lambda: self._fetch(self._jwks_uri))
        if is_miss or (is_answered and kid not in self._key_set.keys):
            self._missed_at = asked_at

    def _replace_keys(self, answer: Callable[[], bytes]) -> bool:
        """Replace the keys by those of the answer, if it has usable ones. Return whether it has."""
        asked_at = self._clock()
        try:
            self._key_set = _KeySet(parse_jwks(answer(), self._algorithms), asked_at)
        except (OSError, ValueError) as error:
            self._failed_at = self._clock()
            self._failures += 1
            self._failure = str(error)
            self._log_failure()
            return False
        self._failures = 0
        return True

    def _log_failure(self) -> None:
        remaining = max(0, self._key_set.fetched_at + STALE_KEYS_EXPIRE_AFTER - self._failed_at)
        details = {
            "jwks_uri": self._jwks_uri,
            "reason": self._failure,
            "stale_keys": len(self._key_set.keys) if remaining else 0,
            "stale_keys_expire_in_seconds": int(remaining),
        }
        log.error("jwks_fetch_failed", extra={"details": details})


def _is_within(seconds: float, since: float, now: float) -> bool:
    """Tell whether `now` is less than `seconds` after `since`.

    False if the clock went backwards: keys would stay fresh, and pauses last, for as long as it did.
    """
    return 0 <= now - since < seconds
