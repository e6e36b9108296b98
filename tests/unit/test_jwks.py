"""Which keys of a JWKS are used, and for what. Those that never are stand in test_hostile_issuers.py."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448

from auth.jwks import KeySet, parse_jwks
from auth.settings import ALGORITHMS
from tests.support.tokens import SigningKey, b64, jwks


@pytest.fixture(scope="module")
def ec() -> SigningKey:
    return SigningKey.generate("key-1", "ES256")


@pytest.fixture(scope="module")
def ed() -> SigningKey:
    return SigningKey.generate("key-1", "EdDSA")


def named(keys: KeySet) -> set[tuple[str, str]]:
    """The keys that a token can name, as kid and alg."""
    return set(keys.by_kid)


def parsed(*members: SigningKey | dict[str, Any]) -> KeySet:
    return parse_jwks(jwks(*members), ALGORITHMS)


RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def test_a_key_without_alg_is_for_every_algorithm_of_its_type_and_curve(
    key: SigningKey, ec: SigningKey, ed: SigningKey
) -> None:
    assert named(parsed(key.jwk(alg=None))) == {("key-1", alg) for alg in RSA}
    assert named(parsed(ec.jwk(alg=None))) == {("key-1", "ES256")}
    assert named(parsed(ed.jwk(alg=None))) == {("key-1", "EdDSA"), ("key-1", "Ed25519")}


def test_a_key_is_for_allowed_algorithms_only(key: SigningKey) -> None:
    assert set(parse_jwks(jwks(key.jwk(alg=None)), ["PS256", "RS512"]).by_kid) == {
        ("key-1", "PS256"),
        ("key-1", "RS512"),
    }


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_both_names_of_ed25519_mean_the_same(ed: SigningKey, alg: str) -> None:
    assert named(parsed(ed.jwk(alg=alg))) == {("key-1", "EdDSA"), ("key-1", "Ed25519")}


def test_ed25519_never_means_ed448() -> None:
    public = ed448.Ed448PrivateKey.generate().public_key().public_bytes_raw()
    jwk = {"kty": "OKP", "crv": "Ed448", "x": b64(public), "kid": "key-1"}

    assert named(parsed(jwk)) == {("key-1", "EdDSA")}
    with pytest.raises(ValueError, match="no usable key"):
        parsed(jwk | {"alg": "Ed25519"})


@pytest.mark.parametrize(
    "changes",
    [{"use": None}, {"key_ops": None}, {"key_ops": []}, {"d": None}, {"alg": None}, {"x5c": []}],
    ids=str,
)
def test_a_member_that_is_null_or_an_empty_list_is_absent(key: SigningKey, changes: dict[str, Any]) -> None:
    assert ("key-1", "RS256") in named(parsed(key.jwk() | changes))


def test_one_kid_may_name_a_key_for_signatures_and_one_for_encryption(key: SigningKey) -> None:
    encryption = SigningKey.generate("key-1").jwk(use="enc", alg="RSA-OAEP")

    for members in ([key.jwk(), encryption], [encryption, key.jwk()]):
        found = parsed(*members).find("key-1", "RS256")
        assert found is not None
        assert found.public_key == key.private.public_key()


def test_one_kid_may_name_a_key_for_each_algorithm(key: SigningKey, ec: SigningKey) -> None:
    keys = parsed(key.jwk(alg="RS256"), SigningKey.generate("key-1").jwk(alg="RS512"), ec.jwk())

    assert named(keys) == {("key-1", "RS256"), ("key-1", "RS512"), ("key-1", "ES256")}


def test_the_same_key_twice_is_one_key(key: SigningKey, ec: SigningKey, ed: SigningKey) -> None:
    for one in (key, ec, ed):
        assert parsed(one.jwk(), one.jwk(x5t="x")).find("key-1", one.alg)


def test_two_keys_of_one_name_are_none(key: SigningKey, ec: SigningKey) -> None:
    keys = parsed(key.jwk(), SigningKey.generate("key-1").jwk(), ec.jwk())

    assert named(keys) == {("key-1", "ES256")}


def test_a_key_that_is_published_with_its_private_part_is_unusable_in_every_copy(
    key: SigningKey, new_key: SigningKey
) -> None:
    exposed = {"kty": "RSA", "n": key.jwk()["n"], "e": key.jwk()["e"], "d": "AQAB", "use": "enc"}

    assert named(parsed(key.jwk(), exposed, new_key.jwk())) == {("key-2", "RS256")}


@pytest.mark.parametrize("names", [("p", "q"), ("dp", "dq", "qi"), ("p",)], ids=str)
def test_a_key_that_is_published_with_any_private_part_is_unusable(
    key: SigningKey, new_key: SigningKey, names: tuple[str, ...]
) -> None:
    exposed = key.jwk(**dict.fromkeys(names, "AQAB"))

    assert named(parsed(exposed, new_key.jwk())) == {("key-2", "RS256")}


def test_a_modulus_whose_private_part_is_published_is_unusable_with_any_exponent(
    key: SigningKey, new_key: SigningKey
) -> None:
    exposed = key.jwk(kid="other", e="Aw", d="AQAB")

    assert named(parsed(key.jwk(), exposed, new_key.jwk())) == {("key-2", "RS256")}


def test_a_token_that_names_no_key_gets_the_only_one_for_its_algorithm(
    key: SigningKey, ec: SigningKey, new_key: SigningKey
) -> None:
    keys = parsed(key.jwk(kid=None), key.jwk(), ec.jwk())
    assert keys.find(None, "RS256")
    assert keys.find(None, "ES256")
    assert not keys.find(None, "PS256")

    assert not parsed(key.jwk(kid=None), new_key.jwk()).find(None, "RS256")


@pytest.mark.parametrize("kid", [None, ""])
def test_a_key_without_kid_has_no_name(key: SigningKey, kid: str | None) -> None:
    keys = parse_jwks(json.dumps({"keys": [key.jwk() | {"kid": kid}]}).encode(), ["RS256"])

    assert keys.lone
    assert not keys.by_kid


def test_a_key_may_be_for_some_issuers_only(key: SigningKey) -> None:
    one, two = "https://one.example/", "https://two.example/"

    for issuers, members in (
        ([None], [key.jwk()]),
        ([one], [key.jwk(issuer=one)]),
        ([one, two], [key.jwk(issuer=one), key.jwk(issuer=two)]),
    ):
        found = parsed(*members).find("key-1", "RS256")
        assert found is not None
        assert found.issuers == frozenset(issuers)
    with pytest.raises(ValueError, match="no usable key"):
        parsed(key.jwk(issuer=[one]))
