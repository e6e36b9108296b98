"""The Lambda function as API Gateway sees it, and an issuer on the loopback interface."""

import io
import json
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import handler
from auth.events import Response
from tests.support.environment import environment
from tests.support.issuer import SigningKey, jwks


@dataclass(frozen=True)
class Context:
    """What Lambda passes beside the event, as far as it is read."""

    aws_request_id: str = "request-1"


@dataclass(frozen=True)
class Answer:
    """All that comes out of one invocation."""

    response: Response | None
    error: Exception | None
    log: list[Any]
    """Each line of the standard output, read as JSON."""
    errors: str
    """The standard error, where a traceback would be."""


class Issuer:
    """Publishes `body`, over TLS if told how, and tells whether and how often it was asked for it."""

    def __init__(self, body: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.body = body
        self.requests = 0
        self.asked = threading.Event()
        issuer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                issuer.asked.set()
                self.send_response(200)
                self.send_header("Content-Length", str(len(issuer.body)))
                self.end_headers()
                self.wfile.write(issuer.body)

            def log_message(self, *args: object) -> None:
                """Keep quiet: the standard error is what the tests look at."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/jwks.json"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Deployment:
    """The function with settings of its own, and its issuer."""

    issuer: Issuer

    def ask(self, event: dict[str, Any]) -> Answer:
        """Invoke the function, and keep all that comes back."""
        response, error = None, None
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as errors:
            try:
                response = handler.authorize(event, Context())
            except Exception as exception:  # noqa: BLE001 - whatever it is, the tests look at it
                error = exception
        log = [json.loads(line) for line in out.getvalue().splitlines()]
        return Answer(response, error, log, errors.getvalue())

    def start_cold(self) -> None:
        """Forget settings and keys, as a new Lambda environment does."""
        handler._service.cache_clear()
        self.issuer.requests = 0


@contextmanager
def deployed(*keys: SigningKey | dict[str, Any], **variables: str) -> Iterator[Deployment]:
    """Deploy the function, for an issuer that publishes these keys."""
    with closing(Issuer(jwks(*keys))) as issuer, pytest.MonkeyPatch.context() as patch:
        # All of it, so that no proxy and no setting of this machine takes part.
        patch.setattr(os, "environ", environment(**{"JWKS_URI": issuer.url} | variables))
        deployment = Deployment(issuer)
        deployment.start_cold()
        try:
            yield deployment
        finally:
            deployment.start_cold()
