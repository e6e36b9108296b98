"""What GitHub runs: nothing that a laptop can't, and no action that can change under its name.

Their syntax, and what is unsafe in them, is looked at by actionlint and zizmor (`npm run lint`).
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

by_file = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def jobs(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())["jobs"]
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(file).values() for step in job.get("steps", [])]


def test_there_is_one_that_checks_and_one_that_deploys() -> None:
    assert [file.name for file in WORKFLOWS] == ["ci.yml", "deploy.yml"]


@by_file
def test_each_step_is_a_script_of_package_json(file: Path) -> None:
    scripts = json.loads((ROOT / "package.json").read_text())["scripts"]
    commands = [step["run"] for step in steps(file) if "run" in step]

    for command in commands:
        if command == """printf '%s\\n' "$DOTENV" > ".env.$STAGE\"""":
            continue  # what is a file on a laptop is a variable on GitHub
        match = re.fullmatch(r'npm (?:run )?([\w-]+)(?: -- --stage "\$STAGE")?', command)
        assert match, command
        assert match[1] in scripts


@by_file
def test_each_action_is_pinned_to_a_commit_with_its_version_beside_it(file: Path) -> None:
    for line in re.findall(r"uses: (.*)", file.read_text()):
        is_ours = line.startswith("./.github/workflows/")
        assert is_ours or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_both_pin_the_same_versions() -> None:
    pins: dict[str, set[str]] = {}
    for file in WORKFLOWS:
        for action, pin in re.findall(r"uses: ([\w/-]+)@(.*)", file.read_text()):
            pins.setdefault(action, set()).add(pin)

    assert {action: len(versions) for action, versions in pins.items()} == dict.fromkeys(pins, 1)


@by_file
def test_nothing_is_permitted_that_a_job_does_not_ask_for(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["permissions"] == {}
    for name, job in jobs(file).items():
        asked = {"contents": "read"} | ({"id-token": "write"} if name == "deploy" else {})
        assert job["permissions"] == asked
        assert "timeout-minutes" in job or "uses" in job


def test_a_deploy_is_checked_before_and_asked_after() -> None:
    deploy = jobs(ROOT / ".github/workflows/deploy.yml")["deploy"]
    commands = [step.get("run", step.get("uses", "")) for step in deploy["steps"]]
    order = ["npm run doctor", "aws-actions/configure-aws-credentials", "npm run deploy", "npm run smoke"]

    assert deploy["needs"] == "check"
    assert [text for command in commands for text in order if command.startswith(text)] == order


def test_deploys_of_a_stage_wait_for_each_other() -> None:
    deploy = jobs(ROOT / ".github/workflows/deploy.yml")["deploy"]

    assert deploy["concurrency"]["cancel-in-progress"] is False
    assert deploy["concurrency"]["group"] == f"deploy-{deploy['environment']}"
    assert deploy["env"]["STAGE"] == deploy["environment"]
