"""What is read of a token before anyone verified it. The hostile ones are in test_hostile_tokens.py."""

import json

import pytest

from auth import InvalidToken
from auth.bearer import (
    MAX_TOKEN_BYTES,
    UnverifiedHeader,
    _parsed_header,
    json_object,
    segment_octets,
    unverified_header,
    unverified_payload,
    unverified_token,
)
from tests.support.tokens import b64

HEADER = b64(b'{"alg":"RS256","kid":"key-1"}')


def token_of(size: int) -> str:
    return "a" * (size - 4) + ".b.c"


def test_a_token_is_what_follows_the_scheme() -> None:
    assert unverified_token("Bearer e30.e30.AA-_") == "e30.e30.AA-_"


def test_a_token_may_have_16_kib() -> None:
    assert MAX_TOKEN_BYTES == 16384
    assert unverified_token(f"Bearer {token_of(16384)}") == token_of(16384)


def test_a_token_may_have_no_byte_more() -> None:
    with pytest.raises(InvalidToken, match="longer than 16384 bytes"):
        unverified_token(f"Bearer {token_of(16385)}")


def test_a_header_says_which_key_signed() -> None:
    header = unverified_header(f"{HEADER}.e30.AAAA", ("ES256", "RS256"))

    assert header == UnverifiedHeader("RS256", "key-1")


def test_a_header_is_read_once_for_all_tokens_of_a_key() -> None:
    _parsed_header.cache_clear()
    for payload in ("e30", "e31", "e32"):
        unverified_header(f"{HEADER}.{payload}.AAAA", ("RS256",))

    assert _parsed_header.cache_info().hits == 2


def test_what_is_remembered_of_a_header_does_not_allow_its_algorithm() -> None:
    unverified_header(f"{HEADER}.e30.AAAA", ("RS256",))

    with pytest.raises(InvalidToken, match="alg"):
        unverified_header(f"{HEADER}.e30.AAAA", ("ES256",))


def test_a_flood_of_headers_takes_bounded_memory() -> None:
    for number in range(1000):
        _parsed_header(b64(json.dumps({"alg": "RS256", "kid": str(number)}).encode()))

    assert _parsed_header.cache_info().currsize <= 64


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


def test_a_payload_is_read_without_a_look_at_the_signature() -> None:
    payload = b64(b'{"sub":"me"}')

    assert unverified_payload(f"{HEADER}.{payload}.A") == {"sub": "me"}


def test_a_json_object_comes_back() -> None:
    octets = '{"a":[1,2.5,{"a":null}],"b":"ü","c":1e400}'.encode()

    assert json_object(octets) == {"a": [1, 2.5, {"a": None}], "b": "ü", "c": float("inf")}


def test_a_refusal_does_not_quote_what_it_refuses() -> None:
    """An exception that is its cause would, if anybody logged it."""
    with pytest.raises(InvalidToken) as refusal:
        json_object(b'{"secret')

    assert refusal.value.__suppress_context__
    assert "secret" not in str(refusal.value)
