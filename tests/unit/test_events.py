"""What is read of an event of each kind, and how it is answered."""

from typing import Any

import pytest

from auth import ConfigError, InvalidToken
from auth.events import Request, policy_document, read_event
from tests.support.tokens import make_event

API = "arn:aws:execute-api:us-east-1:123456789012:apiId/"
STAGE = f"{API}dev/"


def rest_request(**changes: Any) -> dict[str, Any]:
    """The event of a REQUEST authorizer of a REST API (AWS, "Input to an API Gateway Lambda authorizer")."""
    return {
        "type": "REQUEST",
        "methodArn": f"{STAGE}GET/pets/7",
        "resource": "/pets/{petId}",
        "path": "/pets/7",
        "httpMethod": "GET",
        "headers": {"Host": "api.example", "Authorization": "Bearer a.b.c"},
        "multiValueHeaders": {"Host": ["api.example"], "Authorization": ["Bearer a.b.c"]},
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "pathParameters": {"petId": "7"},
        "stageVariables": {},
        "requestContext": {"path": "/dev/pets/7", "resourcePath": "/pets/{petId}", "stage": "dev"},
    } | changes


def http_1(**changes: Any) -> dict[str, Any]:
    """The event of an HTTP API in payload format 1.0."""
    return {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": f"{API}$default/GET/pets/7",
        "identitySource": "Bearer a.b.c",
        "authorizationToken": "Bearer a.b.c",
        "resource": "/pets/{petId}",
        "path": "/pets/7",
        "httpMethod": "GET",
        "headers": {"authorization": "Bearer a.b.c"},
        "queryStringParameters": {},
        "pathParameters": {"petId": "7"},
        "stageVariables": {},
        "requestContext": {"path": "/pets/7", "resourceId": "GET /pets/{petId}", "httpMethod": "GET"},
    } | changes


def http_2(**changes: Any) -> dict[str, Any]:
    """The event of an HTTP API in payload format 2.0."""
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{API}$default/GET/pets/7",
        "identitySource": ["Bearer a.b.c"],
        "routeKey": "GET /pets/{petId}",
        "rawPath": "/pets/7",
        "rawQueryString": "",
        "cookies": [],
        "headers": {"authorization": "Bearer a.b.c"},
        "requestContext": {"http": {"method": "GET", "path": "/pets/7"}, "routeKey": "GET /pets/{petId}"},
        "pathParameters": {"petId": "7"},
    } | changes


def connect(**changes: Any) -> dict[str, Any]:
    """The event of a WebSocket API at its handshake."""
    return {
        "type": "REQUEST",
        "methodArn": f"{STAGE}$connect",
        "headers": {"Authorization": "Bearer a.b.c", "Sec-WebSocket-Version": "13"},
        "multiValueHeaders": {"Authorization": ["Bearer a.b.c"]},
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
        "requestContext": {
            "routeKey": "$connect",
            "eventType": "CONNECT",
            "connectionId": "x",
            "apiId": "apiId",
        },
    } | changes


def test_each_kind_of_event_is_told_apart_by_what_it_holds() -> None:
    token = "Bearer a.b.c"
    default = f"{API}$default/"

    assert read_event(make_event("a.b.c", f"{STAGE}GET/pets/7")) == Request(
        "rest", token, STAGE, "apiId", "GET", "pets/7", has_route=False
    )
    assert read_event(rest_request()) == Request("rest", token, STAGE, "apiId", "GET", "/pets/{petId}")
    assert read_event(http_1()) == Request("http", token, default, "apiId", "GET", "/pets/{petId}")
    assert read_event(http_2()) == Request("http", token, default, "apiId", "GET", "/pets/{petId}")
    assert read_event(connect()) == Request("websocket", token, STAGE, "apiId", "$connect", "")


def test_the_route_is_the_one_that_api_gateway_has_picked() -> None:
    assert read_event(rest_request(resource="/{proxy+}", httpMethod="PATCH")).path == "/{proxy+}"
    for event in (http_1(resource="$default"), http_2(routeKey="$default")):
        request = read_event(event)
        assert (request.method, request.path) == ("$default", "")
    request = read_event(http_2(routeKey="ANY /pets/{petId}"))
    assert (request.method, request.path) == ("ANY", "/pets/{petId}")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "token"},
        {"type": None},
        {"type": "REQUEST"},
        {"type": "REQUEST", "requestContext": None},
        {"type": "REQUEST", "requestContext": []},
        {"version": "3.0", "routeArn": f"{STAGE}GET/"},
        {"Records": []},
    ],
)
def test_any_other_event_is_the_operators_fault(event: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^this is not the event of an API Gateway Lambda authorizer$"):
        read_event(event)


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION", "aUTHORIZATION"])
@pytest.mark.parametrize("make", [rest_request, http_1, http_2, connect])
def test_the_header_is_found_in_any_case(make: Any, name: str) -> None:
    event = make(headers={"X": "y", name: "Bearer a.b.c"}) | {"multiValueHeaders": None}

    assert read_event(event).unverified_credentials == "Bearer a.b.c"


@pytest.mark.parametrize("headers", [None, {}, {"Host": "x"}, []])
@pytest.mark.parametrize("make", [rest_request, http_1, http_2, connect])
def test_a_request_without_the_header_has_no_token(make: Any, headers: object) -> None:
    assert read_event(make(headers=headers, multiValueHeaders=headers)).unverified_credentials is None


def test_the_token_is_never_taken_from_the_identity_source() -> None:
    """API Gateway takes that from wherever the authorizer was told, such as a cookie."""
    for event in (http_1(headers={}), http_2(headers={})):
        assert read_event(event).unverified_credentials is None


@pytest.mark.parametrize(
    ("headers", "multiple"),
    [
        ({"Authorization": "Bearer a.b.c"}, {"Authorization": ["Bearer a.b.c", "Bearer x.y.z"]}),
        ({"Authorization": "Bearer x.y.z"}, {"Authorization": ["Bearer a.b.c"]}),
        ({"Authorization": "Bearer a.b.c", "authorization": "Bearer x.y.z"}, {}),
        ({}, {"Authorization": ["Bearer a.b.c", {}]}),
    ],
)
@pytest.mark.parametrize("make", [rest_request, connect])
def test_two_headers_that_differ_are_rejected(make: Any, headers: object, multiple: object) -> None:
    with pytest.raises(InvalidToken, match="two different tokens"):
        read_event(make(headers=headers, multiValueHeaders=multiple))


def test_one_header_twice_is_one_header() -> None:
    event = rest_request(multiValueHeaders={"Authorization": 2 * ["Bearer a.b.c"]})

    assert read_event(event).unverified_credentials == "Bearer a.b.c"


NO_HEADER: dict[str, Any] = {"headers": {}, "multiValueHeaders": {}}


def test_a_websocket_token_may_be_a_query_parameter() -> None:
    """RFC 6750 section 2.3: browsers can't set headers of a handshake."""
    query = {
        "queryStringParameters": {"access_token": "a.b.c", "x": "y"},
        "multiValueQueryStringParameters": {"access_token": ["a.b.c"], "x": ["y"]},
    }

    assert read_event(connect(**NO_HEADER, **query)).unverified_credentials == "Bearer a.b.c"
    assert read_event(rest_request(**NO_HEADER, **query)).unverified_credentials is None
    with pytest.raises(InvalidToken, match="a token in the header and one in the query"):
        read_event(connect(**query))


@pytest.mark.parametrize("values", [["a.b.c", "x.y.z"], ["x.y.z"]])
def test_two_query_parameters_that_differ_are_rejected(values: list[str]) -> None:
    event = connect(
        **NO_HEADER,
        queryStringParameters={"access_token": "a.b.c"},
        multiValueQueryStringParameters={"access_token": values},
    )

    with pytest.raises(InvalidToken, match="two different tokens"):
        read_event(event)


def test_a_handshake_without_a_query_has_none() -> None:
    event = connect(**NO_HEADER, queryStringParameters=None, multiValueQueryStringParameters=None)

    assert read_event(event).unverified_credentials is None


@pytest.mark.parametrize(
    "stage",
    [
        STAGE,
        "arn:aws-cn:execute-api:cn-north-1:123456789012:abc123/prod/",
        "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123/prod/",
        "arn:aws:execute-api:eu-central-1:123456789012:abc123/$default/",
        "arn:aws:execute-api:eu-central-1:123456789012:abc123/ESTestInvoke-stage/",
        "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/dev/",
    ],
)
@pytest.mark.parametrize(
    "request_", ["GET/pets", "GET/", "GET/pets/1:2/3", "GET/pets/*", "GET/a\nb", "PUT/?", "$connect"]
)
def test_the_arn_up_to_the_stage_is_copied_and_nothing_after_it(stage: str, request_: str) -> None:
    request = read_event(make_event("x.y.z", stage + request_))

    assert request.stage_arn == stage
    assert policy_document(request.stage_arn, ["GET/pets"], [])["Statement"][0]["Resource"] == [
        f"{stage}GET/pets"
    ]


NO_ARNS = [
    None,
    7,
    "",
    "*",
    f"{STAGE}GET",
    STAGE,
    f"{STAGE}get/pets",
    f" {STAGE}GET/pets",
    "arn:aws:lambda:us-east-1:123456789012:function:x",
    "arn:aws:execute-api:us-east-1:123456789012:apiId/*/GET/pets",
    "arn:aws:execute-api:us-east-1:123456789012:api?d/dev/GET/pets",
    "arn:aws:execute-api:*:123456789012:apiId/dev/GET/pets",
    "arn:aws:execute-api:us-east-1:*:apiId/dev/GET/pets",
    "arn:aws*:execute-api:us-east-1:123456789012:apiId/dev/GET/pets",
    "arn:aws:execute-api:us-east-1:123456789012:apiId//GET/pets",
    "arn:aws:execute-api:us-east-1:123456789012:apiId/d\u00e9v/GET/pets",
    f"arn:aws:execute-api:us-east-1:123456789012:{'a' * 200}/dev/GET/pets",
]


@pytest.mark.parametrize("arn", NO_ARNS)
def test_an_arn_that_is_not_api_gateways_is_an_error_and_never_a_policy(arn: object) -> None:
    for event in (make_event("x.y.z"), rest_request(), http_1(), connect()):
        with pytest.raises(ConfigError, match=r"^methodArn is not the ARN of an API Gateway method$"):
            read_event(event | {"methodArn": arn})
    with pytest.raises(ConfigError, match=r"^routeArn is not the ARN of an API Gateway method$"):
        read_event(http_2(routeArn=arn))


def test_a_statement_without_resources_is_left_out() -> None:
    assert policy_document(STAGE, [], ["*"]) == {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [f"{STAGE}*"]}],
    }
