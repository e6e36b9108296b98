"""How the doctor and the smoke test read the option --token."""

import io
import os
import threading

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


@pytest.mark.parametrize("length", [1000, 20_000])
def test_a_token_that_is_pasted_is_read_whole_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    keyboard, terminal = os.openpty()
    token = length * "x"
    asked = threading.Event()

    class Prompt(io.StringIO):
        def flush(self) -> None:
            asked.set()

    def paste() -> None:
        asked.wait(10)
        pasted = f"Bearer {token}\n".encode()
        while pasted:
            pasted = pasted[os.write(keyboard, pasted[:1000]) :]

    with open(terminal, encoding="ascii") as stdin, monkeypatch.context() as patch:
        patch.setattr("sys.stdin", stdin)
        patch.setattr("sys.stderr", Prompt())
        person = threading.Thread(target=paste, daemon=True)
        person.start()
        read = given_token("-")
        person.join(10)
        os.set_blocking(keyboard, False)
        with pytest.raises(BlockingIOError):
            os.read(keyboard, 1)  # what the terminal shows
    os.close(keyboard)

    assert read == token
