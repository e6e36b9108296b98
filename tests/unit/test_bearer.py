"""What is read of a token before anyone verified it. The hostile ones are in test_hostile_tokens.py."""

import json

import pytest

from auth import InvalidToken
from auth.bearer import (
    MAX_TOKEN_BYTES,
    UnverifiedHeader,
    UnverifiedToken,
    _header,
    json_object,
    segment_octets,
    unverified_token,
)
from tests.support.tokens import b64

HEADER = b64(b'{"alg":"RS256","kid":"key-1"}')


def token_of(size: int) -> str:
    return f"{HEADER}.e30." + "A" * (size - len(HEADER) - 5)


def header(members: dict[str, object]) -> UnverifiedHeader:
    return unverified_token(f"Bearer {b64(json.dumps(members).encode())}.e30.AA").header


def test_a_token_is_read_in_parts() -> None:
    payload = b64(b'{"sub":"me"}')

    assert unverified_token(f"Bearer {HEADER}.{payload}.AAAA") == UnverifiedToken(
        header=UnverifiedHeader(alg="RS256", kid="key-1", typ="jwt"),
        claims={"sub": "me"},
        signing_input=f"{HEADER}.{payload}".encode(),
        signature=b"\0\0\0",
    )


def test_a_token_may_have_16_kib() -> None:
    assert MAX_TOKEN_BYTES == 16384
    assert unverified_token(f"Bearer {token_of(16384)}").header.kid == "key-1"


def test_a_token_may_have_no_byte_more() -> None:
    with pytest.raises(InvalidToken, match="longer than 16384 bytes"):
        unverified_token(f"Bearer {token_of(16385)}")


@pytest.mark.parametrize(
    ("members", "kid"),
    [
        ({"kid": "a"}, "a"),
        ({"kid": "a", "x5t": "b"}, "a"),
        ({"kid": "a", "x5t": 7}, "a"),
        ({"x5t": "b"}, "b"),
        ({"x5t#S256": "c"}, None),
        ({}, None),
    ],
)
def test_a_key_is_named_by_kid_or_else_by_x5t(members: dict[str, object], kid: str | None) -> None:
    assert header({"alg": "RS256"} | members).kid == kid


@pytest.mark.parametrize(
    "members", [{"kid": None}, {"kid": ""}, {"x5t": 7}, {"x5t": ""}, {"kid": 7, "x5t": "b"}]
)
def test_a_name_of_a_key_is_a_printable_string(members: dict[str, object]) -> None:
    with pytest.raises(InvalidToken, match=r"^(kid|x5t) is not a printable string$"):
        header({"alg": "RS256"} | members)


@pytest.mark.parametrize(
    ("typ", "normal"),
    [
        ("JWT", "jwt"),
        ("at+JWT", "at+jwt"),
        ("application/at+jwt", "at+jwt"),
        ("APPLICATION/JWT", "jwt"),
        ("JOSE", "jwt"),
        ("application/jose", "jwt"),
        ("ID", "id"),
        ("", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_a_type_is_the_same_in_any_case_and_with_its_prefix(typ: object, normal: str) -> None:
    assert header({"alg": "RS256", "typ": typ}).typ == normal


def test_a_header_is_read_once_for_all_tokens_of_a_key() -> None:
    _header.cache_clear()
    for payload in (b"{}", b'{"a":1}', b'{"b":2}'):
        unverified_token(f"Bearer {HEADER}.{b64(payload)}.AAAA")

    assert _header.cache_info().hits == 2


def test_a_flood_of_headers_takes_bounded_memory() -> None:
    for number in range(1000):
        header({"alg": "RS256", "kid": str(number)})

    assert _header.cache_info().currsize <= 64


@pytest.mark.parametrize(
    "octets", [b"a", b"ab", b"abc", b"abcd", b"\0\0\x17", bytes(range(256)), b"\xfb\xef\xff"]
)
def test_octets_come_back_from_base64url(octets: bytes) -> None:
    assert segment_octets(b64(octets).encode()) == octets


@pytest.mark.parametrize(
    ("segment", "why"),
    [
        ("A", "not base64url"),
        ("AAAAA", "not base64url"),
        ("é", "not canonical"),
        ("AB", "not canonical"),
        ("AAB", "not canonical"),
        ("AA==", "not canonical"),
        ("AAA=", "not canonical"),
        ("AA+A", "not canonical"),
        ("AA/A", "not canonical"),
        ("AA A", "not base64url"),
        ("AA\nAA", "not canonical"),
        ("AA.AA", "not canonical"),
    ],
)
def test_octets_have_one_text(segment: str, why: str) -> None:
    with pytest.raises(InvalidToken, match=f"^a segment is {why}"):
        segment_octets(segment.encode())


def test_a_json_object_comes_back() -> None:
    octets = '{"a":[1,2.5,{"a":null}],"b":"ü","c":1e400}'.encode()

    assert json_object(octets) == {"a": [1, 2.5, {"a": None}], "b": "ü", "c": float("inf")}


def test_a_refusal_does_not_quote_what_it_refuses() -> None:
    """An exception that is its cause would, if anybody logged it."""
    with pytest.raises(InvalidToken) as refusal:
        json_object(b'{"secret')

    assert refusal.value.__suppress_context__
    assert "secret" not in str(refusal.value)
