"""Which scopes a 403 asks for: those that are missing, and never any where something else is the reason."""

from collections.abc import Mapping
from typing import Any

import pytest

from auth import Issuer, Settings
from auth.authorizer import decide
from auth.challenge import MAX_SCOPE_LENGTH
from auth.custom_rules import NO_RULES, Rules
from auth.keys import KeyStore
from tests.support.environment import environment
from tests.support.tokens import SigningKey, good_claims, make_event, make_token
from tests.unit.test_events import connect, http_1, http_2, rest_request

URL = "https://api.example/.well-known/oauth-protected-resource"
ROUTES = """
GET   /pets      read:pets
POST  /pets      read:pets create:pets
GET   /any
"""

Keys = Mapping[Issuer, KeyStore]


def context(
    event: dict[str, Any], keys: Keys, routes: str = ROUTES, metadata: str = URL, rules: Rules = NO_RULES
) -> dict[str, str | int | float | bool]:
    variables = environment(ROUTE_SCOPES=routes, RESOURCE_METADATA=metadata)
    settings = Settings.from_environment(variables)._replace(issuers=tuple(keys))
    return decide(event, settings, keys, rules).response["context"]


def challenge(scope: str) -> str:
    return f'Bearer error="insufficient_scope", scope="{scope}", resource_metadata="{URL}"'


def token(key: SigningKey, scope: str) -> str:
    return make_token(key, good_claims(scope=scope))


def request(key: SigningKey, scope: str, method: str = "POST", path: str = "/pets") -> dict[str, Any]:
    """Return the event of a REQUEST authorizer."""
    return rest_request(httpMethod=method, resource=path, **headers(key, scope))


def headers(key: SigningKey, scope: str) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {token(key, scope)}"}, "multiValueHeaders": {}}


@pytest.mark.parametrize("scope", ["", "read:pets", "read:pets read:mail"])
def test_one_policy_for_the_whole_api_asks_for_all_scopes_that_the_api_knows(
    key: SigningKey, keys: Keys, scope: str
) -> None:
    assert context(make_event(token(key, scope)), keys)["challenge"] == challenge("create:pets read:pets")


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("", "create:pets read:pets"),
        ("read:pets", "create:pets read:pets"),
        ("read:mail", "create:pets read:pets"),
    ],
)
def test_the_policy_of_a_route_asks_for_its_scopes(
    key: SigningKey, keys: Keys, scope: str, asked: str
) -> None:
    assert context(request(key, scope), keys)["challenge"] == challenge(asked)


def test_it_also_asks_for_those_that_the_token_has_since_the_next_one_replaces_it(
    key: SigningKey, keys: Keys
) -> None:
    asked = context(request(key, "create:pets", "GET"), keys)["challenge"]

    assert asked == challenge("create:pets read:pets")


def test_where_no_scope_is_missing_none_is_asked_for(key: SigningKey, keys: Keys) -> None:
    everything = token(key, "create:pets read:pets")
    for event in (
        make_event(everything),
        request(key, "read:pets create:pets"),
        request(key, "", "GET", "/any"),
        request(key, "", "GET", "/not-in-the-table"),
    ):
        assert "challenge" not in context(event, keys)
    assert "challenge" not in context(make_event(token(key, "")), keys, "*")


def test_no_scope_helps_against_a_rule_that_refuses_the_token(key: SigningKey, keys: Keys) -> None:
    rules = Rules(refuse=lambda claims: "not of the organization acme")

    for event in (make_event(token(key, "")), request(key, "")):
        assert "challenge" not in context(event, keys, rules=rules)


def test_a_scope_that_a_rule_grants_is_not_asked_for(key: SigningKey, keys: Keys) -> None:
    rules = Rules(scopes=lambda claims: ["create:pets"])

    assert "challenge" not in context(request(key, "read:pets"), keys, rules=rules)


def test_only_rest_apis_can_answer_with_it(key: SigningKey, keys: Keys) -> None:
    routes = "GET /pets/{petId} read:pets\n$connect chat"
    for event in (http_1, http_2, connect):
        assert "challenge" not in context(event(**headers(key, "")), keys, routes)


def test_without_metadata_the_context_is_that_of_the_tutorial(key: SigningKey, keys: Keys) -> None:
    assert context(make_event(token(key, "")), keys, metadata="") == {"scope": ""}


def test_scopes_that_do_not_fit_into_a_header_are_left_out(key: SigningKey, keys: Keys) -> None:
    scope = "s" * MAX_SCOPE_LENGTH
    event = make_event(token(key, ""))

    assert context(event, keys, f"GET /pets {scope}")["challenge"] == challenge(scope)
    longer = context(event, keys, f"GET /pets {scope}s")["challenge"]
    assert longer == f'Bearer error="insufficient_scope", resource_metadata="{URL}"'
