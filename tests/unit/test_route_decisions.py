"""A decision for the route that API Gateway has picked is right for every table, and for all requests of its
cache key.

IAM and API Gateway's choice of a route are written anew for this, in tests/support. `npm run fuzz` runs the
properties with many more examples.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth import ConfigError, InvalidToken, Issuer, Settings
from auth.authorizer import Decision, decide
from auth.keys import KeyStore
from tests.support.environment import environment
from tests.support.iam import evaluate
from tests.support.rest_api import RestRoute, picked
from tests.support.tokens import SigningKey, good_claims, jwks, make_event, make_token
from tests.unit.test_events import API, STAGE, connect, http_1, http_2, rest_request

KEY = SigningKey.generate("key-1")
SCOPES = ("r", "s", "t")
PUBLIC_API = (Path(__file__).parents[1] / "support/public_api_routes.txt").read_text().splitlines()[1:]
ODD_VALUES = [
    "1",
    "*",
    "?",
    "?*",
    "a*",
    "%2F",
    "a%2Fb",
    "a:b",
    "a b",
    "\u00fc",
    "..",
    ".",
    "{x}",
    "$default",
    "\n",
]


def token(*scopes: str) -> str:
    return make_token(KEY, good_claims(scope=" ".join(scopes)))


TOKENS = {
    frozenset(scopes): token(*scopes)
    for scopes in ((), ("r",), ("s",), ("t",), ("r", "s"), ("r", "t"), ("s", "t"), ("r", "s", "t"))
}


class Authorizer:
    """The decision with a route table of its own, and keys at hand."""

    def __init__(self, table: str) -> None:
        self.settings = Settings.from_environment(environment(ROUTE_SCOPES=table))
        self.keys: dict[Issuer, KeyStore] = {
            issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=lambda _: jwks(KEY))
            for issuer in self.settings.issuers
        }

    def decide(self, event: dict[str, Any]) -> Decision:
        return decide(event, self.settings, self.keys)


def bearer(event: dict[str, Any], token: str) -> dict[str, Any]:
    return event | {"headers": {"authorization": f"Bearer {token}"}, "multiValueHeaders": None}


def rest(method: str, template: str, path: str, token: str) -> dict[str, Any]:
    arn = f"{STAGE}{method}{path}"
    return bearer(rest_request(methodArn=arn, resource=template, path=path, httpMethod=method), token)


def http(method: str, template: str, path: str, token: str) -> dict[str, Any]:
    arn = f"{STAGE}{method}{path}"
    return bearer(http_2(routeArn=arn, routeKey=f"{method} {template}", rawPath=path), token)


def http_format_1(method: str, template: str, path: str, token: str) -> dict[str, Any]:
    arn = f"{STAGE}{method}{path}"
    return bearer(http_1(methodArn=arn, resource=template, path=path, httpMethod=method), token)


EVENTS = pytest.mark.parametrize("make", [rest, http, http_format_1])


def effect(decision: Decision, request: str) -> str:
    """What API Gateway makes of a policy: a request that it does not mention is not allowed."""
    return evaluate(decision.response["policyDocument"], STAGE + request) or "nothing"


def spelled(template: str, value: Callable[[], str]) -> str:
    """A path for a template: one segment for a parameter, and up to three for a greedy one."""
    parts = template.split("/")
    return "/".join(
        "/".join(value() for _ in range(random.Random(part).randint(1, 3)))
        if part.endswith("+}")
        else value()
        if part.startswith("{")
        else part
        for part in parts
    )


@EVENTS
def test_a_public_api_of_a_thousand_routes_with_random_scopes_is_decided_exactly(make: Any) -> None:
    chance = random.Random(7)
    table = [f"{key} {' '.join(chance.sample(SCOPES, chance.choice([0, 1, 1, 2])))}" for key in PUBLIC_API]
    authorizer = Authorizer("\n".join(table))
    assert len(table) > 1000
    for line in table:
        method, template, *scopes = line.split()
        held, token = chance.choice(list(TOKENS.items()))
        path = spelled(template, lambda: chance.choice(ODD_VALUES))
        decision = authorizer.decide(make(method, template, path, token))

        # The answer is cached for all requests of this route, however they are spelled.
        expected = "Allow" if set(scopes) <= held else "Deny"
        for same in (path, spelled(template, lambda: chance.choice(ODD_VALUES))):
            assert effect(decision, method + same) == expected, line
        if expected == "Deny" or "{" not in template or template.endswith("}"):
            assert effect(decision, f"{method}{path.removesuffix('/')}/") == expected, line
        if expected == "Deny":
            assert effect(decision, f"{method}/%2e/{path}") == "Deny"
            assert effect(decision, f"GET/{chance.choice(ODD_VALUES)}") == "Deny"


methods = st.sampled_from(["GET", "POST", "ANY"])
parts = st.sampled_from(["a", "b", "mine", "{x}", "{x}"])
paths = st.builds(
    lambda stem, last: "/" + "/".join([*stem, *last]),
    st.lists(parts, max_size=4),
    st.sampled_from([[], [], ["{rest+}"]]),
)
tables = st.lists(
    st.builds(RestRoute, methods, paths, st.frozensets(st.sampled_from(SCOPES), max_size=2)),
    min_size=1,
    max_size=8,
    unique_by=lambda one: (one.method, one.path),
)
values = st.sampled_from(["a", "b", "mine", *ODD_VALUES]) | st.text(
    st.characters(exclude_characters="/"), min_size=1, max_size=6
)


@EVENTS
@settings(max_examples=5 * settings().max_examples)
@given(table=tables, held=st.sampled_from(list(TOKENS)), data=st.data())
def test_any_table_is_accepted_and_decided_exactly(
    make: Any, table: list[RestRoute], held: frozenset[str], data: st.DataObject
) -> None:
    authorizer = Authorizer("\n".join(map(str, table)))
    for _ in range(3):
        method = data.draw(st.sampled_from(["GET", "POST", "DELETE"]))
        template = data.draw(st.sampled_from(table)).path
        segments = [data.draw(values) if "{" in part else part for part in template.split("/") if part]
        endpoint = picked(table, method, segments)
        path = "/" + "/".join(segments)
        if endpoint is None:  # API Gateway answers by itself, but for a route that the table lacks
            decision = authorizer.decide(make(method, "/no/such/route", path, TOKENS[held]))
            assert effect(decision, method + path) == "Deny"
            continue
        # Payload format 2.0 says the method of the route, the others that of the request.
        said = endpoint.method if make is http else method
        decision = authorizer.decide(make(said, endpoint.path, path, TOKENS[held]))
        expected = "Allow" if endpoint.scopes <= held else "Deny"

        assert effect(decision, method + path) == expected
        assert decision.route is not None
        assert decision.route.key == f"{endpoint.method} {endpoint.path}"
        for _ in range(2):
            again = [data.draw(values) if "{" in part else part for part in endpoint.path.split("/") if part]
            if picked(table, method, again) is endpoint:
                assert effect(decision, f"{method}/{'/'.join(again)}") == expected


def test_an_answer_for_any_is_right_for_each_method() -> None:
    authorizer = Authorizer("ANY /pets r\nDELETE /pets s")
    decision = authorizer.decide(http("ANY", "/pets", "/pets", TOKENS[frozenset("r")]))

    assert [effect(decision, f"{method}/pets") for method in ("GET", "PATCH", "OPTIONS")] == 3 * ["Allow"]
    refused = authorizer.decide(http("DELETE", "/pets", "/pets", TOKENS[frozenset("r")]))
    assert effect(refused, "DELETE/pets") == "Deny"


@pytest.mark.parametrize("make", [http_1, http_2])
def test_an_answer_for_the_default_route_is_right_for_every_path(make: Any) -> None:
    authorizer = Authorizer("$default r\nGET /pets s")
    changes = {"routeKey": "$default"} if make is http_2 else {"resource": "$default"}
    arns = dict.fromkeys(("methodArn", "routeArn"), f"{API}dev/GET/any/path")
    granted = authorizer.decide(bearer(make(**changes, **arns), TOKENS[frozenset("r")]))
    refused = authorizer.decide(bearer(make(**changes, **arns), TOKENS[frozenset("s")]))

    assert [effect(granted, request) for request in ("GET/any/path", "POST/", "PUT/x")] == 3 * ["Allow"]
    assert effect(refused, "GET/any/path") == "Deny"


def test_a_refused_route_is_a_deny_of_the_whole_stage_that_no_spelling_escapes() -> None:
    authorizer = Authorizer("GET /pets r\nGET /admin s")
    decision = authorizer.decide(rest("GET", "/admin", "/admin", TOKENS[frozenset("r")]))

    for path in ("/admin", "/admin/", "//admin", "/./admin", "/x/../admin", "/adm%69n", "/admin%2f", "/pets"):
        assert effect(decision, f"GET{path}") == "Deny"


def test_sections_of_two_apis_are_never_mixed() -> None:
    authorizer = Authorizer("[rest]\nGET /pets r\n[http]\nGET /pets s\n[abc123]\nGET /pets t")
    token = TOKENS[frozenset("r")]
    other = {"methodArn": f"{STAGE.replace('apiId', 'abc123')}GET/pets"}

    assert authorizer.decide(rest("GET", "/pets", "/pets", token)).response["policyDocument"]["Statement"][0][
        "Effect"
    ] == ("Allow")
    for event in (http("GET", "/pets", "/pets", token), rest("GET", "/pets", "/pets", token) | other):
        (statement,) = authorizer.decide(event).response["policyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"


def test_an_api_without_a_section_is_the_operators_fault() -> None:
    with pytest.raises(ConfigError, match=r"no section \[http\]"):
        Authorizer("[rest]\nGET /pets").decide(http("GET", "/pets", "/pets", TOKENS[frozenset()]))


def test_an_asterisk_grants_everything_to_any_valid_token() -> None:
    authorizer = Authorizer("*")
    for event in (
        rest("GET", "/x", "/x", TOKENS[frozenset()]),
        http("GET", "/x", "/x", TOKENS[frozenset()]),
        make_event(TOKENS[frozenset()], f"{STAGE}GET/x"),
    ):
        assert effect(authorizer.decide(event), "GET/x") == "Allow"
    with pytest.raises(InvalidToken):
        authorizer.decide(rest("GET", "/x", "/x", "x.y.z"))


def test_a_handshake_needs_the_scopes_of_connect_and_tells_the_backend_when_the_token_expires() -> None:
    authorizer = Authorizer("$connect r")
    claims = good_claims(scope="r", exp=4_000_000_000)
    granted = authorizer.decide(bearer(connect(), make_token(KEY, claims)))
    refused = authorizer.decide(bearer(connect(), TOKENS[frozenset("s")]))

    assert (effect(granted, "$connect"), effect(refused, "$connect")) == ("Allow", "Deny")
    assert granted.response["context"] == {"scope": "r", "exp": 4_000_000_000}


def test_only_a_handshake_tells_the_backend_when_the_token_expires() -> None:
    decision = Authorizer("GET /x").decide(rest("GET", "/x", "/x", TOKENS[frozenset()]))

    assert decision.response["context"] == {"scope": ""}


def test_a_table_that_no_policy_can_express_is_compiled_for_token_events_only() -> None:
    authorizer = Authorizer(
        "GET /orders/{id} r\nGET /orders/{id}/items/{item} s\nGET /orders/{id}/items/all r"
    )
    token = TOKENS[frozenset("r")]

    decision = authorizer.decide(rest("GET", "/orders/{id}", "/orders/7", token))
    assert effect(decision, "GET/orders/7") == "Allow"
    with pytest.raises(ConfigError, match="no policy can allow"):
        authorizer.decide(make_event(token, f"{STAGE}GET/orders/7"))
