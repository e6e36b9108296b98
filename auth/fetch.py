"""This file is the network: it fetches a JWKS, in limited time and size, and follows no redirect."""

import io
import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPResponse
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

with warnings.catch_warnings():
    # The package has no library for guessing encodings (serverless.yml), as a JWKS is UTF-8. `requests` warns
    # of that.
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
    import requests

logging.getLogger("urllib3").propagate = False  # its warnings quote the answer

# In seconds.
CONNECT_TIMEOUT = 1.0
READ_TIMEOUT = 1.5  # between bytes
FETCH_TIMEOUT = 3.0  # in all

# What servers write as the Content-Encoding of an answer that is not compressed.
UNCOMPRESSED = frozenset({"", "identity", "none", "utf-8", "aws-chunked"})
MAX_BYTES = 150_000  # API Gateway's own limit for a JWKS


def is_safe_url(url: str) -> bool:
    """Tell whether keys may come from this URL: https, or http on a loopback host.

    Keys that come without TLS may be anybody's. A URL with a password in it would end up in the log.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises ValueError if it is not a number
    except ValueError:
        return False
    return (
        url.isprintable()
        and " " not in url
        and "@" not in parts.netloc
        and not parts.fragment
        and ((parts.scheme == "https" and host != "") or (parts.scheme == "http" and is_loopback(host)))
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def fetch(url: str) -> bytes:
    """Return the body at `url`, within FETCH_TIMEOUT seconds.

    Raises OSError for whatever goes wrong. Its text is the reason, and quotes nothing of the answer.
    """
    return start_fetch(url).result()


def start_fetch(url: str) -> "Started[bytes]":
    """Send the request, and return at once."""
    return start(lambda deadline: _download(url, deadline), FETCH_TIMEOUT)


T = TypeVar("T")


class Started(NamedTuple, Generic[T]):
    """Work that has been started. Nobody waits for its result for longer than `timeout` seconds."""

    timeout: float
    deadline: float
    outcome: "SimpleQueue[T | OSError]"

    def is_done(self) -> bool:
        return not self.outcome.empty()

    def result(self) -> T:
        """Wait for the result, and return or raise it. To be called once.

        Raises OSError for whatever goes wrong.
        """
        try:
            result = self.outcome.get(timeout=max(0, self.deadline - time.monotonic()))
        except Empty:
            raise TimeoutError(f"no answer within {self.timeout:g} s") from None
        if isinstance(result, OSError):
            raise result
        return result


def start(work: Callable[[float], T], timeout: float) -> Started[T]:
    """Start to do `work` in a thread, and return at once. It gets the deadline, in seconds of the monotonic
    clock.

    The thread must not import anything: another thread may see a module half initialized (CPython gh-125245).
    """
    started: Started[T] = Started(timeout, time.monotonic() + timeout, SimpleQueue())

    def do() -> None:
        try:
            started.outcome.put(work(started.deadline))
        except Exception as error:  # noqa: BLE001 - raised in the thread that waits, whatever it is
            started.outcome.put(OSError(reason(error)))

    # A name lookup has no time-out, and each address of a host has a time-out of its own. Only this thread
    # waits for them.
    threading.Thread(target=do, daemon=True).start()
    return started


class BadAnswer(Exception):
    """The server answered, but not with what is accepted. Its text is logged."""


def reason(error: Exception) -> str:
    """Say what went wrong, without the texts of libraries: they quote answers and passwords."""
    if isinstance(error, BadAnswer):
        return str(error)
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return f"{type(error).__name__} ({type(cause).__name__})"


def _download(url: str, deadline: float) -> bytes:
    # A body that is not compressed can't expand.
    headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    with requests.Session() as session, closing(_DeadlineAdapter(deadline)) as adapter:
        # The session only looks up the environment's proxies and certificate authorities. Its `get` would
        # also send the password that .netrc has for the host, and read the body of a redirect, however long.
        options: Any = session.merge_environment_settings(
            url, proxies={}, stream=True, verify=True, cert=None
        )
        if is_loopback(urlsplit(url).hostname or ""):
            options["proxies"] = {}
        request = requests.Request("GET", url, headers).prepare()
        with adapter.send(request, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), **options) as response:
            if response.status_code != requests.codes.ok:  # also redirects: they are not followed
                raise BadAnswer(f"HTTP status {response.status_code}")
            encodings = response.headers.get("Content-Encoding", "").lower().split(",")
            if not UNCOMPRESSED.issuperset(encoding.strip() for encoding in encodings):
                raise BadAnswer("the answer is compressed")
            body = bytearray()
            for chunk in response.iter_content(MAX_BYTES):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise BadAnswer(f"the answer has more than {MAX_BYTES} bytes")
            return bytes(body)


class _DeadlineAdapter(requests.adapters.HTTPAdapter):
    """Closes each connection at a deadline, in seconds of the monotonic clock.

    The time-outs of `requests` are for each read, so that a server could send headers byte by byte for days.
    """

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": self._response})
        return pool

    def _response(self, sock: socket.socket, **kwargs: Any) -> HTTPResponse:
        return HTTPResponse(_DeadlineSocket(sock, self._deadline), **kwargs)  # type: ignore[arg-type]


class _DeadlineSocket(io.RawIOBase):
    """What an HTTPResponse reads from, until the deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._octets = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - HTTPResponse passes "rb"
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
