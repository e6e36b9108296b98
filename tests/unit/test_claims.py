"""What a token says once it holds. The hostile ones are in test_hostile_tokens.py."""

import time
from typing import Any

import jwt
import pytest

from auth import InvalidToken, Settings
from auth.claims import Claims, reject_before_fetch, verify
from tests.support.environment import environment
from tests.support.tokens import SigningKey, good_claims, make_token


@pytest.fixture(scope="module")
def jwk(key: SigningKey) -> jwt.PyJWK:
    return jwt.PyJWK(key.jwk())


def test_a_token_that_holds_says_who_calls_and_what_they_may(
    key: SigningKey, jwk: jwt.PyJWK, settings: Settings
) -> None:
    claims = verify(make_token(key, good_claims(scope="read:pets create:pets")), jwk, settings, time.time())

    assert claims == Claims("client@clients", frozenset({"read:pets", "create:pets"}))


@pytest.mark.parametrize(
    ("granting", "scopes"),
    [
        ({}, set()),
        ({"scope": "a b"}, {"a", "b"}),
        ({"scope": "  a   b "}, {"a", "b"}),
        ({"scope": ["a", "b"]}, {"a", "b"}),
        ({"scp": "a b"}, {"a", "b"}),
        ({"scp": ["a", "b"]}, {"a", "b"}),
        ({"permissions": ["a", "b"]}, {"a", "b"}),
        ({"permissions": "a b"}, set()),
        ({"scope": "a", "scp": ["b"], "permissions": ["c", "a"]}, {"a", "b", "c"}),
        ({"scope": "", "scp": [], "permissions": []}, set()),
        ({"scope": 7, "scp": {"a": True}, "permissions": True}, set()),
        ({"scp": ["a b", "", " c", "d\n", None, 7, ["e"], {"f": 1}, "g"]}, {"g"}),
        ({"scope": 'a" \\b c\u00fc d\te f\x7f !#[]~'}, {"!#[]~"}),
        ({"scopes": "a", "roles": ["b"]}, set()),
    ],
)
def test_scopes_are_what_three_claims_grant(
    key: SigningKey, jwk: jwt.PyJWK, settings: Settings, granting: dict[str, Any], scopes: set[str]
) -> None:
    claims = verify(make_token(key, good_claims(scope=None) | granting), jwk, settings, time.time())

    assert claims.scopes == scopes


@pytest.mark.parametrize(
    ("claim", "seconds", "reason"),
    [
        ("exp", -50, None),
        ("exp", -61, "expired"),
        ("nbf", +50, None),
        ("nbf", +90, "not yet valid"),
        ("iat", +50, None),
        ("iat", +90, "not yet valid"),
    ],
)
def test_a_clock_may_differ_by_the_leeway(
    key: SigningKey, jwk: jwt.PyJWK, claim: str, seconds: int, reason: str | None
) -> None:
    settings = Settings.from_environment(environment(LEEWAY_SECONDS="60"))
    token = make_token(key, good_claims() | {claim: int(time.time()) + seconds})

    if reason is None:
        verify(token, jwk, settings, time.time())
    else:
        with pytest.raises(InvalidToken, match=reason):
            verify(token, jwk, settings, time.time())


@pytest.mark.parametrize("audience", ["first", "second", ["x", "second"]])
def test_a_token_is_for_us_if_it_names_any_of_our_audiences(
    key: SigningKey, jwk: jwt.PyJWK, audience: object
) -> None:
    settings = Settings.from_environment(environment(AUDIENCE="first, second"))

    verify(make_token(key, good_claims(aud=audience)), jwk, settings, time.time())


def test_a_token_is_not_hopeless_for_its_signature(stranger: SigningKey, settings: Settings) -> None:
    reject_before_fetch(make_token(stranger), settings, time.time())


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"aud": "x"},
        {"iss": "x"},
        {"sub": ""},
        {"cnf": {}},
        {"nbf": "0"},
        {"exp": None},
        {"sub": 7},
    ],
)
def test_a_token_is_hopeless_for_whatever_is_wrong_but_its_signature(
    stranger: SigningKey, settings: Settings, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        reject_before_fetch(make_token(stranger, good_claims(**changes)), settings, time.time())


def test_a_weak_key_is_refused_even_if_it_gets_here(settings: Settings) -> None:
    """The key store keeps none; this is the second lock."""
    weak = SigningKey.generate("key-1", bits=1024)

    with pytest.raises(InvalidToken, match="the key is too short"):
        verify(make_token(weak), jwt.PyJWK(weak.jwk()), settings, time.time())


def test_an_algorithm_that_is_not_allowed_is_refused_even_if_a_key_of_it_gets_here(
    settings: Settings,
) -> None:
    """The key store keeps none; this is the second lock."""
    other = SigningKey.generate("key-1", "ES256")

    with pytest.raises(InvalidToken, match="alg"):
        verify(make_token(other), jwt.PyJWK(other.jwk()), settings, time.time())
