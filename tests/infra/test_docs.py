"""The documentation agrees with the code: its links, commands, files, settings, parameters and log lines."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from auth.keys import STALE_KEYS_EXPIRE_AFTER
from auth.settings import DEPLOYMENT_VARIABLES, ISSUER_VARIABLES
from tests.support.serverless_yml import Loader

ROOT = Path(__file__).parents[2]
IGNORED = [
    line.rstrip("/")
    for line in (ROOT / ".gitignore").read_text().splitlines()
    if line and not line.startswith(("#", "!"))
]


def is_ignored(path: Path) -> bool:
    return any(fnmatch(part, pattern) for part in (*path.parts, str(path)) for pattern in IGNORED)


FILES = {
    path.relative_to(ROOT)
    for folder in ROOT.iterdir()
    if folder.name != ".git" and not is_ignored(folder.relative_to(ROOT))
    for path in (folder, *folder.rglob("*"))
    if not is_ignored(path.relative_to(ROOT))
} | {Path(".env.sample")}
PAGES = sorted(path for path in FILES if path.suffix == ".md")
# The changelog speaks of earlier versions as well.
OF_THIS_VERSION = [page for page in PAGES if page.name != "CHANGELOG.md"]
SERVICE: dict[str, Any] = yaml.load((ROOT / "serverless.yml").read_text(), Loader)
FUNCTIONS: dict[str, Any] = SERVICE["functions"]
SCRIPTS: dict[str, str] = json.loads((ROOT / "package.json").read_text())["scripts"]

# What a reader or a tool makes.
MADE = {"orders.py", "orders-requirements.txt", "resources/orders.yml", "routes.txt"}

# The scripts of Auth0's sample that have no counterpart here.
OF_THE_TUTORIAL = defaultdict[Path, set[str]](set, {Path("docs/tutorial.md"): {"bundle"}})

by_page = pytest.mark.parametrize("page", PAGES, ids=str)
by_page_of_this_version = pytest.mark.parametrize("page", OF_THIS_VERSION, ids=str)


def text(page: Path | str) -> str:
    return (ROOT / page).read_text()


def prose(page: Path | str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", text(page), flags=re.DOTALL | re.MULTILINE)


def code_spans(page: Path | str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def table(page: Path | str, heading: str) -> dict[str, list[str]]:
    """The table whose header begins with this cell: the other cells of each row, by the first one."""
    rows = re.findall(rf"^\| {heading} \|.*\n\| -.*\n((?:\|.*\n)+)", text(page), flags=re.MULTILINE)
    assert len(rows) == 1, f"{page} has {len(rows)} tables that begin with {heading}"
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[0].splitlines()]
    return {re.sub(r".*?`(\w+)`.*", r"\1", first): others for first, *others in cells}


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    plain = (re.sub(r"\[(.+?)\]\(.+?\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in plain}


def test_the_readme_has_at_most_9_kilobytes() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 9_000


@by_page
def test_each_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match("https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page.parent / path).resolve().relative_to(ROOT) if path else page
        assert target in FILES, f"{page} links to {link}, which does not exist"
        assert not anchor or anchor in anchors(target), (
            f"{page} links to {link}, but there is no such heading"
        )


def test_each_page_is_linked_from_the_readme() -> None:
    links = set(re.findall(r"\]\(([^)\s#]+)", prose("README.md")))
    assert {str(page) for page in PAGES if str(page.parent) in (".", "docs")} - links == {"README.md"}


@pytest.mark.parametrize("page", [page for page in PAGES if str(page.parent) == "docs"], ids=str)
def test_each_page_begins_with_the_question_that_it_answers(page: Path) -> None:
    assert re.match(r"# .+\?\n", text(page))


def test_each_npm_script_that_is_named_anywhere_exists() -> None:
    for path in FILES:
        if path.suffix == ".png" or not (ROOT / path).is_file():
            continue
        named = re.findall(r"\bnpm run (?:-s |--silent )?([a-z][a-z-]*)", text(path))
        unknown = set(named) - set(SCRIPTS)
        assert unknown <= OF_THE_TUTORIAL[path], f"{path} names a script that does not exist"


def test_each_npm_script_is_documented() -> None:
    named = set(re.findall(r"npm (?:run )?([a-z][a-z-]*)", prose("docs/development.md")))
    # npm itself runs a pre-script.
    assert {name for name in SCRIPTS if not name.startswith("pre")} <= named


@by_page_of_this_version
def test_each_file_that_is_named_exists(page: Path) -> None:
    folders = {str(path) for path in FILES if (ROOT / path).is_dir()}
    for span in code_spans(page):
        is_path = re.fullmatch(
            r"[\w.-]+(/[\w.*-]+)*(/|\.(py|c?js|mjs|ya?ml|txt|in|md|sample|svg|toml))", span
        )
        if not is_path or span in MADE:
            continue
        begins_here = span.split("/")[0] in {path.parts[0] for path in FILES}
        if "/" in span and not begins_here:
            # A folder of the package, of a provider's address, or of tests/.
            continue
        exists = span.rstrip("/") in folders or any(fnmatch(str(path), span) for path in FILES)
        is_name = "/" not in span and any(path.name == span for path in FILES)
        assert exists or is_name or is_ignored(Path(span)), f"{page} names {span}, which does not exist"


def test_the_endpoint_of_the_readme_is_written_like_those_of_serverless_yml() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", text("README.md"), flags=re.DOTALL)
    (function,) = yaml.load(example, Loader).values()
    of_the_petstore = FUNCTIONS["getPet"]

    assert function["package"] == of_the_petstore["package"]
    (event,), (other,) = function["events"], of_the_petstore["events"]
    assert event["http"]["authorizer"] == other["http"]["authorizer"]
    assert set(event["http"]) <= set(other["http"])


VARIABLES = {*DEPLOYMENT_VARIABLES, *ISSUER_VARIABLES}


@pytest.mark.parametrize("page", ["README.md", "docs/issuers.md"])
def test_the_settings_are_those_of_the_code(page: str) -> None:
    rows = table(page, "variable")

    assert set(rows) == VARIABLES
    environment = FUNCTIONS["authorizer"]["environment"]
    for variable, (default, _) in rows.items():
        value = re.fullmatch(r"\$\{env:\w+, '(.+)'\}", environment.get(variable, ""))
        if value:
            assert default == f"`{value[1]}`"


def test_the_sample_names_each_setting() -> None:
    named = set(re.findall(r"^(?:# )?([A-Z_]+?)(?:__PARTNER)?=", text(".env.sample"), flags=re.MULTILINE))
    assert named == VARIABLES - {"ROUTE_SCOPES"}  # which is written on the endpoints


STAGES = ("default", "staging", "prod")


def test_the_parameters_of_stages_are_those_of_serverless_yml() -> None:
    rows = table("docs/deploy.md", "parameter")

    block = text("serverless.yml").partition("\n  default:\n")[2].partition("\n  staging:\n")[0]
    optional = set(re.findall(r"^    # (\w+): ", block, flags=re.MULTILINE))
    assert set(rows) == {*SERVICE["params"]["default"], *optional}
    used = re.findall(r"\$\{param:(\w+)|\bparam:(\w+)", text("serverless.yml"))
    assert {name for pair in used for name in pair if name} <= set(rows)


@pytest.mark.parametrize("stage", STAGES)
def test_the_values_of_parameters_are_those_of_serverless_yml(stage: str) -> None:
    values = SERVICE["params"][stage]
    for name, cells in table("docs/deploy.md", "parameter").items():
        cell = cells[STAGES.index(stage)].replace("`", "")
        if values.get(name, []) != []:
            assert re.match(rf"{re.escape(str(values[name]))}\b", cell), f"{name} of {stage}"
        else:
            assert cell.startswith(("none", "not") if stage == "default" else "the same"), (
                f"{name} of {stage}"
            )


# Where a reader finds what a line in the log means.
RUNBOOK = [page for page in ("docs/log.md", "docs/outages.md") if Path(page) in FILES]
ERRORS = {"InvalidToken", "KeysUnavailable", "ConfigError", "_BadAnswer", "BadAnswer"}


def template(node: ast.AST, constants: Mapping[str, object]) -> str | None:
    """The text of an expression, with a NUL for each value in it that is not a constant of its module."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part, constants) or "\0" for part in node.values)
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
        value = constants.get(node.value.id)
        return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return None


def calls(path: Path) -> Iterator[tuple[str, list[str | None]]]:
    """The name of each function that a module calls, and its arguments as far as they are texts."""
    tree = ast.parse(path.read_text())
    constants = {
        ast.unparse(node.targets[0]): node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, [template(argument, constants) for argument in node.args]


def assigned(name: str) -> set[str]:
    """The texts that the log's module assigns to a variable."""
    found: set[str | None] = set()
    for node in ast.walk(ast.parse(text("auth/logs.py"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            value = node.value
            either = (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
            found |= {template(one, {}) for one in either}
    return {one for one in found if one}


def reasons() -> set[str]:
    """What `reason` may be in the log, with a NUL for each value."""
    found = assigned("reason")
    for path in (ROOT / "auth").glob("*.py"):
        # What is wrong with a JWKS, or a copy of it, is logged, too.
        errors = {*ERRORS, "ValueError"} if path.stem in ("jwks", "backup") else ERRORS
        found |= {arguments[0] or "" for name, arguments in calls(path) if name in errors and arguments}
    return {reason for reason in found if reason.strip("\0")}


def is_documented(reason: str, spans: list[str]) -> bool:
    """Tell whether one of `spans` is an example of a reason, or has `...` for the rest of it."""
    example = re.compile(re.escape(reason).replace("\0", ".+"))
    begins = [re.escape(span).replace(r"\.\.\.", ".*") for span in spans]
    return any(example.fullmatch(span) for span in spans) or any(
        re.fullmatch(pattern, reason.replace("\0", "X"), re.DOTALL) for pattern in begins if ".*" in pattern
    )


def test_each_reason_in_the_log_is_in_the_runbook() -> None:
    spans = [span for page in RUNBOOK for span in code_spans(page)]
    missing = sorted(reason for reason in reasons() if not is_documented(reason, spans))
    assert [reason.replace("\0", "{}") for reason in missing] == []


def test_each_text_that_tells_how_long_keys_are_used_agrees_with_the_key_store() -> None:
    hours = f"{STALE_KEYS_EXPIRE_AFTER // 3600} hours"
    texts = (
        "docs/outages.md",
        "docs/log.md",
        "docs/security.md",
        "resources/alarms.yml",
        "resources/key-backup.yml",
    )
    assert [path for path in texts if set(re.findall(r"\d+ hours", text(path))) != {hours}] == []


def test_each_event_and_outcome_in_the_log_is_in_the_runbook() -> None:
    modules = [ROOT / "handler.py", *(ROOT / "auth").glob("*.py")]
    levels = ("debug", "info", "warning", "error", "critical")
    events = {arguments[0] for path in modules for name, arguments in calls(path) if name in levels}
    outcomes = assigned("outcome") | {
        arguments[1] for name, arguments in calls(ROOT / "auth/logs.py") if name == "_log"
    }
    assert "jwks_fetch_failed" in events
    assert {"policy", "unauthorized", "keys_unavailable", "config_error"} <= outcomes

    named = {word for page in RUNBOOK for word in re.findall(r"\w+", text(page))}
    assert {"decision", *events, *outcomes} - {None} - named == set()
