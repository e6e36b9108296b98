"""Lambda's entry points: they wire auth/ to the environment, and outcomes to API Gateway's conventions."""

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
# there is nothing to fetch. Wrong settings are reported by each invocation. The function that makes the
# backup fetches the keys each time that it runs.
_fetches = {}
if "JWKS_URI" in os.environ and os.environ.get("_HANDLER") != "handler.back_up_keys":
    with suppress(auth.ConfigError):
        _fetches = {issuer: auth.start_fetch(issuer.jwks_uri) for issuer in _settings().issuers}

from auth import authorizer
from auth.backup import Backup, back_up
from auth.custom_rules import Rules, load_rules
from auth.events import Response
from auth.keys import KeyStore


def _backup() -> Backup | None:
    """Return the bucket of the backup, if this stage has one. CloudFormation sets the variables."""
    bucket, owner = os.environ.get("KEY_BACKUP_BUCKET"), os.environ.get("KEY_BACKUP_OWNER")
    return Backup(bucket, owner) if bucket and owner else None


@cache
def _rules() -> Rules:
    return load_rules()


# Imported while the environment initializes. What is wrong with rules.py is reported by each invocation.
with suppress(auth.ConfigError):
    _rules()


@cache
def _key_stores() -> dict[auth.Issuer, KeyStore]:
    backup = _backup()
    return {
        issuer: KeyStore(
            issuer.jwks_uri,
            issuer.algorithms,
            fetch=auth.fetch,
            read_backup=backup.read if backup else None,
        )
        for issuer in _settings().issuers
    }


for _issuer, _fetch in _fetches.items():
    _key_stores()[_issuer].expect(_fetch.result)
    # With several issuers, don't wait here, neither for one that is slow nor for the backup of one that is
    # down: the callers of the others must not be delayed.
    if len(_fetches) == 1 or _fetch.is_done():
        _key_stores()[_issuer].prefetch(with_backup=len(_fetches) == 1)


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


def back_up_keys(event: object, context: Any) -> None:  # noqa: ARG001 - Lambda passes both
    """Copy the keys of each issuer to the bucket of the backup. A schedule invokes this.

    Raises an exception if a copy could not be written, which Lambda counts as an error of the function.
    """
    backup = _backup()
    if backup is None:
        raise auth.ConfigError("KEY_BACKUP_BUCKET or KEY_BACKUP_OWNER is not set: deploy the whole stack")
    back_up(_settings().issuers, auth.start_fetch, backup.write)


gc.freeze()
gc.enable()
