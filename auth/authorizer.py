"""The decision, in order, on one screen."""

from collections.abc import Mapping
from typing import Any, TypedDict

from .bearer import unverified_kid, unverified_token
from .claims import refuse_hopeless, verify
from .jwks import KeyStore
from .policy import PolicyDocument, policy_document
from .settings import Settings


class Response(TypedDict):
    """What API Gateway reads (AWS, "Output from an API Gateway Lambda authorizer")."""

    principalId: str
    policyDocument: PolicyDocument
    context: dict[str, str | int | float | bool]


def authorize(event: Mapping[str, Any], settings: Settings, keys: KeyStore) -> Response:
    """Decide over the event of a TOKEN authorizer: what may its bearer invoke?

    The policy depends on the token and the API alone, since API Gateway keeps it for the token.

    Raises InvalidToken (the caller's fault), KeysUnavailable (the issuer's) and ConfigError
    (the operator's).
    """
    token = unverified_token(event)
    kid = unverified_kid(token, settings.algorithms)
    key = keys.at_hand(kid)
    if key is None:
        refuse_hopeless(token, settings)
        key = keys.find(kid)
    claims = verify(token, key, settings)
    return {
        "principalId": claims.subject,
        "policyDocument": policy_document(event.get("methodArn"), claims.scopes, settings.routes),
        "context": {"scope": " ".join(sorted(claims.scopes))},
    }
