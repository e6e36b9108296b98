"""What the authorizer decides about a token, and what the token says before anyone verified it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from auth import ConfigError, InvalidToken, KeyStore, KeysUnavailable, Settings, authorizer

from .trial import Case
from .untrusted_text import quoted

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


def decide(case: Case, settings: Settings) -> Decision:
    """Run the authorizer with these settings and a key store that holds no keys yet."""
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {case.token}", "methodArn": _METHOD_ARN}
    keys = KeyStore(settings.jwks_uri, settings.algorithms, fetch=case.fetch)
    try:
        answer = authorizer.decide(event, settings, keys, clock=lambda: case.now).response
    except InvalidToken as refusal:
        return Decision(f"{refusal} ({quoted(refusal.kid)})" if refusal.kid else str(refusal))
    except KeysUnavailable:
        return Decision("the signature can't be checked without the issuer's keys")
    except ConfigError as error:
        return Decision(str(error))
    return Decision("", frozenset(str(answer["context"]["scope"]).split()))
