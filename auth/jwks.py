"""The issuer's keys: fetched, parsed, kept. The only network there is.

PyJWT and cryptography are imported where a key is parsed: the issuer is asked before (handler.py).
"""

import json
import logging
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from .errors import InvalidToken, KeysUnavailable

with warnings.catch_warnings():
    # It is left out of the package (serverless.yml), as a JWKS is UTF-8. `requests` says so at each start.
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
    import requests

if TYPE_CHECKING:
    from jwt import PyJWK

# Times in seconds, by the wall clock: the monotonic one of a frozen Lambda environment stands still.
FRESH_FOR = 600
SERVED_FOR = 24 * 3600  # after the last good fetch, while the issuer can't be reached
MISS_PAUSE = 30  # between two fetches that were made for an unknown kid
MAX_FAILURE_PAUSE = 30  # 1, 2, 4 ... up to this, after failed fetches

CONNECT_TIMEOUT = 1.0
READ_TIMEOUT = 1.5  # between bytes
FETCH_TIMEOUT = 3.0  # in all

MAX_BYTES = 150_000  # API Gateway's own limit for a JWKS
MAX_KEYS = 300
RSA_BITS = range(2048, 8192 + 1)
MIN_RSA_EXPONENT = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _KeySet:
    keys: "dict[str, PyJWK]" = field(default_factory=dict)
    fetched_at: float = float("-inf")


class KeyStore:
    """Finds keys by `kid`, and asks the issuer as seldom as can be.

    A class because there is state: the keys in hand, and when the issuer was last asked in vain.
    `clock` tells the time in seconds, `fetch` returns the body of the JWKS at a URI, or raises
    OSError or ValueError. Safe for threads.
    """

    def __init__(
        self,
        jwks_uri: str,
        algorithms: Collection[str],
        *,
        clock: Callable[[], float] = time.time,
        fetch: Callable[[str], bytes] | None = None,
    ) -> None:
        self._jwks_uri = jwks_uri
        self._algorithms = algorithms
        self._clock = clock
        self._fetch = fetch or fetch_jwks
        self._one_fetch = threading.Lock()
        self._held = _KeySet()
        self._missed_at = float("-inf")
        self._failed_at = float("-inf")
        self._failures = 0
        self._failure = ""

    def at_hand(self, kid: str) -> bool:
        """Tell whether `find` will answer without asking the issuer."""
        return kid in self._held.keys and self._is_fresh()

    def find(self, kid: str) -> "PyJWK":
        """Return the issuer's key of that `kid`.

        Raises InvalidToken if the issuer has none, and KeysUnavailable if it can't be asked.
        """
        if self.at_hand(kid):
            return self._held.keys[kid]
        if self._may_serve(kid) and self._one_fetch.locked():
            return self._held.keys[kid]  # somebody else is asking already
        with self._one_fetch:
            if not self.at_hand(kid) and self._may_ask():
                self._refresh(kid, lambda: self._fetch(self._jwks_uri))
            if self._may_serve(kid):
                return self._held.keys[kid]
            if self._failures or not self._is_fresh():
                raise KeysUnavailable(f"no keys from {self._jwks_uri}: {self._failure}")
            raise InvalidToken("the issuer has no key of this kid", kid=kid)

    def prefetch(self, answer: Callable[[], bytes]) -> None:
        """Keep the keys of a fetch that was begun before they are needed (see `begin_fetch`).

        A failure is logged, and the rest left to `find`.
        """
        with self._one_fetch:
            self._refresh(None, answer)

    def _is_fresh(self) -> bool:
        return _within(FRESH_FOR, self._held.fetched_at, self._clock())

    def _may_serve(self, kid: str) -> bool:
        return kid in self._held.keys and self._clock() - self._held.fetched_at < SERVED_FOR

    def _may_ask(self) -> bool:
        now = self._clock()
        if self._failures and _within(self._failure_pause(), self._failed_at, now):
            return False
        return not (self._is_fresh() and _within(MISS_PAUSE, self._missed_at, now))

    def _failure_pause(self) -> float:
        return min(2.0 ** min(self._failures - 1, 10), MAX_FAILURE_PAUSE)

    def _refresh(self, kid: str | None, answer: Callable[[], bytes]) -> None:
        """Take the issuer's answer, on behalf of a `kid`. Keys in hand are replaced by usable ones only."""
        is_miss = self._is_fresh()
        try:
            keys = usable_keys(answer(), self._algorithms)
        except (OSError, ValueError) as error:
            self._failures += 1
            self._failed_at = self._clock()
            self._failure = str(error)
            log.error(
                "jwks_fetch_failed",
                extra={
                    "details": {
                        "jwks_uri": self._jwks_uri,
                        "reason": self._failure,
                        "keys_held": len(self._held.keys),
                        "next_try_in_seconds": self._failure_pause(),
                    }
                },
            )
        else:
            self._held = _KeySet(keys, self._clock())
            self._failures = 0
            is_miss = is_miss or (kid is not None and kid not in keys)
        if is_miss:
            self._missed_at = self._clock()


def _within(seconds: float, since: float, now: float) -> bool:
    """A clock that went backwards is not within anything: it would hold us for as long."""
    return 0 <= now - since < seconds


class _BadAnswer(Exception):
    """The server answered, but not with a JWKS that we would keep."""


def fetch_jwks(uri: str) -> bytes:
    """Return the body of the JWKS at `uri`, within FETCH_TIMEOUT seconds whatever the server does.

    Raises OSError, with the reason, if it can't be had.
    """
    return begin_fetch(uri)()


def begin_fetch(uri: str) -> Callable[[], bytes]:
    """Ask for the JWKS at `uri`, and return at once: what is returned waits for the answer.

    The thread must not import anything: a module that two threads import at once may be seen half
    made (CPython gh-125245).
    """
    deadline = time.monotonic() + FETCH_TIMEOUT
    outcome: SimpleQueue[bytes | Exception] = SimpleQueue()

    def download() -> None:
        try:
            outcome.put(_download(uri, deadline))
        except Exception as error:  # noqa: BLE001 - raised again below, where somebody waits for it
            outcome.put(error)

    def answer() -> bytes:
        try:
            result = outcome.get(timeout=max(0, deadline - time.monotonic()))
        except Empty:
            raise TimeoutError(f"no answer within {FETCH_TIMEOUT:g} s") from None
        if isinstance(result, Exception):
            # The text of a library's exception may quote the answer, and so whoever wrote it.
            reason = str(result) if type(result) is _BadAnswer else type(result).__name__
            raise OSError(reason) from result
        return result

    # The time-outs of `requests` are for one read each, and name look-up has none: a server that drips
    # its headers holds the thread, but not us.
    threading.Thread(target=download, daemon=True).start()
    return answer


def _download(uri: str, deadline: float) -> bytes:
    with (
        requests.Session() as session,
        session.get(
            uri,
            # A body that is not compressed can't be a bomb.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            # Its own, so that `requests` does not send the password that .netrc has for this host.
            auth=lambda request: request,
            allow_redirects=False,
            stream=True,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
        ) as response,
    ):
        if response.status_code != requests.codes.ok:
            raise _BadAnswer(f"HTTP status {response.status_code}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise _BadAnswer("a compressed answer")
        body = b""
        while chunk := response.raw.read1(MAX_BYTES, decode_content=False):
            body += chunk
            if len(body) > MAX_BYTES:
                raise _BadAnswer(f"an answer of more than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise _BadAnswer(f"still no end after {FETCH_TIMEOUT:g} s")
        return body


def usable_keys(body: bytes, algorithms: Collection[str]) -> "dict[str, PyJWK]":
    """Return the keys of a JWKS (RFC 7517 section 5) that may verify tokens, by kid.

    What can't be used is skipped. Raises ValueError if nothing is left, or for no JWKS at all.
    """
    try:
        jwks = json.loads(body)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    except ValueError:
        raise ValueError("not JSON") from None
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ValueError("not a JWKS: no list of keys")
    if len(jwks["keys"]) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    jwk_list = [jwk for jwk in jwks["keys"] if isinstance(jwk, dict)]
    times = Counter(jwk["kid"] for jwk in jwk_list if isinstance(jwk.get("kid"), str))
    keys = {}
    for jwk in jwk_list:
        kid = jwk.get("kid")
        if isinstance(kid, str) and times[kid] == 1:
            key = _usable_key(jwk, algorithms)
            if key is not None:
                keys[kid] = key
    if not keys:
        raise ValueError("no usable key")
    return keys


def _usable_key(jwk: dict[str, Any], algorithms: Collection[str]) -> "PyJWK | None":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - see the top
    from jwt import PyJWK  # noqa: PLC0415

    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        return None
    if "d" in jwk:  # a private key, published by mistake: anybody can sign with it
        return None
    try:
        key = PyJWK(jwk)
    except Exception:  # noqa: BLE001 - whatever a hostile key breaks in the parsers, it is unusable
        return None
    if key.algorithm_name not in algorithms:
        return None
    if isinstance(key.key, RSAPublicKey):
        exponent = key.key.public_numbers().e
        if key.key.key_size not in RSA_BITS or exponent < MIN_RSA_EXPONENT or exponent % 2 == 0:
            return None
    return key
