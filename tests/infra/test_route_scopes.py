"""ROUTE_SCOPES has a line for each endpoint with the authorizer, and no other line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth.routes import Route, parse_routes

AUTHORIZER = "AuthorizerApiGatewayAuthorizer"


@pytest.fixture(scope="module")
def template(prod_package: Path) -> dict[str, Any]:
    """The CloudFormation template of the service as it is deployed."""
    text = (prod_package / "cloudformation-template-update-stack.json").read_text()
    read: dict[str, Any] = json.loads(text)
    return read


def table_of(template: dict[str, Any]) -> str:
    function = template["Resources"]["AuthorizerLambdaFunction"]["Properties"]
    return str(function["Environment"]["Variables"]["ROUTE_SCOPES"])


def endpoints(template: dict[str, Any]) -> Iterator[str]:
    """Yield the method and path of each endpoint with the authorizer: a line of the table without scopes."""
    resources = template["Resources"]

    def path(reference: dict[str, Any]) -> str:
        if "Ref" not in reference:  # the root is an attribute of the API
            return ""
        properties = resources[reference["Ref"]]["Properties"]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    for resource in resources.values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::ApiGateway::Method" and properties.get("AuthorizerId") == {
            "Ref": AUTHORIZER
        }:
            yield f"{properties['HttpMethod']} {path(properties['ResourceId']) or '/'}"


def differences(template: dict[str, Any], table: str) -> list[str]:
    """Return what to do about each endpoint without a line, and about each line without an endpoint."""

    def by_shape(table: str) -> dict[tuple[str, tuple[str, ...]], Route]:
        return {(route.method, route.shape): route for route in parse_routes(table).routes}

    in_table = by_shape(table)
    in_template = by_shape("\n".join(endpoints(template)))
    missing = [in_template[key] for key in in_template.keys() - in_table.keys()]
    idle = [in_table[key] for key in in_table.keys() - in_template.keys()]
    return sorted(
        f"{route.method} {route.path} has the authorizer, but no line in ROUTE_SCOPES: it is refused. In"
        " serverless.yml, under functions.authorizer.environment.ROUTE_SCOPES, add:"
        f" {route.method} {route.path} SCOPE (each scope that it needs; none: any valid token)"
        for route in missing
    ) + sorted(
        f"{route} of ROUTE_SCOPES is the line of no endpoint with the authorizer. In serverless.yml, delete"
        f" it, or add to the events of its function: - http: {{ method: {route.method.lower()},"
        f" path: {route.path}, authorizer: '${{self:custom.jwtAuthorizer}}' }}"
        for route in idle
    )


def test_each_endpoint_with_the_authorizer_has_a_line_and_each_line_has_an_endpoint(
    template: dict[str, Any],
) -> None:
    found = differences(template, table_of(template))

    assert not found, "\n".join(found)


# How differences are reported, with a small service that nobody extends.

TABLE = "GET / \nGET /pets/{petId} read:pets\n"
SERVICE: dict[str, Any] = {
    "Resources": {
        "Pets": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {"ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "PathPart": "pets"},
        },
        "Pet": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {"ParentId": {"Ref": "Pets"}, "PathPart": "{petId}"},
        },
        "Welcome": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "HttpMethod": "GET",
                "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "AuthorizerId": {"Ref": AUTHORIZER},
            },
        },
        "GetPet": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "HttpMethod": "GET",
                "ResourceId": {"Ref": "Pet"},
                "AuthorizerId": {"Ref": AUTHORIZER},
            },
        },
        "Preflight": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {"HttpMethod": "OPTIONS", "ResourceId": {"Ref": "Pet"}},
        },
    }
}


def test_the_names_of_path_parameters_make_no_difference() -> None:
    assert not differences(SERVICE, TABLE)
    assert not differences(SERVICE, TABLE.replace("{petId}", "{id}"))


def test_an_endpoint_without_a_line_is_named_together_with_the_line_to_add() -> None:
    (difference,) = differences(SERVICE, "GET /")

    assert difference == (
        "GET /pets/{petId} has the authorizer, but no line in ROUTE_SCOPES: it is refused. In serverless.yml,"
        " under functions.authorizer.environment.ROUTE_SCOPES, add: GET /pets/{petId} SCOPE (each scope that"
        " it needs; none: any valid token)"
    )


def test_a_line_without_an_endpoint_is_named_together_with_the_event_to_add() -> None:
    (difference,) = differences(SERVICE, TABLE + "DELETE /pets/{petId} delete:pets")

    assert difference == (
        "DELETE /pets/{petId} (line 3) of ROUTE_SCOPES is the line of no endpoint with the authorizer. In"
        " serverless.yml, delete it, or add to the events of its function: - http: { method: delete, path:"
        " /pets/{petId}, authorizer: '${self:custom.jwtAuthorizer}' }"
    )


def test_an_endpoint_without_the_authorizer_does_not_count() -> None:
    (difference,) = differences(SERVICE, TABLE + "OPTIONS /pets/{petId}")

    assert difference.startswith("OPTIONS /pets/{petId} (line 3) of ROUTE_SCOPES is the line of no endpoint")
