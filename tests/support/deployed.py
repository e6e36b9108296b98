"""The Lambda function as it is deployed: API Gateway's side of it, and an issuer on 127.0.0.1."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

import handler
from auth.custom_rules import Rules
from auth.events import Response
from tests.support.environment import environment
from tests.support.jwks_server import JwksServer, answer
from tests.support.tokens import SigningKey, jwks


@dataclass(frozen=True)
class Context:
    """What Lambda passes beside the event, as far as the function reads it."""

    aws_request_id: str = "request-1"


@dataclass(frozen=True)
class Invocation:
    """Everything that came out of one invocation."""

    response: Response | None
    error: Exception | None
    log: list[Any]
    """The lines of standard output, each parsed as JSON."""
    errors: str
    """Standard error, where a traceback would be."""


@dataclass(frozen=True)
class Deployment:
    """The function with settings of its own, and its issuer."""

    issuer: JwksServer

    def invoke(self, event: dict[str, Any]) -> Invocation:
        """Invoke the function, and return everything that comes out of it."""
        response, error = None, None
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as errors:
            try:
                response = handler.authorize(event, Context())
            except Exception as exception:  # noqa: BLE001 - the tests look at it, whatever it is
                error = exception
        log = [json.loads(line) for line in out.getvalue().splitlines()]
        return Invocation(response, error, log, errors.getvalue())

    def use_rules(self, rules: Rules) -> None:
        """Deploy a rules.py with these functions."""
        module = ModuleType("rules")
        vars(module).update({name: rule for name, rule in rules._asdict().items() if rule})
        sys.modules["rules"] = module
        handler._rules.cache_clear()

    def start_cold(self) -> None:
        """Forget settings, rules and keys, as a new Lambda environment does."""
        handler._settings.cache_clear()
        handler._rules.cache_clear()
        handler._key_stores.cache_clear()
        self.issuer.requests.clear()


@contextmanager
def deployed(*keys: SigningKey | dict[str, Any], **variables: str) -> Iterator[Deployment]:
    """Deploy the function for an issuer that publishes these keys, with these environment variables.

    It has no rules, whatever is in rules.py.
    """
    with closing(JwksServer(answer(jwks(*keys)))) as issuer, pytest.MonkeyPatch.context() as patch:
        # A whole new environment, so that the function sees its own variables and nothing else.
        patch.setattr(os, "environ", environment(**{"JWKS_URI": issuer.url} | variables))
        patch.setitem(sys.modules, "rules", ModuleType("rules"))
        deployment = Deployment(issuer)
        deployment.start_cold()
        try:
            yield deployment
        finally:
            deployment.start_cold()
