"""No token that was ever generated is allowed unless each rule holds, by a reading of our own.

`holds` shares no code with the service, nor with PyJWT: it is the rules once more, written for
clarity. `npm run fuzz` runs the same properties with many more examples.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from auth import InvalidToken, Settings
from auth.bearer import unverified_token
from auth.claims import verify
from auth.jwks import parse_jwks
from tests.support.deployed import Deployment, deployed
from tests.support.environment import environment
from tests.support.tokens import AUDIENCE, ISSUER, SigningKey, b64, good_claims, jwks, make_event, make_token

KEY = SigningKey.generate("key-1")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LEEWAY = 5

thousands = settings(max_examples=8 * settings().max_examples)


@pytest.fixture(scope="module")
def service() -> Iterator[Deployment]:
    with deployed(KEY) as deployment:
        yield deployment


# The independent reading.


class NotHeld(Exception):
    """A rule does not hold."""


def demand(rule: bool, name: str) -> None:
    if not rule:
        raise NotHeld(name)


def octets_of(segment: str) -> bytes:
    bits = "".join(f"{ALPHABET.index(character):06b}" for character in segment)
    whole = len(bits) // 8 * 8
    demand(len(bits) - whole < 6, "length")
    demand("1" not in bits[whole:], "left-over bits")
    return bytes(int(bits[n : n + 8], 2) for n in range(0, whole, 8))


class Object(list[tuple[str, Any]]):
    """A JSON object as it stands: its members in order, doubles and all."""


def has_doubles(value: object) -> bool:
    if isinstance(value, Object):
        names = sorted(name for name, _ in value)
        return any(map(str.__eq__, names, names[1:])) or any(has_doubles(member) for _, member in value)
    return isinstance(value, list) and any(has_doubles(member) for member in value)


def members_of(octets: bytes) -> dict[str, Any]:
    constants: list[str] = []
    try:
        value = json.loads(octets.decode("utf-8"), object_pairs_hook=Object, parse_constant=constants.append)
    except (ValueError, RecursionError):
        raise NotHeld("JSON") from None
    demand(not constants, "NaN or Infinity")
    demand(isinstance(value, Object), "object")
    demand(not has_doubles(value), "doubles")
    return dict(value)


def demand_signature(signing_input: str, signature: bytes) -> None:
    """RFC 8017 section 8.2.2, in numbers."""
    assert isinstance(KEY.private, rsa.RSAPrivateKey)
    numbers = KEY.private.public_key().public_numbers()
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    digest = hashlib.sha256(signing_input.encode()).digest()
    padded = b"\0\1" + b"\xff" * (256 - 3 - len(prefix) - 32) + b"\0" + prefix + digest
    number = int.from_bytes(signature)
    demand(len(signature) == 256 and number < numbers.n, "signature's size")
    demand(pow(number, numbers.e, numbers.n).to_bytes(256) == padded, "signature")


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


CONTROLS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0xD800, 0xE000))}
OTHER_TYPES = ("id", "refresh", "offline", "logout", "serialized-id")


def demand_all(credentials: object) -> None:
    demand(isinstance(credentials, str), "a string")
    assert isinstance(credentials, str)
    scheme, space, rest = credentials.partition(" ")
    demand(scheme.isascii() and scheme.lower() == "bearer" and space == " ", "scheme")
    token = rest.lstrip(" ")
    demand(len(credentials) <= 7 + 16384, "size")
    segments = token.split(".")
    demand(len(segments) == 3 and all(segments), "three segments")
    demand(set("".join(segments)) <= set(ALPHABET), "alphabet")
    header, payload = members_of(octets_of(segments[0])), members_of(octets_of(segments[1]))
    demand(header.get("alg") == "RS256", "alg")
    demand(header.keys().isdisjoint({"crit", "b64"}), "parameters")
    kinds = {prefix + kind for prefix in ("", "application/") for kind in ("jwt", "at+jwt", "jose")}
    demand("typ" not in header or str(header["typ"]).lower() in kinds, "typ")
    if "kid" in header or "x5t" in header:  # else the issuer's only key is meant
        demand(header.get("kid", header.get("x5t")) == "key-1", "kid")
    demand_signature(f"{segments[0]}.{segments[1]}", octets_of(segments[2]))
    now = time.time()
    demand(is_number(payload.get("exp")) and int(payload["exp"]) > now - LEEWAY, "exp")
    for name in ("nbf", "iat"):
        if name in payload:
            demand(is_number(payload[name]) and int(payload[name]) <= now + LEEWAY, name)
    demand(payload.get("iss") == ISSUER, "iss")
    audience = payload.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    demand(type(audiences) is list and all(isinstance(one, str) for one in audiences), "aud's type")
    demand(isinstance(audiences, list) and AUDIENCE in audiences, "aud")
    demand(payload.get("sub") is None or isinstance(payload["sub"], str), "sub")
    names = [payload.get(name) for name in ("sub", "client_id", "azp")]
    texts = [name for name in names if isinstance(name, str) and name]
    demand(texts != [] and not CONTROLS.intersection(texts[0]), "principal")
    demand(payload.get("token_use", "access") == "access", "token_use")
    for name, other in (("typ", OTHER_TYPES), ("token_type", OTHER_TYPES[:2]), ("type", OTHER_TYPES[:2])):
        demand(str(payload.get(name)).lower().removesuffix("token").strip("_-") not in other, name)
    demand(not isinstance(payload.get("events"), Object), "events")
    demand("cnf" not in payload, "cnf")
    demand("jti" not in payload or isinstance(payload["jti"], str), "jti")


def holds(credentials: object) -> bool:
    try:
        demand_all(credentials)
    except NotHeld as rule:
        seen(f"refused: {rule}")
        return False
    seen("allowed")
    return True


def pyjwt_refuses(token: str) -> bool:
    try:
        jwt.decode(
            token,
            jwt.PyJWK(KEY.jwk()),
            algorithms=["RS256"],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY,
            # Not `sub`: another claim may say who calls.
            options={"require": ["exp", "iss", "aud"], "verify_sub": False},
        )
    except jwt.PyJWTError:
        return True
    return False


def check(service: Deployment, credentials: object) -> None:
    """An Allow exactly if each rule holds; otherwise exactly `Unauthorized`, and one line of log."""
    answer = service.invoke(make_event(None) | {"authorizationToken": credentials})
    if holds(credentials):
        assert answer.error is None
        assert answer.response is not None
        assert isinstance(credentials, str)
        assert not pyjwt_refuses(credentials.split(" ")[-1])
    else:
        assert type(answer.error) is Exception
        assert str(answer.error) == "Unauthorized"
    assert [line["outcome"] for line in answer.log] == ["unauthorized" if answer.error else "policy"]
    assert answer.errors == ""


# What is generated. JSON is made as text, so that it can be what no serializer would write.

characters = st.characters(codec=None)  # lone surrogates too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(characters),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(characters), inner, max_size=4),
    max_leaves=8,
)
LITERALS = (
    *("1e400", "-1e400", "NaN", "Infinity", "-Infinity", "-0", "0.0", "01", "1.", "0x1", "+1", "1" * 5000),
    *('""', "[]", "{}", "null", "true", "false", "[[]]", "[" * 2000, "[" * 200 + "]" * 200, '{"a":1,"a":1}'),
    *(
        r'"\u0000"',
        r'"\ud800"',
        '"\x7f"',
        '"\\',
        "'",
        "nul",
        '"*"',
        '" "',
        '"a b"',
        '"none"',
        '"RS256"',
        '"HS256"',
    ),
    *(
        '"key-1"',
        '"KEY-1"',
        '"access"',
        '"id"',
        '"Refresh"',
        '{"x":{}}',
        '"JWT"',
        '"at+jwt"',
        '"Application/AT+JWT"',
        '"logout+jwt"',
        '["b64"]',
        '["RS256"]',
    ),
    *(f'"{ISSUER}"', f'"{ISSUER[:-1]}"', f'"{ISSUER}/"', f'["{ISSUER}"]', f'"{ISSUER.upper()}"'),
    *(f'"{AUDIENCE}"', f'["{AUDIENCE}"]', f'["x","{AUDIENCE}"]', f'["{AUDIENCE}",1]', f'"{AUDIENCE} "'),
)
times = st.builds(
    # Not so near to now that it matters when the test looks at the clock.
    lambda seconds, form: form.format(int(time.time()) + seconds),
    st.sampled_from([-(10**10), -86400, -60, -30, 30, 60, 86400, 10**10, 10**300]),
    st.sampled_from(["{}", "{}.5", "{}e0", '"{}"', "[{}]", "-{}", " {} "]),
)
literals = st.sampled_from(LITERALS) | times | json_values.map(json.dumps)
separators = st.sampled_from([",", " , ", ",\n", ",\r\n\t"])
oddities = st.sampled_from(["", " ", "\n", "\0", "\ufeff", "{}", ",", "x", "//"])


def one_in(many: int) -> st.SearchStrategy[bool]:
    return st.integers(1, many).map(lambda number: number == many)


def objects(good: dict[str, str], names: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """JSON texts of an object that is `good` but for a few members, and now and then no JSON at all."""
    name = st.sampled_from([*good, *good, *names]) | st.sampled_from(
        [*good, *names, "", "x", "SUB", "\ud800"]
    )
    edit = st.tuples(st.sampled_from(["set", "set", "drop", "double"]), name, literals)

    @st.composite
    def build(draw: st.DrawFn) -> bytes:
        if draw(one_in(12)):
            return draw(literals).encode("utf-8", "surrogatepass")
        members = list(good.items())
        for kind, changed, literal in draw(st.lists(edit, max_size=2)):
            if kind != "double":
                members = [member for member in members if member[0] != changed]
            if kind != "drop":
                members.insert(draw(st.integers(0, len(members))), (changed, literal))
        body = draw(separators).join(f"{json.dumps(name)}:{value}" for name, value in members)
        before, after = draw(st.tuples(oddities, oddities)) if draw(one_in(8)) else ("", "")
        return f"{before}{{{body}}}{after}".encode("utf-8", "surrogatepass")

    return build()


headers = objects(
    {"alg": '"RS256"', "kid": '"key-1"', "typ": '"JWT"'},
    ("crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "cty", "enc", "exp"),
)
payloads = st.deferred(
    lambda: objects(
        {
            "iss": f'"{ISSUER}"',
            "sub": '"client@clients"',
            "aud": f'"{AUDIENCE}"',
            "iat": str(int(time.time()) - 1),
            "exp": str(int(time.time()) + 86400),
            "scope": '"read:pets"',
        },
        (
            *("nbf", "jti", "cnf", "scp", "permissions", "act", "nonce"),
            *("azp", "client_id", "token_use", "token_type", "type", "typ", "events"),
        ),
    )
)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A good token, with a few characters changed, or segments from elsewhere."""
    text = f"Bearer {draw(st.sampled_from(GOOD))}"
    other = draw(st.sampled_from(GOOD)).split(".")
    character = st.sampled_from(ALPHABET) | st.sampled_from("=.+/ \t\n\0") | characters
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.sampled_from([*range(len(text) + 1), *range(12)]))
        kind = draw(st.sampled_from(["put", "insert", "cut", "turn case", "truncate", "segment"]))
        if kind == "put":
            text = text[:at] + draw(character) + text[at + 1 :]
        elif kind == "insert":
            text = text[:at] + draw(character) + text[at:]
        elif kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 4)) :]
        elif kind == "turn case":
            text = text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
        elif kind == "truncate":
            text = text[: max(at, 7)]
        else:
            segments = text.split(".")
            place = draw(st.integers(0, 2))
            if place < len(segments):
                segments[place] = draw(st.sampled_from([*other, f"Bearer {other[0]}"]))
            text = ".".join(segments)
    return text


TOMORROW = int(time.time()) + 86400  # a long run takes hours
GOOD = [make_token(KEY, good_claims(exp=TOMORROW), {"typ": typ}) for typ in ("JWT", "at+jwt", None)]


encoded = st.text(ALPHABET, min_size=1, max_size=30) | st.binary(min_size=1, max_size=300).map(b64)


@thousands
@given(json_values | st.text(characters) | st.text(characters).map("Bearer {}".format))
def test_anything_at_all(service: Deployment, credentials: object) -> None:
    check(service, credentials)


@thousands
@given(
    st.sampled_from(["Bearer ", "bearer ", "bEARER  "]),
    st.tuples(headers.map(b64), payloads.map(b64), encoded)
    | st.tuples(headers.map(b64), encoded, encoded)
    | st.lists(encoded, max_size=6),
)
def test_anything_in_the_form_of_a_token(service: Deployment, scheme: str, segments: Iterable[str]) -> None:
    check(service, scheme + ".".join(segments))


@thousands
@given(headers, payloads)
def test_any_header_and_payload_that_the_issuer_signed(
    service: Deployment, header: bytes, payload: bytes
) -> None:
    check(service, f"Bearer {make_token(KEY, payload, header)}")


@thousands
@given(mutations())
def test_any_change_of_a_good_token(service: Deployment, credentials: str) -> None:
    check(service, credentials)


OTHER_KEYS = [SigningKey.generate(alg, alg) for alg in ("PS256", "ES256", "ES384", "ES512", "EdDSA")]
OTHER_ISSUER = Settings.from_environment(environment(ALGORITHMS="PS256,ES256,ES384,ES512,EdDSA")).issuers[0]


@thousands
@given(st.sampled_from(OTHER_KEYS), st.binary(min_size=1, max_size=140) | st.binary(min_size=64, max_size=64))
def test_any_signature_that_the_issuer_did_not_make(key: SigningKey, signature: bytes) -> None:
    signing_input, _, _ = make_token(key).rpartition(".")
    forged = unverified_token(f"Bearer {signing_input}.{b64(signature)}")
    known = parse_jwks(jwks(key), [key.alg]).by_kid[key.kid, key.alg]

    with pytest.raises(InvalidToken, match="signature"):
        verify(forged, known, OTHER_ISSUER, time.time())
