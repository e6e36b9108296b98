"""An issuer's endpoint that does to a connection whatever a test wants, and an authorizer that asks it."""

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from auth import InvalidToken, KeyStore, KeysUnavailable, Settings
from auth.authorizer import decide
from auth.fetch import fetch
from tests.support.issuer import AUDIENCE, ISSUER, SigningKey, b64, good_claims, jwks, make_event, make_token

# In seconds.
MINUTE = 60
DAY = 24 * 3600

Behaviour = Callable[[socket.socket], None]


class Endpoint:
    """Reads a request from each connection, and leaves the rest to `behave`, or to that of the path."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.behave_at: dict[str, Behaviour] = {}
        self.requests: list[str] = []
        """The head of each request, in order."""
        self.asked = threading.Event()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def start(self) -> None:
        """Listen, at the same port as before."""
        endpoint = self

        class Connection(StreamRequestHandler):
            def handle(self) -> None:
                request = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
                endpoint.requests.append(request)
                endpoint.asked.set()
                behave = endpoint.behave_at.get(request.split()[1], endpoint.behave)
                with suppress(OSError):  # the other side may hang up whenever it likes
                    behave(self.connection)

        self._server = _Server(("127.0.0.1", self.port), Connection)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


def head(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Behaviour:
    """Answers as one should, with the length of the body."""
    return raw(head(*headers, f"Content-Length: {len(body)}", status=status) + body)


def raw(octets: bytes) -> Behaviour:
    """Sends these octets, and hangs up."""
    return lambda connection: connection.sendall(octets)


def endless(start: bytes, octets: bytes, *, pause: float = 0) -> Behaviour:
    """Sends the start, then the same octets over and over for as long as somebody listens.

    `pause` is the time in seconds between them.
    """

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            time.sleep(pause)
            connection.sendall(octets)

    return behave


def silence(connection: socket.socket) -> None:
    """Says nothing until the other side hangs up."""
    connection.recv(1)


def reset(connection: socket.socket) -> None:
    """Resets the connection: it is closed at once, whatever was not read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.close(connection.detach())


@dataclass
class Clock:
    """A wall clock that stands still until it is moved."""

    now: float = 1_000_000_000

    def __call__(self) -> float:
        return self.now


@dataclass
class Service:
    """The authorizer with a key store of its own, and the endpoint that it asks."""

    endpoint: Endpoint
    algorithms: tuple[str, ...] = ("RS256",)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.settings = Settings(self.endpoint.url, (AUDIENCE,), ISSUER, self.algorithms)
        self.keys = KeyStore(self.endpoint.url, self.algorithms, fetch=fetch, clock=self.clock)

    @property
    def fetches(self) -> int:
        return len(self.endpoint.requests)

    def publish(self, *keys: SigningKey | dict[str, Any]) -> None:
        self.endpoint.behave = answer(jwks(*keys))

    def status(self, token: str) -> int:
        """Decide over a token."""
        try:
            decide(make_event(token), self.settings, self.keys)
        except InvalidToken:
            return 401
        except KeysUnavailable:
            return 500
        return 200


@cache
def token(key: SigningKey, **claims: Any) -> str:
    return make_token(key, good_claims(**claims))


def token_under(kid: str) -> str:
    """A token that nobody signed."""
    header = json.dumps({"alg": "RS256", "kid": kid}).encode()
    return f"{b64(header)}.{b64(json.dumps(good_claims()).encode())}.{b64(bytes(256))}"


def unknown() -> str:
    """A token that is as good as any, under a kid that nobody has."""
    return token_under(f"{random.getrandbits(128):x}")
