"""An issuer's keys, and the tokens that it signs: real keys, and tokens put together from raw bytes.

Nothing here uses PyJWT, so that no error in it, or in its use, can be in both places.
"""

import json
import random
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER = "https://issuer.example/"
AUDIENCE = "https://your-api-gateway"
METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:apiId/dev/GET/pets"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
_CURVES = {
    "ES256": (ec.SECP256R1, "P-256", 32),
    "ES384": (ec.SECP384R1, "P-384", 48),
    "ES512": (ec.SECP521R1, "P-521", 66),
}


def b64(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def b64_uint(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8 or 1))


@dataclass(frozen=True)
class SigningKey:
    """A key pair of the issuer, for one algorithm."""

    kid: str
    alg: str
    private: PrivateKey

    @staticmethod
    def generate(kid: str, alg: str = "RS256", *, bits: int = 2048) -> "SigningKey":
        private: PrivateKey
        if alg in _CURVES:
            private = ec.generate_private_key(_CURVES[alg][0]())
        elif alg in ("EdDSA", "Ed25519"):
            private = ed25519.Ed25519PrivateKey.generate()
        else:
            private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return SigningKey(kid, alg, private)

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Return the public key as a JWK (RFC 7517, RFC 7518). A change to None removes a member."""
        jwk: dict[str, Any] = {"kid": self.kid, "alg": self.alg, "use": "sig"}
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.public_key().public_numbers()
            jwk |= {"kty": "RSA", "n": b64_uint(numbers.n), "e": b64_uint(numbers.e)}
        elif isinstance(self.private, ec.EllipticCurvePrivateKey):
            point = self.private.public_key().public_numbers()
            _, curve, size = _CURVES[self.alg]
            jwk |= {"kty": "EC", "crv": curve}
            jwk |= {"x": b64(point.x.to_bytes(size)), "y": b64(point.y.to_bytes(size))}
        else:
            octets = self.private.public_key().public_bytes_raw()
            jwk |= {"kty": "OKP", "crv": "Ed25519", "x": b64(octets)}
        return {name: value for name, value in (jwk | changes).items() if value is not None}

    def sign(self, data: bytes, alg: str | None = None) -> bytes:
        """Return the signature over `data` in the form of a JWS (RFC 7518 section 3, RFC 8037)."""
        alg = alg or self.alg
        if isinstance(self.private, rsa.RSAPrivateKey):
            digest = _HASHES[alg[2:]]()
            if alg.startswith("PS"):
                pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
                return self.private.sign(data, pss, digest)
            return self.private.sign(data, padding.PKCS1v15(), digest)
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            size = _CURVES[self.alg][2]
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(_HASHES[alg[2:]]())))
            return r.to_bytes(size) + s.to_bytes(size)
        return self.private.sign(data)


def jwks(*keys: SigningKey | dict[str, Any]) -> bytes:
    """Return the JSON of a JWKS (RFC 7517 section 5)."""
    members = [key.jwk() if isinstance(key, SigningKey) else key for key in keys]
    return json.dumps({"keys": members}).encode()


def good_claims(**changes: Any) -> dict[str, Any]:
    """Return claims that are valid now. A change to None removes a claim."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": "client@clients",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 3600,
        "azp": "client",
        "scope": "read:pets",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def make_token(
    key: SigningKey,
    claims: Mapping[str, Any] | bytes | None = None,
    header: Mapping[str, Any] | bytes | None = None,
) -> str:
    """Return a token signed by `key`. Claims and header that are bytes are used as they are."""
    if claims is None:
        claims = good_claims()
    if header is None:
        header = {}
    if not isinstance(header, bytes):
        members = {"alg": key.alg, "kid": key.kid, "typ": "JWT"} | dict(header)
        header = json.dumps({k: v for k, v in members.items() if v is not None}).encode()
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signing_input = f"{b64(header)}.{b64(payload)}"
    return f"{signing_input}.{b64(key.sign(signing_input.encode()))}"


@cache
def token(key: SigningKey, **claims: Any) -> str:
    """Return a good token, the same one for the same key and claims."""
    return make_token(key, good_claims(**claims))


def token_with_kid(kid: str) -> str:
    """Return a token with this kid, and with a signature of zeros."""
    header = json.dumps({"alg": "RS256", "kid": kid}).encode()
    return f"{b64(header)}.{b64(json.dumps(good_claims()).encode())}.{b64(bytes(256))}"


def token_with_unknown_kid() -> str:
    """Return a token that is well formed, with a kid that no issuer has."""
    return token_with_kid(f"{random.getrandbits(128):x}")


def make_event(token: object, method_arn: str = METHOD_ARN) -> dict[str, Any]:
    """Return the event of a TOKEN authorizer. A string is sent as a bearer token."""
    credentials = f"Bearer {token}" if isinstance(token, str) else token
    return {"type": "TOKEN", "authorizationToken": credentials, "methodArn": method_arn}
