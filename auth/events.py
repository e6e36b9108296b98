"""This file is what API Gateway asks, and how it wants to be answered.

Source: AWS, "Input to an API Gateway Lambda authorizer" and "Output from an API Gateway Lambda authorizer".
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from .errors import ConfigError

# Nothing of an ARN may be taken for a wildcard. A stage may be called `$default`.
_METHOD_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[A-Za-z0-9-]+:[A-Za-z0-9-]+/[A-Za-z0-9_$-]{1,128}/)"
    r"([A-Z]+)/(.*)",
    re.ASCII | re.DOTALL,
)
# The longest that there is: in the partition of GovCloud, with a stage of 128 characters. The rest of the 512
# that a Resource may have is for the pattern (see routes.py).
MAX_STAGE_ARN_LENGTH = 200


@dataclass(frozen=True)
class Request:
    """What an event asks: may the bearer of this token call this method on this path?"""

    unverified_credentials: object
    """What the caller sent as `Authorization`."""
    stage_arn: str
    """The ARN of the API's stage, with a slash at the end."""
    method: str
    path: str
    """The path of the request as the caller wrote it, without the first slash."""


class Statement(TypedDict):
    """A statement of an IAM policy, in the only form that is needed here."""

    Action: Literal["execute-api:Invoke"]
    Effect: Literal["Allow", "Deny"]
    Resource: list[str]


class PolicyDocument(TypedDict):
    """An IAM policy."""

    Version: Literal["2012-10-17"]
    Statement: list[Statement]


class Response(TypedDict):
    """The answer of a Lambda authorizer. The values of `context` reach the backend."""

    principalId: str
    policyDocument: PolicyDocument
    context: dict[str, str | int | float | bool]


def read_event(event: Mapping[str, Any]) -> Request:
    """Return what the event of a TOKEN authorizer asks. Raises ConfigError for any other event."""
    if event.get("type") != "TOKEN":
        raise ConfigError('this is a TOKEN authorizer: the event must have "type": "TOKEN"')
    method_arn = event.get("methodArn")
    match = _METHOD_ARN.fullmatch(method_arn) if isinstance(method_arn, str) else None
    if match is None or len(match[1]) > MAX_STAGE_ARN_LENGTH:
        raise ConfigError("methodArn is not the ARN of an API Gateway method")
    return Request(event.get("authorizationToken"), stage_arn=match[1], method=match[2], path=match[3])


def policy_document(stage_arn: str, allowed: Collection[str], denied: Collection[str]) -> PolicyDocument:
    """Return the policy that allows and denies the requests that match these patterns, in a stage."""
    patterns: dict[Literal["Allow", "Deny"], Collection[str]] = {"Allow": allowed, "Deny": denied}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Action": "execute-api:Invoke",
                "Effect": effect,
                "Resource": [stage_arn + ending for ending in endings],
            }
            for effect, endings in patterns.items()
            if endings
        ],
    }
