"""What clients look for in a deployed API, and what stops packaging: plugins/resource-metadata.cjs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import SLS, run
from tests.support.environment import SETTINGS
from tests.support.serverless_yml import SCOPES, SERVICE, with_api_gateway

TEMPLATE = "cloudformation-template-update-stack.json"
CHALLENGE = "gatewayresponse.header.WWW-Authenticate"
ENABLED = ("--stage", "dev", "--param", "resourceMetadata=enabled")
WELL_KNOWN = ".well-known/oauth-protected-resource"
SCOPE = "read:$context.#if"


@pytest.fixture(scope="module")
def stage(editable: Path, clean: dict[str, str]) -> dict[str, Any]:
    """The resources of a stage with metadata and with a scope that a template could misread."""
    service = (editable / "serverless.yml").read_text()
    (editable / "serverless.yml").write_text(re.sub(r"read:pets(?=[],])", f"'{SCOPE}'", service))
    environment = clean | SETTINGS | {"AUDIENCE": "https://api.example/v1"}
    packaged = run(editable, SLS, "package", *ENABLED, environment=environment)
    assert packaged.returncode == 0, packaged.stdout + packaged.stderr
    resources: dict[str, Any] = json.loads((editable / ".serverless" / TEMPLATE).read_text())["Resources"]
    return resources


def parameters(response: dict[str, Any]) -> Any:
    return response["Properties"]["ResponseParameters"]


def test_the_metadata_is_public_and_needs_no_function(stage: dict[str, Any]) -> None:
    properties = stage["ResourceMetadataMethod"]["Properties"]
    (answer,) = properties["Integration"]["IntegrationResponses"]
    template = answer["ResponseTemplates"]["application/json"]

    assert (properties["HttpMethod"], properties["AuthorizationType"]) == ("GET", "NONE")
    assert properties["Integration"]["Type"] == "MOCK"
    assert not set("$#") & set(template)  # API Gateway would evaluate them
    assert json.loads(template) == {
        "resource": "https://api.example/v1",
        "authorization_servers": [SETTINGS["TOKEN_ISSUER"]],
        "scopes_supported": sorted({*SCOPES, SCOPE} - {"read:pets"}),
        "bearer_methods_supported": ["header"],
    }
    parts = [
        stage[name]["Properties"]["PathPart"] for name in ("WellKnownResource", "ResourceMetadataResource")
    ]
    assert "/".join(parts) == WELL_KNOWN


def test_pages_of_other_origins_can_read_it(stage: dict[str, Any]) -> None:
    for name in ("ResourceMetadataMethod", "ResourceMetadataOptions"):
        properties = stage[name]["Properties"]
        (answer,), (declared,) = (
            properties["Integration"]["IntegrationResponses"],
            properties["MethodResponses"],
        )
        assert answer["ResponseParameters"]["method.response.header.Access-Control-Allow-Origin"] == "'*'"
        assert set(answer["ResponseParameters"]) == set(declared["ResponseParameters"])


def test_a_401_names_its_address_and_a_403_the_scopes_that_the_authorizer_asks_for(
    stage: dict[str, Any],
) -> None:
    url = "https://${ApiGatewayRestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/dev/" + WELL_KNOWN
    variables = stage["AuthorizerLambdaFunction"]["Properties"]["Environment"]["Variables"]
    realm = f'Bearer realm="{SERVICE}"'

    assert parameters(stage["UnauthorizedResponse"])[CHALLENGE] == {
        "Fn::Sub": f"'{realm}, resource_metadata=\"{url}\"'"
    }
    assert variables["RESOURCE_METADATA"] == {"Fn::Sub": url}
    assert parameters(stage["AccessDeniedResponse"])[CHALLENGE] == "context.authorizer.challenge"


def test_only_the_authorizer_says_that_a_scope_is_missing(stage: dict[str, Any]) -> None:
    responses = [made for made in stage.values() if made["Type"] == "AWS::ApiGateway::GatewayResponse"]

    assert responses
    assert "insufficient_scope" not in json.dumps(responses)
    assert {made["Properties"]["ResponseType"] for made in responses if CHALLENGE in parameters(made)} == {
        "UNAUTHORIZED",
        "ACCESS_DENIED",
    }  # an invalid API key is INVALID_API_KEY, so DEFAULT_4XX


def test_gateway_responses_keep_their_cors_headers_and_their_form(stage: dict[str, Any]) -> None:
    for name in ("UnauthorizedResponse", "AccessDeniedResponse"):
        assert parameters(stage[name])["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        template = stage[name]["Properties"]["ResponseTemplates"]["application/json"]
        assert set(json.loads(template)) >= {"message", "request_id"}


def test_the_api_is_deployed_with_its_metadata(
    stage: dict[str, Any], editable: Path, clean: dict[str, str]
) -> None:
    (deployment,) = (made for made in stage.values() if made["Type"] == "AWS::ApiGateway::Deployment")
    template = editable / ".serverless" / TEMPLATE
    linted = run(editable, ".venv/bin/python", ".venv/bin/cfn-lint", template, environment=clean)

    assert {"ResourceMetadataMethod", "ResourceMetadataOptions"} <= set(deployment["DependsOn"])
    assert (linted.stdout, linted.returncode) == ("", 0)


def test_for_a_custom_domain_the_address_is_where_rfc_9728_expects_it(
    stage: dict[str, Any], editable: Path, clean: dict[str, str]
) -> None:
    environment = clean | SETTINGS | {"AUDIENCE": "https://api.example,api://pets"}
    resource = ("--param", "resource=https://api.example")
    packaged = run(editable, SLS, "package", *ENABLED, *resource, environment=environment)
    assert packaged.returncode == 0, packaged.stdout
    resources = json.loads((editable / ".serverless" / TEMPLATE).read_text())["Resources"]

    assert parameters(resources["UnauthorizedResponse"])[CHALLENGE].endswith(
        f', resource_metadata="https://api.example/{WELL_KNOWN}"\''
    )
    variables = resources["AuthorizerLambdaFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["RESOURCE_METADATA"] == f"https://api.example/{WELL_KNOWN}"


def test_a_resource_that_clients_cannot_use_stops_packaging_with_what_to_write(
    editable: Path, clean: dict[str, str]
) -> None:
    environment = clean | SETTINGS | {"AUDIENCE": "api://pets"}
    rejected = run(editable, SLS, "package", *ENABLED, environment=environment)

    assert rejected.returncode == 1
    assert "resourceMetadata: the resource is api://pets, but clients compare it" in rejected.stdout
    assert "Add the parameter `resource` to the stage" in rejected.stdout
    assert "Traceback" not in rejected.stdout + rejected.stderr


def test_an_address_that_nobody_can_reach_stops_packaging(editable: Path, clean: dict[str, str]) -> None:
    service = (editable / "serverless.yml").read_text()
    disabled = with_api_gateway(service, "    disableDefaultEndpoint: true\n")
    (editable / "serverless.yml").write_text(disabled)
    environment = clean | SETTINGS | {"AUDIENCE": "https://api.example/v1"}
    rejected = run(editable, SLS, "package", *ENABLED, environment=environment)
    (editable / "serverless.yml").write_text(service)

    assert rejected.returncode == 1
    assert "Use a `resource` without a path, or remove disableDefaultEndpoint" in rejected.stdout


def test_a_stage_without_metadata_has_none_of_it(dev_package: Path) -> None:
    resources = json.loads((dev_package / TEMPLATE).read_text())["Resources"]

    assert not [name for name in resources if "Metadata" in name or name == "WellKnownResource"]
    assert "resource_metadata" not in json.dumps(resources)
    assert "RESOURCE_METADATA" not in json.dumps(resources)
