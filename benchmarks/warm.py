"""How long a decision takes while the keys are cached: an Allow, in multiples of the signature check that it
contains, and each kind of refusal.

`npm run bench`. A decision that did nothing but check the signature would be 1.0. Other load on the machine
slows both.
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import closing, suppress
from statistics import median

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from auth import InvalidToken, Settings, fetch
from auth.authorizer import decide
from auth.keys import KeyStore
from tests.support.environment import environment
from tests.support.jwks_server import JwksServer, answer
from tests.support.tokens import AUDIENCE, ISSUER, SigningKey, good_claims, jwks, make_event, make_token

KEYS = {
    "RS256-2048": SigningKey.generate("A1iH9mGRrb9dZAzgB7lJ7", "RS256"),
    "RS256-4096": SigningKey.generate("B1iH9mGRrb9dZAzgB7lJ7", "RS256", bits=4096),
    "ES256": SigningKey.generate("C1iH9mGRrb9dZAzgB7lJ7", "ES256"),
    "EdDSA": SigningKey.generate("D1iH9mGRrb9dZAzgB7lJ7", "EdDSA"),
}
TOKENS = 100
ROUNDS = 31
TARGET = 4.0  # for RS256-2048
TARGET_OF_THREE = 5.0


def typical_claims(number: int) -> dict[str, object]:
    """What Auth0 puts into an access token of a user with roles."""
    rights = ["read:pets", "create:pets", "update:pets", "delete:pets"]
    return good_claims(
        sub=f"auth0|{number:024d}",
        aud=[AUDIENCE, f"{ISSUER}userinfo"],
        azp="0123456789abcdef0123456789abcdef",
        scope=" ".join(["openid", "profile", "email", *rights]),
        permissions=rights,
    )


def bare_verification(key: SigningKey) -> Callable[[bytes, bytes], None]:
    """What the library under all of them needs for the signature alone."""
    public = key.private.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return lambda signature, data: public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(public, ec.EllipticCurvePublicKey):
        return lambda signature, data: public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    return public.verify


def raw_signature(key: SigningKey, token: str) -> tuple[bytes, bytes]:
    data, _, segment = token.rpartition(".")
    signature = urlsafe_b64decode(segment + "==")
    if key.alg == "ES256":
        signature = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    return signature, data.encode()


def seconds(function: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


OTHERS = {
    f"{name}__{suffix}": value
    for suffix in ("A", "B")
    for name, value in (
        ("TOKEN_ISSUER", f"https://{suffix}.example/"),
        ("JWKS_URI", f"https://{suffix}.example/jwks.json"),
        ("AUDIENCE", "api"),
    )
}


def measure(key: SigningKey, **others: str) -> tuple[float, float, float]:
    """Return the seconds that a token takes: the bare verification, this service, PyJWT's way.

    `others` are the variables of more issuers.
    """
    tokens = [make_token(key, typical_claims(number)) for number in range(TOKENS)]
    events = [make_event(token) for token in tokens]
    signatures = [raw_signature(key, token) for token in tokens]
    check = bare_verification(key)
    settings = Settings.from_environment(environment(ALGORITHMS=key.alg, **others))

    def documented(token: str) -> object:
        """PyJWT's manual, "Retrieve RSA signing keys from a JWKS endpoint"."""
        return jwt.decode(
            token,
            client.get_signing_key_from_jwt(token),
            algorithms=[key.alg],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    with closing(JwksServer(answer(jwks(key)))) as issuer:
        keys = dict.fromkeys(settings.issuers, KeyStore(issuer.url, (key.alg,), fetch=fetch))
        client = jwt.PyJWKClient(issuer.url)
        # One token at a time and in turns, so that what else the machine does slows all of them, and the
        # median leaves out the calls that it interrupted.
        rounds = [
            (
                seconds(check, *signature),
                seconds(decide, event, settings, keys),
                seconds(documented, token),
            )
            for _ in range(ROUNDS)
            for token, event, signature in zip(tokens, events, signatures, strict=True)
        ]
    bare, ours, pyjwt = (median(times) for times in zip(*rounds, strict=True))
    return bare, ours, pyjwt


def refusals() -> dict[str, float]:
    """Return the seconds that each kind of refused token takes."""
    key, stranger = KEYS["RS256-2048"], SigningKey.generate(KEYS["RS256-2048"].kid, "RS256")
    unknown = SigningKey("nobody's", "RS256", stranger.private)
    good = make_token(key)
    kinds = {
        "ten megabytes": "a" * 10_000_000,
        "no JWT": "not-a-token",
        "alg none": make_token(key, header={"alg": "none"}),
        "expired": make_token(key, good_claims(exp=1)),
        "an unknown kid": make_token(unknown),
        "a stranger's signature": make_token(stranger),
    }
    settings = Settings.from_environment(environment())
    keys = {settings.issuers[0]: KeyStore("https://issuer.example/", ("RS256",), fetch=lambda _: jwks(key))}
    decide(make_event(good), settings, keys)

    def refuse(event: dict[str, object]) -> None:
        with suppress(InvalidToken):
            decide(event, settings, keys)

    events = {kind: make_event(token) for kind, token in kinds.items()}
    rounds = [{kind: seconds(refuse, event) for kind, event in events.items()} for _ in range(1000)]
    return {kind: median(times[kind] for times in rounds) for kind in kinds}


def main() -> None:
    print(f"Warm decision, median of {ROUNDS} rounds of {TOKENS} tokens")
    print()
    print("| key          | bare verify | this service  | PyJWT's documented way |")
    print("| ------------ | ----------: | ------------: | ---------------------: |")
    rows: list[tuple[str, SigningKey, dict[str, str]]] = [(name, key, {}) for name, key in KEYS.items()]
    for name, key, others in [*rows, ("of 3 issuers", KEYS["RS256-2048"], OTHERS)]:
        bare, ours, documented = measure(key, **others)
        print(
            f"| {name:12} | {bare * 1e6:5.0f} us    "
            f"| {ours * 1e6:4.0f} us {ours / bare:4.1f}x "
            f"| {documented * 1e6:8.0f} us {documented / bare:8.1f}x |"
        )
    print()
    print(f"Target: RS256-2048 at most {TARGET:g}x, of 3 issuers at most {TARGET_OF_THREE:g}x")
    print()
    print(
        "Refused, while the keys are held: "
        + ", ".join(f"{k} {t * 1e6:.0f} us" for k, t in refusals().items())
    )


if __name__ == "__main__":
    main()
