"""What the authorizer decides about a token, and what the token says before anyone verified it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from auth import ConfigError, InvalidToken, Issuer, KeysUnavailable, authorizer
from auth.custom_rules import NO_RULES, Rules
from auth.keys import KeyStore
from auth.routes import parse_routes
from tools.discovery import Fetch
from tools.untrusted_text import quoted

from .trial import Case

_METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:doctor/doctor/GET/"


@dataclass(frozen=True)
class Unverified:
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def audiences(self) -> tuple[str, ...]:
        """The strings in `aud`, which may be a list (RFC 7519 section 4.1.3)."""
        aud = self.claims.get("aud")
        return tuple(name for name in (aud if isinstance(aud, list) else [aud]) if isinstance(name, str))


def read(token: str | None) -> Unverified | None:
    """Return what a token says, or None if it can't be read."""
    try:
        parts = jwt.decode_complete(token or "", options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    return Unverified(parts["header"], parts["payload"])


@dataclass(frozen=True)
class Decision:
    refusal: str
    """Why the token is rejected. Empty if it is accepted."""
    scopes: frozenset[str] = frozenset()
    principal_claim: str = ""
    """The claim that names the caller."""


def decide(
    case: Case, issuer: Issuer, *, rules: Rules = NO_RULES, is_key_for_any_issuer: bool = False
) -> Decision:
    """Run the authorizer for this issuer alone, with a key store that holds no keys yet.

    `is_key_for_any_issuer`: as if no JWK named the issuer whose tokens it is for.
    """
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {case.token}", "methodArn": _METHOD_ARN}
    # What the scopes open is another question, which token_routes.py answers for each route.
    settings = case.settings._replace(issuers=(issuer,), routes=parse_routes("*"))
    fetch = _without_issuers(case.fetch) if is_key_for_any_issuer else case.fetch
    key_stores = {issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=fetch)}
    try:
        decision = authorizer.decide(event, settings, key_stores, rules, clock=lambda: case.now)
    except InvalidToken as refusal:
        return Decision(f"{refusal} ({quoted(refusal.kid)})" if refusal.kid else str(refusal))
    except KeysUnavailable:
        return Decision("the signature can't be checked without the issuer's keys")
    except ConfigError as error:
        return Decision(str(error))
    if decision.refusal is not None:
        return Decision(f"refused by a rule: {quoted(decision.refusal)}")
    context = decision.response["context"]
    return Decision("", frozenset(str(context["scope"]).split()), str(context.get("principal", "sub")))


def _without_issuers(fetch: Fetch) -> Fetch:
    def fetch_keys(uri: str) -> bytes:
        body = fetch(uri)
        try:
            return json.dumps(_without_issuer(json.loads(body))).encode()
        except (ValueError, RecursionError):
            return body  # no JWKS, as the key store will find, too

    return fetch_keys


def _without_issuer(jwks: Any) -> Any:
    if isinstance(jwks, list):
        return [_without_issuer(one) for one in jwks]
    if isinstance(jwks, dict):
        return {name: _without_issuer(value) for name, value in jwks.items() if name != "issuer"}
    return jwks
