"""What `sls package` asks about a route table: which lines are invalid, and what of it can't be one policy.

plugins/endpoint-checks.cjs runs this with the table on standard input, and with the ARN of the stage if there
are TOKEN authorizers, which get one policy for the whole REST API. It prints JSON: `invalid`, a list of lines
and what is wrong with them; `not_one_policy`, a reason or null; `largest`, the bytes of the largest policy.
"""

import json
import re
import sys
from typing import Any

from auth import ConfigError
from auth.events import policy_document
from auth.policy import PolicyTable
from auth.routes import RouteTable, parse_routes

_INVALID_LINE = re.compile(r"table, line (\d+): (.*?): (['\"]).*?\3(?=; table, line |$)")


def check(text: str, stage_arn: str | None) -> dict[str, Any]:
    """Return what is wrong with a table. `stage_arn` is None if there are no TOKEN authorizers."""
    answer: dict[str, Any] = {"invalid": [], "not_one_policy": None, "largest": 0}
    try:
        tables = parse_routes(text, "table")
    except ConfigError as error:
        answer["invalid"] = [(int(number), reason) for number, reason, _ in _INVALID_LINE.findall(str(error))]
        return answer
    table = tables.sections.get("rest", tables.sections.get(""))
    if stage_arn is None or table is None:
        return answer
    try:
        answer["largest"] = largest_policy(table, stage_arn)
    except ConfigError as error:
        answer["not_one_policy"] = re.sub(r"^route table: | \(line \d+\)", "", str(error))
    return answer


def largest_policy(table: RouteTable, stage_arn: str) -> int:
    """Return the size in bytes of the largest policy that was found.

    There are too many sets of scopes to try them all. So one is added or removed at a time, wherever that
    makes the policy larger: first from all of them, then from none.
    """
    policies = PolicyTable(table)

    def size(scopes: frozenset[str]) -> int:
        return len(json.dumps(policy_document(stage_arn, *policies.patterns(scopes))))

    def climb(scopes: frozenset[str]) -> int:
        for scope in sorted(table.scopes):
            scopes = max(scopes, scopes ^ {scope}, key=size)
        return size(scopes)

    return max(climb(table.scopes), climb(frozenset()))


if __name__ == "__main__":
    print(json.dumps(check(sys.stdin.read(), sys.argv[1] if sys.argv[1:] else None)))
