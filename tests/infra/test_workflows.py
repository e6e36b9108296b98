"""The workflows that GitHub runs: steps that also run on a laptop, pinned actions, and minimal permissions.

Their syntax and what is unsafe in them is checked by actionlint and zizmor (`npm run lint`).
"""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DEPLOY = ROOT / ".github/workflows/deploy.yml"
WRITE_SETTINGS = """printf '%s\\n' "$DOTENV" > ".env.$STAGE\""""

by_file = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def jobs(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())["jobs"]
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(file).values() for step in job.get("steps", [])]


def commands(job: dict[str, Any]) -> list[str]:
    """Return what each step runs: a command, or an action without its version."""
    return [step["run"] if "run" in step else step["uses"].partition("@")[0] for step in job["steps"]]


def step_with(job: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [step for step in job["steps"] if text in step.get("run", step.get("uses", ""))]
    return dict(found)


def scripts() -> dict[str, str]:
    found: dict[str, str] = json.loads((ROOT / "package.json").read_text())["scripts"]
    return found


def test_one_workflow_checks_and_one_deploys() -> None:
    assert [file.name for file in WORKFLOWS] == ["ci.yml", "deploy.yml"]


@by_file
def test_each_step_is_a_script_of_package_json(file: Path) -> None:
    for command in (step["run"] for step in steps(file) if "run" in step):
        if command == WRITE_SETTINGS:
            continue  # what is a file on a laptop is a variable on GitHub
        match = re.fullmatch(r'npm (?:run )?([\w-]+)(?: -- --stage "\$STAGE")?', command)
        assert match, command
        assert match[1] in scripts()


@by_file
def test_each_action_is_pinned_to_a_commit_with_its_version_beside_it(file: Path) -> None:
    for line in re.findall(r"uses: (.*)", file.read_text()):
        is_ours = line.startswith("./.github/workflows/")
        assert is_ours or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_both_workflows_pin_the_same_versions() -> None:
    pins: dict[str, set[str]] = {}
    for file in WORKFLOWS:
        for action, pin in re.findall(r"uses: ([\w/-]+)@(.*)", file.read_text()):
            pins.setdefault(action, set()).add(pin)

    assert {action: len(versions) for action, versions in pins.items()} == dict.fromkeys(pins, 1)


@by_file
def test_each_job_has_a_time_limit_and_no_permission_but_to_read_the_repository(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["permissions"] == {}
    for name, job in jobs(file).items():
        # Only the job that deploys can get a token of AWS.
        id_token = {"id-token": "write"} if (file, name) == (DEPLOY, "deploy") else {}
        assert job["permissions"] == {"contents": "read"} | id_token
        assert "timeout-minutes" in job or "uses" in job


def test_the_job_that_packages_is_outside_the_protected_environment_and_gets_no_secret() -> None:
    package = jobs(DEPLOY)["package"]

    assert package["needs"] == "check"
    assert "environment" not in package
    assert "secrets" not in json.dumps(package)
    assert "aws-actions/configure-aws-credentials" not in commands(package)
    order = [WRITE_SETTINGS, "npm run doctor", "npm run package", "actions/upload-artifact"]
    assert [text for command in commands(package) for text in order if command.startswith(text)] == order


def test_the_job_that_deploys_installs_before_it_has_credentials_and_then_runs_nothing_else() -> None:
    deploy = jobs(DEPLOY)["deploy"]

    assert deploy["needs"] == "package"
    assert commands(deploy) == [
        "actions/checkout",
        "actions/setup-node",
        "actions/setup-python",
        "actions/download-artifact",
        "npm run setup",
        "aws-actions/configure-aws-credentials",
        'npm run deploy-package -- --stage "$STAGE"',
        'npm run smoke -- --stage "$STAGE"',
    ]


def test_the_package_that_is_uploaded_is_the_one_that_is_deployed() -> None:
    package, deploy = jobs(DEPLOY)["package"], jobs(DEPLOY)["deploy"]
    written = shlex.split(scripts()["package"])
    uploaded = step_with(package, "actions/upload-artifact")["with"]
    downloaded = step_with(deploy, "actions/download-artifact")["with"]

    assert written == ["sls", "package", "--package", "package"]
    # upload-artifact leaves out files and folders whose names begin with a dot.
    assert uploaded["path"].split() == ["package/*.json", "package/*.zip"]
    assert uploaded["if-no-files-found"] == "error"
    assert downloaded == {"name": uploaded["name"], "path": "package"}
    assert shlex.split(scripts()["deploy-package"]) == ["sls", "deploy", "--package", "package"]


def test_both_jobs_have_the_same_stage_and_region() -> None:
    package, deploy = jobs(DEPLOY)["package"], jobs(DEPLOY)["deploy"]
    region = step_with(package, "npm run package")["env"]["AWS_REGION"]

    assert package["env"]["STAGE"] == deploy["env"]["STAGE"] == deploy["environment"]
    assert step_with(deploy, "configure-aws-credentials")["with"]["aws-region"] == region
    # Variables of the repository: those of an environment are out of reach of the job that packages.
    assert region == "${{ vars[format('AWS_REGION_{0}', env.STAGE)] || 'us-east-1' }}"
    dotenv = step_with(package, WRITE_SETTINGS)["env"]["DOTENV"]
    assert dotenv == "${{ vars[format('DOTENV_{0}', env.STAGE)] }}"


def test_deployments_of_a_stage_wait_for_each_other() -> None:
    deploy = jobs(DEPLOY)["deploy"]

    assert deploy["concurrency"]["cancel-in-progress"] is False
    assert deploy["concurrency"]["group"] == f"deploy-{deploy['environment']}"
