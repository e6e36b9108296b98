"""A deployer's own rules and tests: other tests do not depend on them, and wrong rules are not packaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.checkout import SLS, copy_project, run
from tests.support.environment import SETTINGS
from tests.support.local_stack import LocalStack, bearer, start
from tests.support.rules_page import EXAMPLES, TESTS, with_usage_plans
from tests.support.serverless_yml import TEXT

RULES = """
def refuse(claims):
    if claims["sub"] == "local-client@clients":
        return "the client of the sample requests"
    return None if claims.get("org_id", "acme") == "acme" else "not of acme"

def scopes(claims):
    return claims.get("roles", [])

def context(claims):
    return {"tenant": claims["tenant"], "seats": 5} if "tenant" in claims else {}

def usage_plan_key(claims):
    return f"usage-plan-key-of-local-{claims['tenant']}" if "tenant" in claims else None
"""

# Tests of the core, of the entry point, and of what starts handler.py in processes of its own
CORE_TESTS = (
    "tests/unit/test_authorizer.py",
    "tests/unit/test_handler.py",
    # In this order: what the first one loads as rules.py must not be what the second one tests.
    "tests/unit/test_custom_rules.py",
    "tests/unit/test_rules.py",
    "tests/unit/test_cold_start.py::test_the_first_request_does_not_fetch_again",
    "tests/unit/test_doctor.py::test_it_says_what_each_rule_returns_for_a_token",
    "tests/infra/test_alarms.py::test_no_caller_can_trigger_an_alarm",
)


def test_the_tests_of_the_core_pass_with_the_rules_and_the_tests_of_the_documentation(
    clean: dict[str, str], tmp_path: Path
) -> None:
    project = copy_project(tmp_path)
    (project / "rules.py").write_text(EXAMPLES)  # which refuse the tokens of all other tests
    with (project / "tests/unit/test_rules.py").open("a") as file:
        file.write(TESTS)
    command = (".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *CORE_TESTS)
    tested = run(project, *command, environment=clean)

    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout


def test_packaging_stops_before_a_rules_py_that_the_authorizer_could_not_use(
    editable: Path, clean: dict[str, str]
) -> None:
    (editable / "rules.py").write_text("def refuses(claims): ...")
    rejected = run(editable, SLS, "package", environment=clean | SETTINGS)

    assert rejected.returncode == 1
    assert "rules.py: refuses is not one of refuse, scopes, context, usage_plan_key." in rejected.stdout
    assert "Traceback" not in rejected.stdout + rejected.stderr
    assert not (editable / ".serverless").exists()


def test_packaging_stops_for_a_rule_about_usage_plans_without_the_plans(
    editable: Path, clean: dict[str, str]
) -> None:
    (editable / "rules.py").write_text(f"print('printed by rules.py')\n{EXAMPLES}")
    rejected = run(editable, SLS, "package", environment=clean | SETTINGS)

    assert rejected.returncode == 1
    assert "The usage plans are incomplete (docs/rules.md shows all parts):" in rejected.stdout
    assert "Add to provider.apiGateway: apiKeySourceType: AUTHORIZER." in rejected.stdout
    assert not (editable / ".serverless").exists()


@pytest.fixture(scope="module")
def stack(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """What `npm start` runs, with rules, and with the usage plans of docs/rules.md for GET /pets."""
    project = copy_project(tmp_path_factory.mktemp("rules"))
    (project / "rules.py").write_text(RULES)
    (project / "serverless.yml").write_text(with_usage_plans(TEXT))
    stack = start(project, "node", "local/start.mjs", environment=clean)
    yield stack
    stack.end()


def test_rules_apply_to_the_tokens_of_the_local_issuer(stack: LocalStack) -> None:
    def status(**claims: Any) -> int:
        headers = bearer(stack.token("", claims=claims))
        return requests.get(f"{stack.api}/pets", headers=headers, timeout=5).status_code

    assert status() == 403
    assert status(roles=["read:pets"], tenant="acme") == 200
    assert status(roles=["read:pets"], org_id="other") == 403
    assert status(roles="read:pets") == 500  # a string is no list of scopes
    assert status(roles=["read:pets"], tenant="globex") == 200  # of another usage plan
    assert status(roles=["read:pets"], tenant="initech") == 403  # of none
    assert status(roles=["read:pets"]) == 403


def test_where_a_rule_refuses_the_sample_token_the_printed_statuses_are_those_that_came(
    stack: LocalStack,
) -> None:
    pets = f'curl -i {stack.api}/pets -H "Authorization: Bearer $TOKEN"'
    rule = "does a rule in rules.py refuse the token?"

    assert f"\nExpected 200, but got 403 ({rule}): {pets}\n" in stack.printed
    assert f"\n# 403, not 200: {rule}\n{pets}\n" in stack.printed
    assert f"\n# 401: no token\ncurl -i {stack.api}/pets\n" in stack.printed
    assert "# 200" not in stack.printed


def test_the_backend_is_told_who_calls(stack: LocalStack) -> None:
    headers = bearer(stack.token("create:pets", client_id="alice"))
    pet = {"type": "cat", "price": 123.11}
    reply = requests.post(f"{stack.api}/pets", headers=headers, json=pet, timeout=5).json()

    assert reply["created_by"] == "alice@clients"
