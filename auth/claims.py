"""This file is what a token says once it is verified: `verify` makes the only `Claims` there are."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from .bearer import UnverifiedToken
from .errors import InvalidToken
from .jwks import Key
from .routes import SCOPE
from .settings import DEFAULT_SCOPE_CLAIMS, Issuer

# Claims by which issuers say that a token is none for an API: `typ` is Keycloak's, `tokenName` PingAM's.
# Values are in lower case, without `_`, `-` and a `token` at the end.
_OTHER_TOKENS = {
    "typ": frozenset({"id", "refresh", "offline", "logout", "serializedid"}),
    **dict.fromkeys(
        ("type", "token_type", "tokenType", "TokenType", "tokenName", "purpose"), frozenset({"id", "refresh"})
    ),
    "tok_type": frozenset({"it"}),
    "drn": frozenset({"dsr"}),
}
# A principal reaches the backend and its logs.
_CONTROL_CHARACTERS = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


class Claims(NamedTuple):
    """Who calls, according to whom, and every scope that the token grants."""

    issuer: str
    principal: str
    principal_claim: str
    """The claim that names the caller, such as `sub`."""
    scopes: frozenset[str]
    expires_at: int
    """In seconds since 1970."""
    payload: Mapping[str, Any]
    """All claims of the token."""


def verify(token: UnverifiedToken, key: Key, issuer: Issuer, now: float) -> Claims:
    """Return the claims of a token that `key` signed and that is meant for us, now.

    `now` is in seconds. Raises InvalidToken with the reason for any other token (RFC 7519 section 7.2).
    """
    if token.header.alg != key.alg:
        raise InvalidToken("alg is not that of the key")
    if not key.has_signed(token.signing_input, token.signature):
        raise InvalidToken("the signature does not match the key")
    reject_before_fetch(token, issuer, now)
    if not key.may_verify(token.claims):
        raise InvalidToken("the key is for another issuer")
    principal_claim = _principal_claim(token.claims, issuer)
    return Claims(
        issuer=token.claims["iss"],
        principal=claim(token.claims, principal_claim),
        principal_claim=principal_claim,
        scopes=_scopes(token.claims, issuer),
        expires_at=int(token.claims["exp"]),
        payload=token.claims,
    )


def reject_before_fetch(token: UnverifiedToken, issuer: Issuer, now: float) -> None:
    """Raise InvalidToken for a token that no key could make valid, such as an expired one.

    Called before keys are fetched: invalid tokens must not cause requests to the issuer.
    """
    if token.header.alg not in issuer.algorithms:
        raise InvalidToken("alg is not in ALGORITHMS")
    if token.header.typ not in issuer.token_types:
        raise InvalidToken("typ is not in TOKEN_TYPES")
    claims = token.claims
    if claims.get("iss") not in issuer.token_issuer:
        raise InvalidToken("iss is not in TOKEN_ISSUER")
    _check_times(claims, issuer.leeway_seconds, now)
    _check_audience(claims, issuer.audience)
    _check_purpose(claims)
    _principal_claim(claims, issuer)
    for name, value in issuer.required_claims:
        if not _has(claims, name, value):
            raise InvalidToken(f"{name} does not match REQUIRED_CLAIMS")


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return the claim of this very name, or else the member at the end of a path with dots. None if neither
    is there.

    Such as `realm_access.roles` (Keycloak), and `https://acme.example/roles` (Auth0).
    """
    if name in claims or "." not in name:
        return claims.get(name)
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):  # names may have dots, too
        inner = claims.get(".".join(parts[:length]))
        if isinstance(inner, Mapping) and (value := claim(inner, ".".join(parts[length:]))) is not None:
            return value
    return None


def _check_times(claims: Mapping[str, Any], leeway: int, now: float) -> None:
    if claims.get("exp") is None:
        raise InvalidToken("exp is missing")
    times = {name: _time(claims, name) for name in ("exp", "nbf", "iat") if name in claims}
    if times["exp"] <= now - leeway:
        raise InvalidToken("expired")
    for name in ("nbf", "iat"):
        if times.get(name, now) > now + leeway:
            raise InvalidToken(f"not yet valid ({name})")


def _time(claims: Mapping[str, Any], name: str) -> int:
    """Return a NumericDate (RFC 7519 section 2), without fractions of a second."""
    value = claims[name]
    if type(value) not in (int, float):  # a boolean is an int to isinstance
        raise InvalidToken(f"{name} is not a number")
    try:
        return int(value)
    except OverflowError:  # infinite
        raise InvalidToken(f"{name} is not a number") from None


def _check_audience(claims: Mapping[str, Any], accepted: Collection[str]) -> None:
    """Raise InvalidToken unless a token is for us.

    Cognito's access tokens have no `aud`, and name their API by `client_id`. Elsewhere `client_id` is who
    presents a token, and not whom it is for.
    """
    if "aud" in claims:
        name, aud = "aud", claims["aud"]
    elif claims.get("token_use") == "access":
        name, aud = "client_id", claims.get("client_id")
    else:
        raise InvalidToken("aud is missing")
    audience = aud if isinstance(aud, list) and name == "aud" else [aud]
    if not all(isinstance(one, str) for one in audience) or set(audience).isdisjoint(accepted):
        raise InvalidToken(f"{name} is not in AUDIENCE")


def _check_purpose(claims: Mapping[str, Any]) -> None:
    """Raise InvalidToken for a token that was not issued for an API, or not for a bearer."""
    if claims.get("token_use", "access") != "access":  # Cognito
        raise InvalidToken("token_use is not access: not an access token")
    for name, values in _OTHER_TOKENS.items():
        value = claims.get(name)
        if isinstance(value, str) and re.sub("[_-]|token$", "", value.lower()) in values:
            raise InvalidToken(f"{name} says that it is not an access token")
    if isinstance(claims.get("events"), Mapping):  # RFC 8417, such as logout tokens
        raise InvalidToken("events: a security event, not an access token")
    if "cnf" in claims:  # bound to a key that a bearer does not prove (RFC 7800, 8705, 9449)
        raise InvalidToken("bound to a key (cnf), but presented as a bearer token")
    if not isinstance(claims.get("jti", ""), str):
        raise InvalidToken("jti is not a string")


def _principal_claim(claims: Mapping[str, Any], issuer: Issuer) -> str:
    """Return the claim that names the caller: the first of PRINCIPAL_CLAIMS that is a non-empty string."""
    if not isinstance(claims.get("sub"), str | None):
        raise InvalidToken("sub is not a string")
    for name in issuer.principal_claims:
        value = claim(claims, name)
        if isinstance(value, str) and value:
            if not value.isprintable() and re.search(_CONTROL_CHARACTERS, value):
                raise InvalidToken(f"{name} has control characters")
            return name
    raise InvalidToken(f"none of {', '.join(issuer.principal_claims)} names the caller")


def _has(claims: Mapping[str, Any], name: str, required: str | None) -> bool:
    value = claim(claims, name)
    if required is None:
        return value is not None and value not in ("", [], {})
    return any(_text(one) == required for one in (value if isinstance(value, list) else [value]))


def _text(value: object) -> str | None:
    """Return a string as it is, and a number or a boolean as JSON writes it."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def _scopes(claims: Mapping[str, Any], issuer: Issuer) -> frozenset[str]:
    """Return the scopes that a token grants, of those that its issuer may grant."""
    granted = {scope for name in issuer.scope_claims for scope in _granted(name, claim(claims, name))}
    scopes = frozenset(scope for scope in granted if isinstance(scope, str) and SCOPE.fullmatch(scope))
    return scopes if issuer.allowed_scopes is None else scopes & issuer.allowed_scopes


def _granted(name: str, value: object) -> Iterable[Any]:
    """Yield what one claim grants: the strings of a list, or the words of a string in `scope` (RFC 8693) and
    `scp`.

    Some claims are objects, such as Zitadel's roles: the names of members that are `true`, or not empty.
    """
    if isinstance(value, list):
        return (scope for scope in value if isinstance(scope, str))
    if isinstance(value, str):
        return value.split(" ") if name in ("scope", "scp") else [value]
    if isinstance(value, Mapping) and name not in DEFAULT_SCOPE_CLAIMS:
        return [
            scope for scope, held in value.items() if held is True or (held and isinstance(held, dict | list))
        ]
    return []
