"""The OAuth metadata that the settings of a stage make (RFC 9728): tools/resource_metadata.py."""

from typing import Any

import pytest

from auth import Settings
from tests.support.environment import environment
from tests.support.tokens import ISSUER
from tools.resource_metadata import InvalidMetadata, complete

URL = "https://api.example/v1"
PARTNER = {
    "TOKEN_ISSUER__PARTNER": "https://partner.example/",
    "JWKS_URI__PARTNER": "https://partner.example/keys",
    "AUDIENCE__PARTNER": "https://other.example",
}


def metadata(resource: str = "", **variables: str | None) -> dict[str, Any]:
    settings = Settings.from_environment(environment(**{"AUDIENCE": URL} | variables))
    return complete({"resource": resource, "bearer_methods_supported": ["header"]}, settings)


def test_the_metadata_says_where_tokens_come_from_and_which_scopes_there_are() -> None:
    assert metadata() == {
        "resource": URL,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["create:pets", "read:pets"],
        "bearer_methods_supported": ["header"],
    }


def test_the_scopes_are_those_of_the_rest_api() -> None:
    table = "[rest]\nGET /pets read:pets\n[http]\nGET /x read:x\n[a1b2c3]\nGET /y read:y"

    assert metadata(ROUTE_SCOPES=table)["scopes_supported"] == ["read:pets"]


@pytest.mark.parametrize("table", ["*", "GET /pets"])
def test_what_is_empty_is_left_out(table: str) -> None:
    assert "scopes_supported" not in metadata(ROUTE_SCOPES=table)


def test_only_issuers_whose_tokens_are_for_the_resource_are_named() -> None:
    assert metadata(URL, **PARTNER)["authorization_servers"] == [ISSUER]
    assert metadata("https://other.example", **PARTNER)["authorization_servers"] == [
        "https://partner.example/"
    ]
    both = PARTNER | {"AUDIENCE__PARTNER": f"https://other.example,{URL}"}
    assert metadata(URL, **both)["authorization_servers"] == [ISSUER, "https://partner.example/"]


def test_a_scope_that_none_of_them_may_grant_is_not_named() -> None:
    assert metadata(ALLOWED_SCOPES="read:pets")["scopes_supported"] == ["read:pets"]
    both = PARTNER | {"AUDIENCE__PARTNER": URL, "ALLOWED_SCOPES__PARTNER": "create:pets"}
    limited = metadata(ALLOWED_SCOPES="read:pets", **both)
    assert limited["scopes_supported"] == ["create:pets", "read:pets"]


def test_a_name_of_the_issuer_that_is_no_url_is_left_out() -> None:
    google = "accounts.google.com,https://accounts.google.com"

    assert metadata(TOKEN_ISSUER=google)["authorization_servers"] == ["https://accounts.google.com"]
    with pytest.raises(InvalidMetadata, match="no TOKEN_ISSUER whose AUDIENCE has"):
        metadata(TOKEN_ISSUER="accounts.google.com")


def test_which_of_several_audiences_is_the_url_of_the_api_must_be_said() -> None:
    audience = f"{URL},api://orders"

    assert metadata(URL, AUDIENCE=audience)["resource"] == URL
    with pytest.raises(InvalidMetadata, match=f"Set the parameter `resource` .*: {URL}, api://orders"):
        metadata(AUDIENCE=audience)


def test_tokens_for_the_resource_must_be_accepted() -> None:
    with pytest.raises(InvalidMetadata, match=r"Add https://api\.example/v1/ to AUDIENCE"):
        metadata(f"{URL}/")


@pytest.mark.parametrize(
    "audience",
    [
        "api://orders",
        "orders",
        "http://api.example",
        "https://api.example#x",
        "https://api.example?x=1",
        "https://user@api.example",
        'https://api.example/"',
        "https://api.example/'",
        "https://",
    ],
)
def test_the_resource_is_a_url_that_clients_can_call(audience: str) -> None:
    with pytest.raises(InvalidMetadata, match="clients compare it with the URL that they call"):
        metadata(AUDIENCE=audience)
