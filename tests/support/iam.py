"""IAM, as far as an authorizer's policy goes: written from AWS's manual, and not from our code.

AWS, "IAM JSON policy elements: Resource" and "Policy evaluation logic". That a wildcard also spans the
colons of a path was seen on API Gateway: github.com/dherault/serverless-offline/issues/560.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

Effect = Literal["Allow", "Deny"]


@lru_cache(maxsize=10_000)
def _expression(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(sign) or re.escape(sign) for sign in pattern), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """`*` is any number of characters, `?` is one, of whatever kind; all others are themselves."""
    return _expression(pattern).fullmatch(text) is not None


def evaluate(policy: Mapping[str, Any], resource: str) -> Effect | None:
    """What a policy says of invoking `resource`: an explicit Deny wins, and None is that it says nothing."""
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        if matches(statement["Action"], "execute-api:Invoke")
        and any(matches(pattern, resource) for pattern in statement["Resource"])
    }
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else None
