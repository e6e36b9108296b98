"""Which parts of usage plans are missing, and which API keys there are locally: plugins/usage-plans.cjs."""

import json
import subprocess
from typing import Any

import pytest

from tests.support.checkout import ROOT

PARTS = {
    "source": "Add to provider.apiGateway: apiKeySourceType: AUTHORIZER.",
    "rule": "Add the function usage_plan_key to rules.py",
    "plan": "Add usagePlan, and apiKeys, to provider.apiGateway",
    "private": "Add to each that does: private: true",
}


def missing_parts(
    parts: set[str],
    *events: Any,
    source: str = "AUTHORIZER",
    resources: dict[str, Any] | None = None,
    **custom: Any,
) -> str:
    """Return what is reported for a service with these parts of usage plans."""
    script = """
        const { missingParts } = require('./plugins/usage-plans.cjs');
        const [service, hasRule] = JSON.parse(process.argv[1]);
        console.log(missingParts(service, hasRule).join('\\n'));
    """
    endpoint: dict[str, Any] = {"method": "get", "path": "/x", "authorizer": "authorizer", "scopes": []}
    if "private" in parts:
        endpoint["private"] = True
    settings: dict[str, Any] = {"apiKeySourceType": source} if "source" in parts else {}
    if "plan" in parts:
        settings["usagePlan"] = [{"basic": {"quota": {"limit": 1, "period": "DAY"}}}]
    service = {
        "provider": {"apiGateway": settings} if settings else {},
        "functions": {"one": {"events": [*(events or [{"http": endpoint}])]}},
        "custom": custom,
        "resources": {"Resources": resources or {}},
    }
    command = ["node", "-e", script, json.dumps([service, "rule" in parts])]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout.strip()


@pytest.mark.parametrize("only", PARTS)
def test_one_part_needs_all_others(only: str) -> None:
    said = missing_parts({only})

    assert {part for part, sentence in PARTS.items() if sentence in said} == set(PARTS) - {only}


@pytest.mark.parametrize("missing", PARTS)
def test_the_part_that_is_missing_is_named_with_what_to_write(missing: str) -> None:
    said = missing_parts(set(PARTS) - {missing})

    assert PARTS[missing] in said
    assert len(said.splitlines()) == 1


def test_the_plan_may_be_one_of_the_resources() -> None:
    plan = {"BasicPlan": {"Type": "AWS::ApiGateway::UsagePlan"}}

    assert missing_parts({"source", "rule", "private"}, resources=plan) == ""
    assert PARTS["rule"] in missing_parts(set(), resources=plan)


def test_all_parts_and_none_are_complete() -> None:
    assert missing_parts(set(PARTS)) == missing_parts(set()) == ""


def test_where_callers_send_their_keys_themselves_the_authorizer_names_none() -> None:
    theirs = {"source", "plan", "private"}

    assert missing_parts(theirs, source="HEADER") == ""
    assert PARTS["source"] in missing_parts({*theirs, "rule"}, source="HEADER")


@pytest.mark.parametrize(
    "event", [{"websocket": {"route": "$connect"}}, {"httpApi": {"method": "get", "path": "/x"}}]
)
def test_the_rule_may_be_for_another_kind_of_api(event: Any) -> None:
    assert missing_parts({"rule"}, event) == ""


def test_the_rule_may_be_for_an_api_of_another_service() -> None:
    assert missing_parts({"rule"}, otherRoutes={"a1b2c3d4e5": ["GET /orders"]}) == ""


def test_the_local_stack_knows_the_enabled_keys_of_all_plans() -> None:
    script = """
        const { enabledKeys } = require('./plugins/usage-plans.cjs');
        console.log(JSON.stringify([enabledKeys(JSON.parse(process.argv[1])), enabledKeys(undefined)]));
    """
    one, two, three = {"name": "one", "value": "1"}, {"value": "2", "enabled": True}, {"value": "3"}
    disabled = {"value": "4", "enabled": False}
    keys = [{"basic": [one, disabled]}, {"large": [two]}, three, "a name"]
    command = ["node", "-e", script, json.dumps(keys)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)

    assert json.loads(ran.stdout) == [[one, two, three, "a name"], []]
