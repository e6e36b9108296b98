"""Lambda's entry point: wires auth/ to the environment, and its outcomes to API Gateway's conventions."""

import gc

# Nothing that is imported becomes garbage, and looking for garbage among it takes 6 % of a cold start.
gc.disable()

import os
from contextlib import suppress
from functools import cache
from typing import Any

import auth
from auth import logs

logs.set_up()


@cache  # for as long as this Lambda environment lives; an exception is not cached
def _service() -> tuple[auth.Settings, auth.KeyStore]:
    settings = auth.Settings.from_environment(os.environ)
    logs.log.setLevel(settings.log_level)
    return settings, auth.KeyStore(settings.jwks_uri, settings.algorithms, fetch=auth.fetch)


# The keys are fetched while the environment initializes, so that the first caller does not wait for them, and
# while PyJWT and cryptography are imported, which takes about as long. Without settings, as in a unit test,
# there is nothing to fetch. Wrong settings are reported by each invocation.
_answer = None
if "JWKS_URI" in os.environ:
    with suppress(auth.ConfigError):
        _answer = auth.start_fetch(_service()[0].jwks_uri)

from auth import authorizer
from auth.events import Response

if _answer:
    _service()[1].prefetch(_answer)


def authorize(event: dict[str, Any], context: Any) -> Response:
    """Answer the event of an API Gateway Lambda authorizer with an IAM policy.

    Raises an exception whose text is exactly `Unauthorized`, which API Gateway turns into a 401. Any other
    exception becomes a 500. API Gateway caches policies, but no exceptions. Source: AWS, "Use API Gateway
    Lambda authorizers".
    """
    request_id = getattr(context, "aws_request_id", None)
    try:
        settings, keys = _service()
        decision = authorizer.decide(event, settings, keys)
    except auth.InvalidToken as refusal:
        logs.log_invalid_token(refusal, request_id)
        raise Exception("Unauthorized") from None
    except (auth.KeysUnavailable, auth.ConfigError) as error:
        logs.log_failure(error, request_id)
        raise
    logs.log_policy(decision, settings, request_id)
    return decision.response


gc.freeze()
gc.enable()
