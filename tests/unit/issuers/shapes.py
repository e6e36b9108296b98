"""What the tables consist of: providers, their tokens and published keys, and the expected outcomes.

All identifiers in the tables are made up. A provider's settings are the lines of its section in
docs/issuers.md, so the placeholders of that page (YOUR_TENANT, CLIENT_ID ...) are in the tokens, too.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NOW = int(time.time())
IN_AN_HOUR = NOW + 3600

CERTIFICATE = ["MIIDBTCCAe2gAwIBAgIQ"]
"""The value of each `x5c`, which is ignored."""


@dataclass(frozen=True)
class PublishedKey:
    """A member of a JWKS: one of the key pairs of the tests, and how its provider publishes it."""

    pair: str
    """`RSA`, `other RSA`, `P-256`, `P-384` or `Ed25519`."""
    members: Mapping[str, Any]
    """The members of the JWK, except `kty`, `crv` and the public numbers. None: without this member."""


def rsa(kid: str | None, **members: Any) -> PublishedKey:
    return PublishedKey("RSA", members | {"kid": kid})


def other_rsa(kid: str | None, **members: Any) -> PublishedKey:
    """A second RSA key of the issuer: an older one, or one for another use."""
    return PublishedKey("other RSA", members | {"kid": kid})


def p256(kid: str | None, **members: Any) -> PublishedKey:
    return PublishedKey("P-256", members | {"kid": kid})


def p384(kid: str | None, **members: Any) -> PublishedKey:
    return PublishedKey("P-384", members | {"kid": kid})


def ed25519(kid: str | None, **members: Any) -> PublishedKey:
    return PublishedKey("Ed25519", members | {"kid": kid})


@dataclass(frozen=True)
class Accepted:
    """A policy that allows the routes which need no other scopes than these."""

    scopes: frozenset[str]
    principal: str
    context: Mapping[str, str]
    """What the backend gets beside `scope`."""


@dataclass(frozen=True)
class Rejected:
    """A 401."""

    reason: str
    """As it is logged."""


@dataclass(frozen=True)
class NoKeys:
    """A 500: the key set has no key that is usable."""


def accepted(*scopes: str, by: str, **context: str) -> Accepted:
    return Accepted(frozenset(scopes), by, context)


NOT_AN_AUDIENCE = Rejected("aud is not in AUDIENCE")
NO_AUDIENCE = Rejected("aud is missing")
NOT_THE_ISSUER = Rejected("iss is not in TOKEN_ISSUER")
NOT_SIGNED_BY_THE_KEY = Rejected("the signature does not match the key")
KEY_OF_ANOTHER_ISSUER = Rejected("the key is for another issuer")
WRONG_ALGORITHM = Rejected("alg is not in ALGORITHMS")
WRONG_TYPE = Rejected("typ is not in TOKEN_TYPES")
BOUND = Rejected("bound to a key (cnf), but presented as a bearer token")
ENCRYPTED = OPAQUE = Rejected("not a bearer token of three base64url segments")


def lacks(name: str) -> Rejected:
    """The outcome for a token that lacks a claim of REQUIRED_CLAIMS, or has another value in it."""
    return Rejected(f"{name} does not match REQUIRED_CLAIMS")


def is_another_token(name: str) -> Rejected:
    """The outcome for an ID token or a refresh token that is marked as one."""
    return Rejected(f"{name} says that it is not an access token")


def without(claims: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


@dataclass(frozen=True)
class Token:
    """A row of a table: a token, and the expected outcome."""

    what: str
    claims: Mapping[str, Any]
    outcome: Accepted | Rejected | NoKeys
    settings: Mapping[str, str] = field(default_factory=dict)
    """These are added to the provider's settings, or replace some. An empty one is not set."""
    header: Mapping[str, Any] | None = None
    """None: the provider's."""
    keys: Sequence[PublishedKey] | None = None
    """None: the provider's."""
    pair: str | None = None
    """The key pair that signs it. None: that of the first key."""


@dataclass(frozen=True)
class Unsigned:
    """A row for a token that is not a signed JWT: an encrypted or an opaque one."""

    what: str
    credentials: str
    outcome: Rejected


@dataclass(frozen=True)
class Provider:
    """A table: the tokens of one provider."""

    name: str
    """The heading of its section in docs/issuers.md."""
    settings: Mapping[str, str]
    """The variables of a deployment, as in docs/issuers.md."""
    keys: Sequence[PublishedKey]
    """The provider's JWKS. The first key signs the tokens."""
    header: Mapping[str, Any]
    """The header of its access tokens."""
    tokens: Sequence[Token | Unsigned]


JWE = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a2V5.aXY.Y2lwaGVydGV4dA.dGFn"
"""An encrypted token: five segments (RFC 7516 section 3.1)."""
