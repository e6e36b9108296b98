"""The smoke test: what it reports about APIs, and how it gets a token."""

import json
import os
import re
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import pytest

from tests.support.tokens import SigningKey, make_token
from tools.smoke import api_url, bearer_token, fresh_token, request_line, run, tampered

ROOT = Path(__file__).parents[2]
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


Answer = tuple[int, dict[str, str], bytes]
TOKEN = json.dumps({"access_token": "fresh", "token_type": "Bearer"}).encode()


class TokenEndpoint(ThreadingHTTPServer):
    """The token endpoint of an issuer, or another server. It gives the same answer to every request."""

    def __init__(self, answer: Answer) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.authorizations: list[str | None] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                endpoint.forms.append(parse_qs(body.decode()))
                endpoint.authorizations.append(self.headers.get("Authorization"))
                status, headers, content = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                self.do_POST()

            def do_CONNECT(self) -> None:
                self.do_POST()

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"{self.address}/oauth/token"


@contextmanager
def token_endpoint(
    status: int = 200, headers: dict[str, str] | None = None, body: bytes = TOKEN
) -> Iterator[TokenEndpoint]:
    with TokenEndpoint((status, headers or {}, body)) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


SECRET = "s3cr3t-of-the-client"
CLIENT = {"SMOKE_CLIENT_ID": "smoke", "SMOKE_CLIENT_SECRET": SECRET}


def refusal(url: str) -> str:
    """Ask for a token, and return the message with which the smoke test ends. It must be a single line."""
    with pytest.raises(SystemExit) as ended:
        fresh_token(CLIENT | {"SMOKE_TOKEN_URL": url})
    message = str(ended.value.code)
    assert "\n" not in message
    assert SECRET not in message
    assert ended.value.__suppress_context__ or ended.value.__context__ is None  # and no traceback
    return message


def test_a_fresh_token_is_requested_with_client_credentials() -> None:
    with token_endpoint() as endpoint:
        token = fresh_token(CLIENT | {"SMOKE_TOKEN_URL": endpoint.url, "SMOKE_AUDIENCE": "https://api"})

    assert token == "fresh"
    assert endpoint.forms == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["smoke"],
            "client_secret": [SECRET],
            "audience": ["https://api"],
        }
    ]


def test_a_token_endpoint_that_refuses_the_client_is_reported_in_one_line() -> None:
    with token_endpoint(401, body=b'{"error":"invalid_client"}') as endpoint:
        assert "answered with status 401 instead of a token. Check SMOKE_CLIENT_ID" in refusal(endpoint.url)


def test_a_token_endpoint_that_is_down_is_reported_in_one_line() -> None:
    with token_endpoint() as endpoint:
        url = endpoint.url

    assert refusal(url).startswith("SMOKE_TOKEN_URL did not answer (ConnectionError). Check the URL")


def test_the_command_ends_with_that_line_and_without_a_traceback(tmp_path: Path) -> None:
    with token_endpoint() as endpoint:
        url = endpoint.url
    environment = CLIENT | {"SMOKE_TOKEN_URL": url, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "tools.smoke", "--url", "http://127.0.0.1:9/dev"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"SMOKE_TOKEN_URL did not answer \(ConnectionError\)\. [^\n]+\n", ended.stderr)


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example", ".example"])
def test_a_host_name_that_cannot_exist_is_reported_in_one_line(host: str) -> None:
    assert refusal(f"https://{host}/token").startswith("SMOKE_TOKEN_URL did not answer (InvalidURL).")


@pytest.mark.parametrize(
    "body",
    [
        b'{"token_type":"Bearer"}',
        b'{"access_token":null}',
        b'{"access_token":17}',
        b'{"access_token":""}',
        b'{"access_token":"two words"}',
        '{"access_token":"\N{SNOWMAN}"}'.encode(),
        b'{"access_token":"a\\r\\nb"}',
        b'["access_token"]',
        b'"fresh"',
        b"null",
        b"<!doctype html><p>Log in",
        b"",
        b"\xff\xfe\xfa",
        b"[" * 100_000,
    ],
)
def test_an_answer_without_a_usable_token_is_reported_in_one_line(body: bytes) -> None:
    with token_endpoint(body=body) as endpoint:
        assert refusal(endpoint.url).startswith("SMOKE_TOKEN_URL answered without an access_token.")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_client_secret_is_not_sent_on_to_where_the_token_endpoint_redirects(status: int) -> None:
    with token_endpoint() as elsewhere, token_endpoint(status, {"Location": elsewhere.url}) as endpoint:
        message = refusal(endpoint.url)

    assert f"answered with status {status}" in message
    assert "redirects are not followed" in message
    assert elsewhere.forms == []


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/oauth/token",
        "http://127.0.0.1.issuer.example/oauth/token",
        "https://user:password@issuer.example/oauth/token",
        "ftp://issuer.example/oauth/token",
        "issuer.example/oauth/token",
        "https://",
        "https://issuer.example:port/",
        "https://issuer.example/\n::add-mask::",
    ],
)
def test_the_client_secret_is_never_sent_in_clear_text(url: str) -> None:
    """The tests allow connections to loopback hosts alone: if it were sent, this would be another failure."""
    message = refusal(url)

    assert message.startswith("The client secret was not sent: SMOKE_TOKEN_URL must be an https:// URL")
    assert "password@" not in message


def test_a_password_in_netrc_is_not_sent_to_the_token_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    with token_endpoint() as endpoint:
        fresh_token(CLIENT | {"SMOKE_TOKEN_URL": endpoint.url})

    assert endpoint.authorizations == [None]


PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def test_no_proxy_gets_a_request_to_a_loopback_host(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with token_endpoint() as proxy, token_endpoint() as endpoint, api(token, RIGHT) as url:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert fresh_token(CLIENT | {"SMOKE_TOKEN_URL": endpoint.url}) == "fresh"
        assert run(url, token, "GET /pets", "POST /pets") == []

    assert proxy.forms == []


def test_other_hosts_are_asked_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with token_endpoint(502) as proxy:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert "ProxyError" in refusal("https://issuer.example/oauth/token")

    assert len(proxy.forms) == 1


def test_the_missing_variables_are_named() -> None:
    with pytest.raises(SystemExit, match=r"set SMOKE_TOKEN_URL and SMOKE_CLIENT_SECRET to get one"):
        fresh_token({"SMOKE_CLIENT_ID": "smoke", "SMOKE_CLIENT_SECRET": ""})


def test_a_password_in_netrc_does_not_replace_the_token(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "netrc").write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    with api(token, RIGHT) as url:
        assert run(url, token, "GET /pets", "POST /pets") == []


@pytest.mark.parametrize("argument", ["/pets/1", "GET", "GET pets", "get /pets", "GET /pets x"])
def test_an_argument_that_is_not_a_method_and_a_path_is_rejected(argument: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a METHOD and a path, such as 'GET /pets/1'"):
        request_line(argument)


def test_a_token_is_never_sent_to_an_api_in_clear_text() -> None:
    for url in ("https://api.example/dev", "http://127.0.0.1:3000/local", "http://localhost:3000/"):
        assert api_url(url) == url
    for url in ("http://api.example/dev", "api.example", "https://user:password@api.example/dev"):
        with pytest.raises(ArgumentTypeError, match="must be an https:// URL"):
            api_url(url)


def test_text_that_no_request_can_carry_is_not_taken_for_a_token(token: str) -> None:
    assert bearer_token(token) == token
    for argument in ("", "two words", "\N{SNOWMAN}", "a\nb"):
        with pytest.raises(ArgumentTypeError, match="it is not an access token"):
            bearer_token(argument)
