"""What the event claims, before anyone verified it: nothing here is to be trusted."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from .errors import ConfigError, InvalidToken

MAX_TOKEN_BYTES = 16 * 1024

# RFC 6750 section 2.1: one token, here a JWS in compact form (RFC 7515 section 7.1). A scheme is the same
# in any case (RFC 9110 section 11.1).
_CREDENTIALS = re.compile(r"(?i:bearer) +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
_MAX_CREDENTIALS_BYTES = len("Bearer ") + MAX_TOKEN_BYTES

# An access token is a plain JWT or says that it is one (RFC 9068 section 2.1); the rest, such as
# logout+jwt or dpop+jwt, was signed for another purpose (RFC 8725 section 3.11).
_ACCESS_TOKEN_TYPES = frozenset({"jwt", "at+jwt"})

# Each changes how a token is to be read (RFC 7515 4.1.11, RFC 7797, RFC 7516 4.1.3): none is for us.
_REFUSED_PARAMETERS = ("crit", "b64", "zip")


def unverified_token(event: Mapping[str, Any]) -> str:
    """Return the compact JWS that the event of a TOKEN authorizer carries.

    Raises InvalidToken where there is none, and ConfigError if the event is of another kind.
    Source: AWS, "Input to an API Gateway Lambda authorizer".
    """
    if event.get("type") != "TOKEN":
        raise ConfigError('this is a TOKEN authorizer: the event needs "type": "TOKEN"')
    credentials = event.get("authorizationToken")
    if not isinstance(credentials, str):
        raise InvalidToken("no bearer token")
    if len(credentials) > _MAX_CREDENTIALS_BYTES:
        raise InvalidToken(f"longer than {MAX_TOKEN_BYTES} bytes")
    match = _CREDENTIALS.fullmatch(credentials)
    if match is None:
        raise InvalidToken("not one bearer token of three base64url segments")
    return match[1]


def unverified_kid(token: str, algorithms: Collection[str]) -> str:
    """Return the name of the key that is said to have signed a token.

    Raises InvalidToken for a header that no key can make good.
    """
    header = unverified_header(token.partition(".")[0])
    if header.get("alg") not in algorithms:
        raise InvalidToken("alg is not one of ALGORITHMS")
    kid: str = header["kid"]
    return kid


# All tokens of a key share one header text, so that it is read once and not once a token.
@lru_cache(maxsize=64)
def unverified_header(segment: str) -> dict[str, Any]:
    """Return what a token says of its own signature (RFC 7515 section 4.1), to be looked at only.

    Raises InvalidToken for what is not the header of an access token. Keys that it offers (`jwk`,
    `jku`, `x5c`, `x5u`) are not looked at: any caller can write them.
    """
    header = json_object(segment_octets(segment.encode()))
    if any(name in header for name in _REFUSED_PARAMETERS):
        raise InvalidToken("the header has a crit, b64 or zip parameter")
    token_type = header.get("typ", "JWT")
    if (
        not isinstance(token_type, str)
        or token_type.lower().removeprefix("application/") not in _ACCESS_TOKEN_TYPES
    ):
        raise InvalidToken("typ is not that of an access token")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid.isprintable() or not kid:
        raise InvalidToken("kid is missing, or is not a printable string")
    return header


def segment_octets(segment: bytes) -> bytes:
    """Return the octets of a base64url segment. Raises InvalidToken unless it is their one text.

    Two texts for the same octets would be two tokens to a cache (RFC 4648 section 3.5).
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

    Stricter than `json`: no byte-order mark, no NaN or Infinity, and no member twice at any
    depth, for which two readers may take different values (RFC 8259 section 4, RFC 7519 section 4).
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
        raise ValueError("a member stands twice")
    return unique


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
