"""The keys at a URL, as the authorizer would use them, and the algorithms that they are for."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from auth.jwks import parse_jwks
from auth.settings import ALGORITHMS

from .discovery import Fetch
from .token_decision import Unverified


def usable_keys(uri: str, fetch: Fetch, algorithms: Collection[str] = ALGORITHMS) -> dict[str, Any]:
    """Return the public keys at a URL, by kid.

    Raises OSError or ValueError, with the reason, if there is no usable one.
    """
    return {kid: key.key for kid, key in parse_jwks(fetch(uri), algorithms).items()}


def kids_by_algorithm(uri: str, fetch: Fetch) -> dict[str, frozenset[str]]:
    """Return which keys each algorithm can use, in the order of ALGORITHMS. Empty if there are no keys."""
    kids = {}
    for algorithm in ALGORITHMS:
        with suppress(OSError, ValueError):
            kids[algorithm] = frozenset(usable_keys(uri, fetch, (algorithm,)))
    return kids


def sufficient_algorithms(
    kids: Mapping[str, frozenset[str]], token: Unverified | None, but_for: Collection[str] = ()
) -> list[str]:
    """Return as few algorithms as use all keys, but for some kids. That of a token counts before others."""
    preferred = token.header.get("alg") if token else None
    used, chosen = set(but_for), []
    for algorithm in sorted(kids, key=lambda algorithm: algorithm != preferred):
        if not kids[algorithm] <= used:
            used |= kids[algorithm]
            chosen.append(algorithm)
    return chosen
