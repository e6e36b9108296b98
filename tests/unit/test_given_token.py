"""How the doctor and the smoke test read the option --token."""

import io

import pytest

from tests.support.tokens import SigningKey, make_token
from tools import given_token


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "Bearer {}",
        "bEARER   {}\n",
        " '{}' ",
        '"Bearer {}"',
        "Authorization: Bearer {}",
        "authorization:bearer\t{}\r\n",
        "'Authorization: Bearer {}'",
        '"authorizationToken": "Bearer {}",',
        "`{}`",
    ],
)
def test_what_is_copied_with_a_token_is_removed(key: SigningKey, text: str) -> None:
    token = make_token(key)

    assert given_token(text.format(token)) == token


def test_a_dash_reads_the_token_from_standard_input(key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token(key)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"Authorization: Bearer {token}\n"))

    assert given_token("-") == token
