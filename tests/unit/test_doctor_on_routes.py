"""What `npm run doctor` says about the routes that a token opens, and why it opens no more."""

from typing import Any

import pytest

from tests.support.environment import environment
from tests.support.providers import (
    COGNITO_ISSUER,
    COGNITO_TOKEN,
    KEYCLOAK,
    KEYCLOAK_SITE,
    KEYCLOAK_TOKEN,
    Site,
    web,
)
from tests.support.tokens import SigningKey, make_token
from tools.examination import examine

COGNITO = {"TOKEN_ISSUER": COGNITO_ISSUER, "AUDIENCE": str(COGNITO_TOKEN["client_id"])}
COGNITO_SITE = Site(COGNITO_ISSUER, f"{COGNITO_ISSUER}/.well-known/jwks.json")
ROLES = {"realm_access": {"roles": ["keeper", "offline_access"]}}


@pytest.fixture
def said(key: SigningKey, new_key: SigningKey) -> Any:
    """Return what is said about a Keycloak token with other claims, and other settings."""

    def examined(claims: dict[str, Any], **variables: str) -> list[str]:
        settings = {"JWKS_URI": None, "ROUTE_SCOPES": "GET /pets keeper\nPOST /pets nobody"}
        found = examine(
            environment(**{**settings, **KEYCLOAK, **variables}),
            make_token(key, KEYCLOAK_TOKEN | claims),
            web((KEYCLOAK_SITE,), key, new_key),
        )
        return [f"{one.level} {one.subject}: {one.text}" for one in found]

    return examined


def test_the_scopes_of_the_endpoints_may_be_what_is_wrong(said: Any) -> None:
    (wrong,) = [line for line in said({}) if line.startswith("WRONG")]

    assert "Request a token with the scopes of a route, or change `scopes:` of the endpoints" in wrong


def test_claims_that_scope_claims_leaves_out_are_shown_if_no_route_opens(said: Any) -> None:
    note = "note token: It also has 'realm_access.roles': 'keeper offline_access'; it is not in SCOPE_CLAIMS."

    assert note in said(ROLES, ROUTE_SCOPES="GET /pets read:pets")
    # With the scopes of a route, the setting is recommended instead.
    assert note not in said(ROLES)
    assert note not in said({**ROLES, "scope": "keeper"})


def test_the_routes_that_open_with_what_is_recommended_are_listed(said: Any) -> None:
    lines = said(ROLES)

    assumed = lines.index("note settings: What follows assumes the settings recommended here.")
    assert lines[assumed + 1 :] == [
        "ok token: Its scopes are: 'email keeper offline_access openid'.",
        "ok token: GET /pets: allowed.",
        "note token: POST /pets: refused, lacks nobody.",
    ]


def test_what_cannot_be_a_scope_is_noted(said: Any) -> None:
    lines = said(
        {"realm_access": {"roles": ["Pets Keeper", "keeper", 7]}, "scope": "openid  a\\b"},
        SCOPE_CLAIMS="scope,realm_access.roles",
    )

    noted = [line for line in lines if "grants nothing" in line]
    assert [line.split(", which")[0] for line in noted] == [
        "note token: scope has ['a\\\\b']",
        "note token: realm_access.roles has ['Pets Keeper']",
    ]


def test_an_object_whose_members_are_lists_is_noted(said: Any) -> None:
    lines = said(ROLES, SCOPE_CLAIMS="realm_access", ROUTE_SCOPES="GET /pets roles")

    (note,) = [line for line in lines if line.startswith("note")]
    assert "realm_access is an object, which grants the names of its members: ['roles']" in note
    assert note.endswith("name it in SCOPE_CLAIMS: 'realm_access.roles'.")


@pytest.mark.parametrize(
    ("routes", "opened"), [("GET /pets\nPOST /pets a", "GET /pets"), ("*", "All routes"), ("GET /pets a", "")]
)
def test_a_route_without_scopes_is_noted_if_nothing_in_the_token_names_this_api(
    key: SigningKey, new_key: SigningKey, routes: str, opened: str
) -> None:
    variables = environment(**COGNITO, JWKS_URI=None, ROUTE_SCOPES=routes)
    token = make_token(key, COGNITO_TOKEN | {"scope": "billing-api/read"}, {"typ": None})

    found = examine(variables, token, web((COGNITO_SITE,), key, new_key))

    noted = [finding.text for finding in found if "It has no aud" in finding.text]
    assert len(noted) == (1 if opened else 0)
    assert all(f"names this API. {opened}: open to every token of its client" in text for text in noted)
