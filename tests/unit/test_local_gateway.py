"""What local/gateway.py does around the authorizer: identity sources, the cache, events and errors."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from auth.events import policy_document, read_event

ARN = "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/local/"
HEADERS = {"Host": "127.0.0.1", "Authorization": "Bearer a.b.c"}

TOKEN = {"api": "rest", "type": "token", "identitySource": ["method.request.header.Authorization"]}
REQUEST = TOKEN | {
    "type": "request",
    "identitySource": ["method.request.header.Authorization", "context.httpMethod", "context.resourcePath"],
}
HTTP = {
    "api": "http",
    "type": "request",
    "identitySource": ["$request.header.Authorization", "$context.routeKey"],
    "routes": ["GET /pets/{petId}", "ANY /files/{path+}", "$default"],
}
WEBSOCKET = {"api": "websocket", "type": "request", "identitySource": [], "resultTtlInSeconds": 0}


def version_1(type_: str, path: str, template: str, stage: str = "/local") -> dict[str, Any]:
    """What serverless-offline sends for REST APIs, and for HTTP APIs with the payload format 1.0."""
    return {
        "type": type_,
        "version": "1.0",
        "authorizationToken": HEADERS["Authorization"],
        "identitySource": HEADERS["Authorization"],
        "methodArn": f"{ARN}GET{template}",
        "httpMethod": "GET",
        "path": stage + path,
        "resource": template,
        "headers": HEADERS,
        "queryStringParameters": None,
        "requestContext": {"stage": "local", "httpMethod": "GET", "resourcePath": template},
    }


def version_2(method: str, path: str, template: str) -> dict[str, Any]:
    """What serverless-offline sends for HTTP APIs."""
    return {
        "type": "REQUEST",
        "version": "2.0",
        "identitySource": [HEADERS["Authorization"]],
        "routeArn": f"{ARN}{method}{template}",
        "routeKey": f"{method} {template}",
        "rawPath": path,
        "headers": HEADERS,
        "requestContext": {"stage": "local", "http": {"method": method, "path": template}},
    }


def handshake(**changes: Any) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:undefined:private/local/$connect",
        "headers": HEADERS,
        "requestContext": {"eventType": "CONNECT", "stage": "local"},
    } | changes


class Gateway:
    """The gateway in front of a function that keeps the events it gets, and the time."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.now = 0.0
        self.sent: list[dict[str, Any]] = []
        self.pattern = "*"
        self.error: Exception | None = None

    def function(self, event: dict[str, Any], _context: object) -> dict[str, Any]:
        self.sent.append(event)
        if self.error:
            raise self.error
        policy = policy_document(read_event(event).stage_arn, [self.pattern], [])
        return {"principalId": "me", "policyDocument": policy, "context": {"scope": "a"}}

    def effect(self, event: dict[str, Any]) -> str:
        """Return what serverless-offline is told: an effect for the ARN that it sent, or another answer."""
        answer = self.module.authorize(event, None)
        if not isinstance(answer, dict):
            return str(answer)
        (statement,) = answer["policyDocument"]["Statement"]
        assert statement["Resource"] == event.get("routeArn", event.get("methodArn"))
        return str(statement["Effect"]) if isinstance(answer["context"], dict) else "500"


@pytest.fixture
def gateway(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    settings = {"resultTtlInSeconds": 300, "routes": []} | request.param
    monkeypatch.setenv("LOCAL_AUTHORIZER", json.dumps(settings))
    sys.modules.pop("local.gateway", None)
    gateway = Gateway(import_module("local.gateway"))
    monkeypatch.setitem(sys.modules, "handler", SimpleNamespace(authorize=gateway.function))
    monkeypatch.setattr("local.gateway.time.monotonic", lambda: gateway.now)
    yield gateway
    del sys.modules["local.gateway"]


def kind(settings: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("gateway", [settings], indirect=True)


@kind(TOKEN)
def test_the_event_of_a_token_authorizer_has_three_members(gateway: Gateway) -> None:
    gateway.effect(version_1("TOKEN", "/pets/7", "/pets/{petId}"))

    assert gateway.sent == [
        {"type": "TOKEN", "authorizationToken": "Bearer a.b.c", "methodArn": f"{ARN}GET/pets/7"}
    ]


@kind(REQUEST)
@pytest.mark.parametrize(
    ("path", "template", "resource"),
    [("/pets/7", "/pets/{petId}", "/pets/{petId}"), ("", "", "/"), ("/a/b", "/{path*}", "/{path+}")],
)
def test_the_event_of_a_request_authorizer_of_a_rest_api_has_no_version(
    gateway: Gateway, path: str, template: str, resource: str
) -> None:
    gateway.effect(version_1("REQUEST", path, template))
    (sent,) = gateway.sent

    assert {"version", "authorizationToken", "identitySource"}.isdisjoint(sent)
    assert (sent["resource"], sent["path"]) == (resource, path or "/")
    assert sent["methodArn"] == f"{ARN}GET{path or '/'}"
    assert read_event(sent).kind == "rest"


@kind(HTTP)
@pytest.mark.parametrize(
    ("method", "path", "template", "route_key"),
    [
        ("GET", "/pets/7", "/pets/{petId}", "GET /pets/{petId}"),
        ("PUT", "/files/a/b", "/files/{path*}", "ANY /files/{path+}"),
        ("GET", "/x", "/{default*}", "$default"),
    ],
)
def test_the_events_of_an_http_api_have_its_stage_and_its_route_keys(
    gateway: Gateway, method: str, path: str, template: str, route_key: str
) -> None:
    gateway.effect(version_2(method, path, template))
    gateway.effect(version_1("REQUEST", path, template, stage="") | {"httpMethod": method})

    arn = f"{ARN.replace('local', '$default')}{method}{path}"
    second, first = gateway.sent
    assert (second["routeArn"], second["routeKey"]) == (arn, route_key)
    assert (first["methodArn"], first["resource"]) == (arn, route_key.rsplit(maxsplit=1)[-1])
    for event in gateway.sent:
        request = read_event(event)
        assert (request.kind, request.unverified_credentials) == ("http", "Bearer a.b.c")


@kind(TOKEN)
def test_the_answer_of_a_token_authorizer_is_cached_for_the_token(gateway: Gateway) -> None:
    gateway.pattern = "GET/pets"

    assert gateway.effect(version_1("TOKEN", "/pets", "/pets")) == "Allow"
    gateway.pattern = "*"
    assert gateway.effect(version_1("TOKEN", "/fish", "/fish")) == "Deny"
    assert (
        gateway.effect(version_1("TOKEN", "/fish", "/fish") | {"authorizationToken": "Bearer d"}) == "Allow"
    )
    gateway.now = 300
    assert gateway.effect(version_1("TOKEN", "/fish", "/fish")) == "Allow"


@pytest.mark.parametrize(
    ("gateway", "first", "second"),
    [
        (
            REQUEST,
            version_1("REQUEST", "/pets/7", "/pets/{petId}"),
            version_1("REQUEST", "/fish/7", "/fish/{id}"),
        ),
        (HTTP, version_2("GET", "/pets/7", "/pets/{petId}"), version_2("GET", "/x", "/{default*}")),
        (
            HTTP,
            version_1("REQUEST", "/pets/7", "/pets/{petId}", ""),
            version_1("REQUEST", "/x", "/{default*}", ""),
        ),
    ],
    indirect=["gateway"],
)
def test_the_answer_of_a_request_authorizer_is_cached_for_the_token_and_the_route(
    gateway: Gateway, first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert gateway.effect(first) == "Allow"
    gateway.error = RuntimeError("the function would fail now")

    assert gateway.effect(first) == "Allow"
    assert gateway.effect(second) == "500"
    assert gateway.effect(first | {"headers": {"Authorization": "Bearer x"}}) == "500"


@kind(WEBSOCKET)
def test_the_answer_for_a_handshake_is_never_cached(gateway: Gateway) -> None:
    assert gateway.effect(handshake()) == "Allow"
    gateway.error = RuntimeError("the function would fail now")

    assert gateway.effect(handshake()) == "500"


@pytest.mark.parametrize("gateway", [TOKEN, REQUEST], indirect=True)
def test_errors_are_not_cached(gateway: Gateway) -> None:
    event = version_1(gateway.module.AUTHORIZER["type"].upper(), "/pets", "/pets")
    gateway.error = Exception("Unauthorized")
    assert gateway.effect(event) == "Unauthorized"
    gateway.error = Exception("Unauthorized: no")
    assert gateway.effect(event) == "500"
    gateway.error = None

    assert gateway.effect(event) == "Allow"


@pytest.mark.parametrize(
    ("gateway", "event"),
    [
        (TOKEN, version_1("TOKEN", "/pets", "/pets") | {"authorizationToken": ""}),
        (REQUEST, version_1("REQUEST", "/pets", "/pets") | {"headers": {}}),
        (
            REQUEST | {"identitySource": ["method.request.querystring.key"]},
            version_1("REQUEST", "/pets", "/pets"),
        ),
        (HTTP, version_2("GET", "/x", "/{default*}") | {"headers": {"authorization": ""}}),
        (WEBSOCKET | {"identitySource": ["route.request.querystring.access_token"]}, handshake()),
    ],
    indirect=["gateway"],
)
def test_a_request_without_an_identity_source_is_rejected_before_the_function_runs(
    gateway: Gateway, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    traced = event | {"headers": event["headers"] | {"X-Amzn-Trace-Id": "Root=1-x"}}

    assert gateway.effect(traced) == "Unauthorized"
    assert gateway.sent == []
    line = json.loads(capsys.readouterr().out)
    assert (line["outcome"], line["request_id"]) == ("unauthorized", "Root=1-x")
    assert line["reason"].endswith(": the authorizer was not asked")


@kind(REQUEST)
@pytest.mark.parametrize(
    ("pattern", "path", "effect"),
    [
        ("GET/a.b", "/a.b", "Allow"),
        ("GET/a.b", "/axb", "Deny"),
        ("GET/?*", "/a\nb", "Allow"),
        ("GET/?*", "/", "Deny"),
        ("ET/a", "/a", "Deny"),
    ],
)
def test_a_policy_is_evaluated_as_iam_does(gateway: Gateway, pattern: str, path: str, effect: str) -> None:
    gateway.pattern = pattern

    assert gateway.effect(version_1("REQUEST", path, "/{any}")) == effect
