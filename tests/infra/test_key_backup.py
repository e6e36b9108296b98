"""The backup of the keys as it is deployed: resources/key-backup.yml and plugins/key-backup.cjs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from auth.backup import BACKUP_TIMEOUT
from auth.fetch import CONNECT_TIMEOUT, FETCH_TIMEOUT
from tests.support.checkout import ROOT, SLS, run
from tests.support.deploy_role import Request, bucket_arn, deploy_role
from tests.support.environment import SETTINGS
from tests.support.serverless_yml import KEY_BACKUP, SERVICE

TEMPLATE = "cloudformation-template-update-stack.json"
OBJECTS = {"Fn::Sub": "${KeyBackupBucket.Arn}/*"}
COPIES = {"Fn::Sub": "${KeyBackupBucket.Arn}/jwks/*"}

Resources = dict[str, Any]


@pytest.fixture(scope="module")
def prod(prod_package: Path) -> Resources:
    resources: Resources = json.loads((prod_package / TEMPLATE).read_text())["Resources"]
    return resources


def properties(resources: Resources, name: str) -> dict[str, Any]:
    found: dict[str, Any] = resources[name]["Properties"]
    return found


def s3_statements(resources: Resources, role: str) -> list[tuple[Any, Any]]:
    """Return what a role may do to S3: actions and resources."""
    return [
        (statement["Action"], statement["Resource"])
        for policy in properties(resources, role)["Policies"]
        for statement in policy.get("PolicyDocument", {}).get("Statement", [])  # or AWS::NoValue
        if "s3:" in json.dumps(statement)
    ]


def test_a_stage_has_the_backup_only_if_it_is_enabled(prod: Resources, dev_package: Path) -> None:
    dev = json.loads((dev_package / TEMPLATE).read_text())["Resources"]

    assert [name for name in dev if "Backup" in name] == []
    assert "KEY_BACKUP" not in json.dumps(dev)
    assert s3_statements(dev, "AuthorizerRole") == []
    assert len([name for name in prod if "Backup" in name]) == 9


def test_staging_and_prod_have_it_unless_the_table_of_stages_says_otherwise() -> None:
    stages = (ROOT / "serverless.yml").read_text().partition("params:\n")[2].partition("\nplugins:")[0]
    chosen = dict(re.findall(r"^  (\w+):\n(?:    .*\n)*?    keyBackup: (\w+)", stages, re.MULTILINE))

    assert chosen == {"default": "disabled", "staging": "enabled", "prod": "enabled"}


def test_the_function_runs_every_five_minutes_from_the_authorizers_package(prod: Resources) -> None:
    function, authorizer = (
        properties(prod, name) for name in ("KeyBackupLambdaFunction", "AuthorizerLambdaFunction")
    )
    rule = properties(prod, "KeyBackupEventsRuleSchedule1")
    permission = properties(prod, "KeyBackupLambdaPermissionEventsRuleSchedule1")

    assert function["Handler"] == "handler.back_up_keys"
    assert function["Code"] == authorizer["Code"]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(5 minutes)", "ENABLED")
    assert [target["Arn"] for target in rule["Targets"]] == [
        {"Fn::GetAtt": ["KeyBackupLambdaFunction", "Arn"]}
    ]
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["KeyBackupEventsRuleSchedule1", "Arn"]}


def test_both_functions_know_the_issuers_the_bucket_and_its_owner(prod: Resources) -> None:
    variables = properties(prod, "AuthorizerLambdaFunction")["Environment"]["Variables"]

    assert variables.items() >= SETTINGS.items()
    assert variables["KEY_BACKUP_BUCKET"] == {"Ref": "KeyBackupBucket"}
    assert variables["KEY_BACKUP_OWNER"] == {"Ref": "AWS::AccountId"}
    assert properties(prod, "KeyBackupLambdaFunction")["Environment"]["Variables"] == variables


def test_the_backup_alone_may_write_copies_and_the_authorizer_may_read_them_and_nothing_else(
    prod: Resources,
) -> None:
    may = {name: s3_statements(prod, name) for name, made in prod.items() if made["Type"] == "AWS::IAM::Role"}

    assert may == {
        "AuthorizerRole": [("s3:GetObject", COPIES)],
        "KeyBackupRole": [("s3:PutObject", COPIES)],
        "PetStoreRole": [],
        "InvokeRole": [],
    }
    assert properties(prod, "KeyBackupLambdaFunction")["Role"] == {"Fn::GetAtt": ["KeyBackupRole", "Arn"]}


def test_the_bucket_is_private_encrypted_and_versioned_and_old_versions_expire(prod: Resources) -> None:
    bucket = properties(prod, "KeyBackupBucket")
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    rules = bucket["LifecycleConfiguration"]["Rules"]

    assert list(bucket["PublicAccessBlockConfiguration"].values()) == 4 * [True]
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rules[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert [rule["Status"] for rule in rules] == 2 * ["Enabled"]


def test_the_bucket_refuses_requests_without_tls_and_writers_other_than_the_backup(prod: Resources) -> None:
    policy = properties(prod, "KeyBackupBucketPolicy")
    tls, writers, _ = policy["PolicyDocument"]["Statement"]

    assert policy["Bucket"] == {"Ref": "KeyBackupBucket"}
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Resource"] == [{"Fn::GetAtt": ["KeyBackupBucket", "Arn"]}, OBJECTS]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (writers["Effect"], writers["Principal"], writers["Resource"]) == ("Deny", "*", OBJECTS)
    assert "s3:PutObject" in writers["Action"]
    role = {"Fn::GetAtt": ["KeyBackupRole", "Arn"]}
    assert writers["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": role}}


def test_nobody_may_delete_a_version_which_would_bring_back_the_keys_of_an_earlier_one(
    prod: Resources,
) -> None:
    *_, statement = properties(prod, "KeyBackupBucketPolicy")["PolicyDocument"]["Statement"]

    assert statement.pop("Sid")
    assert statement == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObjectVersion",
        "Resource": OBJECTS,
    }


def test_a_removed_stage_keeps_its_bucket_whose_name_does_not_prevent_another_deployment(
    prod: Resources,
) -> None:
    for name in ("KeyBackupBucket", "KeyBackupBucketPolicy"):
        assert prod[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert prod[name]["UpdateReplacePolicy"] == "Retain"
    assert "BucketName" not in properties(prod, "KeyBackupBucket")


def test_three_failures_in_a_row_trigger_the_alarm_and_one_does_not(prod: Resources) -> None:
    """Each backup fails once: Lambda does not try again, and callers don't invoke the function."""
    alarm = properties(prod, "KeyBackupFailedAlarm")

    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", "Errors", "Sum")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "KeyBackupLambdaFunction"}}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 3)
    assert alarm.get("DatapointsToAlarm", 3) == 3
    assert properties(prod, "KeyBackupLambdaEvConf")["MaximumRetryAttempts"] == 0


@pytest.mark.parametrize("stage", ["prod", "dev"])
def test_the_role_that_github_deploys_with_may_change_the_schedule_of_its_stage_but_touch_no_copy(
    stage: str,
) -> None:
    role = deploy_role("prod")
    rule = f"arn:aws:events:us-east-1:123456789012:rule/{SERVICE}-{stage}-keyBackup"
    copy = f"{bucket_arn(stage, 'KeyBackupBucket')}/jwks/1.json"

    assert role.allows(Request("events:PutRule", rule)) is (stage == "prod")
    for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not role.allows(Request(action, copy))


# Time

IMPORT_OF_BOTO3 = 0.4  # seconds of a whole processor, the client included; here it takes 0.3
WHOLE_PROCESSOR = 1769  # MB (AWS, "Configure Lambda function memory")
DECISION = 0.5  # seconds: parsing the keys, verifying the signature, and whatever else there is


@pytest.mark.parametrize("hanging", ["the issuer", "S3", "both"])
def test_the_function_answers_within_its_time_though_it_waits_for(hanging: str, prod: Resources) -> None:
    function = properties(prod, "AuthorizerLambdaFunction")
    steps = {
        "fetch": FETCH_TIMEOUT if hanging != "S3" else CONNECT_TIMEOUT,
        "import boto3": IMPORT_OF_BOTO3 * WHOLE_PROCESSOR / function["MemorySize"],
        "read the backup": BACKUP_TIMEOUT if hanging != "the issuer" else 0.5,
        "decide": DECISION,
    }

    assert function["MemorySize"] == 256
    assert sum(steps.values()) < function["Timeout"] == 10


def test_the_backup_writes_the_copies_of_several_issuers_within_its_time(prod: Resources) -> None:
    function = properties(prod, "KeyBackupLambdaFunction")
    import_ = IMPORT_OF_BOTO3 * WHOLE_PROCESSOR / function["MemorySize"]

    assert FETCH_TIMEOUT + import_ + 8 * BACKUP_TIMEOUT < function["Timeout"]


# Local commands


@pytest.mark.parametrize("stage", ["prod", "local"])
def test_local_commands_run_without_the_backup(checkout: Path, clean: dict[str, str], stage: str) -> None:
    printed = run(checkout, SLS, "print", "--stage", stage, "--format", "json", environment=clean | SETTINGS)
    functions = json.loads(printed.stdout)["functions"]

    assert KEY_BACKUP not in functions
    assert "KEY_BACKUP" not in json.dumps(functions)


def test_the_authorizer_runs_locally_in_a_stage_that_has_the_backup(
    checkout: Path, clean: dict[str, str]
) -> None:
    command = (SLS, "invoke", "local", "--stage", "prod", "--data", "{}")
    ran = run(checkout, *command, environment=clean | SETTINGS)

    assert "config_error" in ran.stdout, ran.stdout + ran.stderr
    assert "CloudFormation" not in ran.stdout + ran.stderr
