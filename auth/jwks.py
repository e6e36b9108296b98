"""This file is a JWKS: which of its keys may verify tokens, and for which algorithms (RFC 7517, RFC 7518)."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, get_algorithm_by_name

MAX_KEYS = 300
RSA_BITS = range(2048, 8192 + 1)

RSA_ALGORITHMS: tuple[str, ...] = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
EC_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
# RFC 9864: `Ed25519` is what was always meant by `EdDSA` with that curve.
ED25519_ALGORITHMS = ("EdDSA", "Ed25519")

# RFC 7518 sections 6.2.2 and 6.3.2.
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey


class Key(NamedTuple):
    """A public key for one algorithm."""

    alg: str
    public_key: PublicKey
    issuers: frozenset[str | None]
    """The `iss` of the tokens that it may verify (see `may_verify`). None among them: any."""

    def has_signed(self, signing_input: bytes, signature: bytes) -> bool:
        algorithm = get_algorithm_by_name("EdDSA" if self.alg == "Ed25519" else self.alg)
        # Weak keys are not usable in the first place. This is a second lock, which PyJWT leaves to its
        # callers.
        if algorithm.check_key_length(self.public_key):
            return False
        is_signed: bool = algorithm.verify(signing_input, self.public_key, signature)
        return is_signed

    def may_verify(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the key is for the issuer of these claims.

        Some JWKS serve several issuers and say whose a key is, in a member `issuer`. In Entra ID's,
        `{tenantid}` stands for the tenant, which is the claim `tid` (Microsoft, "Access tokens in the
        identity platform").
        """
        tenant = str(claims.get("tid", ""))
        issuers = {issuer and issuer.replace("{tenantid}", tenant) for issuer in self.issuers}
        return None in issuers or claims["iss"] in issuers


class KeySet(NamedTuple):
    """The usable keys of a JWKS, by what a token may say of its key."""

    by_kid: Mapping[tuple[str, str], Key]
    """By `kid` and `alg`."""
    lone: Mapping[str, Key]
    """By `alg`, if there is just one key for it: for tokens that name no key."""

    def find(self, kid: str | None, alg: str) -> Key | None:
        """Return the key of a token whose header has these parameters, if it is in the set."""
        return self.lone.get(alg) if kid is None else self.by_kid.get((kid, alg))


def parse_jwks(body: bytes, algorithms: Collection[str]) -> KeySet:
    """Return the keys of a JWKS (RFC 7517 section 5) that are usable for these algorithms. Others are
    skipped.

    Raises ValueError if no key is usable, or if `body` is not a JWKS.
    """
    return key_set(parse_json(body), algorithms)


def parse_json(body: bytes) -> Any:
    """Return what JSON stands for. Raises ValueError if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None


def key_set(jwks: object, algorithms: Collection[str]) -> KeySet:
    """Return the usable keys of a JWKS that is no longer JSON. Raises ValueError as `parse_jwks` does."""
    by_kid = defaultdict[tuple[str, str], list[Key]](list)
    by_alg = defaultdict[str, list[Key]](list)
    for kid, key in _usable_keys(_jwk_list(jwks), algorithms):
        by_alg[key.alg].append(key)
        if kid:
            by_kid[kid, key.alg].append(key)
    keys = KeySet(
        by_kid={name: only for name, copies in by_kid.items() if (only := _only(copies))},
        lone={alg: only for alg, copies in by_alg.items() if (only := _only(copies))},
    )
    if not keys.by_kid and not keys.lone:
        raise ValueError("no usable key")
    return keys


def _jwk_list(jwks: object) -> list[dict[str, Any]]:
    jwk_list = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(jwk_list, list):
        raise ValueError("not a JWKS: no list of keys")
    if len(jwk_list) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    # A member that is null or an empty list is absent.
    return [
        {name: value for name, value in jwk.items() if value is not None and value != []}
        for jwk in jwk_list
        if isinstance(jwk, dict)
    ]


def _usable_keys(
    jwk_list: list[dict[str, Any]], algorithms: Collection[str]
) -> Iterator[tuple[str | None, Key]]:
    """Yield each usable key with its `kid`, once for each algorithm that it is for."""
    parsed = [(jwk, public_key) for jwk in jwk_list if (public_key := _public_key(jwk))]
    # A private key that was published by mistake: anybody can sign with it.
    exposed = {_secret_of(public_key) for jwk, public_key in parsed if _PRIVATE_MEMBERS & jwk.keys()}
    for jwk, public_key in parsed:
        kid, issuer = jwk.get("kid"), jwk.get("issuer")
        if (
            isinstance(kid, str | None)
            and isinstance(issuer, str | None)
            and _is_for_signatures(jwk)
            and _is_strong(public_key)
            and _secret_of(public_key) not in exposed
        ):
            for alg in _algorithms_of(jwk, public_key):
                if alg in algorithms:
                    yield kid, Key(alg, public_key, frozenset({issuer}))


def _only(copies: list[Key]) -> Key | None:
    """Return the one key that all of these are copies of. Two keys of one name: the name says nothing."""
    first = copies[0]
    if any(_identity(copy.public_key) != _identity(first.public_key) for copy in copies):
        return None
    return Key(first.alg, first.public_key, frozenset[str | None]().union(*(copy.issuers for copy in copies)))


def _public_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    public = {name: value for name, value in jwk.items() if name not in _PRIVATE_MEMBERS}
    try:
        curve = EC_ALGORITHMS[public["crv"]] if public["kty"] == "EC" else ""
        # PyJWT rejects points off the curve.
        key = PyJWK(public, algorithm={"RSA": "RS256", "EC": curve, "OKP": "EdDSA"}[public["kty"]]).key
    except Exception:  # noqa: BLE001 - whatever a hostile key breaks in the parsers, it is unusable
        return None
    return key if isinstance(key, PublicKey) else None


def _is_for_signatures(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _is_strong(key: PublicKey) -> bool:
    if not isinstance(key, RSAPublicKey):
        return True
    numbers = key.public_numbers()
    return key.key_size in RSA_BITS and numbers.n % 2 == 1 and numbers.e % 2 == 1 and numbers.e > 1


def _algorithms_of(jwk: Mapping[str, Any], key: PublicKey) -> Collection[str]:
    """Return the algorithms that a key is for: that of its `alg`, or else all of its type and curve."""
    alg = jwk.get("alg")
    if isinstance(key, Ed25519PublicKey):
        return ED25519_ALGORITHMS if alg is None or alg in ED25519_ALGORITHMS else ()
    if isinstance(key, RSAPublicKey):
        possible = RSA_ALGORITHMS
    elif isinstance(key, Ed448PublicKey):
        possible = ("EdDSA",)
    else:
        possible = (EC_ALGORITHMS[jwk["crv"]],)
    return [name for name in possible if alg in (None, name)]


def _secret_of(key: PublicKey) -> object:
    """Return what the private key gives away: of RSA the modulus, whatever the exponent."""
    return key.public_numbers().n if isinstance(key, RSAPublicKey) else _identity(key)


def _identity(key: PublicKey) -> object:
    """Return what two copies of a key have in common."""
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        return key.public_numbers()
    return key.public_bytes_raw()
