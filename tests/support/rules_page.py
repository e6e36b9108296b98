"""The examples of docs/rules.md: rules, their tests, and what usage plans need in serverless.yml."""

import re
from pathlib import Path

from tests.support.serverless_yml import with_api_gateway

PAGE = (Path(__file__).parents[2] / "docs/rules.md").read_text()


_OTHER_SCOPES = "### One scope or another\n"  # with a second example of the same rule


def _blocks(language: str, text: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def _rules_and_tests(text: str) -> tuple[str, str]:
    """Return the rules in a part of the page, and their tests."""
    found = _blocks("python", text)
    rules = [block for block in found if "def test_" not in block]
    return "\n".join(rules), "\n".join(block for block in found if block not in rules)


_BEFORE, _, _REST = PAGE.partition(_OTHER_SCOPES)
_OTHER, _AFTER = re.split(r"^(?=## )", _REST, maxsplit=1, flags=re.MULTILINE)
EXAMPLES, TESTS = _rules_and_tests(_BEFORE + _AFTER)
OTHER_EXAMPLE, OTHER_TESTS = _rules_and_tests(_OTHER)


def with_usage_plans(service: str) -> str:
    """Return the text of a serverless.yml with the usage plans of the page, which count GET /pets."""
    source, plans, variables, endpoint = _blocks("yaml", PAGE)
    service = with_api_gateway(service, source.partition("  apiGateway:\n")[2] + plans)
    private = "          private: true\n"
    assert private in endpoint
    for old, new in (
        ("    environment:\n", variables.partition("    environment:\n")[2]),
        ("          path: /pets\n", private),
    ):
        assert old in service
        if new not in service or new == private:
            service = service.replace(old, old + new, 1)
    return service
