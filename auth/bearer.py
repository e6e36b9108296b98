"""This file is what a token claims before anyone verified it. Nothing here is to be trusted."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from .errors import InvalidToken

MAX_TOKEN_BYTES = 16 * 1024

# RFC 6750 section 2.1: one token, here a JWS in compact form (RFC 7515 section 7.1). The scheme is not
# case-sensitive (RFC 9110 section 11.1).
_CREDENTIALS = re.compile(r"(?i:bearer) +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
_MAX_CREDENTIALS_BYTES = len("Bearer ") + MAX_TOKEN_BYTES


class UnverifiedHeader(NamedTuple):
    """What a token says of its own signature (RFC 7515 section 4.1): enough to look for the key.

    Keys that it offers itself (`jwk`, `jku`, `x5c`, `x5u`) are ignored: any caller can write them. So is
    `zip`, which means nothing for a JWS (RFC 7516 section 4.1.3).
    """

    alg: str
    kid: str | None
    """The `kid`, or else the `x5t`, by which ADFS names its keys."""
    typ: str
    """See `normal_type`. `jwt` if there is none."""


class UnverifiedToken(NamedTuple):
    """A JWS in parts (RFC 7515 section 7.1)."""

    header: UnverifiedHeader
    claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes


def unverified_token(credentials: object) -> UnverifiedToken:
    """Return the token in the value of an Authorization header. Raises InvalidToken if there is none."""
    if not isinstance(credentials, str):
        raise InvalidToken("no bearer token")
    if len(credentials) > _MAX_CREDENTIALS_BYTES:
        raise InvalidToken(f"longer than {MAX_TOKEN_BYTES} bytes")
    match = _CREDENTIALS.fullmatch(credentials)
    if match is None:
        raise InvalidToken("not a bearer token of three base64url segments")
    signing_input, _, signature = match[1].encode().rpartition(b".")
    header, _, payload = signing_input.partition(b".")
    return UnverifiedToken(
        header=_header(header),
        claims=json_object(segment_octets(payload)),
        signing_input=signing_input,
        signature=segment_octets(signature),
    )


# All tokens of a key have the same header, so it is parsed once for all of them.
@lru_cache(maxsize=64)
def _header(segment: bytes) -> UnverifiedHeader:
    header = json_object(segment_octets(segment))
    # They change how a token is to be read (RFC 7515 section 4.1.11, RFC 7797).
    if "crit" in header or "b64" in header:
        raise InvalidToken("the header has a crit or b64 parameter")
    kid = header.get("kid", header.get("x5t"))
    has_kid = "kid" in header or "x5t" in header
    if has_kid and not (isinstance(kid, str) and kid and kid.isprintable()):
        raise InvalidToken(f"{'kid' if 'kid' in header else 'x5t'} is not a printable string")
    alg, typ = (
        value if isinstance(value, str) else "" for value in (header.get("alg"), header.get("typ", "JWT"))
    )
    return UnverifiedHeader(alg, kid, normal_type(typ))


def normal_type(typ: str) -> str:
    """Return a media type in lower case and without `application/` (RFC 7515 section 4.1.9).

    JOSE is the type of any JWS, so it says no more than JWT.
    """
    name = typ.lower().removeprefix("application/")
    return "jwt" if name == "jose" else name


def segment_octets(segment: bytes) -> bytes:
    """Return the octets of a base64url segment. Raises InvalidToken unless it is the canonical encoding.

    Two encodings of the same octets would be two tokens to a cache (RFC 4648 section 3.5).
    """
    try:
        octets = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        raise InvalidToken("a segment is not base64url") from None
    if urlsafe_b64encode(octets).rstrip(b"=") != segment:
        raise InvalidToken("a segment is not canonical base64url")
    return octets


def json_object(octets: bytes) -> dict[str, Any]:
    """Return the JSON object in UTF-8 `octets`. Raises InvalidToken for anything else.

    Stricter than `json`: no byte-order mark, no NaN or Infinity, and at no depth a duplicate member, of which
    two readers may take different values (RFC 8259 section 4, RFC 7519 section 4).
    """
    try:
        value = _DECODER.decode(octets.decode())
    except (ValueError, RecursionError):
        raise InvalidToken("a segment is not strict JSON") from None
    if not isinstance(value, dict):
        raise InvalidToken("a segment is not a JSON object")
    return value


def _unique_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(members)
    if len(unique) != len(members):
        raise ValueError("duplicate member")
    return unique


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_reject_constant)
