"""This file is a JWKS: which of its keys may verify tokens, and for which algorithm (RFC 7517)."""

import json
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jwt import PyJWK

MAX_KEYS = 300
RSA_BITS = range(2048, 8192 + 1)


def parse_jwks(body: bytes, algorithms: Collection[str]) -> "dict[str, PyJWK]":
    """Return the usable keys of a JWKS (RFC 7517 section 5), by `kid`. Unusable keys are skipped.

    Raises ValueError if no key is usable, or if `body` is not a JWKS.
    """
    try:
        jwks = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    jwk_list = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(jwk_list, list):
        raise ValueError("not a JWKS: no list of keys")
    if len(jwk_list) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    # A kid of several keys names none of them.
    named = [jwk for jwk in jwk_list if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str)]
    times = Counter(jwk["kid"] for jwk in named)
    parsed = {jwk["kid"]: _usable_key(jwk, algorithms) for jwk in named if times[jwk["kid"]] == 1}
    keys = {kid: key for kid, key in parsed.items() if key is not None}
    if not keys:
        raise ValueError("no usable key")
    return keys


def _usable_key(jwk: dict[str, Any], algorithms: Collection[str]) -> "PyJWK | None":
    # The slowest imports of a cold start, which can wait until a fetch is under way (see handler.py).
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from jwt import PyJWK  # noqa: PLC0415

    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if "d" in jwk:  # a private key, published by mistake: anybody can sign with it
        return None
    try:
        # It also rejects points off the curve, and exponents that are even or 1.
        key = PyJWK(jwk)
    except Exception:  # noqa: BLE001 - whatever a hostile key breaks in the parsers, it is unusable
        return None
    if key.algorithm_name not in algorithms:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size not in RSA_BITS:
        return None
    return key
