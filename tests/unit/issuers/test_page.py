"""docs/issuers.md agrees with the tables: the settings of the page accept the provider's tokens."""

import re
from pathlib import Path
from typing import Any

import pytest

from auth import Settings
from auth.settings import ISSUER_VARIABLES
from tests.unit.issuers.providers import PROVIDERS
from tests.unit.issuers.shapes import Accepted, Provider, Token

PAGE = (Path(__file__).parents[3] / "docs" / "issuers.md").read_text()
NAMES = [provider.name for provider in PROVIDERS]
Block = dict[str, str]


def sections() -> dict[str, str]:
    """The text below each heading of the second and the third level."""
    parts = re.split(r"^###? (.+)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks_of(text: str) -> list[Block]:
    """The lines of each `.env` in a text."""
    blocks = re.findall(r"^```dotenv\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [dict(line.split("=", 1) for line in block.splitlines() if line) for block in blocks]


BLOCKS = [
    pytest.param(section, block, id=f"{section} {number}")
    for section, text in sections().items()
    for number, block in enumerate(blocks_of(text), 1)
]


def settings_that_accept_a_token(provider: Provider) -> list[Block]:
    """The settings of each token of a table that is accepted, without the empty ones."""
    return [
        {name: value for name, value in {**provider.settings, **token.settings}.items() if value}
        for token in provider.tokens
        if isinstance(token, Token) and isinstance(token.outcome, Accepted)
    ]


def by_issuer(block: Block) -> dict[str, Block]:
    """The variables of each issuer, by its suffix."""
    issuers: dict[str, Block] = {}
    for line, value in block.items():
        name, separator, suffix = line.partition("__")
        issuers.setdefault(separator + suffix, {})[name] = value
    return issuers


@pytest.mark.parametrize(("section", "block"), BLOCKS)
def test_the_lines_of_the_page_are_valid_settings(section: str, block: Block) -> None:
    # What packaging adds, where the page leaves it out.
    found = {f"JWKS_URI{suffix}": "https://issuer.example/jwks.json" for suffix in by_issuer(block)}

    settings = Settings.from_environment(found | block, "*")

    assert len(settings.issuers) == len(by_issuer(block))
    assert {line.partition("__")[0] for line in block} <= set(ISSUER_VARIABLES)


@pytest.mark.parametrize(("section", "block"), BLOCKS)
def test_the_lines_of_the_page_accept_a_token_of_the_table(section: str, block: Block) -> None:
    of_the_section = [provider for provider in PROVIDERS if provider.name == section] or PROVIDERS
    for settings in by_issuer(block).values():
        assert any(settings in settings_that_accept_a_token(provider) for provider in of_the_section)


@pytest.mark.parametrize("provider", PROVIDERS, ids=NAMES)
def test_each_provider_of_the_tables_has_a_section_that_begins_with_its_settings(provider: Provider) -> None:
    assert blocks_of(sections()[provider.name])[0] == provider.settings


def test_the_rule_of_the_page_accepts_two_clients() -> None:
    (rule,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    rules: dict[str, Any] = {}
    exec(compile(rule, "rules.py", "exec"), rules)

    assert rules["refuse"]({"azp": "web"}) is rules["refuse"]({"azp": "mobile"}) is None
    assert rules["refuse"]({"azp": "another"}) == rules["refuse"]({}) == "another client"


def test_each_section_of_a_provider_has_a_table() -> None:
    with_settings = {section for section, text in sections().items() if blocks_of(text)}
    assert with_settings == {*NAMES, "Several issuers"}


def test_the_contents_lead_to_each_section() -> None:
    contents = PAGE[: PAGE.index("\n## ")]
    links = re.findall(r"\]\(#(.+?)\)", contents)
    assert set(links) == {anchor(heading) for heading in sections()}


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_each_link_within_the_page_leads_somewhere() -> None:
    assert set(re.findall(r"\]\(#(.+?)\)", PAGE)) <= {anchor(heading) for heading in sections()}


@pytest.mark.parametrize(("section", "block"), BLOCKS)
def test_the_page_never_tells_to_trust_claims_that_users_can_edit(section: str, block: Block) -> None:
    assert not re.search("user_?metadata|unsafe_?metadata", " ".join(block.values()), re.IGNORECASE)
