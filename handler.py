"""Lambda's entry point: wires auth/ to the environment, and its outcomes to API Gateway's words."""

import gc

# Nothing that is imported becomes garbage, and looking for some among it is 6 % of a cold start.
gc.disable()

import json
import logging
import os
from contextlib import suppress
from functools import cache
from typing import Any

import auth

log = logging.getLogger("auth")


@cache  # for as long as this Lambda environment lives; an exception is not kept
def _service() -> tuple[auth.Settings, auth.KeyStore]:
    settings = auth.Settings.from_environment(os.environ)
    log.setLevel(settings.log_level)
    return settings, auth.KeyStore(settings.jwks_uri, settings.algorithms)


# The keys are fetched while the environment initialises, not while the first caller waits; and they are
# on their way while PyJWT and cryptography are imported, which takes as long. There is nothing to fetch
# where nothing is set, as in a unit test; and what is wrong with the settings, each invocation says.
_keys_to_come = None
if "JWKS_URI" in os.environ:
    with suppress(auth.ConfigError):
        _keys_to_come = auth.begin_fetch(_service()[0].jwks_uri)

from auth import authorizer


def authorize(event: dict[str, Any], context: Any) -> authorizer.Response:
    """Answer the event of an API Gateway Lambda authorizer of type TOKEN with an IAM policy.

    Raises an exception that says exactly `Unauthorized`, which API Gateway turns into a 401; any
    other one is a 500. API Gateway keeps a policy for the token, but no exception.
    Source: AWS, "Use API Gateway Lambda authorizers".
    """
    try:
        response = authorizer.authorize(event, *_service())
    except auth.InvalidToken as refusal:
        kid = {"kid": refusal.kid[:64]} if refusal.kid else {}
        _log_decision(context, logging.INFO, "unauthorized", str(refusal), **kid)
        raise Exception("Unauthorized") from None
    except auth.KeysUnavailable as outage:
        _log_decision(context, logging.ERROR, "keys_unavailable", str(outage))
        raise
    except auth.ConfigError as mistake:
        _log_decision(context, logging.ERROR, "config_error", str(mistake))
        raise
    statements = response["policyDocument"]["Statement"]
    allowed = sum(len(s["Resource"]) for s in statements if s["Effect"] == "Allow")
    _log_decision(context, logging.INFO, "policy", f"resources allowed: {allowed}")
    return response


def _log_decision(context: Any, level: int, outcome: str, reason: str, **more: str) -> None:
    request_id = getattr(context, "aws_request_id", None)
    details = {"outcome": outcome, "reason": reason, "request_id": request_id, **more}
    log.log(level, "decision", extra={"details": details})


class _JsonLines(logging.Handler):
    """Prints each record as one line of ASCII JSON, which nothing in a token can split or forge."""

    def emit(self, record: logging.LogRecord) -> None:
        line = {"level": record.levelname, "event": record.getMessage()}
        print(json.dumps(line | getattr(record, "details", {})), flush=True)


log.addHandler(_JsonLines())
log.propagate = False  # Lambda's own handler would print it again

if _keys_to_come:
    _service()[1].prefetch(_keys_to_come)

gc.freeze()
gc.enable()
