"""A package that is made in one folder and deployed from another, as .github/workflows/deploy.yml does it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.checkout import ROOT, clean_environment, copy_project, run
from tests.support.issuer import AUDIENCE, ISSUER
from tests.support.service import FUNCTIONS

SETTINGS = {"JWKS_URI": f"{ISSUER}jwks.json", "AUDIENCE": AUDIENCE, "TOKEN_ISSUER": ISSUER}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return clean_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def aws(clean: dict[str, str]) -> Iterator[str]:
    """The URL of an emulated AWS that is empty."""
    command, pipe = [sys.executable, "-m", "tests.support.emulator"], subprocess.PIPE
    environment = {name: value for name, value in clean.items() if name != "AWS_ENDPOINT_URL"}
    environment["AWS_DEFAULT_REGION"] = "us-east-1"
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as emulator:
        assert emulator.stdout
        url = emulator.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (environment | {"AWS_ENDPOINT_URL": url}).items():
                if name.startswith("AWS_"):
                    patch.setenv(name, value)
            yield url


@pytest.fixture(scope="module")
def prod_package(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = copy_project(tmp_path_factory.mktemp("made"))
    packaged = run(
        checkout,
        "npm",
        "run",
        "--ignore-scripts",
        "package",
        "--",
        "--stage",
        "prod",
        environment=clean | SETTINGS,
    )
    assert packaged.returncode == 0, packaged.stdout + packaged.stderr
    return checkout / "package"


@pytest.fixture(scope="module")
def other_folder(prod_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another copy of the project, with the files that the workflow hands over, and without Python."""
    checkout = copy_project(tmp_path_factory.mktemp("deployed"))
    (checkout / ".venv").unlink()
    (checkout / "package").mkdir()
    for file in prod_package.iterdir():
        if file.suffix in (".json", ".zip"):
            shutil.copy(file, checkout / "package")
    return checkout


def deploy(
    checkout: Path, aws: str, clean: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Run what the workflow runs, without any settings."""
    environment = clean | {"AWS_ENDPOINT_URL": aws, "SLS_AWS_MONITORING_FREQUENCY": "200"}
    command = ["npm", "run", "--ignore-scripts", "deploy-package", "--", *options]
    return run(checkout, *command, environment=environment)


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
    assert set(functions()) == set(FUNCTIONS)
    variables = functions()["authorizer"]["Environment"]["Variables"]
    assert {name: variables[name] for name in SETTINGS} == SETTINGS


def test_what_is_deployed_are_the_very_zips_of_the_package(
    other_folder: Path, aws: str, prod_package: Path
) -> None:
    (bucket,) = boto3.client("s3").list_buckets()["Buckets"]
    s3 = boto3.client("s3")
    objects = s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]
    uploaded = {
        item["Key"].rpartition("/")[2]: s3.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
        for item in objects
    }
    zips = {file.name: file.read_bytes() for file in prod_package.glob("*.zip")}

    assert len(zips) == len(FUNCTIONS)
    assert {name: content for name, content in uploaded.items() if name.endswith(".zip")} == zips
