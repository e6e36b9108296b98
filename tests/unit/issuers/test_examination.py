"""What the doctor says about each token of the tables, with the settings that docs/issuers.md gives."""

import pytest

from tests.support.environment import environment
from tests.support.tokens import jwks
from tests.unit.issuers.shapes import Accepted, Provider, Token, Unsigned
from tests.unit.issuers.test_shapes import ROWS, case
from tools.examination import Finding, examine

KEYS = "https://keys.example/jwks.json"


@pytest.mark.parametrize(("provider", "token"), ROWS)
def test_the_doctor_and_the_table_agree_on_each_kind_of_token(
    provider: Provider, token: Token | Unsigned
) -> None:
    wrong = [finding for finding in examined(provider, token) if finding.level == "WRONG"]

    if not isinstance(token.outcome, Accepted):
        assert wrong
    elif token.what.endswith("without REQUIRED_CLAIMS"):
        # It is accepted, but a stranger's or none for an API.
        assert wrong[-1].subject == "REQUIRED_CLAIMS"
        assert {finding.subject for finding in wrong} <= {"token", "REQUIRED_CLAIMS"}
    else:
        assert wrong == []


def examined(provider: Provider, token: Token | Unsigned) -> list[Finding]:
    """Examine the token for the routes of its row."""
    settings, keys, credentials = case(provider, token)
    settings["JWKS_URI"] = KEYS
    body = jwks(*keys)

    def fetch(url: str) -> bytes:
        if url != KEYS:
            raise OSError("HTTP status 404")
        return body

    return examine(environment(**settings), credentials, fetch)
