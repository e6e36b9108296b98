"""The issuer's keys: fetched, parsed, kept. The only network there is.

PyJWT and cryptography are imported where a key is parsed: the issuer is asked before (handler.py).
"""

import io
import json
import logging
import socket
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPResponse
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from .errors import InvalidToken, KeysUnavailable

with warnings.catch_warnings():
    # It is left out of the package (serverless.yml), as a JWKS is UTF-8. `requests` says so at each start.
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
    import requests

logging.getLogger("urllib3").propagate = False  # its warnings quote the answer

if TYPE_CHECKING:
    from jwt import PyJWK

# Times in seconds, by the wall clock: the monotonic one of a frozen Lambda environment stands still.
FRESH_FOR = 600  # after a good fetch; a withdrawn key is refused when this is over
SERVED_FOR = 24 * 3600  # after a good fetch, while the issuer can't be reached
MISS_PAUSE = 30  # between two fetches that were made for an unknown kid
MAX_FAILURE_PAUSE = 30  # 1, 2, 4 ... up to this, after failed fetches

# Seconds that a fetch may take.
CONNECT_TIMEOUT = 1.0
READ_TIMEOUT = 1.5  # between bytes
FETCH_TIMEOUT = 3.0  # in all

# What is accepted. Bytes are those of API Gateway's own limit for a JWKS.
MAX_BYTES = 150_000
MAX_KEYS = 300
RSA_BITS = range(2048, 8192 + 1)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _KeySet:
    keys: "dict[str, PyJWK]"
    fetched_at: float


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
        self._held = _KeySet({}, float("-inf"))
        self._missed_at = float("-inf")
        self._failed_at = float("-inf")
        self._failures = 0
        self._failure = ""

    def at_hand(self, kid: str) -> "PyJWK | None":
        """Return the key of that `kid` if the issuer need not be asked for it."""
        held = self._held  # another thread may replace it
        return held.keys.get(kid) if self._is_fresh(held) else None

    def find(self, kid: str) -> "PyJWK":
        """Return the issuer's key of that `kid`.

        Raises InvalidToken if the issuer has none, and KeysUnavailable if it can't be asked.
        """
        key = self._kept(kid)
        if key is None:
            self._one_fetch.acquire()
        elif not self._one_fetch.acquire(blocking=False):
            return key  # somebody else is asking already
        try:
            if self.at_hand(kid) is None and self._may_ask():
                self._ask(kid)
            key = self._kept(kid)
            if key is not None:
                return key
            if self._failures:
                raise KeysUnavailable(f"no keys from {self._jwks_uri}: {self._failure}")
            raise InvalidToken("the issuer has no key of this kid", kid=kid)
        finally:
            self._one_fetch.release()

    def prefetch(self, answer: Callable[[], bytes]) -> None:
        """Keep the keys of a fetch that was begun before they are needed (see `begin_fetch`).

        A failure is logged, and the rest left to `find`.
        """
        with self._one_fetch:
            self._take(answer)

    def _is_fresh(self, held: _KeySet) -> bool:
        return _within(FRESH_FOR, held.fetched_at, self._clock())

    def _kept(self, kid: str) -> "PyJWK | None":
        held = self._held
        return held.keys.get(kid) if self._clock() - held.fetched_at < SERVED_FOR else None

    def _may_ask(self) -> bool:
        now = self._clock()
        failure_pause = min(2**self._failures // 2, MAX_FAILURE_PAUSE)
        if _within(failure_pause, self._failed_at, now):
            return False
        return not (self._is_fresh(self._held) and _within(MISS_PAUSE, self._missed_at, now))

    def _ask(self, kid: str) -> None:
        """Fetch the keys for a `kid` that is not at hand.

        MISS_PAUSE begins if fresh keys lacked the kid, or if these lack it. After any other fetch a new
        key is taken at once, however soon it is published.
        """
        asked_at = self._clock()
        is_miss = self._is_fresh(self._held)
        is_answered = self._take(lambda: self._fetch(self._jwks_uri))
        if is_miss or (is_answered and kid not in self._held.keys):
            self._missed_at = asked_at

    def _take(self, answer: Callable[[], bytes]) -> bool:
        """Replace the keys in hand by those of the answer, and tell whether it has usable ones."""
        asked_at = self._clock()
        try:
            self._held = _KeySet(usable_keys(answer(), self._algorithms), asked_at)
        except (OSError, ValueError) as error:
            self._failed_at = self._clock()
            self._failures += 1
            self._failure = str(error)
            self._log_failure()
            return False
        self._failures = 0
        return True

    def _log_failure(self) -> None:
        served_for = max(0, self._held.fetched_at + SERVED_FOR - self._failed_at)
        details = {
            "jwks_uri": self._jwks_uri,
            "reason": self._failure,
            "keys_held": len(self._held.keys) if served_for else 0,
            "served_for_seconds": int(served_for),
        }
        log.error("jwks_fetch_failed", extra={"details": details})


def _within(seconds: float, since: float, now: float) -> bool:
    """A clock that went backwards is not within anything: it would hold us for as long."""
    return 0 <= now - since < seconds


def fetch_jwks(uri: str) -> bytes:
    """Return the body of the JWKS at `uri`, within FETCH_TIMEOUT seconds whatever the server does.

    Raises OSError, with the reason in words of ours, if it can't be had.
    """
    return begin_fetch(uri)()


def begin_fetch(uri: str) -> Callable[[], bytes]:
    """Ask for the JWKS at `uri`, and return at once: what is returned waits for the answer.

    The thread must not import anything: a module that two threads import at once may be seen half
    made (CPython gh-125245).
    """
    deadline = time.monotonic() + FETCH_TIMEOUT
    outcome: SimpleQueue[bytes | OSError] = SimpleQueue()

    def download() -> None:
        try:
            outcome.put(_download(uri, deadline))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where somebody waits
            outcome.put(OSError(_reason(error)))

    def answer() -> bytes:
        try:
            result = outcome.get(timeout=max(0, deadline - time.monotonic()))
        except Empty:
            raise TimeoutError(f"no answer within {FETCH_TIMEOUT:g} s") from None
        if isinstance(result, OSError):
            raise result
        return result

    # Looking a name up has no time-out, and each address of a host has its own: that holds the thread,
    # but not us.
    threading.Thread(target=download, daemon=True).start()
    return answer


class _BadAnswer(Exception):
    """The server answered, but not with what we would keep."""


def _reason(error: Exception) -> str:
    """Say what went wrong. The texts of libraries are left out: they quote answers and passwords."""
    if isinstance(error, _BadAnswer):
        return str(error)
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return f"{type(error).__name__} ({type(cause).__name__})"


def _download(uri: str, deadline: float) -> bytes:
    # A body that is not compressed can't be a bomb.
    headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    with requests.Session() as session, closing(_TimedAdapter(deadline)) as adapter:
        # The environment's proxies and CAs count. The session does no more than find them: its `get` would
        # send the password that .netrc has for this host, and read the body of a redirect, however long.
        environment: Any = session.merge_environment_settings(
            uri, proxies={}, stream=True, verify=True, cert=None
        )
        request = requests.Request("GET", uri, headers).prepare()
        timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
        with adapter.send(request, timeout=timeout, **environment) as response:
            if response.status_code != requests.codes.ok:
                raise _BadAnswer(f"HTTP status {response.status_code}")
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise _BadAnswer("a compressed answer")
            body = bytearray()
            for chunk in response.iter_content(MAX_BYTES):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise _BadAnswer(f"an answer of more than {MAX_BYTES} bytes")
            return bytes(body)


class _TimedAdapter(requests.adapters.HTTPAdapter):
    """Ends each connection at a deadline, in seconds of the monotonic clock.

    The time-outs of `requests` are for one read each, so that a server could drip headers for days.
    """

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = type("Timed", (pool.ConnectionCls,), {"response_class": self._response})
        return pool

    def _response(self, sock: socket.socket, **kwargs: Any) -> HTTPResponse:
        return HTTPResponse(_TimedSocket(sock, self._deadline), **kwargs)  # type: ignore[arg-type]


class _TimedSocket(io.RawIOBase):
    """What an HTTPResponse reads from, until the deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._octets = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - HTTPResponse says "rb"
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise TimeoutError
        return self._octets.readinto(buffer)

    def close(self) -> None:
        self._octets.close()
        super().close()


def usable_keys(body: bytes, algorithms: Collection[str]) -> "dict[str, PyJWK]":
    """Return the keys of a JWKS (RFC 7517 section 5) that may verify tokens, by kid.

    What can't be used is skipped. Raises ValueError if nothing is left, or for no JWKS at all.
    """
    try:
        jwks = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    jwk_list = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(jwk_list, list):
        raise ValueError("not a JWKS: no list of keys")
    if len(jwk_list) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    # A kid that stands twice names no key.
    named = [jwk for jwk in jwk_list if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str)]
    times = Counter(jwk["kid"] for jwk in named)
    parsed = {jwk["kid"]: _usable_key(jwk, algorithms) for jwk in named if times[jwk["kid"]] == 1}
    keys = {kid: key for kid, key in parsed.items() if key is not None}
    if not keys:
        raise ValueError("no usable key")
    return keys


def _usable_key(jwk: dict[str, Any], algorithms: Collection[str]) -> "PyJWK | None":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - see the top
    from jwt import PyJWK  # noqa: PLC0415

    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if "d" in jwk:  # a private key, published by mistake: anybody can sign with it
        return None
    try:
        # It also refuses points off the curve, and exponents that are even or 1.
        key = PyJWK(jwk)
    except Exception:  # noqa: BLE001 - whatever a hostile key breaks in the parsers, it is unusable
        return None
    if key.algorithm_name not in algorithms:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size not in RSA_BITS:
        return None
    return key
