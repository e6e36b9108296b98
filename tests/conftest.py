"""What the tests share: keys made once, settings that fit them, and no network but loopback."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import settings as hypothesis

from auth import KeyStore, Settings
from tests.support.endpoint import Endpoint, Service, answer, token
from tests.support.environment import environment
from tests.support.issuer import SigningKey, jwks

# Those of this machine take no part: handler.py asks for keys at its import, where they are set.
os.environ.pop("JWKS_URI", None)

# `npm test` tries the same examples each time, so that it fails for a reason; `npm run fuzz` new ones.
hypothesis.register_profile("quick", derandomize=True, deadline=None)
hypothesis.register_profile("fuzz", max_examples=4_000, deadline=None)
hypothesis.load_profile("quick")


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1")):
            raise AssertionError(f"a test wants to talk to {address[0]}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setenv("no_proxy", "127.0.0.1,localhost", prepend=",")
        yield


@pytest.fixture(scope="session")
def key() -> SigningKey:
    """The issuer's key."""
    return SigningKey.generate("key-1")


@pytest.fixture(scope="session")
def stranger() -> SigningKey:
    """A key that is not the issuer's, but goes by the same name."""
    return SigningKey.generate("key-1")


@pytest.fixture
def settings() -> Settings:
    return Settings.from_environment(environment())


@pytest.fixture
def keys(key: SigningKey) -> KeyStore:
    """A key store whose issuer publishes `key`."""
    return KeyStore("https://issuer.example/jwks.json", ("RS256",), fetch=lambda uri: jwks(key))


@pytest.fixture(scope="session")
def new_key() -> SigningKey:
    """The key that the issuer changes to."""
    return SigningKey.generate("key-2")


@pytest.fixture
def cold(key: SigningKey) -> Iterator[Service]:
    """An authorizer that holds no keys yet. Its issuer publishes `key`."""
    with closing(Endpoint(answer(jwks(key)))) as endpoint:
        yield Service(endpoint)


@pytest.fixture
def warm(cold: Service, key: SigningKey) -> Service:
    """An authorizer that fetched its keys a moment ago. Further fetches are counted."""
    assert cold.status(token(key)) == 200
    cold.endpoint.requests.clear()
    cold.endpoint.asked.clear()
    return cold


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What is logged, as it goes on: the event and its details."""
    lines: list[dict[str, Any]] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append({"event": record.getMessage()} | record.__dict__["details"])

    keeper = Keeper()
    logger = logging.getLogger("auth.keys")
    logger.addHandler(keeper)
    yield lines
    logger.removeHandler(keeper)
