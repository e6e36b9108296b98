"""This file is the decision, in order, on one screen."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .bearer import unverified_header, unverified_token
from .claims import Claims, reject_before_fetch, verify
from .events import Response, policy_document, read_event
from .keys import KeyStore
from .routes import Route
from .settings import Settings


@dataclass(frozen=True)
class Decision:
    """The answer to an event, and what it was based on."""

    response: Response
    claims: Claims
    route: Route | None
    """The route that API Gateway picked for the request, if it is in the table."""


def decide(
    event: Mapping[str, Any], settings: Settings, keys: KeyStore, clock: Callable[[], float] = time.time
) -> Decision:
    """Decide what the bearer of the token in an event may invoke.

    The policy depends on the token and the API alone, since API Gateway caches it for the token. `clock`
    returns the time in seconds.

    Raises InvalidToken (the caller's fault), KeysUnavailable (the issuer's) and ConfigError (the operator's).
    """
    request = read_event(event)
    token = unverified_token(request.unverified_credentials)
    header = unverified_header(token, settings.algorithms)
    key = keys.fresh_key(header.kid)
    if key is None:
        reject_before_fetch(token, settings, clock())
        key = keys.get_key(header.kid)
    claims = verify(token, key, settings, clock())
    allowed, denied = settings.policies.patterns(claims.scopes)
    response: Response = {
        "principalId": claims.subject,
        "policyDocument": policy_document(request.stage_arn, allowed, denied),
        "context": {"scope": " ".join(sorted(claims.scopes))},
    }
    route = settings.routes.pick(request.method, request.path) if settings.routes else None
    return Decision(response, claims, route)
