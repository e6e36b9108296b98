"""What exceeds a limit of AWS is not packaged: plugins/limits.cjs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT, SLS, run
from tests.support.environment import SETTINGS
from tests.support.serverless_yml import SERVICE

ROUTES = "".join(f"GET /accounts/{{accountId}}/reports/{n} read:report-{n}\n" for n in range(120))

TOO_LARGE = "The environment variables of the function authorizer"


@pytest.mark.parametrize("command", [["package"], ["deploy", "function", "-f", "authorizer"]])
def test_names_and_environments_that_are_too_large_are_reported_together(
    checkout: Path, clean: dict[str, str], command: list[str]
) -> None:
    length = 41 - len(SERVICE)  # so that no other role, and no function, has a name that is too long
    stage = "feature-login-99".ljust(length, "9")[:length]
    options = ("--stage", stage, "--region", "eu-central-1")

    environment = clean | SETTINGS | {"ROUTE_SCOPES": ROUTES}
    rejected = run(checkout, SLS, *command, *options, environment=environment)

    assert rejected.returncode == 1
    name, size = rejected.stdout.strip().splitlines()[-2:]
    assert name == (
        f"The name of the role {SERVICE}-{stage}-eu-central-1-authorizer has"
        " 66 characters, but AWS allows 64. Use a shorter stage name, or shorten `service` in serverless.yml."
    )
    assert size.startswith(f"{TOO_LARGE} have ")
    assert " bytes, but AWS allows 4096. Shorten ROUTE_SCOPES, which has " in size
    assert size.endswith(", or write `scopes` on the endpoints instead, whose number has no limit.")


def test_a_stage_name_with_a_character_that_is_not_allowed_is_rejected_with_a_reason(
    checkout: Path, clean: dict[str, str]
) -> None:
    rejected = run(checkout, SLS, "package", "--stage", "feature_login", environment=clean)

    assert rejected.returncode == 1
    assert "Stage names may contain only ASCII letters, numbers, and hyphens" in rejected.stdout


def check(service: dict[str, Any]) -> str:
    """Return what the plugin reports for a service, or "" if it accepts it."""
    script = """
        const Limits = require('./plugins/limits.cjs');
        const service = JSON.parse(process.argv[1]);
        const plugin = new Limits({ service, classes: { Error } });
        try {
          plugin.hooks['before:package:initialize']();
        } catch (error) {
          console.log(error.message);
        }
    """
    command = ["node", "-e", script, json.dumps({"provider": {}, "functions": {}} | service)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert checked.stderr == ""
    return checked.stdout.strip()


def role(name: object) -> dict[str, Any]:
    resource = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name}}
    return {"resources": {"Resources": {"Role": resource}}}


def function(**properties: Any) -> dict[str, Any]:
    return {"functions": {"authorizer": properties}}


def variables(size: int) -> dict[str, str]:
    """Variables that are so many bytes as JSON, most of which are those of A."""
    others = {"B": '"', "C": "é"}
    rest = len(json.dumps(others | {"A": ""}, separators=(",", ":"), ensure_ascii=False).encode())
    return others | {"A": "a" * (size - rest)}


@pytest.mark.parametrize(
    "service",
    [
        role("a" * 64),
        role({"Fn::Sub": "${AWS::StackName}-" + "a" * 64}),
        {"resources": {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}},
        function(name="a" * 64, environment=variables(4096)),
        function(environment={"TABLE": {"Ref": "Table"}}),
    ],
)
def test_what_just_fits_is_accepted(service: dict[str, Any]) -> None:
    assert check(service) == ""


@pytest.mark.parametrize(
    ("service", "report"),
    [
        (role("a" * 65), f"The name of the role {'a' * 65} has 65 characters, but AWS allows 64."),
        (
            function(name="a" * 65),
            f"The name of the function {'a' * 65} has 65 characters, but AWS allows 64.",
        ),
        (
            function(environment=variables(4097)),
            f"{TOO_LARGE} have 4097 bytes, but AWS allows 4096. Shorten A,",
        ),
        (
            {"provider": {"environment": variables(4000)}} | function(environment={"D": "d" * 100}),
            f"{TOO_LARGE} have 4107 bytes, but AWS allows 4096. Shorten A,",
        ),
    ],
)
def test_what_is_a_little_too_large_is_rejected(service: dict[str, Any], report: str) -> None:
    assert check(service).startswith(report)
