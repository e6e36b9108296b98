"""The keys at a URL, as the authorizer would use them, and the algorithms that they are for."""

import re
from collections.abc import Collection, Mapping

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth.jwks import Key, parse_jwks
from auth.settings import ALGORITHMS
from tools.difference import is_same_but_for_spelling
from tools.discovery import Fetch

from .token_decision import Unverified

Name = tuple[str | None, str]
"""What tokens name a key by: its `kid` and `alg`. No `kid`: the only key for that `alg`."""


def usable_keys(uri: str, fetch: Fetch, token_issuer: Collection[str]) -> dict[Name, bytes]:
    """Return the public keys at a URL that can verify tokens of these issuers, or of any if there are none.

    Raises OSError or ValueError, with the reason, if there are none.
    """
    key_set = parse_jwks(fetch(uri), ALGORITHMS)
    keys: dict[Name, Key] = dict(key_set.by_kid.items())
    named = {(key.alg, _octets(key)) for key in keys.values()}
    keys |= {(None, alg): key for alg, key in key_set.lone.items() if (alg, _octets(key)) not in named}
    usable = {name: _octets(key) for name, key in keys.items() if _is_for(key, token_issuer)}
    if not usable:
        raise ValueError("all keys are for the tokens of other issuers")
    return usable


def kids_by_algorithm(
    uri: str, fetch: Fetch, token_issuer: Collection[str] = ()
) -> dict[str, frozenset[str | None]]:
    """Return which keys each algorithm can use, in the order of ALGORITHMS. Empty if there are no keys."""
    try:
        names = usable_keys(uri, fetch, token_issuer).keys()
    except (OSError, ValueError):
        return {}
    kids = {alg: frozenset(kid for kid, of in names if of == alg) for alg in ALGORITHMS}
    return {alg: those for alg, those in kids.items() if those}


def sufficient_algorithms(
    kids: Mapping[str, frozenset[str | None]], token: Unverified | None, but_for: Collection[str | None] = ()
) -> list[str]:
    """Return as few algorithms as use all keys, but for some kids. That of a token counts before others."""
    preferred = token.header.get("alg") if token else None
    used, chosen = set(but_for), []
    for algorithm in sorted(kids, key=lambda algorithm: algorithm != preferred):
        if not kids[algorithm] <= used:
            used |= kids[algorithm]
            chosen.append(algorithm)
    return chosen


def _octets(key: Key) -> bytes:
    return key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _is_for(key: Key, token_issuer: Collection[str]) -> bool:
    """Tell whether a key may verify tokens of one of these issuers, however they are spelled."""
    return not token_issuer or any(
        issuer is None or _is_meant(issuer, name) for issuer in key.issuers for name in token_issuer
    )


def _is_meant(issuer: str, name: str) -> bool:
    """Tell whether a JWK's `issuer` means an issuer. `{tenantid}` in it stands for any tenant."""
    pattern = re.escape(issuer).replace(re.escape("{tenantid}"), "[^/]+")
    return is_same_but_for_spelling(issuer, name) or bool(re.fullmatch(pattern, name))
