"""What the doctor says about each token of the tables, with the settings that docs/issuers.md gives."""

import pytest

from tests.support.environment import environment
from tests.support.tokens import jwks
from tests.unit.issuers.shapes import Accepted, Provider, Token, Unsigned
from tests.unit.issuers.test_shapes import ROWS, publish, sign
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
    """Examine the token for a route that needs all the scopes that it is expected to have."""
    settings, keys = {**provider.settings}, provider.keys
    if isinstance(token, Unsigned):
        credentials = token.credentials
    else:
        settings |= token.settings
        keys = token.keys or keys
        credentials = sign(token, token.header or provider.header, token.pair or keys[0].pair)
    scopes = token.outcome.scopes if isinstance(token.outcome, Accepted) else ()
    settings |= {
        "JWKS_URI": KEYS,
        "ROUTE_SCOPES": f"GET /pets {' '.join(scopes)}\nPOST /pets nobody:has-this",
    }
    body = jwks(*(publish(key) for key in keys))

    def fetch(url: str) -> bytes:
        if url != KEYS:
            raise OSError("HTTP status 404")
        return body

    return examine(environment(**settings), credentials, fetch)
