"""A package that is made in one folder and deployed from another, as .github/workflows/deploy.yml does it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.checkout import copy_project, npm_run, run
from tests.support.environment import SETTINGS
from tests.support.packages import leave_out_dashboard
from tests.support.serverless_yml import FUNCTIONS, KEY_BACKUP


@pytest.fixture(scope="module")
def other_folder(prod_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another copy of the project, with the files that the workflow hands over, and without Python."""
    checkout = copy_project(tmp_path_factory.mktemp("deployed"))
    (checkout / ".venv").unlink()
    (checkout / "package").mkdir()
    for file in prod_package.iterdir():
        if file.suffix in (".json", ".zip"):
            shutil.copy(file, checkout / "package")
    leave_out_dashboard(checkout / "package")
    return checkout


def deploy(
    checkout: Path, aws: str, clean: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Run what the workflow runs, without any settings."""
    environment = clean | {"AWS_ENDPOINT_URL": aws, "SLS_AWS_MONITORING_FREQUENCY": "200"}
    return run(checkout, *npm_run("deploy-package"), *options, environment=environment)


def functions() -> dict[str, Any]:
    listed = boto3.client("lambda").list_functions()["Functions"]
    return {function["FunctionName"].rpartition("-")[2]: function for function in listed}


def test_no_path_of_the_machine_is_in_the_package(prod_package: Path) -> None:
    artifacts = re.findall(r'"artifact": "(.*?)"', (prod_package / "serverless-state.json").read_text())

    assert len(artifacts) > len(FUNCTIONS)
    for file in prod_package.glob("*.json"):
        assert str(prod_package.parent) not in file.read_text()


@pytest.mark.parametrize(
    ("options", "target"),
    [
        (["--stage", "dev"], "dev in us-east-1"),
        (["--stage", "prod", "--region", "eu-central-1"], "prod in eu-central-1"),
    ],
)
def test_a_package_is_not_deployed_to_another_stage_or_region(
    other_folder: Path, aws: str, clean: dict[str, str], options: list[str], target: str
) -> None:
    refused = deploy(other_folder, aws, clean, *options)

    assert refused.returncode == 1
    assert f"This package was made for stage prod in us-east-1, not for {target}." in refused.stdout
    assert "Deploy it with --stage prod --region us-east-1" in refused.stdout
    assert boto3.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_package_is_deployed_from_another_folder_with_the_settings_that_it_was_made_with(
    other_folder: Path, aws: str, clean: dict[str, str]
) -> None:
    deployed = deploy(other_folder, aws, clean, "--stage", "prod")

    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert set(functions()) == {*FUNCTIONS, KEY_BACKUP}
    variables = functions()["authorizer"]["Environment"]["Variables"]
    assert {name: variables[name] for name in SETTINGS} == SETTINGS
    assert functions()[KEY_BACKUP]["CodeSha256"] == functions()["authorizer"]["CodeSha256"]


def test_what_is_deployed_are_the_very_zips_of_the_package(
    other_folder: Path, aws: str, prod_package: Path
) -> None:
    s3 = boto3.client("s3")
    (bucket,) = (one for one in s3.list_buckets()["Buckets"] if "serverlessdeploy" in one["Name"])
    objects = s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]
    uploaded = {
        item["Key"].rpartition("/")[2]: s3.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
        for item in objects
    }
    zips = {file.name: file.read_bytes() for file in prod_package.glob("*.zip")}

    assert len(zips) == len(FUNCTIONS)
    assert {name: content for name, content in uploaded.items() if name.endswith(".zip")} == zips
