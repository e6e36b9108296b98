"""What of the endpoints stops packaging, each with what to write instead: plugins/endpoint-checks.cjs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT, SLS, run
from tests.support.environment import SETTINGS
from tests.support.serverless_yml import TEXT, public_in_rest_api, with_api_gateway

TOKEN = {"name": "authorizer", "type": "token", "resultTtlInSeconds": 3600}
REQUEST: dict[str, Any] = {
    "name": "jwtRequest",
    "arn": {"Fn::GetAtt": ["AuthorizerLambdaFunction", "Arn"]},
    "type": "request",
    "identitySource": "method.request.header.Authorization, context.httpMethod, context.resourcePath",
    "resultTtlInSeconds": 3600,
}
HTTP_API = {
    "type": "request",
    "functionName": "authorizer",
    "identitySource": ["$request.header.Authorization", "$context.routeKey"],
    "resultTtlInSeconds": 300,
}
OTHER_ROUTES = {"otherRoutes": {"id": ["GET /"]}}  # a table must have a route


def judge(*events: Any, variables: dict[str, Any] | None = None, **service: Any) -> tuple[str, str]:
    """Return the error and the warning for a service with these events."""
    script = """
        const Checks = require('./plugins/endpoint-checks.cjs');
        const service = JSON.parse(process.argv[1]);
        service.getFunction = (name) => service.functions[name];
        const answer = ['', ''];
        const log = { warning: (text) => { answer[1] = text; } };
        const plugin = new Checks({ service, serviceDir: '.', classes: { Error } }, {}, { log });
        try {
          plugin.hooks['before:package:initialize']();
        } catch (error) {
          answer[0] = error.message;
        }
        console.log(JSON.stringify(answer));
    """
    functions = {"authorizer": {"environment": variables or {}}, "one": {"events": events}}
    made: dict[str, Any] = {"custom": OTHER_ROUTES, "functions": functions} | service
    made["provider"] = {"stage": "dev", "region": "us-east-1"} | made.get("provider", {})
    command = ["node", "-e", script, json.dumps(made)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    error, warning = json.loads(ran.stdout)
    return error, warning


def problems(*events: Any, **service: Any) -> list[str]:
    """Return what is reported, without the heading."""
    error, warning = judge(*events, **service)
    assert warning == ""
    heading, *found = error.split("\n  - ")
    assert heading in ("", "The endpoints of serverless.yml are incomplete or invalid:")
    return found


def get(path: str, authorizer: Any = None, **properties: Any) -> dict[str, Any]:
    return {"http": {"method": "get", "path": path, "authorizer": authorizer} | properties}


def http_api(**changes: Any) -> dict[str, Any]:
    """The provider's settings with an authorizer of an HTTP API."""
    return {"provider": {"httpApi": {"authorizers": {"jwt": HTTP_API | changes}}}}


HTTP_API_EVENT = {"httpApi": {"method": "get", "path": "/x", "authorizer": "jwt", "scopes": ["a"]}}


def test_endpoints_that_are_protected_or_listed_are_accepted() -> None:
    assert not problems(
        get("/a", TOKEN, scopes=["a"]),
        get("/b/{id}", REQUEST, scopes=[]),
        get("/c", "aws_iam"),
        get("/"),
        {"http": "post /"},
        HTTP_API_EVENT,
        {"httpApi": "*"},
        {
            "websocket": {
                "route": "$connect",
                "authorizer": {"name": "authorizer", "identitySource": []},
                "scopes": [],
            }
        },
        {"websocket": "message"},
        custom={"publicEndpoints": ["rest GET /", "rest POST /", "http $default"]},
        **http_api(),
    )


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (get("/x"), "GET /x"),
        ({"http": "post x/"}, "POST /x"),
        (get("/x", private=True), "GET /x"),
        ({"httpApi": "*"}, "$default"),
        ({"httpApi": {"method": "*", "path": "/x"}}, "ANY /x"),
        ({"websocket": "$connect"}, "$connect"),
    ],
)
def test_an_endpoint_that_somebody_forgot_to_protect_is_named(event: Any, key: str) -> None:
    (problem,) = problems(event)

    assert problem == (
        f"{key} of the function one has no authorizer, so anybody could call it. Add `authorizer` and"
        " `scopes`"
        f" to it. If it is meant to be public, add to custom.publicEndpoints: - {key}"
    )
    assert not problems(event, custom=OTHER_ROUTES | {"publicEndpoints": [key]})


def test_where_a_service_has_several_apis_a_public_endpoint_is_one_of_a_certain_api() -> None:
    listed = {"publicEndpoints": ["rest GET /x"]} | OTHER_ROUTES
    (problem,) = problems(get("/x"), {"httpApi": "GET /x"}, custom=listed)

    assert problem.endswith("add to custom.publicEndpoints: - http GET /x")


def test_a_websocket_api_without_a_connect_route_is_open_to_anybody() -> None:
    (problem,) = problems({"websocket": "message"})

    assert problem.startswith("The WebSocket API has no $connect route, and so it has no authorizer")
    assert problem.endswith("- $connect")


@pytest.mark.parametrize("entry", ["GET /gone", "GET /x", "get /"])
def test_a_public_endpoint_that_is_not_there_or_not_public_is_named(entry: str) -> None:
    listed = {"publicEndpoints": ["GET /", entry]}

    (problem,) = problems(get("/"), get("/x", TOKEN, scopes=[]), custom=listed)

    assert problem == (
        f"custom.publicEndpoints lists {entry}, but no endpoint without an authorizer has this name. Remove"
        " it,"
        " or correct it: it must be one of GET /."
    )


@pytest.mark.parametrize("authorizer", ["authorizer", TOKEN, REQUEST])
def test_a_protected_endpoint_must_say_which_scopes_it_needs(authorizer: Any) -> None:
    (problem,) = problems(get("/x", authorizer))

    assert problem == (
        "GET /x of the function one has the authorizer, but no scopes. Add those that a token needs, such as"
        " scopes: [read:pets]. If any valid token will do, write scopes: []"
    )


@pytest.mark.parametrize("authorizer", ["aws_iam", "another", {"type": "CUSTOM", "authorizerId": "abc"}])
def test_scopes_that_nothing_would_check_are_an_error(authorizer: Any) -> None:
    (problem,) = problems(get("/x", authorizer, scopes=["a"]))

    assert problem == (
        "GET /x of the function one has scopes, but not the authorizer of this service, which alone checks"
        " them. Add it as `authorizer`, or remove `scopes`."
    )


def test_scopes_of_a_public_endpoint_are_an_error_too() -> None:
    (problem,) = problems(get("/x", scopes=[]), custom=OTHER_ROUTES | {"publicEndpoints": ["GET /x"]})

    assert "has scopes, but not the authorizer" in problem


@pytest.mark.parametrize("properties", [{"scopes": ["a"]}, {"authorizer": "authorizer"}])
def test_only_the_connect_route_of_a_websocket_api_can_have_an_authorizer(properties: Any) -> None:
    connect = {"route": "$connect", "authorizer": {"name": "authorizer", "identitySource": []}, "scopes": []}
    events = [{"websocket": connect}, {"websocket": {"route": "message"} | properties}]
    found = problems(*events)

    assert found[0] == (
        "message of the function one can't have an authorizer: API Gateway runs it on $connect only. Move"
        " `authorizer` and `scopes` there."
    )


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"identitySource": None}, " and ".join(REQUEST["identitySource"].split(", "))),
        (
            {"identitySource": "method.request.header.Authorization"},
            "context.httpMethod and context.resourcePath",
        ),
        (
            {"identitySource": "method.request.header.authorization,context.httpMethod,context.path"},
            "context.resourcePath",
        ),
        (
            {"identitySource": "context.resourcePath, context.httpMethod"},
            "method.request.header.Authorization",
        ),
        (
            {"identitySource": "method.request.header.Authorization", "resultTtlInSeconds": None},
            "context.httpMethod and context.resourcePath",
        ),
    ],
)
def test_a_cached_answer_must_be_for_one_token_and_one_route_of_a_rest_api(
    changes: dict[str, Any], missing: str
) -> None:
    (problem,) = problems(get("/x", REQUEST | changes, scopes=[]))

    assert problem == (
        "API Gateway would reuse an answer of the authorizer jwtRequest for requests to other routes: its"
        f" identitySource lacks {missing}. Write identitySource: method.request.header.Authorization,"
        " context.httpMethod, context.resourcePath. Or turn the cache off: resultTtlInSeconds: 0"
    )
    for off in (0, "0"):
        assert not problems(get("/x", REQUEST | changes | {"resultTtlInSeconds": off}, scopes=[]))


@pytest.mark.parametrize(
    ("sources", "missing"),
    [
        ("$request.header.Authorization", "$context.routeKey"),
        (["$context.routeKey"], "$request.header.Authorization"),
        (["$request.header.Authorization", "$context.httpMethod"], "$context.routeKey"),
    ],
)
def test_a_cached_answer_must_be_for_one_token_and_one_route_of_an_http_api(
    sources: Any, missing: str
) -> None:
    (problem,) = problems(HTTP_API_EVENT, **http_api(identitySource=sources))

    assert f"its identitySource lacks {missing}. Write" in problem
    assert not problems(HTTP_API_EVENT, **http_api(identitySource=sources, resultTtlInSeconds=0))


def test_simple_responses_are_an_error() -> None:
    (problem,) = problems(HTTP_API_EVENT, **http_api(enableSimpleResponses=True))

    assert problem == (
        "The authorizer jwt has enableSimpleResponses, but it answers with a policy. Remove"
        " enableSimpleResponses."
    )


@pytest.mark.parametrize("authorizer", ["authorizer", {"name": "authorizer"}])
def test_a_websocket_authorizer_without_an_identity_source_would_look_at_another_header(
    authorizer: Any,
) -> None:
    (problem,) = problems({"websocket": {"route": "$connect", "authorizer": authorizer, "scopes": []}})

    assert problem.endswith("Write it as authorizer: { name: authorizer, identitySource: [] }")


@pytest.mark.parametrize(
    "service",
    [
        {"provider": {"apiGateway": {"resourcePolicy": [{"Effect": "Allow"}]}}},
        {"resources": {"extensions": {"ApiGatewayRestApi": {"Properties": {"Policy": {}}}}}},
    ],
)
def test_a_resource_policy_opens_what_a_token_authorizer_does_not_deny(service: dict[str, Any]) -> None:
    (problem,) = problems(get("/x", TOKEN, scopes=[]), **service)

    assert problem.startswith("The REST API has a resource policy, with which API Gateway allows")
    assert not problems(get("/x", REQUEST, scopes=[]), **service)


def test_two_authorizers_of_one_name_are_an_error_since_the_api_would_get_one_of_them() -> None:
    same_name = {"name": "authorizer", "type": "request", "resultTtlInSeconds": 0}
    (problem,) = problems(get("/x", TOKEN, scopes=[]), get("/y", same_name, scopes=[]))

    assert problem.startswith("Two different authorizers are called authorizer")
    assert not problems(get("/x", TOKEN, scopes=[]), get("/y", TOKEN, scopes=[]))


# The first shape is below the others, where a wildcard matches too much.
ORDERS = [
    get("/orders/{id}", TOKEN, scopes=["a"]),
    get("/orders/{id}/items", TOKEN, scopes=["b"]),
    get("/orders/{id}/items/{itemId}", TOKEN, scopes=["a"]),
]


def test_routes_that_cannot_be_one_policy_are_named_with_the_authorizer_that_can_have_them() -> None:
    (problem,) = problems(*ORDERS)

    assert problem.startswith(
        "A TOKEN authorizer answers with one policy for the whole REST API, but no policy can allow"
    )
    assert "GET /orders/{id}/items, since" in problem
    assert problem.endswith("for all endpoints: authorizer: ${self:custom.jwtRequest}")
    by_route = [{"http": event["http"] | {"authorizer": REQUEST}} for event in ORDERS]
    assert not problems(*by_route)


def test_a_table_by_hand_is_judged_instead_of_the_scopes_of_the_endpoints() -> None:
    lines = [f"GET {event['http']['path']} {event['http']['scopes'][0]}" for event in ORDERS]

    error, _ = judge(*ORDERS, variables={"ROUTE_SCOPES": "*"})
    assert error == ""
    error, _ = judge(get("/x", TOKEN, scopes=[]), variables={"ROUTE_SCOPES": "\n".join(lines)})
    assert "no policy can allow" in error
    assert not problems(*ORDERS, variables={"ROUTE_SCOPES": {"Ref": "Known to CloudFormation"}})


PROTECTED = [
    get("/orders", REQUEST, scopes=["read", "list"]),
    get("/orders/{id}", REQUEST, scopes=["read"]),
    get("/about"),
]
ABOUT = {"publicEndpoints": ["GET /about"]}


@pytest.mark.parametrize(
    ("table", "differing"),
    [
        ("*", "/orders of the function one and 1 more"),
        ("GET /orders read list\nGET /orders/{id} admin", "/orders/{id} of the function one"),
        ("GET /orders read list", "/orders/{id} of the function one"),
        (
            "[rest]\nGET /orders\nGET /orders/{id} read\n[id]\nGET /orders read list",
            "/orders of the function one",
        ),
    ],
)
def test_a_table_by_hand_that_differs_from_the_scopes_of_the_endpoints_is_a_warning(
    table: str, differing: str
) -> None:
    error, warning = judge(*PROTECTED, variables={"ROUTE_SCOPES": table}, custom=ABOUT)

    assert error == ""
    assert warning == (
        "ROUTE_SCOPES is set, so the `scopes` of the endpoints don't count. They differ for GET"
        f" {differing}. If you have moved the table to the endpoints, remove ROUTE_SCOPES from"
        " serverless.yml, the .env files and the environment. If not, write the same `scopes` on the"
        " endpoints."
    )


@pytest.mark.parametrize(
    "table",
    [
        "# the same, in other words\n\nget   /orders/{orderId}  read\nGET   /orders  list read\n",
        "[rest]\nANY /orders read list\nANY /orders/{id} read\n[id]\nGET /orders admin",
    ],
)
def test_a_table_by_hand_that_agrees_with_the_scopes_of_the_endpoints_is_none(table: str) -> None:
    assert not problems(*PROTECTED, variables={"ROUTE_SCOPES": table}, custom=ABOUT)


@pytest.mark.parametrize("path", ["/a*", "/a?", "/$x", "/{a}*", "/{proxy+}/x"])
def test_a_path_that_could_be_a_wildcard_of_a_policy_is_named(path: str) -> None:
    (problem,) = problems(get(path, REQUEST, scopes=["a"]))

    assert problem.startswith(
        f"GET {path} of the function one: each part of a path must be a name of letters"
    )


def test_a_path_that_is_too_long_for_a_policy_is_named() -> None:
    path = "/" + 310 * "x"

    (problem,) = problems(get(path, REQUEST, scopes=["a"]))

    assert problem == (f"GET {path} of the function one: the path is too long for a policy.")


def test_a_wrong_line_of_other_routes_is_named() -> None:
    lines = {"otherRoutes": {"id": ["GETX /x", "GET /y a", "GET /y b"]}}

    invalid, duplicate = problems(get("/x", TOKEN, scopes=[]), custom=lines)

    assert invalid.startswith(
        "GETX /x (custom.otherRoutes.id): the method must be ANY or one of DELETE, GET,"
    )
    assert duplicate == "GET /y b (custom.otherRoutes.id): duplicate of GET /y a (custom.otherRoutes.id)."


@pytest.mark.parametrize(("number", "is_large"), [(50, False), (90, True)])
def test_a_policy_that_may_be_too_large_is_a_warning(number: int, is_large: bool) -> None:
    events = [get(f"/reports/{n}", TOKEN, scopes=[f"read:{n}"]) for n in range(number // 2)]
    events += [get(f"/files/{n}", TOKEN, scopes=["files"]) for n in range(number // 2)]
    error, warning = judge(*events)

    assert error == ""
    assert warning.startswith("The policy of a token can have ") is is_large
    assert warning.endswith("authorizer: ${self:custom.jwtRequest}") is is_large


INCOMPLETE = """
  incomplete:
    handler: petstore.welcome
    package: ${self:custom.petstorePackage}
    events:
      - http:
          method: get
          path: /incomplete
      - http:
          method: post
          path: /incomplete
          authorizer: ${self:custom.jwtAuthorizer}
"""


def test_packaging_stops_before_anything_is_packaged_and_names_all_problems(
    editable: Path, clean: dict[str, str]
) -> None:
    (editable / "serverless.yml").write_text(TEXT.replace("functions:\n", f"functions:\n{INCOMPLETE}", 1))
    rejected = run(editable, SLS, "package", environment=clean | SETTINGS)

    assert rejected.returncode == 1
    assert rejected.stdout[rejected.stdout.index("The endpoints") :] == (
        "The endpoints of serverless.yml are incomplete or invalid:\n"
        "  - GET /incomplete of the function incomplete has no authorizer, so anybody could call it. Add"
        " `authorizer` and `scopes` to it. If it is meant to be public, add to custom.publicEndpoints:"
        " - GET /incomplete\n"
        "  - POST /incomplete of the function incomplete has the authorizer, but no scopes. Add those that a"
        " token needs, such as scopes: [read:pets]. If any valid token will do, write scopes: []\n"
    )
    assert not (editable / ".serverless").exists()


def test_packaging_stops_for_authorizers_whose_answers_api_gateway_would_misuse(
    editable: Path, clean: dict[str, str]
) -> None:
    first, head, rest = TEXT.partition("  getPet:\n")
    authorizer = "authorizer: ${self:custom.jwtAuthorizer}"
    event = """
      - httpApi: { method: get, path: /pets, authorizer: { name: jwt }, scopes: [] }"""
    rest = rest.replace(authorizer, "authorizer: ${self:custom.jwtRequest}", 1)
    rest = rest.replace("    events:", f"    events:{event}", 1)
    rest = public_in_rest_api(rest).replace(", context.httpMethod, context.resourcePath", "")
    policy = """\
    resourcePolicy: [{ Effect: Allow, Principal: '*', Action: execute-api:Invoke, Resource: execute-api:/* }]
"""
    provider = """provider:
  httpApi:
    authorizers:
      jwt: { type: request, functionName: authorizer, enableSimpleResponses: true, resultTtlInSeconds: 0 }
"""
    service = with_api_gateway((first + head + rest).replace("provider:\n", provider, 1), policy)
    (editable / "serverless.yml").write_text(service)
    rejected = run(editable, SLS, "package", environment=clean | SETTINGS)

    assert rejected.returncode == 1
    _, *found = rejected.stdout.split("\n  - ")
    beginnings = (
        "The REST API has a resource policy",
        "The authorizer jwt has enableSimpleResponses",
        "API Gateway would reuse an answer of the authorizer jwtRequest for requests to other routes",
    )
    for problem, beginning in zip(found, beginnings, strict=True):
        assert problem.startswith(beginning)
