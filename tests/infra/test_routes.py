"""The authorizer gets the scopes of the endpoints as its route table: plugins/routes.cjs."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from auth.routes import parse_routes
from tests.support.checkout import ROOT, SLS, run
from tests.support.packages import AUTHORIZER
from tests.support.serverless_yml import ROUTES, TEXT

PRINT = (SLS, "print", "--path", "functions.authorizer.environment.ROUTE_SCOPES", "--format", "text")


def endpoints(template: dict[str, Any]) -> Iterator[str]:
    """Yield the route key of each endpoint of the REST API that has the authorizer."""
    resources = template["Resources"]

    def path(reference: dict[str, Any]) -> str:
        if "Ref" not in reference:  # the root is an attribute of the API
            return ""
        properties = resources[reference["Ref"]]["Properties"]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    for resource in resources.values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::ApiGateway::Method" and "AuthorizerId" in properties:
            yield f"{properties['HttpMethod']} {path(properties['ResourceId']) or '/'}"


def test_the_package_has_a_line_for_each_endpoint_with_the_authorizer_and_no_other(
    prod_package: Path,
) -> None:
    template = json.loads((prod_package / "cloudformation-template-update-stack.json").read_text())
    with ZipFile(prod_package / AUTHORIZER) as package:
        text = package.read("routes.txt").decode()
    table = parse_routes(text).table("apiId", "rest")

    assert table
    assert sorted(route.key for route in table.routes) == sorted(endpoints(template))
    assert text == ROUTES
    variables = template["Resources"]["AuthorizerLambdaFunction"]["Properties"]["Environment"]["Variables"]
    assert "ROUTE_SCOPES" not in variables


def test_the_same_table_is_the_variable_of_commands_that_run_here(
    checkout: Path, clean: dict[str, str]
) -> None:
    printed = run(checkout, *PRINT, environment=clean)

    assert (printed.returncode, printed.stdout) == (0, f"{ROUTES}\n"), printed.stderr
    assert not (checkout / "routes.txt").exists()


def test_a_table_of_the_operator_replaces_it(checkout: Path, clean: dict[str, str]) -> None:
    printed = run(checkout, *PRINT, environment=clean | {"ROUTE_SCOPES": "GET /mine read:mine"})

    assert printed.stdout == "GET /mine read:mine\n"


def test_the_table_is_added_to_the_package_of_the_authorizer_and_to_no_other(tmp_path: Path) -> None:
    script = """
        const Routes = require('./plugins/routes.cjs');
        const [service, functionName] = JSON.parse(process.argv[1]);
        service.getFunction = (name) => service.functions[name];
        const configSchemaHandler = { defineFunctionEventProperties() {}, defineCustomProperties() {} };
        const { hooks } = new Routes({ service, configSchemaHandler });
        hooks['after:deploy:function:packageFunction']();
    """
    for name in ("authorizer", "getPet"):
        artifact = tmp_path / f"{name}.zip"
        with ZipFile(artifact, "w") as files:
            files.writestr("code.py", "")
        functions: dict[str, Any] = {
            "authorizer": {"package": {}},
            "getPet": {"package": {}, "events": [http("get", "/pets", scopes=["read:pets"])]},
        }
        functions[name]["package"]["artifact"] = str(artifact)
        argument = json.dumps([{"package": {}, "functions": functions}, name])
        command = ["node", "-e", script, argument]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr

    with ZipFile(tmp_path / "authorizer.zip") as package:
        assert package.read("routes.txt") == b"[rest]\nGET /pets read:pets\n"
        assert package.getinfo("routes.txt").date_time == (1980, 1, 1, 0, 0, 0)
    with ZipFile(tmp_path / "getPet.zip") as package:
        assert package.namelist() == ["code.py"]


def http(method: str, path: str, **properties: Any) -> dict[str, Any]:
    return {"http": {"method": method, "path": path, "authorizer": "authorizer"} | properties}


def table(*events: Any, **service: Any) -> list[str]:
    """Return the lines of the table for a service with these events."""
    script = """
        const { routeTable } = require('./plugins/endpoints.cjs');
        process.stdout.write(routeTable(JSON.parse(process.argv[1])));
    """
    made = {"provider": {}, "functions": {"authorizer": {}, "one": {"events": events}}} | service
    command = ["node", "-e", script, json.dumps(made)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout.splitlines()


def test_each_api_of_a_service_has_a_section() -> None:
    http_api = {"authorizers": {"jwt": {"type": "request", "functionName": "authorizer"}}}
    socket = {"route": "$connect", "authorizer": {"name": "authorizer"}, "scopes": ["chat:join"]}

    assert table(
        {"httpApi": {"method": "get", "path": "/x", "authorizer": {"name": "jwt"}, "scopes": ["b", "a"]}},
        {"httpApi": {"method": "*", "path": "/y/{id}", "authorizer": "jwt", "scopes": ["c"]}},
        {"httpApi": {"path": "*", "authorizer": {"name": "jwt"}, "scopes": []}},
        {"websocket": socket},
        {"websocket": "message"},
        http("get", "/x", scopes=["read:x"]),
        http("any", "admin/{proxy+}", scopes=["admin"]),
        http("get", "x/", scopes=["trailing"]),
        http("post", "/", scopes=[]),
        {"schedule": "rate(5 minutes)"},
        "alexaSkill",
        provider={"httpApi": http_api},
        custom={"otherRoutes": {"a1b2c3d4e5": ["GET /orders read:orders", "POST /orders"]}},
    ) == [
        *("[rest]", "GET /x read:x", "ANY /admin/{proxy+} admin", "GET /x trailing", "POST /"),
        *("[http]", "GET /x b a", "ANY /y/{id} c", "$default"),
        *("[websocket]", "$connect chat:join"),
        *("[a1b2c3d4e5]", "GET /orders read:orders", "POST /orders"),
    ]


@pytest.mark.parametrize(
    "authorizer",
    [
        "authorizer",
        {"name": "authorizer", "type": "token"},
        {"name": "byRoute", "type": "request", "arn": {"Fn::GetAtt": ["AuthorizerLambdaFunction", "Arn"]}},
        {"name": "byRoute", "type": "request", "arn": {"Fn::GetAtt": "AuthorizerLambdaFunction.Arn"}},
    ],
)
def test_however_an_endpoint_refers_to_the_authorizer_it_has_a_line(authorizer: Any) -> None:
    assert table(http("get", "/x", authorizer=authorizer, scopes=["a"])) == ["[rest]", "GET /x a"]


@pytest.mark.parametrize(
    "endpoint",
    [
        http("get", "/x", authorizer="another", scopes=["a"]),
        http("get", "/x", authorizer="aws_iam", scopes=["a"]),
        http("get", "/x", authorizer={"type": "CUSTOM", "authorizerId": "abc"}, scopes=["a"]),
        http("get", "/x", authorizer={"name": "authorizer", "arn": "arn:aws:lambda:x"}, scopes=["a"]),
        http("get", "/x", authorizer=None, scopes=["a"]),
        http("get", "/x"),
        {"httpApi": {"method": "GET", "path": "/x", "authorizer": "unknown", "scopes": ["a"]}},
        {"httpApi": "GET /x"},
        {"http": "GET /x"},
        {"websocket": "$connect"},
    ],
)
def test_an_endpoint_without_scopes_or_with_another_authorizer_has_no_line(endpoint: Any) -> None:
    assert table(endpoint) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "scopes: [create:pets]",
            "scopes: ['create:pets and more']",
            "functions.createPet.events.0.http.scopes.0",
        ),
        ("scopes: [create:pets]", "scopes: {create: pets}", "functions.createPet.events.0.http.scopes"),
        ("publicEndpoints:", "otherRoutes: {rest: [GET /x]}\n  publicEndpoints:", "custom.otherRoutes"),
        ("publicEndpoints:", "otherRoutes: {id: ['[rest]']}\n  publicEndpoints:", "custom.otherRoutes.id.0"),
        (
            "publicEndpoints:",
            'otherRoutes: {id: ["GET /\\n[rest]"]}\n  publicEndpoints:',
            "custom.otherRoutes.id.0",
        ),
    ],
)
def test_what_could_be_another_line_or_section_is_rejected(
    editable: Path, clean: dict[str, str], old: str, new: str, problem: str
) -> None:
    before, function, after = TEXT.partition("  createPet:\n")
    assert old in after
    (editable / "serverless.yml").write_text(before + function + after.replace(old, new, 1))
    rejected = run(editable, SLS, "print", environment=clean)

    assert rejected.returncode == 1
    assert f"at '{problem}'" in rejected.stdout
