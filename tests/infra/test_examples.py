"""The packages and templates of the services in examples/."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.support.checkout import SLS, copy_project, leave_out_libraries, run
from tests.support.environment import SETTINGS
from tests.support.packages import names

Template = dict[str, Any]


@pytest.fixture(scope="module")
def packages(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders with the packages and templates of the examples, by their names."""
    checkout = leave_out_libraries(copy_project(tmp_path_factory.mktemp("examples")))
    made = {}
    for name in ("http-api", "websocket"):
        ran = run(
            checkout / "examples" / name, SLS, "package", "--package", "made", environment=clean | SETTINGS
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        made[name] = checkout / "examples" / name / "made"
    return made


EXAMPLES = pytest.mark.parametrize("example", ["http-api", "websocket"])


def template(folder: Path) -> Path:
    return folder / "cloudformation-template-update-stack.json"


def of_type(folder: Path, kind: str) -> Template:
    resources: Template = json.loads(template(folder).read_text())["Resources"]
    return {name: made["Properties"] for name, made in resources.items() if made["Type"] == kind}


def permissions(folder: Path) -> dict[str, Any]:
    """Return who may invoke a function, by its name."""
    made = of_type(folder, "AWS::Lambda::Permission").values()
    assert {one["Principal"] for one in made} == {"apigateway.amazonaws.com"}
    sources = {one["FunctionName"]["Fn::GetAtt"][0]: one["SourceArn"] for one in made}
    assert len(sources) == len(made)
    return sources


def source(api: str, authorizer: str) -> Template:
    """Return an authorizer of an API, as the source of a permission."""
    arn = (
        "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/authorizers/${Authorizer}"
    )
    return {"Fn::Sub": [arn, {"Api": {"Ref": api}, "Authorizer": {"Ref": authorizer}}]}


def test_only_the_authorizer_of_the_http_api_may_invoke_the_function(packages: dict[str, Path]) -> None:
    (authorizer,) = of_type(packages["http-api"], "AWS::ApiGatewayV2::Authorizer")

    sources = permissions(packages["http-api"])

    assert sources.pop("AuthorizerLambdaFunction") == source("HttpApi", authorizer)
    assert len(sources) == 3
    for arn in sources.values():
        assert '{"Ref": "HttpApi"}, "/*"' in json.dumps(arn)


def test_each_route_of_the_http_api_has_the_authorizer_and_a_line_with_scopes(
    packages: dict[str, Path],
) -> None:
    (authorizer,) = of_type(packages["http-api"], "AWS::ApiGatewayV2::Authorizer")
    routes = of_type(packages["http-api"], "AWS::ApiGatewayV2::Route").values()
    with ZipFile(packages["http-api"] / "orders-http-api.zip") as package:
        heading, *table = package.read("routes.txt").decode().splitlines()

    assert heading == "[http]"
    assert sorted(route["RouteKey"] for route in routes) == sorted(
        " ".join(line.split()[:2]) for line in table
    )
    assert all(len(line.split()) > 2 for line in table)
    assert [route["AuthorizationType"] for route in routes] == len(table) * ["CUSTOM"]
    assert [route["AuthorizerId"] for route in routes] == len(table) * [{"Ref": authorizer}]


def test_an_answer_for_the_http_api_is_cached_for_the_token_and_the_route(packages: dict[str, Path]) -> None:
    (made,) = of_type(packages["http-api"], "AWS::ApiGatewayV2::Authorizer").values()

    assert made["IdentitySource"] == ["$request.header.Authorization", "$context.routeKey"]
    assert made["AuthorizerPayloadFormatVersion"] == "2.0"
    assert "EnableSimpleResponses" not in made  # the answer is a policy


def test_only_the_websocket_api_may_invoke_its_functions(packages: dict[str, Path]) -> None:
    """By default, every API of every account may, and could make up what the authorizer has said."""
    (authorizer,) = of_type(packages["websocket"], "AWS::ApiGatewayV2::Authorizer")
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"
    any_route = {"Fn::Sub": [arn, {"Api": {"Ref": "WebsocketsApi"}}]}

    assert permissions(packages["websocket"]) == {
        "AuthorizerLambdaFunction": source("WebsocketsApi", authorizer),
        "ConnectLambdaFunction": any_route,
        "SayLambdaFunction": any_route,
    }


def test_a_handshake_with_the_websocket_api_needs_the_authorizer_and_a_scope(
    packages: dict[str, Path],
) -> None:
    ((authorizer, made),) = of_type(packages["websocket"], "AWS::ApiGatewayV2::Authorizer").items()
    routes = of_type(packages["websocket"], "AWS::ApiGatewayV2::Route").values()
    (connect,) = (route for route in routes if route["RouteKey"] == "$connect")
    with ZipFile(packages["websocket"] / "chat-websocket.zip") as package:
        table = package.read("routes.txt").decode().splitlines()

    assert table == ["[websocket]", "$connect chat:join"]
    assert (connect["AuthorizationType"], connect["AuthorizerId"]) == ("CUSTOM", {"Ref": authorizer})
    assert made["IdentitySource"] == []  # the header or the query


@EXAMPLES
def test_the_code_of_the_authorizer_is_in_its_package_and_in_no_other(
    packages: dict[str, Path], example: str
) -> None:
    code = {"handler.py", "auth/__init__.py", "auth/authorizer.py", "auth/events.py", "routes.txt", "LICENSE"}
    found = {path.stem: set(names(path)) for path in packages[example].glob("*.zip")}
    (authorizer,) = (found.pop(name) for name in list(found) if name.endswith(example))

    assert code <= authorizer
    assert not [name for name in authorizer if ".." in name or "example" in name]
    (module,) = {name for package in found.values() for name in package if name.endswith(".py")}
    for package in found.values():
        assert package == {module, f"__pycache__/{module.removesuffix('.py')}.cpython-313.pyc"}


def test_an_endpoint_without_the_authorizer_is_not_packaged(
    packages: dict[str, Path], clean: dict[str, str], tmp_path: Path
) -> None:
    folder = packages["http-api"].parent
    service = (folder / "serverless.yml").read_text()
    guard = "          authorizer: { name: jwt }\n          scopes: [read:orders]\n"
    assert guard in service
    try:
        (folder / "serverless.yml").write_text(service.replace(guard, ""))
        ran = run(folder, SLS, "package", "--package", str(tmp_path), environment=clean | SETTINGS)
    finally:
        (folder / "serverless.yml").write_text(service)

    assert ran.returncode == 1
    assert "GET /orders/{orderId} of the function getOrder has no authorizer, so anybody could" in ran.stdout


def test_cfn_lint_finds_nothing(packages: dict[str, Path], checkout: Path, clean: dict[str, str]) -> None:
    linted = run(checkout, ".venv/bin/cfn-lint", *map(template, packages.values()), environment=clean)

    assert (linted.stdout, linted.stderr, linted.returncode) == ("", "", 0)
