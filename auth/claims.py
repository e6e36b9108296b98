"""This file is what a token says once it is verified: `verify` makes the only `Claims` there are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK

from .bearer import segment_octets, unverified_header, unverified_payload
from .errors import InvalidToken
from .routes import SCOPE
from .settings import Settings


@dataclass(frozen=True)
class Claims:
    """Who calls (`sub`), and every scope that the token grants."""

    subject: str
    scopes: frozenset[str]


def verify(token: str, key: PyJWK, settings: Settings, now: float) -> Claims:
    """Return the claims of a token that `key` signed and that is meant for us, at the time `now` (in
    seconds).

    Raises InvalidToken with the reason for any other token (RFC 7519 section 7.2).
    """
    payload = unverified_payload(token)
    _check_signature(token, key, settings)
    _check_claims(payload, settings, now)
    return Claims(subject=payload["sub"], scopes=_scopes(payload))


def reject_before_fetch(token: str, settings: Settings, now: float) -> None:
    """Raise InvalidToken for a token that no key could make valid, such as an expired one.

    Called before keys are fetched: invalid tokens must not cause requests to the issuer.
    """
    segment_octets(token.rpartition(".")[2].encode())
    _check_claims(unverified_payload(token), settings, now)


def _check_signature(token: str, key: PyJWK, settings: Settings) -> None:
    signing_input, _, signature = token.rpartition(".")
    if unverified_header(token, settings.algorithms).alg != key.algorithm_name:
        raise InvalidToken("alg is not that of the key")
    if key.Algorithm.check_key_length(key.key):
        raise InvalidToken("the key is too short")
    if not key.Algorithm.verify(signing_input.encode(), key.key, segment_octets(signature.encode())):
        raise InvalidToken("the signature does not match the key")


def _check_claims(payload: Mapping[str, Any], settings: Settings, now: float) -> None:
    """Raise InvalidToken unless a token with these claims is for us, now (RFC 7519 section 4.1)."""
    for name in ("exp", "iss", "aud", "sub"):
        if payload.get(name) is None:
            raise InvalidToken(f"{name} is missing")
    _check_times(payload, settings.leeway_seconds, now)
    if payload["iss"] != settings.token_issuer:
        raise InvalidToken("iss is not TOKEN_ISSUER")
    _check_audience(payload["aud"], settings.audience)
    subject = payload["sub"]
    if not isinstance(subject, str) or not subject or not subject.isprintable():
        raise InvalidToken("sub is empty, or not a printable string")
    if not isinstance(payload.get("jti", ""), str):
        raise InvalidToken("jti is not a string")
    if "cnf" in payload:  # bound to a key that a bearer does not prove (RFC 7800, 8705, 9449)
        raise InvalidToken("bound to a key (cnf), but presented as a bearer token")


def _check_times(payload: Mapping[str, Any], leeway: int, now: float) -> None:
    times = {name: _time(payload, name) for name in ("exp", "nbf", "iat") if name in payload}
    if times["exp"] <= now - leeway:
        raise InvalidToken("expired")
    for name in ("nbf", "iat"):
        if times.get(name, now) > now + leeway:
            raise InvalidToken(f"not yet valid ({name})")


def _check_audience(aud: object, accepted: Collection[str]) -> None:
    audience = aud if isinstance(aud, list) else [aud]
    if not all(isinstance(name, str) for name in audience) or set(audience).isdisjoint(accepted):
        raise InvalidToken("aud is not in AUDIENCE")


def _time(payload: Mapping[str, Any], name: str) -> int:
    """Return a NumericDate (RFC 7519 section 2), without fractions of a second."""
    value = payload[name]
    if type(value) not in (int, float):  # a boolean is an int to isinstance
        raise InvalidToken(f"{name} is not a number")
    try:
        return int(value)
    except OverflowError:  # infinite
        raise InvalidToken(f"{name} is not a number") from None


def _scopes(payload: Mapping[str, Any]) -> frozenset[str]:
    """Return what `scope` (RFC 8693 section 4.2), `scp` (Okta, Entra ID) and `permissions` (Auth0) grant.

    Some issuers, such as Spring's, write `scope` as a list.
    """
    granted: list[Any] = []
    for claim in ("scope", "scp", "permissions"):
        value = payload.get(claim)
        if isinstance(value, str) and claim != "permissions":
            value = value.split(" ")
        if isinstance(value, list):
            granted += value
    texts = {scope for scope in granted if isinstance(scope, str)}
    return frozenset(filter(SCOPE.fullmatch, texts))
