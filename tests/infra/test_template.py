"""The CloudFormation template that `sls package` writes, and what it refuses to package."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth import Settings
from tests.support.checkout import ROOT, SLS, copy_project, leave_out_libraries, run
from tests.support.deploy_role import bucket_arn, deploy_role, requests_of_deploy
from tests.support.environment import SETTINGS, environment
from tests.support.packages import BOUNDARY, make_packages
from tests.support.rules_page import EXAMPLES
from tests.support.rules_page import with_usage_plans as with_usage_plans_of_the_page
from tests.support.serverless_yml import FUNCTIONS, KEY_BACKUP, SERVICE, TEXT

Resources = dict[str, Any]

TEMPLATE = "cloudformation-template-update-stack.json"


@pytest.fixture(scope="module")
def templates(prod_package: Path, dev_package: Path) -> dict[str, Path]:
    """The templates of two stages, the second with reserved concurrency and a permissions boundary."""
    return {"prod": prod_package / TEMPLATE, "dev": dev_package / TEMPLATE}


@pytest.fixture(scope="module")
def prod(templates: dict[str, Path]) -> Resources:
    resources: Resources = json.loads(templates["prod"].read_text())["Resources"]
    return resources


@pytest.fixture(scope="module")
def dev(templates: dict[str, Path]) -> Resources:
    resources: Resources = json.loads(templates["dev"].read_text())["Resources"]
    return resources


def of_type(resources: Resources, kind: str) -> dict[str, Any]:
    return {name: made for name, made in resources.items() if made["Type"] == kind}


def test_cfn_lint_finds_nothing(templates: dict[str, Path], checkout: Path, clean: dict[str, str]) -> None:
    account = sorted((checkout / "account").glob("*.yml"))
    assert account
    linted = run(
        checkout, ".venv/bin/python", ".venv/bin/cfn-lint", *templates.values(), *account, environment=clean
    )

    assert (linted.stdout, linted.stderr, linted.returncode) == ("", "", 0)


def test_there_are_no_functions_but_those_of_the_service(prod: Resources) -> None:
    names = {*FUNCTIONS, KEY_BACKUP}
    assert {f"{name[:1].upper()}{name[1:]}LambdaFunction" for name in names} == set(
        of_type(prod, "AWS::Lambda::Function")
    )
    assert not [made["Type"] for made in prod.values() if made["Type"].startswith("Custom::")]


def test_roles_allow_patterns_of_resources_only_for_traces_the_logs_of_the_stage_and_its_backup(
    prod: Resources,
) -> None:
    roles = of_type(prod, "AWS::IAM::Role")
    statements = [
        statement
        for role in roles.values()
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    wide = [statement["Resource"] for statement in statements if "*" in json.dumps(statement["Resource"])]
    logs = f"log-group:/aws/lambda/{SERVICE}-prod-*"

    assert set(roles) == {"AuthorizerRole", "PetStoreRole", "InvokeRole", "KeyBackupRole"}
    assert [statement["Action"] for statement in statements if statement["Resource"] == "*"] == 3 * [
        ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    ]
    backup = {"Fn::Sub": "${KeyBackupBucket.Arn}/jwks/*"}
    assert [resource for resource in wide if resource not in ("*", backup)] == [
        {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:" + logs}
    ]
    assert "*" not in json.dumps([statement["Action"] for statement in statements])


def log_statements(role: dict[str, Any], effect: str) -> list[Any]:
    """Return the resources for which a role allows, or denies, to write logs."""
    return [
        statement["Resource"]
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == effect and "logs:PutLogEvents" in statement["Action"]
    ]


def test_each_function_may_write_to_its_log_group_and_none_but_the_authorizer_to_the_authorizers(
    prod: Resources,
) -> None:
    own = {"Fn::GetAtt": ["AuthorizerLogGroup", "Arn"]}
    for name, function in of_type(prod, "AWS::Lambda::Function").items():
        role = prod[function["Properties"]["Role"]["Fn::GetAtt"][0]]
        if name == "AuthorizerLambdaFunction":
            assert (log_statements(role, "Allow"), log_statements(role, "Deny")) == ([own], [])
            continue
        if name == "KeyBackupLambdaFunction":
            assert log_statements(role, "Allow") == [{"Fn::GetAtt": ["KeyBackupLogGroup", "Arn"]}]
            continue
        (pattern,) = log_statements(role, "Allow")
        log_group = prod[name.replace("LambdaFunction", "LogGroup")]["Properties"]["LogGroupName"]
        assert log_group.startswith(pattern["Fn::Sub"].partition(":log-group:")[2].removesuffix("*"))
        assert log_statements(role, "Deny") == [own]


def test_the_role_that_github_deploys_with_may_do_all_that_its_stage_needs(
    prod: Resources, dev: Resources
) -> None:
    for stage, role, resources in (
        ("prod", deploy_role("prod"), prod),
        ("dev", deploy_role("dev", PermissionsBoundary=BOUNDARY), dev),
    ):
        asked = list(requests_of_deploy(resources, stage))
        assert len(asked) > len(resources)
        assert [request for request in asked if not role.allows(request)] == []


@pytest.mark.parametrize("stage", ["dev", "pro", "prod2"])
def test_it_reaches_nothing_of_another_stage_but_its_api_its_saved_queries_and_the_settings_of_its_bucket(
    prod: Resources, stage: str
) -> None:
    role = deploy_role(stage)
    reached = [request for request in requests_of_deploy(prod, "prod") if role.allows(request)]

    assert {request.resource for request in reached if request.action.startswith("s3:")} == {
        bucket_arn("prod"),
        bucket_arn("prod", "KeyBackupBucket"),
    }
    others = [request for request in reached if not request.action.startswith(("s3:", "apigateway:"))]
    assert {(request.action, request.resource) for request in others} == {
        ("cloudformation:ValidateTemplate", "*"),
        ("logs:PutQueryDefinition", "*"),
        ("logs:DescribeQueryDefinitions", "*"),
        ("logs:DeleteQueryDefinition", "*"),
    }


def test_with_a_boundary_it_can_only_create_the_roles_of_a_stage_that_has_it(
    prod: Resources, dev: Resources
) -> None:
    for role in of_type(prod, "AWS::IAM::Role").values():
        assert "PermissionsBoundary" not in role["Properties"]
    for role in of_type(dev, "AWS::IAM::Role").values():
        assert role["Properties"]["PermissionsBoundary"] == BOUNDARY

    bounded = deploy_role("prod", PermissionsBoundary=BOUNDARY)
    refused = [request for request in requests_of_deploy(prod, "prod") if not bounded.allows(request)]
    roles = of_type(prod, "AWS::IAM::Role")
    assert [request.action for request in refused] == ["iam:CreateRole", "iam:PutRolePolicy"] * len(roles)


def test_the_name_of_each_role_is_short_enough_for_all_stages_and_regions(prod: Resources) -> None:
    for role in of_type(prod, "AWS::IAM::Role").values():
        name = role["Properties"]["RoleName"]
        assert name.startswith(f"{SERVICE}-prod-us-east-1-")
        longest = name.replace("-prod-us-east-1-", "-staging-ap-southeast-2-")
        assert len(longest) <= 64


def test_api_gateway_rejects_other_credentials_than_bearer_tokens_itself(prod: Resources) -> None:
    (authorizer,) = of_type(prod, "AWS::ApiGateway::Authorizer").values()
    expression = authorizer["Properties"]["IdentityValidationExpression"]

    assert expression == "^[Bb]earer [-0-9a-zA-Z._]+$"
    assert re.match(expression, "Bearer eyJh_-Z.e30.c2ln")
    for junk in ("", "Bearer ", "Basic dXNlcg==", "Bearer a b", "Bearer a^b", "eyJh.e30.c2ln"):
        assert not re.match(expression, junk)


def test_the_api_is_deployed_after_all_of_its_parts(prod: Resources) -> None:
    ((_, deployment),) = of_type(prod, "AWS::ApiGateway::Deployment").items()
    parts = {name for name, made in prod.items() if made["Type"].startswith("AWS::ApiGateway::")}
    later = {"AWS::ApiGateway::RestApi", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage"}

    assert set(deployment["DependsOn"]) == {name for name in parts if prod[name]["Type"] not in later}
    assert len(of_type(prod, "AWS::ApiGateway::GatewayResponse")) == 9
    assert set(deployment["DependsOn"]) >= set(of_type(prod, "AWS::ApiGateway::GatewayResponse"))
    assert "StageName" not in deployment["Properties"]


@pytest.fixture(scope="module")
def with_usage_plans(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that is packaged with the usage plans of docs/rules.md."""
    checkout = leave_out_libraries(copy_project(tmp_path_factory.mktemp("usage plans")))
    (checkout / "serverless.yml").write_text(with_usage_plans_of_the_page(TEXT))
    (checkout / "rules.py").write_text(EXAMPLES)
    make_packages(checkout, "--stage", "prod", environment=clean | SETTINGS)
    return checkout


def test_a_usage_plan_applies_to_the_key_that_a_rule_names(with_usage_plans: Path) -> None:
    resources = json.loads((with_usage_plans / "package" / TEMPLATE).read_text())["Resources"]
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    keys = of_type(resources, "AWS::ApiGateway::ApiKey")
    plans = of_type(resources, "AWS::ApiGateway::UsagePlan")
    members = [
        member["Properties"] for member in of_type(resources, "AWS::ApiGateway::UsagePlanKey").values()
    ]

    assert api["Properties"]["ApiKeySourceType"] == "AUTHORIZER"
    environment = resources["AuthorizerLambdaFunction"]["Properties"]["Environment"]["Variables"]
    for tenant, quota in (("acme", 1000), ("globex", 100_000)):
        # What the rule of the page returns for this tenant in this stage
        value = f"usage-plan-key-of-{environment['STAGE']}-{tenant}"
        (key,) = [name for name, key in keys.items() if key["Properties"]["Value"] == value]
        assert keys[key]["Properties"]["Enabled"] is True
        (plan,) = [one["UsagePlanId"]["Ref"] for one in members if one["KeyId"]["Ref"] == key]
        assert plans[plan]["Properties"]["Quota"] == {"Limit": quota, "Period": "DAY"}
        (stage,) = plans[plan]["Properties"]["ApiStages"]
        assert (stage["ApiId"], stage["Stage"]) == ({"Ref": "ApiGatewayRestApi"}, "prod")
    methods = {
        name: made["Properties"]["ApiKeyRequired"]
        for name, made in of_type(resources, "AWS::ApiGateway::Method").items()
        if made["Properties"].get("ApiKeyRequired")
    }
    assert methods == {"ApiGatewayMethodPetsGet": True}


def test_a_usage_plan_waits_for_the_stage_and_the_deployment_for_neither(
    with_usage_plans: Path, clean: dict[str, str]
) -> None:
    template = with_usage_plans / "package" / TEMPLATE
    resources = json.loads(template.read_text())["Resources"]
    (deployment,) = of_type(resources, "AWS::ApiGateway::Deployment").values()

    for plan in of_type(resources, "AWS::ApiGateway::UsagePlan").values():
        assert plan["DependsOn"] == ["ApiStage"]
    types = {resources[name]["Type"] for name in deployment["DependsOn"]}
    assert not {kind for kind in types if "Usage" in kind or "ApiKey" in kind}
    linted = run(with_usage_plans, ".venv/bin/python", ".venv/bin/cfn-lint", template, environment=clean)
    assert linted.returncode == 0, linted.stdout  # it finds circular dependencies


def test_the_role_that_github_deploys_with_may_deploy_usage_plans(with_usage_plans: Path) -> None:
    resources = json.loads((with_usage_plans / "package" / TEMPLATE).read_text())["Resources"]
    role = deploy_role("prod")
    asked = list(requests_of_deploy(resources, "prod"))

    assert {"/apikeys", "/usageplans"} <= {request.resource.partition("::")[2] for request in asked}
    assert [request for request in asked if not role.allows(request)] == []


def test_a_caller_without_a_usage_plan_is_told_so_and_not_that_a_scope_is_missing(prod: Resources) -> None:
    response = prod["InvalidApiKeyResponse"]["Properties"]

    assert (response["ResponseType"], response["StatusCode"]) == ("INVALID_API_KEY", "403")
    message = json.loads(response["ResponseTemplates"]["application/json"])["message"]
    assert message.partition(" Ask")[0] in (ROOT / "docs/rules.md").read_text()
    assert "insufficient_scope" not in json.dumps(response)


def test_the_deployment_bucket_is_private_and_encrypted(prod: Resources) -> None:
    bucket, policy = prod["ServerlessDeploymentBucket"], prod["ServerlessDeploymentBucketPolicy"]

    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket["Properties"]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": False}},
    )


def test_gateway_responses_are_json_whatever_is_filled_in(prod: Resources) -> None:
    # API Gateway puts quotes around this one itself (AWS, "Gateway responses").
    with_quotes = r"\$context\.error\.messageString"
    for answer in of_type(prod, "AWS::ApiGateway::GatewayResponse").values():
        template = answer["Properties"]["ResponseTemplates"]["application/json"]
        body = re.sub(r"\$context(\.\w+)+", "filled in", re.sub(with_quotes, '"a message"', template))
        assert json.loads(body)["request_id"] == "filled in"
        assert json.loads(body)["message"]


def test_a_403_names_the_scopes_of_the_token(prod: Resources) -> None:
    template = prod["AccessDeniedResponse"]["Properties"]["ResponseTemplates"]["application/json"]

    assert json.loads(template)["error"] == "insufficient_scope"
    assert json.loads(template)["scope_of_token"] == "$context.authorizer.scope"


def test_a_stage_has_an_access_log_if_its_parameters_say_so(prod: Resources, dev: Resources) -> None:
    setting = prod["ApiStage"]["Properties"]["AccessLogSetting"]
    log_group = prod["AccessLogGroup"]["Properties"]["LogGroupName"]

    assert setting["DestinationArn"] == {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}
    assert log_group == f"/aws/apigateway/{SERVICE}-prod/access"
    assert "AccessLogSetting" not in dev["ApiStage"]["Properties"]


def test_the_body_of_a_new_pet_is_validated_before_the_function_runs(prod: Resources) -> None:
    method = prod["ApiGatewayMethodPetsPost"]["Properties"]
    ((content_type, model),) = method["RequestModels"].items()

    assert content_type == "application/json"
    assert prod[model["Ref"]]["Properties"]["Schema"]["required"] == ["type", "price"]
    assert prod[method["RequestValidatorId"]["Ref"]]["Properties"]["ValidateRequestBody"] is True


def test_an_access_log_line_is_json_and_describes_the_call_of_the_authorizer(prod: Resources) -> None:
    template = prod["ApiStage"]["Properties"]["AccessLogSetting"]["Format"]
    unquoted = re.sub(r":(\$context\.\w+)(?=[,}])", ":0", template)
    line = json.loads(unquoted)

    assert line["authorizer"] == {
        "requestId": "$context.authorizer.requestId",
        "status": "$context.authorizer.status",
        "error": "$context.authorizer.error",
        "latency": "$context.authorizer.latency",
    }
    assert (line["time"], line["status"]) == (0, 0)
    assert "\n" not in template
    # Callers choose these values, and could forge a line with them.
    assert not re.search(r"\$context\.(path|identity\.userAgent|authorizer\.principalId)", template)


def test_concurrency_is_reserved_if_the_stage_asks_for_it(prod: Resources, dev: Resources) -> None:
    assert "ReservedConcurrentExecutions" not in prod["AuthorizerLambdaFunction"]["Properties"]
    assert dev["AuthorizerLambdaFunction"]["Properties"]["ReservedConcurrentExecutions"] == 20
    assert "ReservedConcurrentExecutions" not in dev["GetPetLambdaFunction"]["Properties"]


@pytest.mark.parametrize("command", [["package"], ["deploy"], ["deploy", "function", "-f", "authorizer"]])
def test_missing_settings_stop_the_deploy_with_one_message_that_names_all(
    command: list[str], checkout: Path, clean: dict[str, str]
) -> None:
    refused = run(checkout, SLS, *command, "--stage", "prod", environment=clean)

    assert refused.returncode == 1
    message = refused.stdout[refused.stdout.index("The settings of stage prod") :].strip()
    # JWKS_URI is found by discovery once there is an issuer.
    assert message.splitlines()[1:3] == ["  - AUDIENCE is not set", "  - TOKEN_ISSUER is not set"]
    assert ".env.prod" in message.splitlines()[3]


def test_unsafe_settings_stop_the_deploy_too(checkout: Path, clean: dict[str, str]) -> None:
    unsafe = SETTINGS | {"JWKS_URI": "http://issuer.example/jwks.json", "ALGORITHMS": "HS256"}
    refused = run(checkout, SLS, "package", "--stage", "dev", environment=clean | unsafe)

    assert refused.returncode == 1
    assert "  - JWKS_URI must be an https:// URL" in refused.stdout
    assert "  - ALGORITHMS must be one or more of RS256" in refused.stdout
    assert "not set" not in refused.stdout


def test_the_defaults_of_the_service_are_those_of_the_authorizer() -> None:
    service = (ROOT / "serverless.yml").read_text()
    (issuer,) = (settings := Settings.from_environment(environment())).issuers

    assert f"${{env:ALGORITHMS, '{','.join(issuer.algorithms)}'}}" in service
    assert f"${{env:LEEWAY_SECONDS, '{issuer.leeway_seconds}'}}" in service
    assert f"    logLevel: {settings.log_level} #" in service


def texts() -> Iterator[str]:
    yield (ROOT / "serverless.yml").read_text()
    for file in (ROOT / "resources").glob("*.yml"):
        yield file.read_text()


def test_each_parameter_is_explained_and_used_and_no_other_is_used() -> None:
    service = (ROOT / "serverless.yml").read_text()
    default = service.partition("  default:\n")[2].partition("  staging:\n")[0]
    declared = re.findall(r"^    (?:# )?(\w+): .* # \w", default, re.MULTILINE)
    used = re.findall(r"param:(\w+)", "".join(texts()))

    assert len(declared) == len(default.splitlines())
    assert set(declared) == set(used)


def test_each_file_of_resources_is_used() -> None:
    everything = "".join(texts())
    for file in (ROOT / "resources").iterdir():
        assert f"resources/{file.name}" in everything
