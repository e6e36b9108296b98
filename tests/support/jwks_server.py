"""The server of an issuer's JWKS on 127.0.0.1, which answers well or does whatever a test wants.

A behaviour gets the connection after its request was read, and does the rest. It is closed afterwards.
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

Behaviour = Callable[[socket.socket], None]


class JwksServer:
    """Listens from its start to `close`, over TLS if it is given a context."""

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behave = behave
        self.behave_at: dict[str, Behaviour] = {}
        """What to do instead at certain paths."""
        self.requests: list[str] = []
        """The head of each request, in order."""
        self.asked = threading.Event()
        self.port = 0
        self._tls = tls
        self.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/jwks.json"

    def start(self) -> None:
        """Listen, at the same port as before."""
        issuer = self

        class Connection(StreamRequestHandler):
            def handle(self) -> None:
                lines = []
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    lines.append(line)
                if not lines:
                    return  # the client closed the connection
                request = b"".join(lines).decode()
                issuer.requests.append(request)
                issuer.asked.set()
                behave = issuer.behave_at.get(request.split()[1], issuer.behave)
                with suppress(OSError):  # the client may close the connection at any time
                    behave(self.connection)

        self._server = _Server(("127.0.0.1", self.port), Connection)
        self.port = self._server.server_address[1]
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
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
    """Return the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Behaviour:
    """Answers with a body and its length."""
    return raw(head(*headers, f"Content-Length: {len(body)}", status=status) + body)


def raw(octets: bytes) -> Behaviour:
    """Sends these octets and nothing else."""
    return lambda connection: connection.sendall(octets)


def endless(start: bytes, octets: bytes, *, pause: float = 0) -> Behaviour:
    """Sends the start, then the same octets again and again until the client closes the connection.

    `pause` is the time in seconds between them.
    """

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            time.sleep(pause)
            connection.sendall(octets)

    return behave


def silence(connection: socket.socket) -> None:
    """Sends nothing until the client closes the connection."""
    connection.recv(1)


def reset(connection: socket.socket) -> None:
    """Resets the connection: it is closed at once, with whatever was not read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.close(connection.detach())


class Gate:
    """Lets a server answer only after `open.set()`."""

    def __init__(self, behave: Behaviour) -> None:
        self.open = threading.Event()
        self._behave = behave

    def __call__(self, connection: socket.socket) -> None:
        assert self.open.wait(10)
        self._behave(connection)
