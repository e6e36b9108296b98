"""The role of account/github-deploy-role.yml, and what it is asked for when a stage is deployed."""

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.iam import is_allowed
from tests.support.serverless_yml import SERVICE

TEMPLATE = Path(__file__).parents[2] / "account/github-deploy-role.yml"
ACCOUNT = "123456789012"  # moto's
REGION = "us-east-1"


@dataclass(frozen=True)
class Request:
    """A call of AWS's API. `context` has the values of IAM's condition keys."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeployRole:
    """Who may assume the role, and what it may do."""

    arn: str
    trust: dict[str, Any]
    """The only statement of its trust policy."""
    statements: list[dict[str, Any]]

    def allows(self, request: Request) -> bool:
        return is_allowed(self.statements, request.action, request.resource, request.context)


def deploy_role(stage: str, **parameters: str) -> DeployRole:
    """Deploy the template with these parameters, in an AWS of this process that is forgotten afterwards."""
    values = {"SubjectPrefix": "repo:octo/api", "GithubIsKnown": "true", "Stage": stage} | parameters
    values |= {"Service": SERVICE, "BucketPrefix": bucket_prefix(SERVICE)}
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        with mock_aws():
            boto3.client("cloudformation").create_stack(
                StackName=f"deploy-{stage}",
                TemplateBody=TEMPLATE.read_text(),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
            )
            iam = boto3.client("iam")
            (role,) = iam.list_roles()["Roles"]
            trust_policy: Any = role["AssumeRolePolicyDocument"]
            (trust,) = trust_policy["Statement"]
            names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
            documents = [iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name) for name in names]
    # moto writes a policy as Python writes a dict
    policies = [ast.literal_eval(str(document["PolicyDocument"])) for document in documents]
    statements = [statement for policy in policies for statement in policy["Statement"]]
    return DeployRole(role["Arn"], trust, statements)


def requests_of_deploy(resources: Mapping[str, Any], stage: str) -> Iterator[Request]:
    """Yield the calls with which the framework and CloudFormation deploy these resources, and remove them.

    Raises KeyError for a type of resource that is not known here.
    """
    stack = f"{SERVICE}-{stage}"
    for action in ("DescribeStacks", "CreateChangeSet", "ExecuteChangeSet", "DeleteStack"):
        stack_arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/1a2b3c4d"
        yield Request(f"cloudformation:{action}", stack_arn)
    yield Request("cloudformation:ValidateTemplate", "*")
    yield Request("s3:ListBucket", bucket_arn(stage))
    for action in ("PutObject", "GetObject", "DeleteObject"):
        key = f"serverless/{SERVICE}/{stage}/1795770644734-2026-11-27T09:10:44.734Z/{SERVICE}.zip"
        yield Request(f"s3:{action}", f"{bucket_arn(stage)}/{key}")
    for logical_id, resource in resources.items():
        properties = resource.get("Properties", {})
        boundary = properties.get("PermissionsBoundary")
        context = {"iam:PermissionsBoundary": boundary} if boundary else {}
        for action in ACTIONS[resource["Type"]]:
            arn = _arn(stage, resources, logical_id)
            # What is new is posted to the collection that it becomes a part of.
            yield Request(action, arn.rpartition("/")[0] if action == "apigateway:POST" else arn, context)
        if resource["Type"] == "AWS::Lambda::Function":
            role = _arn(stage, resources, properties["Role"]["Fn::GetAtt"][0])
            yield Request("iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"})
        if "AuthorizerCredentials" in properties:
            role = _arn(stage, resources, properties["AuthorizerCredentials"]["Fn::GetAtt"][0])
            yield Request("iam:PassRole", role, {"iam:PassedToService": "apigateway.amazonaws.com"})


def bucket_prefix(service: str) -> str:
    """Return how the names of a service's buckets begin, as the template asks for it."""
    return f"{service.lower()}-"[:19]


def bucket_arn(stage: str, logical_id: str = "ServerlessDeploymentBucket") -> str:
    """Return the ARN of a bucket, whose name CloudFormation makes of three parts."""
    stack, logical_id = f"{SERVICE}-{stage}"[:24].lower(), logical_id[:24].lower()
    return f"arn:aws:s3:::{stack}-{logical_id}-{stage}1a2b3c"


_API_ACTIONS = tuple(f"apigateway:{method}" for method in ("POST", "PUT", "PATCH", "GET", "DELETE"))
ACTIONS = {
    "AWS::ApiGateway::ApiKey": _API_ACTIONS,
    "AWS::ApiGateway::Authorizer": _API_ACTIONS,
    "AWS::ApiGateway::Deployment": _API_ACTIONS,
    "AWS::ApiGateway::GatewayResponse": _API_ACTIONS,
    "AWS::ApiGateway::Method": _API_ACTIONS,
    "AWS::ApiGateway::Model": _API_ACTIONS,
    "AWS::ApiGateway::RequestValidator": _API_ACTIONS,
    "AWS::ApiGateway::Resource": _API_ACTIONS,
    "AWS::ApiGateway::RestApi": _API_ACTIONS,
    "AWS::ApiGateway::Stage": _API_ACTIONS,
    "AWS::ApiGateway::UsagePlan": _API_ACTIONS,
    "AWS::ApiGateway::UsagePlanKey": _API_ACTIONS,
    "AWS::Events::Rule": (
        *("events:PutRule", "events:PutTargets", "events:DescribeRule"),
        *("events:RemoveTargets", "events:DeleteRule"),
    ),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
    "AWS::CloudWatch::Dashboard": (
        *("cloudwatch:PutDashboard", "cloudwatch:GetDashboard"),
        "cloudwatch:DeleteDashboards",
    ),
    "AWS::IAM::Role": (
        *("iam:CreateRole", "iam:PutRolePolicy"),
        *("iam:GetRole", "iam:DeleteRolePolicy", "iam:DeleteRole"),
    ),
    "AWS::Lambda::EventInvokeConfig": (
        *("lambda:PutFunctionEventInvokeConfig", "lambda:DeleteFunctionEventInvokeConfig"),
    ),
    "AWS::Lambda::Function": (
        *("lambda:CreateFunction", "lambda:UpdateFunctionCode"),
        *("lambda:GetFunction", "lambda:DeleteFunction"),
    ),
    "AWS::Lambda::Permission": ("lambda:AddPermission", "lambda:RemovePermission"),
    "AWS::Logs::LogGroup": ("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup"),
    "AWS::Logs::MetricFilter": ("logs:PutMetricFilter", "logs:DeleteMetricFilter"),
    "AWS::Logs::QueryDefinition": (
        *("logs:PutQueryDefinition", "logs:DescribeQueryDefinitions"),
        "logs:DeleteQueryDefinition",
    ),
    "AWS::S3::Bucket": (
        *("s3:CreateBucket", "s3:PutEncryptionConfiguration", "s3:PutBucketPublicAccessBlock"),
        *("s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:PutBucketOwnershipControls"),
        "s3:DeleteBucket",
    ),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
}


def _arn(stage: str, resources: Mapping[str, Any], logical_id: str) -> str:
    """Return the ARN that the calls for a resource name."""
    kind, properties = resources[logical_id]["Type"], resources[logical_id].get("Properties", {})
    if kind == "AWS::CloudWatch::Dashboard":  # of no region
        return f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{properties['DashboardName']}"
    if kind == "AWS::Logs::QueryDefinition":  # the actions have no resource-level permissions
        return "*"
    if kind == "AWS::S3::BucketPolicy":
        return _arn(stage, resources, properties["Bucket"]["Ref"])
    if kind == "AWS::S3::Bucket":
        return bucket_arn(stage, logical_id)
    for reference in ("FunctionName", "LogGroupName"):  # of a permission, or of a metric filter
        if isinstance(properties.get(reference), dict):
            (named,) = properties[reference].values()
            return _arn(stage, resources, named if isinstance(named, str) else named[0])
    service, _, name = kind.removeprefix("AWS::").partition("::")
    of_api_gateway = {
        "ApiKey": "/apikeys/a1b2c3d4e5",
        "RestApi": "/restapis/a1b2c3d4e5",
        "UsagePlan": "/usageplans/a1b2c3",
        "UsagePlanKey": "/usageplans/a1b2c3/keys/a1b2c3d4e5",
    }
    names = {
        "ApiGateway": of_api_gateway.get(name, f"/restapis/a1b2c3d4e5/{logical_id}"),
        "CloudWatch": f"alarm:{SERVICE}-{stage}-{logical_id}-1A2B3C",
        "Events": f"rule/{properties.get('Name')}",
        "IAM": f"role/{properties.get('RoleName')}",
        "Lambda": f"function:{properties.get('FunctionName')}",
        "Logs": f"log-group:{properties.get('LogGroupName')}",
    }
    region = "" if service == "IAM" else REGION
    account = "" if service == "ApiGateway" else ACCOUNT
    return f"arn:aws:{service.lower()}:{region}:{account}:{names[service]}"
