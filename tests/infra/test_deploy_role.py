"""The role that GitHub deploys with: who may assume it, and how far it reaches.

What it may do to the resources of a stage is in test_template.py, which has their names.
"""

import re

import pytest
import yaml

from tests.support.deploy_role import ACCOUNT, TEMPLATE, Request, bucket_arn, bucket_prefix, deploy_role
from tests.support.serverless_yml import SERVICE

SUBJECT = "token.actions.githubusercontent.com:sub"


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's YAML, without resolving its functions."""


Loader.add_multi_constructor("!", lambda loader, tag, node: None)


PARAMETERS: dict[str, dict[str, str]] = yaml.load(TEMPLATE.read_text(), Loader)["Parameters"]


def allowed_pattern(parameter: str) -> str:
    return PARAMETERS[parameter]["AllowedPattern"]


@pytest.mark.parametrize("prefix", ["repo:octo-org/my.api", "repo:octo-org@123456/my.api@456789"])
def test_the_role_trusts_one_environment_of_one_repository_whichever_subject_github_sends(
    prefix: str,
) -> None:
    trust = deploy_role("prod", SubjectPrefix=prefix).trust

    assert re.fullmatch(allowed_pattern("SubjectPrefix"), prefix)
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    assert trust["Principal"] == {"Federated": provider}
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            SUBJECT: f"{prefix}:environment:prod",
        }
    }


@pytest.mark.parametrize(
    "prefix",
    [
        "octo/api",
        "repo:*",
        "repo:octo/*",
        "repo:octo@1/api@*",
        "repo:oct?/api",
        "repo:octo",
        "repo:octo/",
        "repo:octo@1/api",
        "repo:octo/api@2",
        "repo:octo@/api@",
        "repo:octo@one/api@two",
        "repo:octo/api:environment:staging",
        "repo:octo/api/../other",
        "repo:octo/api ",
        "repo:${AWS::AccountId}/api",
        "xrepo:octo/api",
        "",
    ],
)
def test_a_subject_prefix_that_is_not_exactly_one_repository_is_rejected(prefix: str) -> None:
    assert not re.fullmatch(allowed_pattern("SubjectPrefix"), prefix)


@pytest.mark.parametrize("stage", ["dev-eu", "dev_eu", "dev*", "*", "Dev", "1dev", ""])
def test_a_stage_whose_names_another_role_could_match_is_rejected(stage: str) -> None:
    assert re.fullmatch(allowed_pattern("Stage"), "prod2")
    assert not re.fullmatch(allowed_pattern("Stage"), stage)


def test_the_default_names_are_those_of_one_service() -> None:
    service, buckets = (PARAMETERS[name]["Default"] for name in ("Service", "BucketPrefix"))

    assert buckets == bucket_prefix(service)
    assert re.fullmatch(allowed_pattern("Service"), service)
    assert re.fullmatch(allowed_pattern("BucketPrefix"), buckets)


@pytest.mark.parametrize("parameter", ["Service", "BucketPrefix"])
@pytest.mark.parametrize("name", ["*", "acme*", "acm?", "acme/pets", "${Stage}", "-acme", ""])
def test_a_name_that_other_services_could_have_is_rejected(parameter: str, name: str) -> None:
    assert re.fullmatch(allowed_pattern(parameter), "acme-pets")
    assert not re.fullmatch(allowed_pattern(parameter), name)


def test_the_role_can_read_and_write_the_deployment_packages_of_its_own_stage_alone() -> None:
    role = deploy_role("dev")

    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion"):
        for stage, expected in (("dev", True), ("prod", False), ("dev2", False)):
            key = f"serverless/{SERVICE}/{stage}/1795770644734/{SERVICE}.zip"
            assert role.allows(Request(action, f"{bucket_arn(stage)}/{key}")) is expected
        assert not role.allows(Request(action, f"{bucket_arn('dev')}/anything-else"))
        assert not role.allows(Request(action, "arn:aws:s3:::another-bucket/key"))


@pytest.mark.parametrize("boundary", ["", f"arn:aws:iam::{ACCOUNT}:policy/stage"])
def test_the_role_cannot_give_permissions_to_itself_or_to_a_role_of_another_stack(boundary: str) -> None:
    role = deploy_role("dev", PermissionsBoundary=boundary)
    others = [f"{SERVICE}-prod-us-east-1-authorizer", f"{SERVICE}-dev", "Admin"]

    for arn in (role.arn, *(f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in others)):
        for action in (
            "iam:PutRolePolicy",
            "iam:AttachRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "iam:PassRole",
        ):
            context = {"iam:PermissionsBoundary": boundary, "iam:PassedToService": "lambda.amazonaws.com"}
            assert not role.allows(Request(action, arn, context))


def test_with_a_permissions_boundary_the_role_can_only_create_and_change_roles_that_have_it() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/stage"
    role = deploy_role("dev", PermissionsBoundary=boundary)
    created = f"arn:aws:iam::{ACCOUNT}:role/{SERVICE}-dev-us-east-1-authorizer"

    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert role.allows(Request(action, created, {"iam:PermissionsBoundary": boundary}))
        assert not role.allows(Request(action, created))
        another = {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
        assert not role.allows(Request(action, created, another))
    assert not role.allows(Request("iam:DeleteRolePermissionsBoundary", created))
    assert not role.allows(Request("iam:AttachRolePolicy", created))


def test_a_permissions_boundary_is_the_arn_of_a_managed_policy() -> None:
    pattern = allowed_pattern("PermissionsBoundary")

    for arn in (
        "",
        f"arn:aws:iam::{ACCOUNT}:policy/team/stage",
        "arn:aws-cn:iam::aws:policy/PowerUserAccess",
    ):
        assert re.fullmatch(pattern, arn)
    for junk in ("*", "stage", f"arn:aws:iam::{ACCOUNT}:policy/*", f"arn:aws:iam::{ACCOUNT}:role/stage"):
        assert not re.fullmatch(pattern, junk)
