"""The examples of docs/rules.md are right: rules, their tests, and the commands to try them."""

import json
import re
import sys
from types import ModuleType
from typing import Any

import pytest

from auth.custom_rules import MAX_ADDED_BYTES, RESERVED_NAMES, Rules, apply_rules, load_rules
from tests.support.deployed import deployed
from tests.support.rules_page import EXAMPLES, OTHER_EXAMPLE, OTHER_TESTS, PAGE, TESTS, with_usage_plans
from tests.support.serverless_yml import TEXT, without_usage_plans
from tests.support.tokens import SigningKey, good_claims, make_event, make_token


def module(source: str) -> ModuleType:
    made = ModuleType("rules")
    exec(compile(source, "rules.py", "exec"), vars(made))
    return made


def run_tests(source: str, rules: ModuleType) -> int:
    """Call each test function, and return how many there are."""
    tests: dict[str, Any] = {"rules": rules}
    exec(compile(source, "test_rules.py", "exec"), tests)
    functions = [function for name, function in tests.items() if name.startswith("test_")]
    for function in functions:
        function()
    return len(functions)


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A rules.py that consists of all examples but the second one of `scopes`."""
    made = module(EXAMPLES)
    monkeypatch.setitem(sys.modules, "rules", made)
    return made


def test_there_is_an_example_of_each_rule(rules: ModuleType) -> None:
    assert all(load_rules())


def test_the_tests_of_the_examples_pass(rules: ModuleType) -> None:
    assert run_tests(TESTS, rules) == len(Rules._fields)
    assert run_tests(OTHER_TESTS, module(OTHER_EXAMPLE)) == 2


@pytest.mark.parametrize(
    ("claims", "may_read"),
    [
        ({"azp": "web", "scp": "Pets.Read"}, True),
        ({"azp": "worker", "roles": ["Pets.Read.All"]}, True),
        ({"azp": "web", "scp": "access_as_user", "roles": ["Pets.Read.All"]}, False),
        ({"nonce": "6785a1c3", "roles": ["Pets.Read.All"]}, False),
    ],
    ids=["scope", "role of an application", "role of a user", "role in an ID token"],
)
def test_a_scope_of_a_client_or_a_role_of_an_application_opens_a_route(
    key: SigningKey, claims: dict[str, Any], may_read: bool
) -> None:
    with deployed(key, ROUTE_SCOPES="GET /pets Pets.Read") as service:
        service.use_rules(Rules(scopes=module(OTHER_EXAMPLE).scopes))
        others = {name: value for name, value in good_claims().items() if name not in ("scope", "azp")}
        response = service.invoke(make_event(make_token(key, others | claims))).response

    assert response is not None
    statements = response["policyDocument"]["Statement"]
    assert any(statement["Effect"] == "Allow" for statement in statements) == may_read


def test_no_example_fails_for_a_token_without_its_claims(rules: ModuleType) -> None:
    assert apply_rules(load_rules(), {}).refusal == "not of the organization acme"
    results = apply_rules(load_rules(), {"org_id": "acme"})
    assert (results.scopes, results.usage_plan_key) == (frozenset(), None)


def test_the_examples_apply_to_the_tokens_that_the_page_issues(rules: ModuleType, key: SigningKey) -> None:
    claims = {"org_id": "acme", "realm_access": {"roles": ["visitor"]}, "tenant": "acme", "scope": "openid"}
    with deployed(key) as service:
        service.use_rules(Rules(**{name: getattr(rules, name) for name in Rules._fields}))
        invocation = service.invoke(make_event(make_token(key, good_claims(**claims))))

    assert invocation.response is not None
    assert invocation.response["context"] == {"scope": "openid read:pets", "tenant": "acme", "email": ""}
    assert invocation.response["usageIdentifierKey"] == "usage-plan-key-of-local-acme"


def test_the_log_lines_are_real(key: SigningKey) -> None:
    lines = [json.loads(line) for line in re.findall(r'^{"level".*}$', PAGE, re.MULTILINE)]
    reasons = [
        ("refuse", lambda _: "not of the organization acme"),
        ("refuse", lambda claims: claims["x"]),
        ("context", lambda _: {"tenant": None}),
    ]
    for line, (name, rule) in zip(lines, reasons, strict=True):
        with deployed(key) as service:
            service.use_rules(Rules(**{name: rule}))
            (logged,) = service.invoke(make_event(make_token(key))).log
        assert list(logged) == list(line)
        assert logged["outcome"] == line["outcome"]
        assert logged["reason"] == line["reason"].replace(" (rules.py, line 24)", "")


def test_the_limits_are_those_of_the_code() -> None:
    assert f"at most {MAX_ADDED_BYTES} bytes" in PAGE
    sentence = PAGE.partition("The name of a value can be any printable string except")[2].partition(":")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == RESERVED_NAMES


def test_the_copies_of_the_tests_are_without_the_usage_plans_of_the_page() -> None:
    service = with_usage_plans(TEXT)

    assert "apiKeys:" in service
    assert "private: true" in service
    assert without_usage_plans(service).replace("      STAGE: ${sls:stage}\n", "") == TEXT
