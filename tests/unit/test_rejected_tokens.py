"""What the doctor says of tokens that no setting should accept, and what it never recommends."""

from typing import Any

import pytest

from tests.support.environment import environment
from tests.support.providers import (
    API,
    AUTH0,
    AUTH0_ISSUER,
    AUTH0_SITE,
    AUTH0_TOKEN,
    ENTRA,
    ENTRA_ISSUER,
    ENTRA_SITE,
    ENTRA_TOKEN,
    ENTRA_V1_SITE,
    ENTRA_V1_TOKEN,
    KEYCLOAK,
    KEYCLOAK_SITE,
    KEYCLOAK_TOKEN,
    TIMES,
    Site,
    web,
)
from tests.support.tokens import SigningKey, jwks, make_token
from tools.examination import Finding, examine
from tools.examination.providers import SHARED_ISSUERS


def examined(
    token: str | None, sites: tuple[Site, ...], key: SigningKey, another_key: SigningKey, **variables: str
) -> list[Finding]:
    settings = environment(**{"JWKS_URI": None, "ROUTE_SCOPES": "GET /pets read:pets"} | variables)
    return examine(settings, token, web(sites, key, another_key))


def texts(found: list[Finding]) -> list[str]:
    return [f"{finding.subject}: {finding.text}" for finding in found if finding.level == "WRONG"]


def recommended(found: list[Finding]) -> list[str]:
    return [str(setting) for finding in found for setting in finding.recommended]


# Other tokens


def without(claims: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


SEND = "Send the access token"
ID_TOKEN: dict[str, Any] = without(AUTH0_TOKEN, "scope", "azp") | {"aud": "client", "nonce": "n"}


# Claims (None: left out), header, and what is said.
OTHER_TOKENS: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "an ID token with a nonce": (ID_TOKEN, {}, "It looks like an ID token"),
    "an ID token for its client": (ID_TOKEN | {"nonce": None, "azp": "client"}, {}, "looks like an ID token"),
    "an ID token with at_hash": (ID_TOKEN | {"nonce": None, "at_hash": "h"}, {}, "looks like an ID token"),
    "an ID token of Cognito": (AUTH0_TOKEN | {"token_use": "id"}, {}, SEND),
    "one of Cognito without aud": (AUTH0_TOKEN | {"aud": None, "token_use": "id"}, {}, SEND),
    "an ID token of Keycloak": (AUTH0_TOKEN | {"typ": "ID"}, {}, SEND),
    "a refresh token of Keycloak": (AUTH0_TOKEN | {"typ": "Refresh"}, {}, SEND),
    "a refresh token": (AUTH0_TOKEN | {"token_type": "refresh"}, {}, SEND),
    "a logout token": (AUTH0_TOKEN | {"events": {}}, {}, SEND),
    "a logout token by its header": (AUTH0_TOKEN, {"typ": "logout+jwt"}, "It is not an access token."),
    "a token for Okta alone": (
        AUTH0_TOKEN | {"iss": "https://org.okta.example", "aud": "https://org.okta.example"},
        {"typ": "application/okta-internal-at+jwt"},
        "Request one of a custom authorization server",
    ),
    "a token bound by DPoP": (AUTH0_TOKEN | {"cnf": {"jkt": "x"}}, {}, "Request a token that is not bound"),
    "a token for the issuer itself": (
        AUTH0_TOKEN | {"aud": [f"{AUTH0_ISSUER}api/v2/", f"{AUTH0_ISSUER}userinfo"]},
        {},
        "Request a token for this API",
    ),
    "a token for Microsoft Graph": (
        AUTH0_TOKEN | {"aud": "https://graph.microsoft.com/"},
        {},
        "It is for Microsoft Graph, which alone can verify it.",
    ),
    "a token without aud": (AUTH0_TOKEN | {"aud": None}, {}, "Get the issuer to put the name of this API"),
    "a token with an empty aud": (
        AUTH0_TOKEN | {"aud": []},
        {},
        "Get the issuer to put the name of this API",
    ),
    "a token without a caller": (
        AUTH0_TOKEN | {"sub": None, "azp": None},
        {},
        "Configure the issuer to add sub",
    ),
}


@pytest.mark.parametrize("what", OTHER_TOKENS)
def test_a_token_that_no_setting_should_accept_is_explained_and_nothing_is_recommended(
    key: SigningKey, new_key: SigningKey, what: str
) -> None:
    claims, header, words = OTHER_TOKENS[what]
    said = {name: value for name, value in claims.items() if value is not None}
    found = examined(make_token(key, said, header), (AUTH0_SITE,), key, new_key, **AUTH0)

    assert recommended(found) == []
    assert any(words in text for text in texts(found)), texts(found)


@pytest.mark.parametrize("aud", [None, "account", ["account", "broker"], ["realm-management", "account"]])
def test_keycloak_needs_an_audience_mapper_and_no_setting(
    key: SigningKey, new_key: SigningKey, aud: object
) -> None:
    claims = without(KEYCLOAK_TOKEN, "aud") | ({"aud": aud} if aud else {})
    found = examined(make_token(key, claims), (KEYCLOAK_SITE,), key, new_key, **KEYCLOAK)

    assert recommended(found) == []
    assert len(texts(found)) == 1
    assert "In Keycloak, add a mapper of the type Audience to the client" in texts(found)[0]


def test_the_audience_beside_keycloaks_own_is_recommended(key: SigningKey, new_key: SigningKey) -> None:
    claims = KEYCLOAK_TOKEN | {"aud": ["realm-management", "pets", "account"], "scope": "read:pets"}
    found = examined(make_token(key, claims), (KEYCLOAK_SITE,), key, new_key, **KEYCLOAK)

    assert recommended(found) == ["AUDIENCE=pets"]


def test_an_encrypted_token_needs_an_audience(key: SigningKey, new_key: SigningKey) -> None:
    encrypted = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVydGV4dA.dGFn"
    found = examined(encrypted, (AUTH0_SITE,), key, new_key, **AUTH0)

    assert len(texts(found)) == 1
    assert "It has five parts: it is encrypted, and only its issuer can read it." in texts(found)[0]
    assert "Request a token with the audience of this API" in texts(found)[0]


def test_an_opaque_token_needs_an_audience_or_a_scope(key: SigningKey, new_key: SigningKey) -> None:
    found = examined("ya29.a0AfB_byExample", (AUTH0_SITE,), key, new_key, **AUTH0)

    assert "request a token for this API, by its audience or scope" in texts(found)[0]


def test_a_token_that_is_signed_with_a_secret_is_explained(key: SigningKey, new_key: SigningKey) -> None:
    found = examined(make_token(key, AUTH0_TOKEN, {"alg": "HS256"}), (AUTH0_SITE,), key, new_key, **AUTH0)

    assert "whoever can verify such a token can also issue one" in texts(found)[0]


def test_a_token_that_does_not_name_one_of_several_keys_is_explained(
    key: SigningKey, new_key: SigningKey
) -> None:
    token = make_token(key, AUTH0_TOKEN, {"kid": None})
    fetch = web((AUTH0_SITE,), key, new_key)

    def fetch_two_keys(url: str) -> bytes:
        return jwks(key, new_key) if url == AUTH0_SITE.jwks_uri else fetch(url)

    found = examine(environment(**{"JWKS_URI": None} | AUTH0), token, fetch_two_keys)

    assert any("It does not name its key" in text for text in texts(found))


def test_an_audience_that_is_a_client_is_recommended_with_a_warning(
    key: SigningKey, new_key: SigningKey
) -> None:
    names = {"of an ID token": without(AUTH0_TOKEN, "scope", "azp"), "of the client": AUTH0_TOKEN}
    for claims in names.values():
        found = examined(make_token(key, claims | {"aud": "web"}), (AUTH0_SITE,), key, new_key, **AUTH0)

        assert (
            "If it is an access token for this API, and not an ID token, write"
            " AUDIENCE=https://your-api-gateway,web to accept both, or to accept this one instead:"
            " AUDIENCE=web" in texts(found)[0]
        )


# Claims that callers can edit


@pytest.mark.parametrize(
    "claims",
    [
        {"user_metadata": {"roles": ["read:pets"]}},
        {"unsafe_metadata": {"role": "read:pets", "permissions": ["read:pets"]}},
        {"unsafeMetadata": {"permissions": ["read:pets"]}},
        {"untrusted_metadata": {"groups": ["read:pets"]}},
        {"metadata": {"roles": ["read:pets"]}},
        {"https://acme.example/user_metadata": {"roles": ["read:pets"]}},
        {"https://acme.example/user_metadata_roles": ["read:pets"]},
        {"custom:role": "read:pets"},
        {"custom:groups": ["read:pets"]},
        {"attributes": {"role": ["read:pets"]}},
        {"profile": {"role": "read:pets"}},
        {"preferences": {"permission": "read:pets"}},
        {"app_metadata": {"user_metadata": {"roles": ["read:pets"]}}},
        {"nickname": "read:pets", "name": "read:pets", "email": "read:pets", "website": "read:pets"},
        {"requested_scopes": ["read:pets"]},
    ],
)
def test_a_claim_that_callers_can_edit_is_never_recommended(
    key: SigningKey, new_key: SigningKey, claims: dict[str, Any]
) -> None:
    token = make_token(key, AUTH0_TOKEN | {"scope": "openid"} | claims)
    found = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0)

    assert recommended(found) == []
    (text,) = texts(found)
    assert text.startswith("token: It opens no route. Its scopes (in scope, scp, permissions) are: 'openid'.")
    assert text.endswith(
        "Request a token with the scopes of a route, or change `scopes:` of the endpoints in serverless.yml"
        " to scopes that your tokens have."
    )


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"roles": ["read:pets"]}, "roles"),
        ({"role": "read:pets"}, "role"),
        ({"cognito:groups": ["read:pets"]}, "cognito:groups"),
        ({"app_metadata": {"roles": ["read:pets"]}}, "app_metadata.roles"),
        ({"public_metadata": {"permissions": ["read:pets"]}}, "public_metadata.permissions"),
        (
            {"urn:zitadel:iam:org:project:roles": {"read:pets": {"1": "x"}}},
            "urn:zitadel:iam:org:project:roles",
        ),
        ({"tenants": {"t1": {"permissions": ["read:pets"]}}}, "tenants.t1.permissions"),
        ({"roles": ["nothing"], "groups": ["read:pets"]}, "groups"),
    ],
)
def test_the_claim_that_opens_a_route_is_recommended(
    key: SigningKey, new_key: SigningKey, claims: dict[str, Any], name: str
) -> None:
    token = make_token(key, AUTH0_TOKEN | {"scope": "openid"} | claims)
    default = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0)
    changed = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0, SCOPE_CLAIMS="scope,permissions")

    assert recommended(default) == [f"SCOPE_CLAIMS=scope,scp,permissions,{name}"]
    assert recommended(changed) == [f"SCOPE_CLAIMS=scope,permissions,{name}"]
    assert "only your administrators can edit it" in texts(default)[0]


@pytest.mark.parametrize(
    "claims",
    [{"roles": ["write"]}, {"roles": None}, {"roles": "read:pets create:pets"}, {"a": {"b": ["read:pets"]}}],
)
def test_a_claim_that_opens_no_route_is_not_recommended(
    key: SigningKey, new_key: SigningKey, claims: dict[str, Any]
) -> None:
    token = make_token(key, AUTH0_TOKEN | {"scope": "openid"} | claims)

    assert recommended(examined(token, (AUTH0_SITE,), key, new_key, **AUTH0)) == []


@pytest.mark.parametrize("name", ["email", "preferred_username", "name", "nickname", "unique_name", "upn"])
def test_a_name_that_callers_can_edit_is_never_recommended_as_the_principal(
    key: SigningKey, new_key: SigningKey, name: str
) -> None:
    claims = without(AUTH0_TOKEN, "sub", "azp") | {name: "ana"}
    found = examined(make_token(key, claims), (AUTH0_SITE,), key, new_key, **AUTH0)

    assert recommended(found) == []
    assert "none of sub, client_id, azp names the caller" in texts(found)[0]


def test_whose_principal_is_shared_is_noted(key: SigningKey, new_key: SigningKey) -> None:
    found = examined(make_token(key, without(AUTH0_TOKEN, "sub")), (AUTH0_SITE,), key, new_key, **AUTH0)

    text = "It has no sub. The principal is its azp, the same for all users of a client."
    assert Finding("note", "token", text) in found


# Restrictions


def test_a_restriction_is_never_weakened(key: SigningKey, new_key: SigningKey) -> None:
    for org_id in ("beta", None):
        token = make_token(key, AUTH0_TOKEN | ({"org_id": org_id} if org_id else {}))
        found = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0, REQUIRED_CLAIMS="org_id=acme,email")

        assert recommended(found) == []
        assert texts(found)[0].startswith("token, claims: org_id does not match REQUIRED_CLAIMS: org_id is ")
        assert "request one that is. Correct REQUIRED_CLAIMS only if it names a wrong" in texts(found)[0]


def test_a_misspelled_value_of_a_restriction_is_corrected(key: SigningKey, new_key: SigningKey) -> None:
    token = make_token(key, AUTH0_TOKEN | {"org_id": "acme", "email": "ana@acme.example"})
    found = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0, REQUIRED_CLAIMS="email,org_id=Acme")

    assert recommended(found) == ["REQUIRED_CLAIMS=email,org_id=acme"]
    assert "If that is what you meant, write" in texts(found)[0]


def test_scopes_that_the_issuer_may_not_grant_are_named(key: SigningKey, new_key: SigningKey) -> None:
    token = make_token(key, AUTH0_TOKEN)
    found = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0, ALLOWED_SCOPES="read:pet,openid")

    assert Finding("note", "ALLOWED_SCOPES", "It does not list 'read:pets', which the token has.") in found
    assert recommended(found) == []
    assert texts(found)[0].endswith("Add what this issuer may grant to ALLOWED_SCOPES.")


@pytest.mark.parametrize("issuer", SHARED_ISSUERS)
def test_an_issuer_of_everybody_needs_a_restriction(
    key: SigningKey, new_key: SigningKey, issuer: str
) -> None:
    keys = "https://keys.example/jwks.json"
    settings = {"TOKEN_ISSUER": issuer, "JWKS_URI": keys, "AUDIENCE": API}
    site = Site("https://keys.example", keys)
    found = examined(None, (site,), key, new_key, **settings)

    assert recommended(found) == []
    assert len(texts(found)) == 1
    assert texts(found)[0].startswith(f"REQUIRED_CLAIMS: Anybody can get a token of {issuer}")
    owner = SHARED_ISSUERS[issuer][0]
    assert f"Set it to one of {owner}, " in texts(found)[0]
    bare, restricted = (
        examined(None, (site,), key, new_key, **settings, REQUIRED_CLAIMS=claims)
        for claims in (f"{owner},ref=main", f"{owner}=1")
    )
    assert len(texts(bare)) == 1
    assert texts(restricted) == []


def test_the_owner_in_a_token_is_recommended_only_if_the_issuer_signed_it(
    key: SigningKey, stranger: SigningKey, new_key: SigningKey
) -> None:
    issuer = "https://gitlab.com"
    site = Site(issuer, "https://gitlab.com/oauth/discovery/keys")
    settings = {"TOKEN_ISSUER": issuer, "AUDIENCE": API, "ROUTE_SCOPES": "GET /pets"}
    claims = {"iss": issuer, "aud": API, "sub": "project_path:acme/pets", "project_id": "20", **TIMES}

    signed = examined(make_token(key, claims), (site,), key, new_key, **settings)
    forged = examined(make_token(stranger, claims), (site,), key, new_key, **settings)

    assert recommended(signed) == ["REQUIRED_CLAIMS=project_id=20"]
    assert recommended(forged) == []


def test_a_token_of_an_issuer_that_grants_no_scopes_can_open_a_route_without_scopes(
    key: SigningKey, new_key: SigningKey
) -> None:
    token = make_token(key, without(AUTH0_TOKEN, "scope"))
    closed = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0)
    opened = examined(token, (AUTH0_SITE,), key, new_key, **AUTH0, ROUTE_SCOPES="GET /pets")

    assert texts(closed)[0].endswith(
        "If its issuer grants none, any valid token opens the routes that need no scope."
    )
    assert texts(opened) == []


# Microsoft Entra ID


def test_an_id_token_of_entra_is_no_reason_to_read_roles(key: SigningKey, new_key: SigningKey) -> None:
    claims = without(ENTRA_TOKEN, "azp") | {"roles": ["Pets.Read"], "nonce": "n"}
    routes = {"ROUTE_SCOPES": "GET /pets Pets.Read"}

    unread = examined(make_token(key, claims), (ENTRA_SITE,), key, new_key, **ENTRA, **routes)
    read = examined(
        make_token(key, claims), (ENTRA_SITE,), key, new_key, **ENTRA, **routes, SCOPE_CLAIMS="scp,roles"
    )

    for found in (unread, read):
        assert recommended(found) == ["REQUIRED_CLAIMS=azp"]  # which rejects it
        assert not any("SCOPE_CLAIMS=" in text for text in texts(found))


def test_an_id_token_of_entra_is_recognized_though_it_has_no_nonce(
    key: SigningKey, new_key: SigningKey
) -> None:
    claims = without(ENTRA_TOKEN, "azp") | {"aud": "client"}
    found = examined(make_token(key, claims), (ENTRA_SITE,), key, new_key, **ENTRA)

    assert recommended(found) == []
    assert "It looks like an ID token" in texts(found)[0]


@pytest.mark.parametrize("required", ["azp", "azp=d9f1c2b0-5b9e-4a35-8b86-4f3d4f7f2a11"])
def test_roles_of_entra_are_right_if_only_access_tokens_are_accepted(
    key: SigningKey, new_key: SigningKey, required: str
) -> None:
    claims = ENTRA_TOKEN | {"roles": ["Pets.Read"]}
    settings = {"ROUTE_SCOPES": "GET /pets Pets.Read", "REQUIRED_CLAIMS": required}

    unread = examined(make_token(key, claims), (ENTRA_SITE,), key, new_key, **ENTRA, **settings)
    read = examined(
        make_token(key, claims), (ENTRA_SITE,), key, new_key, **ENTRA, **settings, SCOPE_CLAIMS="scp,roles"
    )

    assert recommended(unread) == ["SCOPE_CLAIMS=scp,roles"]
    assert texts(read) == []


def test_a_v1_token_is_explained_though_nothing_leads_to_its_keys(
    key: SigningKey, new_key: SigningKey
) -> None:
    found = examined(
        make_token(key, ENTRA_V1_TOKEN | {"scp": "read:pets"}), (ENTRA_SITE,), key, new_key, **ENTRA
    )

    assert [text.split(":")[0] for text in texts(found)] == ["token, iss"]
    assert "version 1" in texts(found)[0]
    assert not any(line.startswith(("TOKEN_ISSUER", "JWKS_URI")) for line in recommended(found))


def test_another_tenant_is_recommended_only_if_its_users_are_meant(
    key: SigningKey, new_key: SigningKey
) -> None:
    template = "https://login.microsoftonline.com/{tenantid}/v2.0"
    site = Site(ENTRA_ISSUER, ENTRA_SITE.jwks_uri, {"alg": None, "issuer": template})
    other = "https://login.microsoftonline.com/OTHER/v2.0"
    claims = ENTRA_TOKEN | {"iss": other, "tid": "OTHER", "scp": "read:pets"}
    found = examined(make_token(key, claims), (site,), key, new_key, **ENTRA)

    assert recommended(found) == [f"TOKEN_ISSUER={ENTRA_ISSUER},{other}"]
    assert "It is from another tenant. If you accept the users of that one, too, write" in texts(found)[0]


def test_nothing_is_fetched_for_a_token_that_the_issuer_has_not_signed(
    key: SigningKey, stranger: SigningKey, new_key: SigningKey
) -> None:
    asked = []
    fetch = web((ENTRA_SITE, ENTRA_V1_SITE), key, new_key)

    def noting(url: str) -> bytes:
        asked.append(url)
        return fetch(url)

    for signer, expected in ((stranger, False), (key, True)):
        asked.clear()
        examine(environment(**ENTRA), make_token(signer, ENTRA_V1_TOKEN | {"scp": "read:pets"}), noting)

        assert any("sts.windows.net" in url for url in asked) is expected
