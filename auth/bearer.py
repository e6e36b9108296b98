"""This file is what a token claims before anyone verified it. Nothing here is to be trusted."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from .errors import InvalidToken

MAX_TOKEN_BYTES = 16 * 1024

# RFC 6750 section 2.1: one token, here a JWS in compact form (RFC 7515 section 7.1). The scheme is not
# case-sensitive (RFC 9110 section 11.1).
_CREDENTIALS = re.compile(r"(?i:bearer) +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
_MAX_CREDENTIALS_BYTES = len("Bearer ") + MAX_TOKEN_BYTES

# An access token is a plain JWT or says that it is one (RFC 9068 section 2.1). Other types, such as
# logout+jwt or dpop+jwt, were signed for another purpose (RFC 8725 section 3.11).
_ACCESS_TOKEN_TYPES = frozenset({"jwt", "at+jwt"})

# Header parameters that change how a token is to be read (RFC 7515 section 4.1.11, RFC 7797, RFC 7516 section
# 4.1.3).
_UNSUPPORTED_PARAMETERS = ("crit", "b64", "zip")


@dataclass(frozen=True)
class UnverifiedHeader:
    """What a token says of its own signature (RFC 7515 section 4.1): enough to look for the key.

    Keys that it offers itself (`jwk`, `jku`, `x5c`, `x5u`) are ignored: any caller can write them.
    """

    alg: object
    kid: str


def unverified_token(credentials: object) -> str:
    """Return the compact JWS in the value of an Authorization header.

    Raises InvalidToken if there is none.
    """
    if not isinstance(credentials, str):
        raise InvalidToken("no bearer token")
    if len(credentials) > _MAX_CREDENTIALS_BYTES:
        raise InvalidToken(f"longer than {MAX_TOKEN_BYTES} bytes")
    match = _CREDENTIALS.fullmatch(credentials)
    if match is None:
        raise InvalidToken("not a bearer token of three base64url segments")
    return match[1]


def unverified_header(token: str, algorithms: Collection[str]) -> UnverifiedHeader:
    """Return the header of a token. Raises InvalidToken if no key could make such a token valid."""
    header = _parsed_header(token.partition(".")[0])
    if header.alg not in algorithms:
        raise InvalidToken("alg is not in ALGORITHMS")
    return header


# All tokens of a key have the same header, so it is parsed once for all of them.
@lru_cache(maxsize=64)
def _parsed_header(segment: str) -> UnverifiedHeader:
    header = json_object(segment_octets(segment.encode()))
    if any(name in header for name in _UNSUPPORTED_PARAMETERS):
        raise InvalidToken("the header has a crit, b64 or zip parameter")
    token_type = header.get("typ", "JWT")
    if (
        not isinstance(token_type, str)
        or token_type.lower().removeprefix("application/") not in _ACCESS_TOKEN_TYPES
    ):
        raise InvalidToken("typ is not that of an access token")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid.isprintable() or not kid:
        raise InvalidToken("kid is missing, or not a printable string")
    return UnverifiedHeader(header.get("alg"), kid)


def unverified_payload(token: str) -> dict[str, Any]:
    """Return the claims of a token. Raises InvalidToken if they are not a JSON object."""
    return json_object(segment_octets(token.split(".")[1].encode()))


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
