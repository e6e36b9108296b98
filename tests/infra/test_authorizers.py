"""The authorizers of a template, and who may invoke the function: plugins/authorizers.cjs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT, SLS, copy_project, leave_out_libraries, run
from tests.support.environment import SETTINGS
from tests.support.serverless_yml import PROTECTED, TEXT, public_in_rest_api

Template = dict[str, Any]

TOKEN, REQUEST = "authorizer: ${self:custom.jwtAuthorizer}", "authorizer: ${self:custom.jwtRequest}"
OTHER_APIS = """
      - httpApi: { method: get, path: /pets, authorizer: { name: httpAuthorizer }, scopes: [read:pets] }
      - websocket:
          route: $connect
          authorizer: { name: authorizer, identitySource: [] }
          scopes: [read:pets]
"""
HTTP_API = """
  httpApi:
    authorizers:
      httpAuthorizer:
        type: request
        functionName: authorizer
        identitySource: [$request.header.Authorization, $context.routeKey]
        resultTtlInSeconds: 300
"""


def package(checkout: Path, service: str, environment: dict[str, str]) -> Path:
    """Package the PetStore with another serverless.yml, and return the template."""
    (checkout / "serverless.yml").write_text(service)
    made = run(checkout, SLS, "package", "--package", "package", environment=environment | SETTINGS)
    assert made.returncode == 0, made.stdout + made.stderr
    return checkout / "package/cloudformation-template-update-stack.json"


@pytest.fixture(scope="module")
def token_alone(prod_package: Path) -> Path:
    """The template of the service as it is."""
    return prod_package / "cloudformation-template-update-stack.json"


@pytest.fixture(scope="module")
def request_alone(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the REQUEST authorizer on all endpoints."""
    checkout = leave_out_libraries(copy_project(tmp_path_factory.mktemp("request")))
    assert TEXT.count(TOKEN) == len(PROTECTED)
    return package(checkout, TEXT.replace(TOKEN, REQUEST), clean)


@pytest.fixture(scope="module")
def all_kinds(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the REQUEST authorizer on one endpoint, and with APIs of the other kinds."""
    checkout = leave_out_libraries(copy_project(tmp_path_factory.mktemp("all")))
    first, head, rest = TEXT.partition("  getPet:\n")
    rest = rest.replace(TOKEN, REQUEST, 1).replace("events:\n", f"events:{OTHER_APIS}", 1)
    service = (first + head + rest).replace("provider:\n", f"provider:{HTTP_API}", 1)
    return package(checkout, public_in_rest_api(service), clean)


def of_type(template: Path, kind: str) -> Template:
    resources: Template = json.loads(template.read_text())["Resources"]
    return {name: made["Properties"] for name, made in resources.items() if made["Type"] == kind}


def sources_of_permissions(template: Path) -> list[Any]:
    """Return who may invoke the authorizer's function."""
    function = {"Fn::GetAtt": ["AuthorizerLambdaFunction", "Arn"]}
    permissions = of_type(template, "AWS::Lambda::Permission").values()
    return [made["SourceArn"] for made in permissions if made["FunctionName"] == function]


def source(api: str, authorizer: str) -> Template:
    arn = (
        "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/authorizers/${Authorizer}"
    )
    return {"Fn::Sub": [arn, {"Api": {"Ref": api}, "Authorizer": {"Ref": authorizer}}]}


def exported_ids(template: Path) -> dict[str, str]:
    """Return the authorizers whose IDs are exported, by the names of the exports."""
    outputs = json.loads(template.read_text())["Outputs"]
    exports = {
        made["Export"]["Name"].split("-")[-1]: made["Value"] for made in outputs.values() if "Export" in made
    }
    return {
        name: value["Ref"] for name, value in exports.items() if "AuthorizerId" in name or "RequestId" in name
    }


TOKEN_ID, REQUEST_ID = "AuthorizerApiGatewayAuthorizer", "JwtRequestApiGatewayAuthorizer"
INVOKE_ROLE = {"Fn::GetAtt": ["InvokeRole", "Arn"]}


def test_the_token_authorizer_alone(token_alone: Path) -> None:
    ((name, made),) = of_type(token_alone, "AWS::ApiGateway::Authorizer").items()

    assert (name, made["Type"], made["Name"]) == (TOKEN_ID, "TOKEN", "jwt-rsa-custom-authorizer")
    assert made["AuthorizerCredentials"] == INVOKE_ROLE
    assert sources_of_permissions(token_alone) == [source("ApiGatewayRestApi", TOKEN_ID)]
    assert exported_ids(token_alone) == {"AuthorizerId": TOKEN_ID}


def test_the_request_authorizer_alone(request_alone: Path) -> None:
    ((name, made),) = of_type(request_alone, "AWS::ApiGateway::Authorizer").items()

    assert (name, made["Type"], made["Name"]) == (REQUEST_ID, "REQUEST", "jwtRequest")
    assert made["IdentitySource"] == (
        "method.request.header.Authorization, context.httpMethod, context.resourcePath"
    )
    assert made["AuthorizerResultTtlInSeconds"] == 3600
    assert made["AuthorizerCredentials"] == INVOKE_ROLE
    assert sources_of_permissions(request_alone) == [source("ApiGatewayRestApi", REQUEST_ID)]
    assert exported_ids(request_alone) == {"JwtRequestId": REQUEST_ID}


def test_both_in_one_service_and_each_endpoint_has_its_own(all_kinds: Path) -> None:
    authorizers = of_type(all_kinds, "AWS::ApiGateway::Authorizer")
    methods = of_type(all_kinds, "AWS::ApiGateway::Method")
    used = {name: made["AuthorizerId"]["Ref"] for name, made in methods.items() if "AuthorizerId" in made}

    assert {name: (made["Type"], made["Name"]) for name, made in authorizers.items()} == {
        TOKEN_ID: ("TOKEN", "jwt-rsa-custom-authorizer"),
        REQUEST_ID: ("REQUEST", "jwtRequest"),
    }
    assert [made["AuthorizerCredentials"] for made in authorizers.values()] == 2 * [INVOKE_ROLE]
    assert len({json.dumps(made["AuthorizerUri"]) for made in authorizers.values()}) == 1
    assert used.pop("ApiGatewayMethodPetsPetidVarGet") == REQUEST_ID
    assert {"ApiGatewayMethodPetsGet", "ApiGatewayMethodPetsPost"} <= used.keys()
    assert list(used.values()) == [TOKEN_ID] * (len(PROTECTED) - 1)
    assert exported_ids(all_kinds) == {"AuthorizerId": TOKEN_ID, "JwtRequestId": REQUEST_ID}


def test_only_the_authorizers_of_each_kind_of_api_may_invoke_the_function(all_kinds: Path) -> None:
    (http,) = (name for name, made in of_type(all_kinds, "AWS::ApiGatewayV2::Authorizer").items()
               if made["ApiId"] == {"Ref": "HttpApi"})  # fmt: skip
    (websocket,) = of_type(all_kinds, "AWS::ApiGatewayV2::Authorizer").keys() - {http}
    expected = [
        source("ApiGatewayRestApi", TOKEN_ID),
        source("ApiGatewayRestApi", REQUEST_ID),
        source("HttpApi", http),
        source("WebsocketsApi", websocket),
    ]

    assert sorted(map(json.dumps, sources_of_permissions(all_kinds))) == sorted(map(json.dumps, expected))


def test_each_authorizer_is_a_function_of_its_own_for_serverless_offline() -> None:
    script = """
        const Gateway = require('./plugins/offline.cjs');
        const service = JSON.parse(process.argv[1]);
        service.getFunction = (name) => service.functions[name];
        new Gateway({ service }).hooks['before:offline:start']();
        console.log(JSON.stringify(service));
    """
    arn = {"Fn::GetAtt": ["AuthorizerLambdaFunction", "Arn"]}
    request = {"name": "jwtRequest", "arn": arn, "type": "request"}
    http_api = {"type": "request", "functionName": "authorizer", "identitySource": ["$context.routeKey"]}
    others = [
        {"http": "GET /"},
        {"http": {"method": "get", "path": "/y", "authorizer": {"arn": "arn:aws:lambda:x"}}},
        {"websocket": "message"},
    ]
    events = [
        {"http": {"method": "get", "path": "/", "authorizer": "authorizer"}},
        {"http": {"method": "get", "path": "/a", "authorizer": request}},
        {"http": {"method": "any", "path": "/b", "authorizer": request}},
        {"httpApi": {"method": "get", "path": "/c", "authorizer": {"name": "jwt"}}},
        {"websocket": {"route": "$connect", "authorizer": {"name": "authorizer", "identitySource": []}}},
        *others,
    ]
    given = {
        "provider": {"httpApi": {"authorizers": {"jwt": http_api}}},
        "functions": {
            "authorizer": {"environment": {"AUDIENCE": "api"}, "events": []},
            "one": {"events": events},
        },
    }
    command = ["node", "-e", script, json.dumps(given)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    service = json.loads(ran.stdout)
    _, one, *made = service["functions"]
    local = service["functions"][one]["events"]
    variables = [service["functions"][name]["environment"] for name in made]

    assert [next(iter(event.values()))["authorizer"] for event in local[: -len(others)]] == [
        {"name": "rest_authorizer"},
        {"name": "rest_jwtRequest", "type": "request"},
        {"name": "rest_jwtRequest", "type": "request"},
        {"name": "http_jwt"},
        {"name": "websocket_authorizer", "identitySource": []},
    ]
    assert local[-len(others) :] == others
    assert service["provider"]["httpApi"]["authorizers"]["http_jwt"] == http_api | {
        "functionName": "http_jwt"
    }
    assert {values["AUDIENCE"] for values in variables} == {"api"}
    assert {values["PYTHONPATH"] for values in variables} == {str(ROOT)}
    header = ["method.request.header.Authorization"]
    settings = [list(json.loads(values["LOCAL_AUTHORIZER"]).values()) for values in variables]
    assert dict(zip(made, settings, strict=True)) == {
        "rest_authorizer": ["rest", "token", header, 300, ["GET /"]],
        "rest_jwtRequest": ["rest", "request", header, 300, ["GET /a", "ANY /b"]],
        "http_jwt": ["http", "request", ["$context.routeKey"], 0, ["GET /c"]],
        "websocket_authorizer": ["websocket", "request", [], 0, ["$connect"]],
    }


def test_cfn_lint_finds_nothing(
    request_alone: Path, all_kinds: Path, checkout: Path, clean: dict[str, str]
) -> None:
    linted = run(checkout, ".venv/bin/cfn-lint", request_alone, all_kinds, environment=clean)

    assert (linted.stdout, linted.stderr, linted.returncode) == ("", "", 0)
