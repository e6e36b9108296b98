"""What `npm run doctor` says about ID tokens: it never recommends what lets one in, or gives it scopes."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.environment import environment
from tests.support.providers import (
    AUTH0,
    AUTH0_ISSUER,
    AUTH0_SITE,
    ENTRA,
    ENTRA_SITE,
    ENTRA_TOKEN,
    ENTRA_V1_SITE,
    ENTRA_V1_TOKEN,
    TIMES,
    Site,
    web,
)
from tests.support.tokens import SigningKey, make_token
from tools.examination import Finding, examine

OF_A_USER = {"name": "Ana", "oid": "5d0f2a6c", "roles": ["Pets.Read.All"]}
ENTRA_ID_TOKEN = {name: value for name, value in ENTRA_TOKEN.items() if name != "azp"} | OF_A_USER
OWN_HOST = "https://login.acme.example/TENANT/v2.0"
OWN_SITE = Site(OWN_HOST, "https://login.acme.example/TENANT/keys")
ID_TOKEN = {"iss": AUTH0_ISSUER, "sub": "auth0|1", "aud": AUTH0["AUDIENCE"], **TIMES}
ROUTES = {"JWKS_URI": None, "ROUTE_SCOPES": "GET /pets Pets.Read.All"}


def examined(
    key: SigningKey, new_key: SigningKey, site: Site, claims: Mapping[str, Any], **variables: str
) -> tuple[list[Finding], list[str]]:
    """Return all findings, and the texts of those that are WRONG."""
    fetch = web((site,), key, new_key)
    found = examine(environment(**{**ROUTES, **variables}), make_token(key, claims), fetch)
    return found, [f"{finding.subject}: {finding.text}" for finding in found if finding.level == "WRONG"]


def recommended(found: list[Finding]) -> list[str]:
    return [str(setting) for finding in found for setting in finding.recommended]


@pytest.mark.parametrize("scope_claims", ["", "scope,scp,permissions,roles"])
@pytest.mark.parametrize("routes", ["GET /pets", "GET /pets Pets.Read.All"])
@pytest.mark.parametrize("has_own_host", [True, False])
def test_an_id_token_of_entra_id_that_is_accepted_is_wrong_and_is_shut_out(
    key: SigningKey, new_key: SigningKey, scope_claims: str, routes: str, has_own_host: bool
) -> None:
    variables = ENTRA | {"SCOPE_CLAIMS": scope_claims, "ROUTE_SCOPES": routes, "JWKS_URI": ""}
    site, claims = ENTRA_SITE, ENTRA_ID_TOKEN
    if has_own_host:
        site, claims, variables = OWN_SITE, claims | {"iss": OWN_HOST}, variables | {"TOKEN_ISSUER": OWN_HOST}

    found, wrong = examined(key, new_key, site, claims, **variables)

    assert wrong[0] == (
        "token: It is accepted, but it looks like an ID token: it has no azp and no scp. An ID token is for"
        " the client that requested it: send the access token instead."
    )
    assert recommended(found) == ["REQUIRED_CLAIMS=azp"]
    assert not any("Accepted" in finding.text or "allowed" in finding.text for finding in found)


def test_nobody_is_told_to_remove_the_restriction_that_rejects_an_id_token(
    key: SigningKey, new_key: SigningKey
) -> None:
    variables = ENTRA | {"REQUIRED_CLAIMS": "azp", "SCOPE_CLAIMS": "scp,roles", "JWKS_URI": ""}

    found, wrong = examined(key, new_key, ENTRA_SITE, ENTRA_ID_TOKEN, **variables)

    assert len(wrong) == 1
    assert "It looks like an ID token" in wrong[0]
    assert wrong[0].endswith("send the access token instead.")
    assert "orrect REQUIRED_CLAIMS" not in wrong[0]
    assert recommended(found) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"AUDIENCE": "https://else"},
        {"TOKEN_TYPES": "at+jwt"},
        {"PRINCIPAL_CLAIMS": "client_id"},
        {"REQUIRED_CLAIMS": "org_id=Acme"},
        {"AUDIENCE": "https://else", "TOKEN_TYPES": "at+jwt", "PRINCIPAL_CLAIMS": "client_id"},
    ],
)
def test_what_rejects_an_id_token_is_not_relaxed(
    key: SigningKey, new_key: SigningKey, settings: dict[str, str]
) -> None:
    claims = ID_TOKEN | {"nonce": "n-0S6", "org_id": "acme", "roles": ["Pets.Read.All"]}

    found, wrong = examined(key, new_key, AUTH0_SITE, claims, **AUTH0 | settings)

    assert wrong
    assert all("It looks like an ID token: it has nonce, but no scope." in text for text in wrong)
    assert recommended(found) == []


def test_the_settings_for_version_1_of_entra_id_are_not_recommended_for_an_id_token(
    key: SigningKey, new_key: SigningKey
) -> None:
    claims = {name: value for name, value in ENTRA_V1_TOKEN.items() if name != "appid"}
    fetch = web((ENTRA_SITE, ENTRA_V1_SITE), key, new_key)

    found = examine(environment(**{**ROUTES, **ENTRA}), make_token(key, claims), fetch)

    (wrong,) = [finding for finding in found if finding.level == "WRONG"]
    assert "It looks like an ID token: it has no appid and no scp." in wrong.text
    assert recommended(found) == []


def test_what_is_wrong_with_the_issuer_is_corrected_for_an_id_token_too(
    key: SigningKey, new_key: SigningKey
) -> None:
    issuer = AUTH0_ISSUER.rstrip("/")
    found, wrong = examined(
        key, new_key, AUTH0_SITE, ID_TOKEN | {"nonce": "n-0S6"}, **AUTH0 | {"TOKEN_ISSUER": issuer}
    )

    assert recommended(found) == [f"TOKEN_ISSUER={AUTH0_ISSUER}"]
    assert "looks like an ID token" in wrong[-1]


def test_what_may_be_an_id_token_is_noted_and_gets_no_scopes(key: SigningKey, new_key: SigningKey) -> None:
    claims = ID_TOKEN | {"at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "roles": ["Pets.Read.All"]}

    found, wrong = examined(key, new_key, AUTH0_SITE, claims, **AUTH0)
    same_audience = examined(key, new_key, AUTH0_SITE, ID_TOKEN | {"azp": ID_TOKEN["aud"]}, **AUTH0)[0]

    assert [text[:24] for text in wrong] == ["token: It opens no route"]
    assert recommended(found) == []
    assert not any("not in SCOPE_CLAIMS" in finding.text for finding in found)
    for those in (found, same_audience):
        assert any(f.level == "note" and "It may be an ID token" in f.text for f in those)


@pytest.mark.parametrize(
    ("claims", "header", "scope_claims"),
    [
        ({"scope": "openid"}, {}, "scope,scp,permissions,roles"),
        ({"typ": "Bearer"}, {}, "scope,roles"),
        ({}, {"typ": "at+jwt"}, "scope,scp,permissions,roles"),
    ],
)
def test_an_access_token_with_a_nonce_is_no_id_token(
    key: SigningKey, new_key: SigningKey, claims: dict[str, str], header: dict[str, str], scope_claims: str
) -> None:
    token = make_token(key, ID_TOKEN | {"nonce": "n-0S6", "roles": ["Pets.Read.All"]} | claims, header)
    fetch = web((AUTH0_SITE,), key, new_key)

    found = examine(environment(**{**ROUTES, **AUTH0}), token, fetch)

    assert not any("ID token" in finding.text for finding in found)
    assert recommended(found) == [f"SCOPE_CLAIMS={scope_claims}"]
