"""What a token says once it holds: `verify` makes the only `Claims` there are."""

import re
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from .bearer import json_object, segment_octets, unverified_header
from .errors import InvalidToken
from .settings import Settings

# Most are PyJWT's defaults: they are spelled out so that this service does not change with them.
_EVERYTHING: Options = {
    "verify_signature": True,
    "enforce_minimum_key_length": True,
    "require": ["exp", "iss", "aud", "sub"],
    "verify_exp": True,
    "verify_nbf": True,
    "verify_iat": True,
    "verify_iss": True,
    "verify_aud": True,
    "verify_sub": True,
    "verify_jti": True,
    "strict_aud": False,  # `aud` may be a list (RFC 7519 section 4.1.3)
}
_ALL_BUT_SIGNATURE: Options = {**_EVERYTHING, "verify_signature": False}

# RFC 6749 section 3.3: printable ASCII without space, quote and backslash.
_SCOPE = re.compile(r"[!#-\[\]-~]+")

_REASONS: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "not yet valid",
    jwt.InvalidAudienceError: "aud names none of AUDIENCE",
    jwt.InvalidIssuerError: "iss is not TOKEN_ISSUER",
    jwt.InvalidSignatureError: "the signature is not that of the key",
    jwt.InvalidAlgorithmError: "alg is not that of the key",
    jwt.MissingRequiredClaimError: "exp, iss, aud or sub is missing",
}


@dataclass(frozen=True)
class Claims:
    """What a verified token says: who calls (`sub`), and every scope that the token grants."""

    subject: str
    scopes: frozenset[str]


def verify(token: str, key: jwt.PyJWK, settings: Settings) -> Claims:
    """Return the claims of a token that `key` signed and that is meant for us, now.

    Raises InvalidToken, with the reason, for every other one (RFC 7519 section 7.2).
    """
    payload = _decode(token, key, settings, _EVERYTHING)
    return Claims(subject=payload["sub"], scopes=_scopes(payload))


def refuse_hopeless(token: str, settings: Settings) -> None:
    """Raise InvalidToken for a token that no key can make good, such as an expired one.

    For the moment before the issuer is asked for keys: junk must not cause requests to it.
    """
    _decode(token, "", settings, _ALL_BUT_SIGNATURE)


def _decode(token: str, key: jwt.PyJWK | str, settings: Settings, options: Options) -> dict[str, Any]:
    try:
        payload = _CODEC.decode(
            token,
            key,
            algorithms=settings.algorithms,
            options=options,
            audience=settings.audience,
            issuer=settings.token_issuer,
            leeway=settings.leeway_seconds,
        )
    except jwt.PyJWTError as error:
        raise InvalidToken(_REASONS.get(type(error), "malformed")) from None
    # What PyJWT lets pass: digits in a string, a boolean, any text as a subject, a bound token.
    for name in ("exp", "nbf", "iat"):
        if type(payload.get(name, 0)) not in (int, float):
            raise InvalidToken(f"{name} is not a number")
    if not payload["sub"] or not payload["sub"].isprintable():
        raise InvalidToken("sub is empty or has control characters")
    if "cnf" in payload:  # bound to a key that a bearer does not prove (RFC 7800, 8705, 9449)
        raise InvalidToken("bound to a proof key (cnf), but presented as a bearer token")
    return payload


def _scopes(payload: dict[str, Any]) -> frozenset[str]:
    """Return what `scope` (RFC 8693 4.2), `scp` (Okta, Entra ID) and `permissions` (Auth0) grant.

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
    return frozenset(filter(_SCOPE.fullmatch, texts))


class _Segments(jwt.PyJWS):
    """PyJWT's reader of the compact form, at C speed.

    Its own looks at each character in Python, which takes longer than an RSA verification, and reads
    the header anew for each token. The method is not public: should it be renamed, theirs is what runs.
    """

    def _load(self, jwt: Any) -> tuple[bytes, bytes, dict[str, Any], bytes]:
        signing_input, _, signature = jwt.encode().rpartition(b".")
        header, _, payload = signing_input.partition(b".")
        return (
            segment_octets(payload),
            signing_input,
            unverified_header(header.decode()),
            segment_octets(signature),
        )


class _Codec(jwt.PyJWT):
    """PyJWT, reading JSON as strictly as `bearer` does."""

    def __init__(self) -> None:
        super().__init__()
        self._jws = _Segments()

    def _decode_payload(self, decoded: dict[str, Any]) -> dict[str, Any]:
        return json_object(decoded["payload"])


_CODEC = _Codec()
