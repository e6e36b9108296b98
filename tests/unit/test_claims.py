"""What a token says once it is verified. The hostile tokens are in test_hostile_tokens.py."""

import time
from typing import Any

import pytest

from auth import ConfigError, InvalidToken, Issuer, Settings
from auth.bearer import unverified_token
from auth.claims import Claims, claim, reject_before_fetch, verify
from auth.jwks import Key
from tests.support.environment import environment
from tests.support.tokens import ISSUER, SigningKey, good_claims, make_token


def issuer(**variables: str | None) -> Issuer:
    return Settings.from_environment(environment(**variables)).issuers[0]


def public(key: SigningKey) -> Key:
    public_key: Any = key.private.public_key()
    return Key(key.alg, public_key, frozenset({None}))


def verified(key: SigningKey, claims: dict[str, Any], **variables: str | None) -> Claims:
    token = unverified_token(f"Bearer {make_token(key, claims)}")
    return verify(token, public(key), issuer(**variables), time.time())


def refusal(key: SigningKey, claims: dict[str, Any], **variables: str | None) -> str:
    with pytest.raises(InvalidToken) as error:
        verified(key, claims, **variables)
    return str(error.value)


def test_a_valid_token_says_who_calls_and_what_they_may(key: SigningKey) -> None:
    claims = good_claims(scope="read:pets create:pets")

    assert verified(key, claims) == Claims(
        issuer=ISSUER,
        principal="client@clients",
        principal_claim="sub",
        scopes=frozenset({"read:pets", "create:pets"}),
        expires_at=claims["exp"],
        payload=claims,
    )


# Scopes

ROLES = "scope,roles,realm_access.roles,https://acme.example/roles"


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
        ({"permissions": "a"}, {"a"}),
        ({"scope": "a", "scp": ["b"], "permissions": ["c", "a"]}, {"a", "b", "c"}),
        ({"scope": "", "scp": [], "permissions": []}, set()),
        ({"scope": 7, "scp": {"a": True}, "permissions": True}, set()),
        ({"scope": {"a": True}, "permissions": {"b": True}}, set()),
        ({"scp": ["a b", "", " c", "d\n", None, 7, ["e"], {"f": 1}, "g"]}, {"g"}),
        ({"scope": 'a" \\b c\u00fc d\te f\x7f !#[]~'}, {"!#[]~"}),
        ({"scopes": "a", "roles": ["b"]}, set()),
    ],
)
def test_scopes_are_what_three_claims_grant(
    key: SigningKey, granting: dict[str, Any], scopes: set[str]
) -> None:
    assert verified(key, good_claims(scope=None) | granting).scopes == scopes


@pytest.mark.parametrize(
    ("granting", "scopes"),
    [
        ({"roles": ["a", "b"]}, {"a", "b"}),
        ({"roles": "a b"}, set()),
        ({"roles": "a"}, {"a"}),
        ({"roles": {"a": True, "b": {"org": "x"}, "c": ["org"]}}, {"a", "b", "c"}),
        ({"roles": {"a": False, "b": None, "c": {}, "d": [], "e": "x", "f": 1, "g h": True}}, set()),
        ({"realm_access": {"roles": ["a"]}}, {"a"}),
        ({"realm_access": {"roles": ["a"]}, "realm_access.roles": ["b"]}, {"b"}),
        ({"realm_access": {"roles": ["a"]}, "realm_access.roles": None}, set()),
        ({"realm_access": ["roles"]}, set()),
        ({"realm_access": "roles"}, set()),
        ({"https://acme.example/roles": ["a"]}, {"a"}),
        ({"scope": "a b", "permissions": ["c"]}, {"a", "b"}),
    ],
)
def test_a_setting_says_which_claims_grant_scopes(
    key: SigningKey, granting: dict[str, Any], scopes: set[str]
) -> None:
    assert verified(key, good_claims(scope=None) | granting, SCOPE_CLAIMS=ROLES).scopes == scopes


def test_an_issuer_grants_no_scope_that_it_may_not(key: SigningKey) -> None:
    claims = verified(key, good_claims(scope="a b c"), ALLOWED_SCOPES="a, c,d")

    assert claims.scopes == {"a", "c"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", {"b": {"c": 1}}),
        ("a.b", {"c": 1}),
        ("a.b.c", 1),
        ("a.b.c.d", None),
        ("a.x", None),
        ("", None),
        (".", None),
        ("x.y", 2),
        ("kubernetes.io.namespace", "pets"),
        ("https://stytch.com/session.roles", ["keeper"]),
        ("resource_access.com.acme.pets.roles", ["a"]),
        ("deep.er", 4),
        ("deep.er.est", 5),
    ],
)
def test_a_claim_is_found_by_its_name_or_else_by_a_path(name: str, value: object) -> None:
    claims = {
        "a": {"b": {"c": 1}},
        "x.y": 2,
        "x": {"y": 3},
        "kubernetes.io": {"namespace": "pets"},
        "https://stytch.com/session": {"roles": ["keeper"]},
        "resource_access": {"com.acme.pets": {"roles": ["a"]}},
        "deep.er": 4,
        "deep": {"er": {"est": 5}},
    }

    assert claim(claims, name) == value


# Who calls


@pytest.mark.parametrize(
    ("changes", "principal"),
    [
        ({"sub": "me", "client_id": "app"}, ("sub", "me")),
        ({"sub": None, "client_id": "app", "azp": "web"}, ("client_id", "app")),
        ({"sub": "", "client_id": "", "azp": "web"}, ("azp", "web")),
        ({"sub": None, "client_id": 7, "azp": "web"}, ("azp", "web")),
    ],
)
def test_the_first_claim_that_says_who_calls_counts(
    key: SigningKey, changes: dict[str, Any], principal: tuple[str, str]
) -> None:
    claims = verified(key, good_claims(**changes))

    assert (claims.principal_claim, claims.principal) == principal


@pytest.mark.parametrize("sub", ["a\u00a0b", "\U0001f469\u200d\U0001f4bb", "co\u00adop", "\ue000"], ids=ascii)
def test_a_principal_may_have_any_character_but_control_characters(key: SigningKey, sub: str) -> None:
    assert verified(key, good_claims(sub=sub)).principal == sub


def test_a_setting_says_which_claims_say_who_calls(key: SigningKey) -> None:
    claims = verified(key, good_claims(act={"sub": "robot"}), PRINCIPAL_CLAIMS="email,act.sub,sub")

    assert (claims.principal_claim, claims.principal) == ("act.sub", "robot")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": None, "azp": None}, "none of sub, client_id, azp names the caller"),
        ({"sub": 7}, "sub is not a string"),
        ({"sub": ["me"]}, "sub is not a string"),
        ({"sub": "me\n"}, "sub has control characters"),
        ({"sub": None, "azp": "\0"}, "azp has control characters"),
    ],
)
def test_a_token_that_does_not_say_who_calls_is_rejected(
    key: SigningKey, changes: dict[str, Any], reason: str
) -> None:
    assert refusal(key, good_claims(**changes)) == reason


# For us, now, and an access token


@pytest.mark.parametrize(
    ("claim_", "seconds", "reason"),
    [
        ("exp", -50, None),
        ("exp", -61, "expired"),
        ("nbf", +50, None),
        ("nbf", +90, "not yet valid (nbf)"),
        ("iat", +50, None),
        ("iat", +90, "not yet valid (iat)"),
    ],
)
def test_a_clock_may_differ_by_the_leeway(
    key: SigningKey, claim_: str, seconds: int, reason: str | None
) -> None:
    claims = good_claims() | {claim_: int(time.time()) + seconds}

    if reason is None:
        assert verified(key, claims, LEEWAY_SECONDS="60")
    else:
        assert refusal(key, claims, LEEWAY_SECONDS="60") == reason


@pytest.mark.parametrize("audience", ["first", "second", ["x", "second"]])
def test_a_token_is_for_us_if_it_names_any_of_our_audiences(key: SigningKey, audience: object) -> None:
    assert verified(key, good_claims(aud=audience), AUDIENCE="first, second")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": None, "token_use": "access", "client_id": "app"}, None),
        ({"aud": None, "token_use": "access", "client_id": "other"}, "client_id is not in AUDIENCE"),
        ({"aud": None, "token_use": "access", "client_id": ["app"]}, "client_id is not in AUDIENCE"),
        ({"aud": None, "token_use": "access"}, "client_id is not in AUDIENCE"),
        ({"aud": None, "client_id": "app"}, "aud is missing"),
        ({"aud": None, "azp": "app", "cid": "app", "appid": "app"}, "aud is missing"),
        ({"aud": None, "token_use": "Access", "client_id": "app"}, "aud is missing"),
        ({"aud": "other", "token_use": "access", "client_id": "app"}, "aud is not in AUDIENCE"),
        ({"aud": "", "token_use": "access", "client_id": "app"}, "aud is not in AUDIENCE"),
        ({"aud": [], "token_use": "access", "client_id": "app"}, "aud is not in AUDIENCE"),
        ({"aud": ["app", 7]}, "aud is not in AUDIENCE"),
        ({"aud": [["app"]]}, "aud is not in AUDIENCE"),
    ],
)
def test_a_client_id_is_an_audience_only_in_an_access_token_without_aud(
    key: SigningKey, changes: dict[str, Any], reason: str | None
) -> None:
    claims = good_claims(**changes)
    if reason is None:
        assert verified(key, claims, AUDIENCE="app")
    else:
        assert refusal(key, claims, AUDIENCE="app") == reason


def test_an_aud_of_null_is_a_wrong_audience_and_not_a_missing_one(key: SigningKey) -> None:
    claims = good_claims(token_use="access", client_id="app") | {"aud": None}

    assert refusal(key, claims, AUDIENCE="app") == "aud is not in AUDIENCE"


@pytest.mark.parametrize(
    "changes",
    [
        {"token_use": "id"},
        {"token_use": "refresh"},
        {"token_use": ["access"]},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": "Offline"},
        {"typ": "Logout"},
        {"typ": "Serialized-ID"},
        {"typ": "refresh_token"},
        {"token_type": "refresh"},
        {"token_type": "refresh_token"},
        {"token_type": "id"},
        {"token_type": "id_token"},
        {"tokenName": "id_token"},
        {"tokenName": "refresh_token"},
        {"tokenType": "refresh-token"},
        {"TokenType": "refresh-token"},
        {"purpose": "id"},
        {"tok_type": "IT"},
        {"drn": "DSR"},
        {"type": "refresh"},
        {"type": "refresh_token"},
        {"type": "id"},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        {"events": {}},
    ],
    ids=str,
)
def test_a_token_that_says_that_it_is_no_access_token_is_rejected(
    key: SigningKey, changes: dict[str, Any]
) -> None:
    name = next(iter(changes))

    assert refusal(key, good_claims(**changes)).startswith(name)


@pytest.mark.parametrize(
    "changes",
    [
        {"token_use": "access"},
        {"typ": "Bearer"},
        {"token_type": "Bearer"},
        {"token_type": "access"},
        {"tokenName": "access_token"},
        {"tok_type": "AT"},
        {"drn": "DS"},
        {"purpose": "access_token"},
        {"type": "user"},
        {"type": 7},
        {"nonce": "x", "at_hash": "y"},
        {"events": "many"},
        {"events": ["a"]},
    ],
    ids=str,
)
def test_other_claims_of_these_names_say_nothing(key: SigningKey, changes: dict[str, Any]) -> None:
    assert verified(key, good_claims(**changes))


# Required claims


@pytest.mark.parametrize(
    ("required", "holds"),
    [
        ("org_id=acme", True),
        ("org_id=Acme", False),
        ("org_id=acm", False),
        ("org_id", True),
        ("groups=a", True),
        ("groups=c", False),
        ("groups", True),
        ("groups=a,groups=b,org_id=acme", True),
        ("groups=a,groups=c", False),
        ("level=3", True),
        ("level=3.0", False),
        ("ratio=0.5", True),
        ("email_verified=true", True),
        ("email_verified=True", False),
        ("banned=false", True),
        ("banned", True),
        ("numbers=2", True),
        ("null=null", False),
        ("null", False),
        ("missing", False),
        ("missing=", None),
        ("empty", False),
        ("empty_list", False),
        ("empty_object", False),
        ("object", True),
        ("object=x", False),
        ("object.x=y", True),
        ("query=a=b", True),
    ],
)
def test_claims_may_be_required(key: SigningKey, required: str, holds: bool | None) -> None:
    claims = good_claims() | {
        "org_id": "acme",
        "groups": ["a", "b"],
        "level": 3,
        "ratio": 0.5,
        "email_verified": True,
        "banned": False,
        "numbers": [1, 2],
        "null": None,
        "empty": "",
        "empty_list": [],
        "empty_object": {},
        "object": {"x": "y"},
        "query": "a=b",
    }
    if holds:
        assert verified(key, claims, REQUIRED_CLAIMS=required)
    elif holds is False:
        assert refusal(key, claims, REQUIRED_CLAIMS=required).endswith(" does not match REQUIRED_CLAIMS")
    else:
        with pytest.raises(ConfigError, match="REQUIRED_CLAIMS must be claims such as"):
            issuer(REQUIRED_CLAIMS=required)


# Header, signature, key


@pytest.mark.parametrize(
    ("types", "typ", "is_accepted"),
    [
        (None, "JWT", True),
        (None, "at+jwt", True),
        (None, None, True),
        (None, "JOSE", True),
        (None, "okta-internal-at+jwt", False),
        ("at+jwt", "application/at+jwt", True),
        ("application/AT+JWT", "at+jwt", True),
        ("at+jwt", "JWT", False),
        ("at+jwt", None, False),
        ("at+jwt", "JOSE", False),
        ("JOSE", "JOSE", True),
        ("JOSE", "JWT", True),
        ("JOSE", None, True),
        ("JWT,okta-internal-at+jwt", "okta-internal-at+jwt", True),
    ],
)
def test_a_setting_says_which_types_are_accepted(
    key: SigningKey, types: str | None, typ: str | None, is_accepted: bool
) -> None:
    token = unverified_token(f"Bearer {make_token(key, header={'typ': typ})}")
    if is_accepted:
        assert verify(token, public(key), issuer(TOKEN_TYPES=types), time.time())
    else:
        with pytest.raises(InvalidToken, match=r"^typ is not in TOKEN_TYPES$"):
            verify(token, public(key), issuer(TOKEN_TYPES=types), time.time())


def test_a_signature_does_not_matter_before_a_fetch(stranger: SigningKey) -> None:
    reject_before_fetch(unverified_token(f"Bearer {make_token(stranger)}"), issuer(), time.time())


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"aud": "x"},
        {"iss": "x"},
        {"sub": "", "azp": None},
        {"cnf": {}},
        {"nbf": "0"},
        {"exp": None},
        {"sub": 7},
        {"token_use": "id"},
    ],
)
def test_everything_but_the_signature_is_checked_before_a_fetch(
    stranger: SigningKey, changes: dict[str, Any]
) -> None:
    token = unverified_token(f"Bearer {make_token(stranger, good_claims(**changes))}")
    with pytest.raises(InvalidToken):
        reject_before_fetch(token, issuer(), time.time())


def test_a_weak_key_is_rejected_even_if_it_gets_here() -> None:
    """The key store holds none; this is the second lock."""
    assert refusal(SigningKey.generate("key-1", bits=1024), good_claims()).startswith("the signature")


def test_an_algorithm_that_is_not_allowed_is_rejected_even_if_a_key_of_it_gets_here() -> None:
    """The key store holds none; this is the second lock."""
    assert refusal(SigningKey.generate("key-1", "ES256"), good_claims()) == "alg is not in ALGORITHMS"


def test_a_key_is_used_with_its_own_algorithm_only(key: SigningKey) -> None:
    token = unverified_token(f"Bearer {make_token(key)}")
    other = Key("RS512", public(key).public_key, frozenset({None}))
    with pytest.raises(InvalidToken, match=r"^alg is not that of the key$"):
        verify(token, other, issuer(ALGORITHMS="RS256,RS512"), time.time())


# Keys of one issuer among several


@pytest.mark.parametrize(
    ("issuers", "changes", "is_accepted"),
    [
        ({None}, {}, True),
        ({ISSUER}, {}, True),
        ({ISSUER, "https://other.example/"}, {}, True),
        ({"https://other.example/", None}, {}, True),
        ({"https://other.example/"}, {}, False),
        ({ISSUER[:-1]}, {}, False),
        ({"https://{tenantid}.example/"}, {"tid": "issuer"}, True),
        ({"https://{tenantid}.example/"}, {"tid": "other"}, False),
        ({"https://{tenantid}.example/"}, {}, False),
        ({"https://{tenantid}.example/"}, {"tid": ["issuer"]}, False),
    ],
)
def test_a_key_that_names_an_issuer_verifies_its_tokens_only(
    key: SigningKey, issuers: set[str | None], changes: dict[str, Any], is_accepted: bool
) -> None:
    token = unverified_token(f"Bearer {make_token(key, good_claims(**changes))}")
    of_issuers = Key("RS256", public(key).public_key, frozenset(issuers))
    if is_accepted:
        assert verify(token, of_issuers, issuer(), time.time())
    else:
        with pytest.raises(InvalidToken, match=r"^the key is for another issuer$"):
            verify(token, of_issuers, issuer(), time.time())
