"""What the smoke test says of an API that works, and of those that don't."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import pytest

from tests.support.issuer import SigningKey, make_token
from tools.smoke import fresh_token, request_line, run, tampered

RIGHT = {"GET /pets": 200, "POST /pets": 403}


@contextmanager
def api(good_token: str, answers: Mapping[str, int], *, refusal: int = 401) -> Iterator[str]:
    """An API that gives `answers` to the good token, `refusal` without it, and a 404 elsewhere."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_good = self.headers.get("Authorization") == f"Bearer {good_token}"
            request = f"{self.command} {self.path.removeprefix('/dev')}"
            self.send_response(404 if request not in answers else answers[request] if is_good else refusal)
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/dev"
        server.shutdown()


@pytest.fixture
def token(key: SigningKey) -> str:
    return make_token(key)


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_api_that_works_passes(token: str, slash: str, capsys: pytest.CaptureFixture[str]) -> None:
    with api(token, RIGHT) as url:
        failed = run(url + slash, token, "GET /pets", "POST /pets")

    assert failed == []
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["ok"] * 5


@pytest.mark.parametrize(
    ("answers", "refusal", "what"),
    [
        (RIGHT, 200, ["no token", "a tampered token"]),  # anybody is let in
        (RIGHT, 403, ["no token", "a tampered token"]),
        (RIGHT, 500, ["no token", "a tampered token"]),
        ({"GET /pets": 401, "POST /pets": 401}, 401, ["a good token", "a route that needs another scope"]),
        ({"GET /pets": 200, "POST /pets": 200}, 401, ["a route that needs another scope"]),
        (RIGHT | {"GET /no/such/path": 200}, 401, ["an unknown path"]),
    ],
)
def test_an_api_that_does_not_work_fails_and_the_table_says_where(
    token: str, answers: dict[str, int], refusal: int, what: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with api(token, answers, refusal=refusal) as url:
        failed = run(url, token, "GET /pets", "POST /pets")

    assert [check.what for check in failed] == what
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("WRONG")]) == len(what)


def test_an_api_that_is_not_there_fails(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    with api(token, RIGHT) as url:
        pass

    assert len(run(url, token, "GET /pets", "POST /pets")) == 5
    assert "ConnectionError" in capsys.readouterr().out


def test_the_token_is_never_printed(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    with api(token, RIGHT) as url:
        run(url, token, "GET /pets", "POST /pets")

    printed = capsys.readouterr().out
    assert not [segment for segment in token.split(".") if segment in printed]


def test_a_tampered_token_differs_in_its_signature_alone(token: str) -> None:
    for signature in ("Abc", "Bbc", "zbc"):
        signed = token.rpartition(".")[0]
        head, _, changed = tampered(f"{signed}.{signature}").rpartition(".")
        assert head == signed
        assert changed != signature
        assert len(changed) == len(signature)


@contextmanager
def token_endpoint(status: int) -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """The token endpoint of an issuer, and the forms that were sent to it."""
    forms = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            forms.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": "fresh", "token_type": "Bearer"}).encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/oauth/token", forms
        server.shutdown()


CLIENT = {"SMOKE_CLIENT_ID": "smoke", "SMOKE_CLIENT_SECRET": "secret"}


def test_a_fresh_token_comes_from_the_issuer_by_client_credentials() -> None:
    with token_endpoint(200) as (url, forms):
        token = fresh_token(CLIENT | {"SMOKE_TOKEN_URL": url, "SMOKE_AUDIENCE": "https://api"})

    assert token == "fresh"
    assert forms == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["smoke"],
            "client_secret": ["secret"],
            "audience": ["https://api"],
        }
    ]


def test_an_issuer_that_gives_no_token_is_named() -> None:
    with token_endpoint(401) as (url, _), pytest.raises(SystemExit, match="answered 401 instead of a token"):
        fresh_token(CLIENT | {"SMOKE_TOKEN_URL": url})


def test_what_is_missing_to_get_a_token_is_named() -> None:
    with pytest.raises(SystemExit, match=r"set SMOKE_TOKEN_URL and SMOKE_CLIENT_SECRET to get one"):
        fresh_token({"SMOKE_CLIENT_ID": "smoke", "SMOKE_CLIENT_SECRET": ""})


def test_a_password_of_netrc_takes_no_part(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`requests` would send it in the place of the token."""
    (tmp_path / "netrc").write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    with api(token, RIGHT) as url:
        assert run(url, token, "GET /pets", "POST /pets") == []


@pytest.mark.parametrize("argument", ["/pets/1", "GET", "GET pets", "get /pets", "GET /pets x"])
def test_what_is_no_request_line_is_refused(argument: str) -> None:
    with pytest.raises(ArgumentTypeError, match="no METHOD and path, such as 'GET /pets/1'"):
        request_line(argument)
