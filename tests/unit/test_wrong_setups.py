"""Set-ups that people get wrong with real providers, and the lines by which the doctor corrects them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.support.environment import environment
from tests.support.providers import (
    API,
    AUTH0,
    AUTH0_ISSUER,
    AUTH0_SITE,
    AUTH0_TOKEN,
    COGNITO_ISSUER,
    COGNITO_TOKEN,
    ENTRA,
    ENTRA_ISSUER,
    ENTRA_KEYS,
    ENTRA_SITE,
    ENTRA_TOKEN,
    ENTRA_V1,
    ENTRA_V1_ISSUER,
    ENTRA_V1_KEYS,
    ENTRA_V1_SITE,
    ENTRA_V1_TOKEN,
    GITHUB_ISSUER,
    GITHUB_SITE,
    GITHUB_TOKEN,
    GOOGLE,
    GOOGLE_SITE,
    GOOGLE_TOKEN,
    KEYCLOAK,
    KEYCLOAK_ISSUER,
    KEYCLOAK_SITE,
    KEYCLOAK_TOKEN,
    PARTNER,
    PARTNER_SITE,
    TIMES,
    Site,
    web,
)
from tests.support.tokens import SigningKey, make_token
from tools.doctor import lines
from tools.examination import Finding, examine


@dataclass(frozen=True)
class SetUp:
    """What is set, what the issuers publish, and a token of one of them."""

    what: str
    variables: Mapping[str, str]
    sites: tuple[Site, ...]
    claims: Mapping[str, Any] | None
    lines: tuple[str, ...]
    """What the doctor recommends."""
    words: str = ""
    """What it says, too."""
    header: Mapping[str, Any] = field(default_factory=dict)
    alg: str = "RS256"

    @property
    def environment(self) -> dict[str, str]:
        return environment(**{"JWKS_URI": None, "ROUTE_SCOPES": "GET /pets read:pets"} | dict(self.variables))


SET_UPS = [
    SetUp(
        "Cognito: the API's URL as audience",
        {"TOKEN_ISSUER": COGNITO_ISSUER, "AUDIENCE": API, "ROUTE_SCOPES": "GET /pets pets-api/read"},
        (Site(COGNITO_ISSUER, f"{COGNITO_ISSUER}/.well-known/jwks.json"),),
        COGNITO_TOKEN,
        ("AUDIENCE=3e2d9c1f8b7a6e5d4c3b2a1908",),
        "Cognito's access tokens name the client, not the API: give every route a scope",
        header={"typ": None},
    ),
    SetUp(
        "Entra ID: an application's token, whose roles are not read",
        ENTRA | {"ROUTE_SCOPES": "GET /pets Pets.Read.All"},
        (ENTRA_SITE,),
        ENTRA_TOKEN | {"roles": ["Pets.Read.All"], "idtyp": "app"},
        ("SCOPE_CLAIMS=scp,roles", "REQUIRED_CLAIMS=azp"),
        "Its ID tokens have roles, too, but no azp; and in a delegated token, roles are the user's, whatever"
        " the client was granted. Write these lines, which belong together:",
    ),
    SetUp(
        "Entra ID: a managed identity's v1 token, whose roles are not read",
        ENTRA_V1 | {"ROUTE_SCOPES": "GET /pets Pets.Read.All", "REQUIRED_CLAIMS": "tid=TENANT"},
        (ENTRA_V1_SITE,),
        ENTRA_V1_TOKEN | {"roles": ["Pets.Read.All"]},
        ("SCOPE_CLAIMS=scp,roles", "REQUIRED_CLAIMS=tid=TENANT,appid"),
        "Its ID tokens have roles, too, but no appid",
    ),
    SetUp(
        "Entra ID: a user's token, whose roles are not read",
        ENTRA | {"ROUTE_SCOPES": "GET /pets Pets.Admin", "REQUIRED_CLAIMS": "azp"},
        (ENTRA_SITE,),
        ENTRA_TOKEN | {"scp": "Pets.Read", "roles": ["Pets.Admin"]},
        ("SCOPE_CLAIMS=scp,roles",),
        "It is a delegated token: its roles are the user's, whatever the client was granted.",
    ),
    SetUp(
        "Entra ID: roles are read, but its ID tokens are not rejected",
        ENTRA | {"ROUTE_SCOPES": "GET /pets Pets.Read.All", "SCOPE_CLAIMS": "scp,roles"},
        (ENTRA_SITE,),
        ENTRA_TOKEN | {"roles": ["Pets.Read.All"]},
        ("REQUIRED_CLAIMS=azp",),
        "users could send those instead of access tokens",
    ),
    SetUp(
        "Entra ID: a v1 token, and settings for v2",
        ENTRA | {"ROUTE_SCOPES": "GET /pets Pets.Read"},
        (ENTRA_SITE, ENTRA_V1_SITE),
        ENTRA_V1_TOKEN | {"scp": "Pets.Read"},
        (
            f"TOKEN_ISSUER={ENTRA_V1_ISSUER}",
            f"JWKS_URI={ENTRA_V1_KEYS}",
            "AUDIENCE=api://6e74172b-be56-4843-9ff4-e66a39bb12e3",
        ),
        "This is a version 1 token of Entra ID. Set requestedAccessTokenVersion to 2 in the manifest",
    ),
    SetUp(
        "Entra ID: a v1 token, and settings for v2 with a restriction",
        ENTRA | {"ROUTE_SCOPES": "GET /pets Pets.Read", "REQUIRED_CLAIMS": "azp,tid=TENANT"},
        (ENTRA_SITE, ENTRA_V1_SITE),
        ENTRA_V1_TOKEN | {"scp": "Pets.Read"},
        (
            f"TOKEN_ISSUER={ENTRA_V1_ISSUER}",
            f"JWKS_URI={ENTRA_V1_KEYS}",
            "AUDIENCE=api://6e74172b-be56-4843-9ff4-e66a39bb12e3",
            "REQUIRED_CLAIMS=appid,tid=TENANT",
        ),
        "To accept version 1 tokens of this API, write these lines, which belong together",
    ),
    SetUp(
        "Entra ID: the issuer of v1 tokens, and the keys of v2 tokens",
        ENTRA_V1 | {"JWKS_URI": ENTRA_KEYS, "ROUTE_SCOPES": "GET /pets Pets.Read"},
        (ENTRA_SITE, ENTRA_V1_SITE),
        ENTRA_V1_TOKEN | {"scp": "Pets.Read"},
        (f"JWKS_URI={ENTRA_V1_KEYS}",),
    ),
    SetUp(
        "Entra ID: the keys of v2 tokens, without a token",
        ENTRA_V1 | {"JWKS_URI": ENTRA_KEYS},
        (ENTRA_SITE, ENTRA_V1_SITE),
        None,
        (f"JWKS_URI={ENTRA_V1_KEYS}",),
        "all keys are for the tokens of other issuers",
    ),
    SetUp(
        "Entra ID: common instead of a tenant",
        ENTRA
        | {
            "TOKEN_ISSUER": "https://login.microsoftonline.com/common/v2.0",
            "JWKS_URI": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
            "ROUTE_SCOPES": "GET /pets Pets.Read",
        },
        (
            ENTRA_SITE,
            Site(
                "https://login.microsoftonline.com/{tenantid}/v2.0",
                "https://login.microsoftonline.com/common/discovery/v2.0/keys",
                {"alg": None, "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"},
                place="https://login.microsoftonline.com/common/v2.0",
            ),
        ),
        ENTRA_TOKEN | {"scp": "Pets.Read"},
        (f"TOKEN_ISSUER={ENTRA_ISSUER}",),
    ),
    SetUp(
        "GitHub Actions: jobs of strangers",
        {"TOKEN_ISSUER": GITHUB_ISSUER, "AUDIENCE": API, "ROUTE_SCOPES": "GET /pets"},
        (GITHUB_SITE,),
        GITHUB_TOKEN,
        ("REQUIRED_CLAIMS=repository_owner_id=87654321",),
        "Anybody can get a token of https://token.actions.githubusercontent.com",
    ),
    SetUp(
        "GitHub Actions: only claims that strangers have, too",
        {
            "TOKEN_ISSUER": GITHUB_ISSUER,
            "AUDIENCE": API,
            "ROUTE_SCOPES": "GET /pets",
            "REQUIRED_CLAIMS": "repository,ref=refs/heads/main",
        },
        (GITHUB_SITE,),
        GITHUB_TOKEN,
        ("REQUIRED_CLAIMS=repository,ref=refs/heads/main,repository_owner_id=87654321",),
    ),
    SetUp(
        "Google: any user's ID tokens",
        GOOGLE | {"AUDIENCE": "1.apps.googleusercontent.com"},
        (GOOGLE_SITE,),
        GOOGLE_TOKEN | {"aud": "1.apps.googleusercontent.com", "azp": "1.apps.googleusercontent.com"},
        ("REQUIRED_CLAIMS=azp=1.apps.googleusercontent.com",),
        "Anybody can get a token of https://accounts.google.com",
    ),
    SetUp(
        "Google: service accounts of strangers",
        GOOGLE | {"AUDIENCE": API},
        (GOOGLE_SITE,),
        GOOGLE_TOKEN | {"aud": API, "azp": "110169484474386276334"},
        ("REQUIRED_CLAIMS=sub=110169484474386276334",),
    ),
    SetUp(
        "Google: the audience of another client",
        GOOGLE | {"AUDIENCE": API},
        (GOOGLE_SITE,),
        GOOGLE_TOKEN | {"aud": "1.apps.googleusercontent.com", "azp": "1.apps.googleusercontent.com"},
        ("AUDIENCE=1.apps.googleusercontent.com", "REQUIRED_CLAIMS=azp=1.apps.googleusercontent.com"),
    ),
    SetUp(
        "Keycloak: roles of the realm",
        KEYCLOAK | {"ROUTE_SCOPES": "GET /pets keeper"},
        (KEYCLOAK_SITE,),
        KEYCLOAK_TOKEN | {"realm_access": {"roles": ["offline_access", "keeper"]}},
        ("SCOPE_CLAIMS=scope,realm_access.roles",),
    ),
    SetUp(
        "Keycloak: roles of a client",
        KEYCLOAK | {"ROUTE_SCOPES": "GET /pets keeper"},
        (KEYCLOAK_SITE,),
        KEYCLOAK_TOKEN | {"resource_access": {"pets-api": {"roles": ["keeper"]}}},
        ("SCOPE_CLAIMS=scope,resource_access.pets-api.roles",),
    ),
    SetUp(
        "Keycloak: the object that has the roles, instead of the roles",
        KEYCLOAK | {"ROUTE_SCOPES": "GET /pets keeper", "SCOPE_CLAIMS": "scope,realm_access"},
        (KEYCLOAK_SITE,),
        KEYCLOAK_TOKEN | {"realm_access": {"roles": ["keeper"]}},
        ("SCOPE_CLAIMS=scope,realm_access.roles",),
    ),
    SetUp(
        "Keycloak: an audience of the tokens of all clients",
        KEYCLOAK | {"AUDIENCE": "account", "ROUTE_SCOPES": "GET /pets openid"},
        (KEYCLOAK_SITE,),
        KEYCLOAK_TOKEN,
        ("AUDIENCE=pets-api",),
        "account is not an API: the issuer writes it to the tokens of any client",
    ),
    SetUp(
        "Keycloak: an audience of the tokens of all clients, beside the API's",
        KEYCLOAK | {"AUDIENCE": "account,pets-api"},
        (KEYCLOAK_SITE,),
        None,
        ("AUDIENCE=pets-api",),
    ),
    SetUp(
        "Auth0: the issuer's own endpoint as audience",
        AUTH0 | {"AUDIENCE": f"{AUTH0_ISSUER}userinfo"},
        (AUTH0_SITE,),
        AUTH0_TOKEN,
        (f"AUDIENCE={API}",),
    ),
    SetUp(
        "Auth0: roles in a claim with a namespace",
        AUTH0 | {"ROUTE_SCOPES": "GET /pets keeper"},
        (AUTH0_SITE,),
        AUTH0_TOKEN | {"https://acme.example/roles": ["keeper"]},
        ("SCOPE_CLAIMS=scope,scp,permissions,https://acme.example/roles",),
    ),
    SetUp(
        "Auth0: a custom domain beside the tenant's own",
        AUTH0,
        (AUTH0_SITE,),
        AUTH0_TOKEN | {"iss": "https://login.acme.example/"},
        (f"TOKEN_ISSUER={AUTH0_ISSUER},https://login.acme.example/",),
        "If that is another name of your issuer",
    ),
    SetUp(
        "Auth0: no trailing slash in the issuer",
        AUTH0 | {"TOKEN_ISSUER": AUTH0_ISSUER.rstrip("/")},
        (AUTH0_SITE,),
        AUTH0_TOKEN,
        (f"TOKEN_ISSUER={AUTH0_ISSUER}",),
        "the trailing slash",
    ),
    SetUp(
        "Supabase: ES256, and roles that only a server writes",
        {
            "TOKEN_ISSUER": "https://abc.supabase.co/auth/v1",
            "AUDIENCE": "authenticated",
            "ROUTE_SCOPES": "GET /pets keeper",
        },
        (Site("https://abc.supabase.co/auth/v1", "https://abc.supabase.co/jwks", {"key_ops": ["verify"]}),),
        {
            "iss": "https://abc.supabase.co/auth/v1",
            "aud": "authenticated",
            "sub": "11111111-2222-3333-4444-555555555555",
            "role": "authenticated",
            "user_metadata": {"roles": ["keeper"]},
            "app_metadata": {"roles": ["keeper"]},
            **TIMES,
        },
        ("ALGORITHMS=ES256", "SCOPE_CLAIMS=scope,scp,permissions,app_metadata.roles"),
        alg="ES256",
    ),
    SetUp(
        "a type of access tokens of the issuer's own",
        AUTH0,
        (AUTH0_SITE,),
        AUTH0_TOKEN,
        ("TOKEN_TYPES=jwt,at+jwt,vnd.acme.at+jwt",),
        header={"typ": "application/vnd.acme.at+jwt"},
    ),
    SetUp(
        "SPIFFE: a type that any token may have",
        AUTH0 | {"TOKEN_TYPES": "at+jwt"},
        (AUTH0_SITE,),
        AUTH0_TOKEN,
        ("TOKEN_TYPES=at+jwt,jwt",),
        header={"typ": "JOSE"},
    ),
    SetUp(
        "ADFS: an application's token, which has no sub",
        {
            "TOKEN_ISSUER": "http://fs.example/adfs/services/trust",
            "JWKS_URI": "https://fs.example/adfs/discovery/keys",
            "AUDIENCE": "microsoft:identityserver:pets",
        },
        (Site("https://fs.example/adfs", "https://fs.example/adfs/discovery/keys"),),
        {
            "iss": "http://fs.example/adfs/services/trust",
            "aud": "microsoft:identityserver:pets",
            "appid": "b5a1c9d2",
            "scp": "read:pets",
            **TIMES,
        },
        ("PRINCIPAL_CLAIMS=sub,client_id,azp,appid",),
        header={"kid": None, "x5t": "key-1"},
    ),
    SetUp(
        "two issuers in one list",
        AUTH0 | {"TOKEN_ISSUER": f"{AUTH0_ISSUER},{KEYCLOAK_ISSUER}", "REQUIRED_CLAIMS": "azp=web"},
        (AUTH0_SITE, replace(KEYCLOAK_SITE, has_key=False)),
        AUTH0_TOKEN,
        (
            f"TOKEN_ISSUER={AUTH0_ISSUER}",
            f"TOKEN_ISSUER__OTHER={KEYCLOAK_ISSUER}",
            f"JWKS_URI__OTHER={KEYCLOAK_SITE.jwks_uri}",
            f"AUDIENCE__OTHER={API}",
            "REQUIRED_CLAIMS__OTHER=azp=web",
        ),
        "none of them is at JWKS_URI: all of its tokens would be rejected. It is another issuer, so it needs"
        " variables of its own, with a suffix of your choice.",
    ),
    SetUp(
        "a misspelled restriction",
        AUTH0 | {"REQUIRED_CLAIM": "org_id=acme"},
        (AUTH0_SITE,),
        None,
        ("REQUIRED_CLAIMS=org_id=acme",),
        "Instead of REQUIRED_CLAIM,",
    ),
    SetUp(
        "a restriction of a misspelled issuer",
        AUTH0 | PARTNER | {"ALLOWED_SCOPES__PARTNR": "read:pets"},
        (AUTH0_SITE, PARTNER_SITE),
        None,
        ("ALLOWED_SCOPES__PARTNER=read:pets",),
        "Instead of ALLOWED_SCOPES__PARTNR,",
    ),
    SetUp(
        "a partner's issuer with another audience",
        AUTH0 | PARTNER | {"AUDIENCE__PARTNER": "pets"},
        (replace(AUTH0_SITE, has_key=False), PARTNER_SITE),
        AUTH0_TOKEN | {"iss": PARTNER_SITE.issuer, "aud": API},
        (f"AUDIENCE__PARTNER={API}",),
    ),
    SetUp(
        "a partner's issuer with another algorithm and no trailing slash",
        AUTH0 | PARTNER | {"TOKEN_ISSUER__PARTNER": PARTNER_SITE.issuer[:-1]},
        (replace(AUTH0_SITE, has_key=False), PARTNER_SITE),
        AUTH0_TOKEN | {"iss": PARTNER_SITE.issuer},
        (f"TOKEN_ISSUER__PARTNER={PARTNER_SITE.issuer}", "ALGORITHMS__PARTNER=ES256"),
        alg="ES256",
    ),
]


@pytest.fixture(scope="module")
def ec_key() -> SigningKey:
    return SigningKey.generate("key-1", "ES256")


@pytest.fixture(params=SET_UPS, ids=lambda set_up: set_up.what)
def set_up(request: pytest.FixtureRequest) -> SetUp:
    assert isinstance(request.param, SetUp)
    return request.param


def wrong(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.level == "WRONG"]


def test_the_lines_that_correct_a_wrong_set_up_are_printed_and_it_is_right_with_them(
    set_up: SetUp, key: SigningKey, ec_key: SigningKey, new_key: SigningKey
) -> None:
    signer = ec_key if set_up.alg == "ES256" else key
    fetch = web(set_up.sites, signer, new_key)
    token = make_token(signer, set_up.claims, set_up.header) if set_up.claims else None
    before = set_up.environment

    found = examine(before, token, fetch)

    settings = [setting for finding in found for setting in finding.recommended]
    assert [str(setting) for setting in settings] == list(set_up.lines)
    said = "\n".join(line for finding in wrong(found) for line in lines(finding))
    assert set_up.words in said
    for line in set_up.lines:
        assert re.search(rf" {re.escape(line)}$", said, re.MULTILINE)
    misspelled = [name for name in before if f"Instead of {name}," in said]
    after = {name: value for name, value in before.items() if name not in misspelled}
    again = examine(after | {setting.name: setting.value for setting in settings}, token, fetch)
    assert wrong(again) == []
