"""The services of examples/, as `npm run example` runs them."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.checkout import ROOT, npm_run, run
from tests.support.local_stack import LocalStack, bearer, start


@pytest.fixture(scope="module")
def http_api(checkout: Path, clean: dict[str, str]) -> Iterator[LocalStack]:
    stack = start(checkout, *npm_run("example"), "http-api", environment=clean)
    yield stack
    stack.end()


@pytest.fixture(scope="module")
def websocket(checkout: Path, clean: dict[str, str]) -> Iterator[LocalStack]:
    stack = start(checkout, *npm_run("example"), "websocket", environment=clean)
    yield stack
    stack.end()


ORDER, ITEM, INVOICE = "/orders/7", "/orders/7/items/2", "/orders/7/invoice"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("read:orders", {ORDER: 200, ITEM: 403, INVOICE: 403}),
        ("read:items", {ORDER: 403, ITEM: 200, INVOICE: 403}),
        ("read:invoices", {ORDER: 403, ITEM: 403, INVOICE: 403}),
        ("read:invoices read:orders", {ORDER: 200, ITEM: 403, INVOICE: 200}),
        ("", {ORDER: 403, ITEM: 403, INVOICE: 403}),
    ],
)
def test_each_route_needs_its_own_scopes_in_any_order_of_calls(
    http_api: LocalStack, scope: str, expected: dict[str, int]
) -> None:
    for number, order in enumerate(permutations(expected)):
        headers = bearer(http_api.token(scope, claims={"jti": f"{scope}-{number}"}))
        for path in (*order, *order):  # once more, from the cache
            answer = requests.get(f"{http_api.api}{path}", headers=headers, timeout=5)
            assert answer.status_code == expected[path], (path, order)


def test_the_backend_is_told_the_scopes(http_api: LocalStack) -> None:
    headers = bearer(http_api.token("read:orders"))

    assert requests.get(f"{http_api.api}{ORDER}", headers=headers, timeout=5).json() == {
        "id": "7",
        "scope": "read:orders",
    }


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": ""}, bearer("x.y.z"), {"Authorization": "Basic eDp5"}]
)
def test_a_request_without_a_valid_token_is_a_401(http_api: LocalStack, headers: dict[str, str]) -> None:
    assert requests.get(f"{http_api.api}{ORDER}", headers=headers, timeout=5).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/orders/7/invoice/",
        "/orders/7//invoice",
        "/orders/./7/invoice",
        "/orders/x/../7/invoice",
        "/orders/7/%69nvoice",
        "/orders/7/invoice%2F",
        "/orders/7%2Finvoice/invoice",
        "/orders/*/invoice",
        "/orders/%2A/invoice?x=/orders/7",
        "/ORDERS/7/invoice",
    ],
)
def test_no_spelling_of_a_path_opens_another_route(http_api: LocalStack, path: str) -> None:
    """Sent as it is: a library would tidy it up."""
    token = http_api.token("read:orders")
    url = urlsplit(http_api.api)
    with socket.create_connection((str(url.hostname), url.port or 0), timeout=5) as connection:
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {url.netloc}",
            f"Authorization: Bearer {token}",
            "Connection: close",
        )
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert b'"total"' not in answer
    assert answer.split()[1] in (b"403", b"404"), answer


Client = Callable[..., list[str]]


@pytest.fixture
def client(websocket: LocalStack, clean: dict[str, str]) -> Client:
    """Runs the example's client, and returns what it printed."""

    def run_client(*options: str, query: str = "") -> list[str]:
        command = ("node", "examples/websocket/client.mjs", websocket.api + query, *options)
        return run(ROOT, *command, environment=clean).stdout.splitlines()

    return run_client


def rejected(status: int) -> list[str]:
    """1006: there was no connection that could have been closed in order."""
    return [f"Unexpected server response: {status}", "Closed with the code 1006"]


ECHO = '{"from": "test@clients", "message": "Hello"}'


@pytest.mark.parametrize("place", [[], ["--query"]])
def test_a_token_may_be_in_the_header_or_in_the_query(
    websocket: LocalStack, client: Client, place: list[str]
) -> None:
    token = websocket.token("chat:join")

    assert client("--token", token, *place) == ["Connected", ECHO, "Closed with the code 1000"]
    assert client("--token", websocket.token("another"), *place) == rejected(403)
    assert client("--token", "x.y.z", *place) == rejected(401)
    assert client("--token", websocket.token("chat:join", claims={"exp": 1}), *place) == rejected(401)


def test_a_handshake_without_a_token_or_with_two_is_a_401(websocket: LocalStack, client: Client) -> None:
    token = websocket.token("chat:join")

    assert client() == rejected(401)
    assert client("--token", token, query=f"?access_token={token}") == rejected(401)
    assert client(query=f"?access_token={token}&access_token=x.y.z") == rejected(401)
    assert client(query=f"?token={token}") == rejected(401)


def test_a_subprotocol_that_the_client_offers_is_accepted(websocket: LocalStack, client: Client) -> None:
    printed = client("--token", websocket.token("chat:join"), "--protocol", "chat.v1")

    assert printed[0] == "Connected with the subprotocol chat.v1"


def test_messages_end_with_the_token_of_the_handshake(websocket: LocalStack, client: Client) -> None:
    just_expired = {"exp": int(time.time()) - 1}  # which LEEWAY_SECONDS still accepts

    _, message, closed = client("--token", websocket.token("chat:join", claims=just_expired))

    assert message == '{"error": "the token has expired: connect again with a new one"}'
    assert closed == "Closed with the code 1000"


@pytest.mark.parametrize("example", ["http_api", "websocket"])
def test_what_it_prints_works_when_it_is_pasted(
    request: pytest.FixtureRequest, example: str, clean: dict[str, str]
) -> None:
    stack: LocalStack = request.getfixturevalue(example)
    port = urlsplit(stack.issuer).port
    assignment, *commands = re.findall(r"^(?:TOKEN=|curl |node ).*$", stack.printed, re.MULTILINE)
    assert "npm run -s token -- --scope" in assignment
    script = "\n".join((assignment.replace("-s token", "-s --ignore-scripts token"), *commands))
    ran: Any = run(ROOT, "sh", "-c", script, environment=clean | {"ISSUER_PORT": str(port)})

    found = re.findall(r"HTTP/1.1 \d+|Connected|server response: \d+", ran.stdout)
    assert (
        found
        == {
            "http_api": ["HTTP/1.1 200", "HTTP/1.1 403", "HTTP/1.1 401"],
            "websocket": ["Connected", "Connected", "server response: 401"],
        }[example]
    ), ran.stdout + ran.stderr


def test_an_unknown_example_is_a_clear_error(checkout: Path, clean: dict[str, str]) -> None:
    ran = run(checkout, *npm_run("example"), "htp-api", environment=clean)

    assert ran.returncode == 1
    assert ran.stderr == "Which one? npm run example -- http-api or npm run example -- websocket\n"
