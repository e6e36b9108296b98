"""Lambda's entry point: wires auth/ to the environment, and its outcomes to API Gateway's conventions."""

import gc

# Nothing that is imported becomes garbage, and looking for garbage among it takes 6 % of a cold start.
gc.disable()

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import auth
from auth import logs

logs.set_up()

ROUTES = Path(__file__).with_name("routes.txt")  # written when the service is packaged


@cache  # for as long as this Lambda environment lives; an exception is not cached
def _settings() -> auth.Settings:
    routes = ROUTES.read_text() if ROUTES.exists() else ""
    settings = auth.Settings.from_environment(os.environ, routes)
    logs.log.setLevel(settings.log_level)
    return settings


# The keys are fetched while the environment initializes, so that the first caller does not wait for them, and
# while PyJWT and cryptography are imported, which takes about as long. Without settings, as in a unit test,
# there is nothing to fetch. Wrong settings are reported by each invocation.
_fetches = {}
if "JWKS_URI" in os.environ:
    with suppress(auth.ConfigError):
        _fetches = {issuer: auth.start_fetch(issuer.jwks_uri) for issuer in _settings().issuers}

from auth import authorizer
from auth.custom_rules import Rules, load_rules
from auth.events import Response
from auth.keys import KeyStore


@cache
def _rules() -> Rules:
    return load_rules()


# Imported while the environment initializes. What is wrong with rules.py is reported by each invocation.
with suppress(auth.ConfigError):
    _rules()


@cache
def _key_stores() -> dict[auth.Issuer, KeyStore]:
    return {
        issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=auth.fetch)
        for issuer in _settings().issuers
    }


for _issuer, _fetch in _fetches.items():
    _key_stores()[_issuer].expect(_fetch.body)
    # With several issuers, don't wait here: a slow one must not delay the callers of the others.
    if len(_fetches) == 1 or _fetch.is_done():
        _key_stores()[_issuer].prefetch()


def authorize(event: dict[str, Any], context: Any) -> Response:
    """Answer the event of an API Gateway Lambda authorizer with an IAM policy.

    Raises an exception whose text is exactly `Unauthorized`, which API Gateway turns into a 401. Any other
    exception becomes a 500. API Gateway caches policies, but not exceptions. Source: AWS, "Use API Gateway
    Lambda authorizers".
    """
    request_id = getattr(context, "aws_request_id", None)
    try:
        decision = authorizer.decide(event, _settings(), _key_stores(), _rules())
    except auth.InvalidToken as refusal:
        logs.log_invalid_token(refusal, request_id)
        raise Exception("Unauthorized") from None
    except (auth.KeysUnavailable, auth.ConfigError) as error:
        logs.log_failure(error, request_id)
        raise
    logs.log_policy(decision, request_id)
    return decision.response


gc.freeze()
gc.enable()
