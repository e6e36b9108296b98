"""Where a stage takes its settings from (plugins/dotenv.cjs), and how they are checked (settings.cjs)."""

from pathlib import Path

import pytest

from tests.support.checkout import SLS, copy_project, run
from tools.doctor import settings_file

PRINT = (SLS, "print", "--path", "functions.authorizer.environment.TOKEN_ISSUER", "--format", "text")
FILES = (".env", ".env.test", ".env.staging")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with settings in some files, each with an issuer of the file's name."""
    checkout = copy_project(tmp_path_factory.mktemp("dotenv"))
    for name in FILES:
        settings = (
            f"JWKS_URI=https://{name}/keys\nAUDIENCE=https://api.example\nTOKEN_ISSUER=https://{name}/\n"
        )
        (checkout / name).write_text(settings)
    return checkout


@pytest.mark.parametrize(
    ("options", "issuer"),
    [
        ("", "https://.env/"),
        ("--stage test", "https://.env.test/"),
        ("--stage staging", "https://.env.staging/"),
        ("--stage prod", ""),
        ("--stage=prod", ""),
        ("-s prod", ""),
        ("-s=prod", ""),
    ],
)
def test_prod_and_staging_never_take_their_settings_from_dotenv(
    checkout: Path, clean: dict[str, str], options: str, issuer: str
) -> None:
    printed = run(checkout, *PRINT, *options.split(), environment=clean)

    assert (printed.returncode, printed.stdout.strip()) == (0, issuer), printed.stderr


@pytest.mark.parametrize("command", ["package", "invoke local --data {}", "offline", "offline start"])
def test_without_settings_of_its_own_a_stage_is_rejected_with_the_file_to_write(
    checkout: Path, clean: dict[str, str], command: str
) -> None:
    rejected = run(checkout, SLS, *command.split(), "-s", "prod", environment=clean, timeout=60)

    assert rejected.returncode == 1
    assert rejected.stdout[rejected.stdout.index("The settings") :] == (
        "The settings of stage prod are incomplete or invalid:\n"
        "  - AUDIENCE is not set\n"
        "  - TOKEN_ISSUER is not set\n"
        "Write them to .env.prod, or set them in the environment. See .env.sample.\n"
        "Stage prod does not read .env.\n"
    )
    assert "Traceback" not in rejected.stdout + rejected.stderr


def test_settings_of_the_environment_are_enough_for_prod(checkout: Path, clean: dict[str, str]) -> None:
    settings = {"TOKEN_ISSUER": "https://environment.example/"}
    printed = run(checkout, *PRINT, "--stage", "prod", environment=clean | settings)

    assert printed.stdout.strip() == "https://environment.example/"


@pytest.mark.parametrize("stage", ["dev", "test", "staging", "prod", "local"])
def test_the_doctor_names_the_same_file(checkout: Path, clean: dict[str, str], stage: str) -> None:
    script = f"require('./plugins/dotenv.cjs').settingsFile('{stage}')"
    named = run(checkout, "node", "--print", script, environment=clean)

    assert named.stdout.strip() == settings_file(stage, checkout)


def test_a_value_that_only_cloudformation_knows_is_not_checked_but_the_others_are(
    tmp_path: Path, clean: dict[str, str]
) -> None:
    checkout = copy_project(tmp_path)
    service = (checkout / "serverless.yml").read_text()
    name, *others = ("TOKEN_ISSUER", "AUDIENCE", "JWKS_URI")
    value = f"{name}: ${{env:{name}, ''}}"
    assert service.count(value) == 1
    (checkout / "serverless.yml").write_text(service.replace(value, f"{name}: !ImportValue issuer"))

    rejected = run(checkout, SLS, "package", environment=clean)

    problems = {line for line in rejected.stdout.splitlines() if line.startswith("  - ")}
    assert problems == {f"  - {other} is not set" for other in others}
