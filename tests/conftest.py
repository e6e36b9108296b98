"""Fixtures that several modules use: keys made once, settings that fit them, and a copy of the project."""

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis

from auth import Issuer, Settings
from auth.keys import KeyStore
from tests.support.authorizer import Authorizer
from tests.support.checkout import clean_environment, copy_project, leave_out_libraries
from tests.support.environment import SETTINGS, environment
from tests.support.isolation import isolate_this_process
from tests.support.jwks_server import JwksServer, answer
from tests.support.packages import BOUNDARY, make_packages
from tests.support.sharing import made_once
from tests.support.tokens import SigningKey, jwks, token

# Before any test module imports handler.py, which fetches the keys of JWKS_URI at its import.
isolate_this_process()

# `npm test` tries the same examples on every machine and every time, `npm run fuzz` tries new ones.
hypothesis.load_profile("ci")
default = hypothesis.get_profile("default")
hypothesis.register_profile("fuzz", parent=default, max_examples=4_000, deadline=None)


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
def keys(key: SigningKey, settings: Settings) -> dict[Issuer, KeyStore]:
    """The key store of an issuer that publishes `key`."""
    (issuer,) = settings.issuers
    return {issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=lambda uri: jwks(key))}


@pytest.fixture(scope="session")
def new_key() -> SigningKey:
    """The key that the issuer changes to."""
    return SigningKey.generate("key-2")


@pytest.fixture
def cold(key: SigningKey) -> Iterator[Authorizer]:
    """An authorizer that holds no keys yet. Its issuer publishes `key`."""
    with closing(JwksServer(answer(jwks(key)))) as endpoint:
        yield Authorizer(endpoint)


@pytest.fixture
def warm(cold: Authorizer, key: SigningKey) -> Authorizer:
    """An authorizer that fetched its keys a moment ago. Further fetches are counted."""
    assert cold.status(token(key)) == 200
    cold.issuer.requests.clear()
    cold.issuer.asked.clear()
    return cold


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What is logged, as it goes on: the event and its details."""
    lines: list[dict[str, Any]] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append({"event": record.getMessage()} | record.__dict__["details"])

    keeper = Keeper()
    loggers = [logging.getLogger(name) for name in ("auth.keys", "auth.backup")]
    for logger in loggers:
        logger.addHandler(keeper)
    yield lines
    for logger in loggers:
        logger.removeHandler(keeper)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment made from nothing, for the tools that a test runs."""
    return clean_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project for tests that change none of its files."""
    return copy_project(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def prod_package(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the packages and templates of stage prod, for arm64."""

    def make(folder: Path) -> Path:
        return make_packages(copy_project(folder), "--stage", "prod", environment=clean | SETTINGS)

    return made_once(tmp_path_factory, "prod", make)


@pytest.fixture(scope="session")
def dev_package(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the packages and templates of stage dev, with parameters that no stage sets."""
    parameters = (
        "architecture=x86_64",
        "authorizerConcurrency=20",
        f"permissionsBoundary={BOUNDARY}",
        "playground=enabled",
    )
    options = ("--stage", "dev", *(word for parameter in parameters for word in ("--param", parameter)))

    def make(folder: Path) -> Path:
        return make_packages(copy_project(folder), *options, environment=clean | SETTINGS)

    return made_once(tmp_path_factory, "dev", make)


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose serverless.yml a test may replace. It is packaged without libraries."""
    return leave_out_libraries(copy_project(tmp_path_factory.mktemp("editable")))
