"""How IAM evaluates policies of authorizers and roles: written from AWS's documentation, not from our code.

AWS, "IAM JSON policy elements: Resource" and "Policy evaluation logic". That a wildcard also matches the
colons of a path was observed on API Gateway: github.com/dherault/serverless-offline/issues/560.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

Effect = Literal["Allow", "Deny"]


@lru_cache(maxsize=10_000)
def _expression(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(sign) or re.escape(sign) for sign in pattern), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern matches: `*` is any number of any characters, `?` is any one character."""
    return _expression(pattern).fullmatch(text) is not None


def evaluate(policy: Mapping[str, Any], resource: str) -> Effect | None:
    """Return the effect on invoking `resource`, or None without one. An explicit Deny takes precedence."""
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        if matches(statement["Action"], "execute-api:Invoke")
        and any(matches(pattern, resource) for pattern in statement["Resource"])
    }
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else None


def is_allowed(
    statements: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Tell whether an identity with these statements may do `action` to `resource`: an explicit Deny wins.

    `context` has the values of condition keys; only the operator StringEquals is known.
    """
    effects = {
        statement["Effect"]
        for statement in statements
        if _applies(statement, action, resource) and _holds(statement.get("Condition", {}), context or {})
    }
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    # IAM ignores the case of actions.
    if not any(matches(pattern.lower(), action.lower()) for pattern in _listed(statement["Action"])):
        return False
    if "NotResource" in statement:
        return not any(matches(pattern, resource) for pattern in _listed(statement["NotResource"]))
    return any(matches(pattern, resource) for pattern in _listed(statement["Resource"]))


def _holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    assert set(condition) <= {"StringEquals"}
    wanted = condition.get("StringEquals", {}).items()
    return all(context.get(key) in _listed(values) for key, values in wanted)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
