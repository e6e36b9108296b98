"""What `sls package` is told about a route table."""

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from auth.events import policy_document
from auth.policy import PolicyTable
from auth.routes import parse_routes
from tools.policy_check import check

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/"

# No policy can allow the first and deny the last.
CONFLICT = "GET /orders/{id} a\nGET /orders/{id}/items b\nGET /orders/{id}/items/{itemId} a"


def test_invalid_lines_are_named_by_their_numbers() -> None:
    text = "[rest]\nGET /pets/* a\nGET /x \"b;\nGET /ok a\nGET '/x' b\nGET /ok c\nGET /" + 310 * "x"

    assert [number for number, _ in check(text, ARN)["invalid"]] == [2, 3, 5, 6, 7]
    reasons = [reason for _, reason in check(text, ARN)["invalid"]]
    assert reasons[0].startswith("each part of a path must be a name")
    assert reasons[1:] == [
        "a scope is printable ASCII without quotes and backslashes",
        "the method must be followed by a path that starts with /",
        "duplicate of line 4",
        "the path is too long for a policy",
    ]


def test_a_table_that_no_policy_can_express_is_a_problem_for_token_authorizers_only() -> None:
    reason = check(CONFLICT, ARN)["not_one_policy"]

    assert reason.startswith("no policy can allow GET /orders/{id}")
    assert "(line " not in reason
    assert check(CONFLICT, None) == {"invalid": [], "not_one_policy": None, "largest": 0}


def test_the_routes_of_other_apis_need_not_be_one_policy() -> None:
    text = f"[rest]\nGET /pets a\n[http]\n{CONFLICT}\n[other]\n{CONFLICT}"

    assert check(text, ARN)["not_one_policy"] is None


@pytest.mark.parametrize("text", ["*", "[http]\nGET /pets a", ""])
def test_without_routes_of_a_rest_api_there_is_nothing_to_check(text: str) -> None:
    assert check(text, ARN) == {"invalid": [], "not_one_policy": None, "largest": 0}


@pytest.mark.parametrize(
    "text",
    [
        "GET /pets a",
        "GET /{x} a\nGET /one b\nGET /two c\nGET /three d",
        "GET /{x}\nGET /one a\nGET /two b\nPOST /three/{y} c\nPOST /four d",
    ],
)
def test_the_largest_policy_is_that_of_the_worst_set_of_scopes(text: str) -> None:
    table = parse_routes(text).table("id", "rest")
    assert table
    policies = PolicyTable(table)
    sets = [frozenset(some) for n in range(len(table.scopes) + 1) for some in combinations(table.scopes, n)]
    sizes = [len(json.dumps(policy_document(ARN, *policies.patterns(scopes)))) for scopes in sets]

    assert check(text, ARN)["largest"] == max(sizes)


def test_it_reads_the_table_from_its_input_and_prints_json() -> None:
    command = [sys.executable, "-m", "tools.policy_check", ARN]
    ran = subprocess.run(command, cwd=ROOT, input=CONFLICT, capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout) == check(CONFLICT, ARN)
