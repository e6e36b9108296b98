"""A deployer's own rules.py: the tests do not depend on it, and a wrong one is not packaged."""

from pathlib import Path

from tests.support.checkout import SLS, copy_project, run
from tests.support.environment import SETTINGS

REFUSE_EVERYTHING = """
def refuse(claims):
    return "nobody may do anything"
"""

# Tests of the core, of the entry point, and of what starts handler.py in processes of its own
CORE_TESTS = (
    "tests/unit/test_authorizer.py",
    "tests/unit/test_handler.py",
    "tests/unit/test_rules.py",
    "tests/unit/test_cold_start.py::test_the_first_request_does_not_fetch_again",
    "tests/unit/test_doctor.py::test_it_says_what_each_rule_returns_for_a_token",
    "tests/infra/test_alarms.py::test_no_caller_can_trigger_an_alarm",
)


def test_the_tests_of_the_core_pass_with_a_rules_py_that_refuses_everything(
    clean: dict[str, str], tmp_path: Path
) -> None:
    project = copy_project(tmp_path)
    (project / "rules.py").write_text(REFUSE_EVERYTHING)
    command = (".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *CORE_TESTS)
    tested = run(project, *command, environment=clean)

    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout


def test_packaging_stops_before_a_rules_py_that_the_authorizer_could_not_use(
    editable: Path, clean: dict[str, str]
) -> None:
    (editable / "rules.py").write_text("def refuses(claims): ...")
    rejected = run(editable, SLS, "package", environment=clean | SETTINGS)

    assert rejected.returncode == 1
    assert "rules.py: refuses is not one of refuse, scopes, context, usage_plan_key." in rejected.stdout
    assert "Traceback" not in rejected.stdout + rejected.stderr
    assert not (editable / ".serverless").exists()
