"""This file is what API Gateway asks, and how it wants to be answered.

Source: AWS, "Input to an API Gateway Lambda authorizer", "Output from an API Gateway Lambda authorizer",
"Control access to HTTP APIs with AWS Lambda authorizers" and "Control access to WebSocket APIs with AWS
Lambda REQUEST authorizers".
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

from .errors import ConfigError, InvalidToken

# Nothing of an ARN may be taken for a wildcard. A stage may be called `$default`.
_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[A-Za-z0-9-]+:([A-Za-z0-9-]+)/[A-Za-z0-9_$-]{1,128}/)"
    r"([A-Z]+/.*|\$[a-z]+)",
    re.ASCII | re.DOTALL,
)
# The longest that there is: in the partition of GovCloud, with a stage of 128 characters. The rest of the 512
# that a Resource may have is for the pattern (see routes.py).
MAX_STAGE_ARN_LENGTH = 200

# What kinds of APIs have. The backend of a WebSocket API must know when to end a connection.
HAVE_USAGE_PLANS = ("rest", "websocket")
HAVE_GATEWAY_RESPONSES = ("rest",)
HAVE_CONNECTIONS = ("websocket",)


class Request(NamedTuple):
    """What an event asks: may the bearer of this token make this request?"""

    kind: Literal["rest", "http", "websocket"]
    unverified_credentials: object
    """What the caller sent as `Authorization`."""
    stage_arn: str
    """The ARN of the API's stage, with a slash at the end."""
    api_id: str
    method: str
    path: str
    """The template of the route that API Gateway has picked, or without `has_route` the requested path."""
    has_route: bool = True
    """Whether the answer is for this route. Otherwise it is for the whole API."""


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
    usageIdentifierKey: NotRequired[str]
    """The value of an API key, whose usage plan applies to the caller."""


def read_event(event: Mapping[str, Any]) -> Request:
    """Return what an event asks.

    Raises ConfigError for an event of another kind, and InvalidToken for a request with two different tokens.
    """
    if event.get("type") == "TOKEN":  # a REST API
        stage_arn, api_id, request = _arn(event, "methodArn")
        method, _, path = request.partition("/")
        credentials = event.get("authorizationToken")
        return Request("rest", credentials, stage_arn, api_id, method, path, has_route=False)
    if event.get("version") == "2.0":  # an HTTP API
        method, _, path = str(event.get("routeKey")).partition(" ")
        return Request("http", _only(_headers(event)), *_arn(event, "routeArn")[:2], method, path)
    context = event.get("requestContext")
    if event.get("type") == "REQUEST" and isinstance(context, Mapping):
        if context.get("eventType") == "CONNECT":
            given = [*_headers(event), *_access_tokens(event)]
            return Request("websocket", _only(given), *_arn(event, "methodArn")[:2], "$connect", "")
        kind: Literal["http", "rest"] = "http" if event.get("version") == "1.0" else "rest"
        method, path = str(event.get("httpMethod")), str(event.get("resource"))
        method, path = (path, "") if path == "$default" else (method, path)
        return Request(kind, _only(_headers(event)), *_arn(event, "methodArn")[:2], method, path)
    raise ConfigError("this is not the event of an API Gateway Lambda authorizer")


def _arn(event: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    """Return the ARN of the stage, the id of the API, and what follows."""
    match = _ARN.fullmatch(event[name]) if isinstance(event.get(name), str) else None
    if match is None or len(match[1]) > MAX_STAGE_ARN_LENGTH:
        raise ConfigError(f"{name} is not the ARN of an API Gateway method")
    return match[1], match[2], match[3]


def _headers(event: Mapping[str, Any]) -> list[object]:
    """Return each value of the header Authorization, in whatever case."""
    places = event.get("headers"), event.get("multiValueHeaders")
    return _values(places, lambda name: name.lower() == "authorization")


def _access_tokens(event: Mapping[str, Any]) -> list[str]:
    """Return each value of the query parameter access_token (RFC 6750 section 2.3), as credentials."""
    places = event.get("queryStringParameters"), event.get("multiValueQueryStringParameters")
    values = _values(places, lambda name: name == "access_token")
    if values and _headers(event):
        raise InvalidToken("a token in the header and one in the query")
    return [f"Bearer {value}" for value in values]


def _values(places: Iterable[object], is_wanted: Callable[[str], bool]) -> list[object]:
    """Return each value of a header or parameter. In an event it may stand alone, in a list, or both."""
    values: list[object] = []
    for members in places:
        for name, value in members.items() if isinstance(members, Mapping) else ():
            if is_wanted(name):
                values += value if isinstance(value, list) else [value]
    return values


def _only(credentials: list[object]) -> object:
    """Return the one value of a credential. Of two, API Gateway may have looked at the other one."""
    if any(value != credentials[0] for value in credentials):
        raise InvalidToken("two different tokens")
    return credentials[0] if credentials else None


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
