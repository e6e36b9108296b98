"""`sls deploy` and `sls remove` as an operator meets them, against an AWS on 127.0.0.1.

The tests share two stages and run in this order: the stages are deployed, one is changed, both are removed.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.checkout import SLS, copy_project, leave_out_dashboard, leave_out_libraries, run
from tests.support.environment import SETTINGS
from tests.support.ministack import ACCOUNT, remaining_resources
from tests.support.serverless_yml import API_FUNCTIONS, FUNCTIONS, KEY_BACKUP, OPEN, PROTECTED, SERVICE
from tests.support.tokens import AUDIENCE
from tools.smoke import deployed_url

ALL_SETTINGS = SETTINGS | {
    "ALGORITHMS": "RS256,ES256",
    "TOKEN_TYPES": "at+jwt",
    "SCOPE_CLAIMS": "scope,roles",
    "ALLOWED_SCOPES": "read:pets",
    "REQUIRED_CLAIMS": "org_id=acme",
    "PRINCIPAL_CLAIMS": "sub",
    "LEEWAY_SECONDS": "7",
    "LOG_LEVEL": "ERROR",
}

Sls = Callable[..., None]


@pytest.fixture(scope="module")
def sls(aws: str, clean: dict[str, str]) -> Sls:
    """Runs a command of `sls` in a folder, with changes of the settings, and checks that it succeeds."""

    def succeed(folder: Path, *command: str, **settings: str) -> None:
        for_speed = {"SLS_AWS_MONITORING_FREQUENCY": "200"}  # milliseconds; the default is 5000
        environment = clean | {"AWS_ENDPOINT_URL": aws} | for_speed | ALL_SETTINGS | settings
        ran = run(folder, SLS, *command, environment=environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    return succeed


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that is packaged quickly."""
    return leave_out_dashboard(leave_out_libraries(copy_project(tmp_path_factory.mktemp("light"))))


@pytest.fixture(scope="module")
def prod(sls: Sls, light: Path) -> None:
    """Stage prod is deployed."""
    sls(light, "deploy", "--stage", "prod")


@pytest.fixture(scope="module")
def dev(sls: Sls, light: Path) -> None:
    """Stage dev is deployed."""
    sls(light, "deploy", "--stage", "dev")


@pytest.fixture(scope="module")
def both(prod: None, dev: None) -> None:
    """Both stages are deployed."""


def stack(stage: str) -> Any:
    name = f"{SERVICE}-{stage}"
    return boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]


def outputs(stage: str) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack(stage)["Outputs"]}


def function(stage: str, name: str) -> Any:
    full_name = f"{SERVICE}-{stage}-{name}"
    return boto3.client("lambda").get_function_configuration(FunctionName=full_name)


def api_stage(stage: str) -> Any:
    return boto3.client("apigateway").get_stage(restApiId=outputs(stage)["ApiId"], stageName=stage)


def authorizer(stage: str) -> Any:
    (only,) = boto3.client("apigateway").get_authorizers(restApiId=outputs(stage)["ApiId"])["items"]
    return only


def role(arn: str) -> tuple[Any, dict[str, Any]]:
    """Return who may assume a role, and what its policies allow or deny: the actions and resources."""
    iam = boto3.client("iam")
    name = arn.rpartition("/")[2]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    trust_policy: Any = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    (trust,) = trust_policy["Statement"]
    allowed = {}
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document: Any = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for statement in document["Statement"]:
            effect = "" if statement["Effect"] == "Allow" else f" {statement['Effect']}"
            assert policy + effect not in allowed
            allowed[policy + effect] = (statement["Action"], statement["Resource"])
    return trust, allowed


def key_backup_bucket() -> str:
    """Return the name of the bucket with the backup of the keys, which CloudFormation has chosen."""
    (name,) = (one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"] if "backup" in one["Name"])
    return name


def log_group_arn(stage: str, name: str) -> str:
    return f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/{SERVICE}-{stage}-{name}"


def test_each_function_has_the_configuration_of_its_stage(both: None) -> None:
    for stage, tracing in (("prod", "Active"), ("dev", "PassThrough")):
        for name in FUNCTIONS:
            configuration = function(stage, name)
            assert configuration["Runtime"] == "python3.13"
            assert configuration["Architectures"] == ["arm64"]
            assert configuration["MemorySize"] == 256
            assert configuration["Timeout"] == (10 if name == "authorizer" else 6)
            assert configuration["TracingConfig"] == {"Mode": tracing}


@pytest.mark.parametrize("stage", ["prod", "dev"])
def test_only_the_authorizer_gets_the_settings(stage: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(stage)

    variables = function(stage, "authorizer")["Environment"]["Variables"]
    assert {name: variables[name] for name in ALL_SETTINGS} == ALL_SETTINGS
    backup = {"KEY_BACKUP_BUCKET", "KEY_BACKUP_OWNER"} if stage == "prod" else set()
    assert variables.keys() - ALL_SETTINGS.keys() == backup
    for name in API_FUNCTIONS:
        assert not function(stage, name).get("Environment", {}).get("Variables")


def test_the_authorizers_role_may_write_its_log_and_its_traces_if_the_stage_has_any(both: None) -> None:
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    logs = (actions, f"{log_group_arn('prod', 'authorizer')}:*")
    traces = (["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")

    trust, allowed = role(function("prod", "authorizer")["Role"])
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    backup = ("s3:GetObject", f"arn:aws:s3:::{key_backup_bucket()}/jwks/*")
    assert allowed == {"authorizer": logs, "tracing": traces, "key-backup": backup}

    _, allowed = role(function("dev", "authorizer")["Role"])
    assert allowed == {"authorizer": (actions, f"{log_group_arn('dev', 'authorizer')}:*")}


def test_the_other_functions_share_a_role_that_may_write_their_logs(dev: None) -> None:
    (arn,) = {function("dev", name)["Role"] for name in API_FUNCTIONS}
    _, allowed = role(arn)

    assert arn != function("dev", "authorizer")["Role"]
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert allowed == {
        "petstore": (actions, log_group_arn("dev", "*")),
        "petstore Deny": (actions, f"{log_group_arn('dev', 'authorizer')}:*"),
    }


def test_api_gateway_invokes_the_authorizer_with_a_role_that_allows_nothing_else(prod: None) -> None:
    trust, allowed = role(authorizer("prod")["authorizerCredentials"])

    assert trust["Action"] == "sts:AssumeRole"
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert trust["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}
    arn = function("prod", "authorizer")["FunctionArn"]
    assert allowed == {"invoke-authorizer": ("lambda:InvokeFunction", arn)}


def test_only_the_authorizer_of_this_api_may_invoke_the_function(prod: None) -> None:
    name = f"{SERVICE}-prod-authorizer"
    policy = json.loads(boto3.client("lambda").get_policy(FunctionName=name)["Policy"])
    (statement,) = policy["Statement"]
    made = outputs("prod")

    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    source = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{made['ApiId']}/authorizers/{made['AuthorizerId']}"
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": source}}


def test_the_authorizer_is_configured_as_in_the_tutorial(prod: None) -> None:
    made = authorizer("prod")

    assert made["name"] == "jwt-rsa-custom-authorizer"
    assert made["type"] == "TOKEN"
    assert made["identitySource"] == "method.request.header.Authorization"
    assert made["authorizerResultTtlInSeconds"] == 3600
    assert made["authorizerUri"].endswith(f"{function('prod', 'authorizer')['FunctionArn']}/invocations")


def test_exactly_the_protected_routes_require_the_authorizer(prod: None) -> None:
    gateway = boto3.client("apigateway")
    api = outputs("prod")["ApiId"]
    guards = {}
    for resource in gateway.get_resources(restApiId=api, embed=["methods"])["items"]:
        for method in resource.get("resourceMethods", {}):
            made = gateway.get_method(restApiId=api, resourceId=resource["id"], httpMethod=method)
            guards[resource["path"], method] = (made["authorizationType"], made.get("authorizerId"))

    guard = ("CUSTOM", outputs("prod")["AuthorizerId"])
    assert guards == dict.fromkeys(PROTECTED, guard) | dict.fromkeys(OPEN, ("NONE", None))


def test_each_gateway_response_has_the_status_and_headers_that_a_client_needs(prod: None) -> None:
    made = boto3.client("apigateway").get_gateway_responses(restApiId=outputs("prod")["ApiId"])["items"]
    answers = {}
    for answer in (answer for answer in made if not answer["defaultResponse"]):
        headers = {name.rpartition(".")[2]: value for name, value in answer["responseParameters"].items()}
        assert headers.pop("Access-Control-Allow-Origin") == "'*'"
        assert headers.pop("Access-Control-Expose-Headers") == "'WWW-Authenticate,Retry-After'"
        answers[answer["responseType"]] = (answer.get("statusCode"), headers)

    realm = f'Bearer realm="{SERVICE}"'
    unavailable = ("503", {"Retry-After": "'30'"})
    assert answers == {
        "UNAUTHORIZED": ("401", {"WWW-Authenticate": f"'{realm}'"}),
        "ACCESS_DENIED": ("403", {"WWW-Authenticate": f"'{realm}, error=\"insufficient_scope\"'"}),
        "MISSING_AUTHENTICATION_TOKEN": ("404", {}),
        "INVALID_API_KEY": ("403", {}),
        "AUTHORIZER_FAILURE": unavailable,
        "AUTHORIZER_CONFIGURATION_ERROR": unavailable,
        "BAD_REQUEST_BODY": ("400", {}),
        "DEFAULT_4XX": (None, {}),
        "DEFAULT_5XX": (None, {}),
    }


def test_a_stage_is_throttled_and_traced_as_its_parameters_say(both: None) -> None:
    prod, dev = api_stage("prod"), api_stage("dev")

    assert prod["methodSettings"]["*/*"]["throttlingRateLimit"] == 500
    assert prod["methodSettings"]["*/*"]["throttlingBurstLimit"] == 1000
    assert prod["tracingEnabled"] is True
    assert dev["methodSettings"]["*/*"]["throttlingRateLimit"] == 50
    assert dev["tracingEnabled"] is False
    assert not dev["methodSettings"]["*/*"]["dataTraceEnabled"]  # it would log tokens


def test_each_log_group_has_the_retention_of_its_stage(both: None) -> None:
    made = boto3.client("logs").describe_log_groups()["logGroups"]
    retention = {group["logGroupName"]: group["retentionInDays"] for group in made}

    prefix = f"/aws/lambda/{SERVICE}-"
    assert retention == {
        **{f"{prefix}prod-{name}": 90 for name in (*FUNCTIONS, KEY_BACKUP)},
        **{f"{prefix}dev-{name}": 14 for name in FUNCTIONS},
        f"/aws/apigateway/{SERVICE}-prod/access": 90,
    }


def test_each_alarm_watches_a_metric_of_lambda_or_of_the_authorizers_log(prod: None) -> None:
    log_group = f"/aws/lambda/{SERVICE}-prod-authorizer"
    filters = boto3.client("logs").describe_metric_filters(logGroupName=log_group)["metricFilters"]
    made = {
        (metric["metricNamespace"], metric["metricName"])
        for log_filter in filters
        for metric in log_filter["metricTransformations"]
    }
    prefix = f"{SERVICE}-prod"
    alarms = boto3.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms}

    own = f"{SERVICE}/prod"
    names = ("KeysUnavailable", "AuthorizerErrors", "RuleFailures", "JwksFetchFailures")
    assert made == {(own, name) for name in names}
    assert watched == made | {("AWS/Lambda", "Throttles"), ("AWS/Lambda", "Errors")}


def test_other_services_can_import_the_authorizer(both: None) -> None:
    exports = boto3.client("cloudformation").list_exports()["Exports"]
    values = {export["Name"]: export["Value"] for export in exports}

    for stage in ("prod", "dev"):
        prefix = f"{SERVICE}-{stage}"
        assert values[f"{prefix}-AuthorizerArn"] == function(stage, "authorizer")["FunctionArn"]
        assert values[f"{prefix}-AuthorizerId"] == authorizer(stage)["id"]
        api = values[f"{prefix}-ApiId"]
        root = boto3.client("apigateway").get_resources(restApiId=api)["items"][0]
        assert (values[f"{prefix}-ApiRootResourceId"], "/") == (root["id"], root["path"])
        url = f"https://{api}.execute-api.us-east-1.amazonaws.com/{stage}"
        assert values[f"sls-{prefix}-ServiceEndpoint"] == url


ORDERS = """
service: orders
provider:
  name: aws
  runtime: python3.13
  versionFunctions: false
functions:
  listOrders:
    handler: orders.list_orders
    events:
      - http:
          method: get
          path: /orders
          authorizer:
            name: jwt
            type: token
            arn: !ImportValue SERVICE-${sls:stage}-AuthorizerArn
            identitySource: method.request.header.Authorization
            identityValidationExpression: ^[Bb]earer [-0-9a-zA-Z._]+$
            resultTtlInSeconds: 3600
"""


def test_another_service_can_attach_the_authorizer_to_its_own_api(
    sls: Sls, dev: None, tmp_path: Path
) -> None:
    (tmp_path / "serverless.yml").write_text(ORDERS.replace("SERVICE", SERVICE))
    (tmp_path / "orders.py").write_text("def list_orders(event, context): ...")
    sls(tmp_path, "deploy", "--stage", "dev")

    lambdas, ours = boto3.client("lambda"), function("dev", "authorizer")
    (api,) = (
        api for api in boto3.client("apigateway").get_rest_apis()["items"] if api["name"] == "dev-orders"
    )
    (attached,) = boto3.client("apigateway").get_authorizers(restApiId=api["id"])["items"]
    policy = json.loads(lambdas.get_policy(FunctionName=ours["FunctionName"])["Policy"])
    callers = [statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in policy["Statement"]]
    sls(tmp_path, "remove", "--stage", "dev")

    assert attached["authorizerUri"].endswith(f"{ours['FunctionArn']}/invocations")
    assert any(
        caller.startswith(f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api['id']}/") for caller in callers
    )


def test_the_smoke_test_finds_the_url_of_a_stage(
    prod: None, checkout: Path, clean: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    for name in ("HOME", "PATH"):
        monkeypatch.setenv(name, clean[name])

    assert deployed_url("prod") == outputs("prod")["ServiceEndpoint"]
    with pytest.raises(SystemExit, match="Stage staging has no API"):
        deployed_url("staging")


@pytest.mark.parametrize(("stage", "name"), [("dev", "authorizer"), ("prod", KEY_BACKUP)])
def test_deploying_a_function_alone_deploys_the_same_package_with_the_routes_of_all_endpoints(
    sls: Sls, light: Path, both: None, stage: str, name: str
) -> None:
    before = function(stage, name)
    sls(light, "deploy", "function", "-f", name, "--stage", stage, "--force")

    after = function(stage, name)
    assert after["CodeSha256"] == before["CodeSha256"]
    assert after["Environment"] == before["Environment"]


def test_a_changed_setting_reaches_the_function_without_a_new_deployment_of_the_api(
    sls: Sls, light: Path, both: None
) -> None:
    before = api_stage("prod")["deploymentId"]
    sls(light, "deploy", "--stage", "prod", AUDIENCE="https://another-api")

    assert stack("prod")["StackStatus"] == "UPDATE_COMPLETE"
    assert function("prod", "authorizer")["Environment"]["Variables"]["AUDIENCE"] == "https://another-api"
    assert api_stage("prod")["deploymentId"] == before
    assert function("dev", "authorizer")["Environment"]["Variables"]["AUDIENCE"] == AUDIENCE


def test_a_changed_api_takes_effect_in_the_same_deploy(sls: Sls, light: Path, both: None) -> None:
    before, id_before = api_stage("prod"), authorizer("prod")["id"]
    sls(light, "deploy", "--stage", "prod", "--param", "authorizerTtl=300", "--param", "throttleRate=700")

    assert authorizer("prod")["authorizerResultTtlInSeconds"] == 300
    assert authorizer("prod")["id"] == id_before
    after = api_stage("prod")
    assert after["deploymentId"] != before["deploymentId"]
    assert after["methodSettings"]["*/*"]["throttlingRateLimit"] == 700
    assert authorizer("dev")["authorizerResultTtlInSeconds"] == 3600


def test_removing_a_stage_leaves_the_other_one_alone(sls: Sls, light: Path, both: None) -> None:
    sls(light, "remove", "--stage", "dev")

    (left,) = boto3.client("cloudformation").describe_stacks()["Stacks"]
    assert left["StackName"] == f"{SERVICE}-prod"
    assert len(boto3.client("lambda").list_functions()["Functions"]) == len({*FUNCTIONS, KEY_BACKUP})


def test_removing_the_last_stage_leaves_nothing_behind_but_the_bucket_of_the_backup(
    sls: Sls, light: Path, prod: None
) -> None:
    backup = key_backup_bucket()
    boto3.client("s3").put_object(Bucket=backup, Key="jwks/1.json", Body=b"{}")
    # A stage can be removed without its settings.
    sls(light, "remove", "--stage", "prod", JWKS_URI="", AUDIENCE="", TOKEN_ISSUER="")

    assert remaining_resources() == [backup]
    assert boto3.client("events").list_rules()["Rules"] == []
