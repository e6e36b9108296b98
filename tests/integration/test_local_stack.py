"""`npm start` as a newcomer meets it: the real issuer, serverless-offline and Python, on free ports."""

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.browser import browser_or_skip
from tests.support.checkout import npm_run, run
from tests.support.local_stack import LocalStack as Stack
from tests.support.local_stack import bearer
from tests.support.local_stack import start as start_local_stack
from tests.support.serverless_yml import PROTECTED, SCOPES
from tests.support.tokens import AUDIENCE, SigningKey, good_claims, make_token

Start = Callable[..., Stack]


@pytest.fixture(scope="module")
def start(checkout: Path, clean: dict[str, str]) -> Start:
    """Starts what `npm start` runs, on free ports or given ones, and waits until it is ready or gives up."""

    def start_stack(**environment: str) -> Stack:
        return start_local_stack(checkout, "node", "local/start.mjs", environment=clean | environment)

    return start_stack


@pytest.fixture(scope="module")
def stack(start: Start) -> Iterator[Stack]:
    stack = start()
    yield stack
    stack.end()


def test_the_welcome_page_is_public(stack: Stack) -> None:
    answer = requests.get(stack.api, timeout=5)

    assert answer.status_code == 200
    assert "Welcome" in answer.text


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("read:pets", {"GET /pets": 200, "GET /pets/1": 200, "POST /pets": 403}),
        ("create:pets", {"GET /pets": 403, "GET /pets/1": 403, "POST /pets": 200}),
        ("read:pets create:pets", {"GET /pets": 200, "GET /pets/1": 200, "POST /pets": 200}),
        ("", {"GET /pets": 403, "GET /pets/1": 403, "POST /pets": 403}),
    ],
)
def test_a_scope_grants_its_routes_and_no_others_in_any_order(
    stack: Stack, scope: str, expected: dict[str, int]
) -> None:
    headers = bearer(stack.token(scope))
    pet = {"type": "cat", "price": 123.11}

    def status(request: str) -> int:
        method, path = request.split()
        body = pet if method == "POST" else None
        url = f"{stack.api}{path}"
        return requests.request(method, url, headers=headers, json=body, timeout=5).status_code

    for order in permutations(expected):
        assert {request: status(request) for request in order} == expected, order


def test_a_token_for_another_api_or_of_another_issuer_is_a_401(stack: Stack) -> None:
    foreign = stack.token("read:pets", audience="https://another-api")
    forged = make_token(SigningKey.generate("forged"), good_claims(iss=stack.issuer))

    for token in (foreign, forged, "x", "x.y.z"):
        assert requests.get(f"{stack.api}/pets", headers=bearer(token), timeout=5).status_code == 401
    assert requests.get(f"{stack.api}/pets", timeout=5).status_code == 401


def test_a_client_without_a_token_finds_out_where_to_get_one(stack: Stack) -> None:
    challenge = requests.get(f"{stack.api}/pets", timeout=5).headers["WWW-Authenticate"]
    scheme, _, address = challenge.partition(" resource_metadata=")
    answer = requests.get(address.strip('"'), timeout=5)

    assert (scheme, address) == ("Bearer", f'"{stack.api}/.well-known/oauth-protected-resource"')
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json() == {
        "resource": AUDIENCE,
        "authorization_servers": [stack.issuer],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
    }


def test_an_unknown_pet_or_path_is_a_404(stack: Stack) -> None:
    headers = bearer(stack.token("read:pets"))

    assert requests.get(f"{stack.api}/pets/4", headers=headers, timeout=5).status_code == 404
    assert requests.get(f"{stack.api}/fish", headers=headers, timeout=5).status_code == 404


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('{"type": "dragon", "price": 1}', "enum"),
        ('{"type": "dog"}', "price"),
        ('{"type": "dog", "price": "1"}', "type"),
        ("not JSON", "type"),
    ],
)
def test_an_invalid_pet_is_rejected_before_a_function_runs(stack: Stack, body: str, complaint: str) -> None:
    headers = bearer(stack.token("create:pets")) | {"Content-Type": "application/json"}
    answer = requests.post(f"{stack.api}/pets", headers=headers, data=body, timeout=5)

    assert answer.status_code == 400
    assert complaint in answer.text


def test_a_body_of_another_content_type_is_rejected_too(stack: Stack) -> None:
    headers = bearer(stack.token("create:pets")) | {"Content-Type": "text/plain"}
    answer = requests.post(f"{stack.api}/pets", headers=headers, data="dog", timeout=5)

    assert (answer.status_code, answer.json()) == (400, {"message": "the body must be JSON"})


def test_a_browser_may_call_from_another_origin(stack: Stack) -> None:
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    answer = requests.options(f"{stack.api}/pets", headers=preflight, timeout=5)

    assert answer.ok
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example")


def test_the_root_of_the_api_leads_to_the_page(stack: Stack) -> None:
    root = stack.api.removesuffix("local")
    answer = requests.get(root, timeout=5)

    assert answer.url == stack.issuer
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>Try the API</h1>" in answer.text


def test_the_page_works_in_a_browser(stack: Stack, checkout: Path, clean: dict[str, str]) -> None:
    variables = {
        "BROWSER": browser_or_skip(),
        "PAGE": stack.issuer,
        "API": stack.api,
        "PROTECTED": str(len(PROTECTED)),
    }
    tests = "tests/integration/page.test.mjs"
    ran = run(
        checkout, "node", "--test", "--test-reporter=spec", tests, environment=clean | variables, timeout=120
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://website.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "website.example"},
        {"Host": "localhost"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
    ids=str,
)
def test_the_issuer_answers_no_other_website(stack: Stack, headers: dict[str, str]) -> None:
    form = {"grant_type": "client_credentials"}
    minted = requests.post(f"{stack.issuer}oauth/token", data=form, headers=headers, timeout=5)
    asked = requests.get(f"{stack.issuer}.well-known/jwks.json", headers=headers, timeout=5)

    for answer in (minted, asked):
        assert (answer.status_code, "Access-Control-Allow-Origin" in answer.headers) == (403, False)
        assert answer.text == f"Only programs and this page may send requests here: {stack.issuer}\n"


def test_a_request_is_one_line_of_the_log_with_the_reason(stack: Stack) -> None:
    def logged(path: str, **request: Any) -> str:
        requests.request(request.pop("method", "GET"), f"{stack.api}{path}", timeout=5, **request)
        while True:
            line = stack.log.get(timeout=5)
            if path in line:
                return re.sub(r"\d+ ms", "N ms", line.rstrip("\n"))

    def reader(name: str) -> dict[str, str]:
        """Return a token that no other request has."""
        return bearer(stack.token("read:pets", claims={"jti": name}))

    create = {"method": "POST", "json": {"type": "cat", "price": 1}}

    scopes = "(scopes of the token: read:pets)"
    granted = f"GET /local/pets?page=1  200  N ms  granted {scopes}"
    assert logged("/pets?page=1", headers=reader("one")) == granted
    missing = f"POST /local/pets?page=2  403  N ms  missing scopes: create:pets {scopes}"
    assert logged("/pets?page=2", headers=reader("two"), **create) == missing
    malformed = logged("/pets?page=3", headers=bearer("x.y.z"))
    assert malformed.startswith("GET /local/pets?page=3  401  N ms  unauthorized: ")
    not_asked = "the authorizer was not asked"
    assert logged("/pets?page=4") == f"GET /local/pets?page=4  401  N ms  no token: {not_asked}"
    basic = logged("/pets?page=5", headers={"Authorization": "Basic eDp5"})
    form = "Authorization is not of the form Bearer TOKEN"
    assert basic == f"GET /local/pets?page=5  401  N ms  unauthorized: {form}: {not_asked}"


def test_each_of_several_requests_at_a_time_has_its_own_reason(stack: Stack) -> None:
    scopes = ["read:pets", "create:pets", ""]
    tokens = [stack.token(scope, claims={"jti": f"parallel {n}"}) for n in (1, 2) for scope in scopes]
    paths = {f"/pets?parallel={number}": token for number, token in enumerate(tokens)}

    def get(path: str) -> int:
        # What a client sends as the trace ID is not taken for one.
        headers = bearer(paths[path]) | {"x-amzn-trace-id": "the same"}
        return requests.get(f"{stack.api}{path}", headers=headers, timeout=20).status_code

    with ThreadPoolExecutor(len(paths)) as pool:
        statuses = list(pool.map(get, paths))
    lines: dict[str, str] = {}
    while len(lines) < len(paths):
        line = stack.log.get(timeout=5).strip()
        assert not line.startswith("{"), line
        if "parallel=" in line:
            lines[line.split()[1]] = line.split(" ms  ")[1]

    assert statuses == [200, 403, 403] * 2
    lacks = "missing scopes: read:pets (scopes of the token: "
    expected = ["granted (scopes of the token: read:pets)", f"{lacks}create:pets)", f"{lacks}none)"] * 2
    assert lines == {f"/local{path}": reason for path, reason in zip(paths, expected, strict=True)}


Npm = Callable[..., tuple[int, str]]


@pytest.fixture
def npm(checkout: Path, clean: dict[str, str]) -> Npm:
    """Runs a script of package.json, without the set-up that precedes it. Returns its status and output."""

    def run_script(name: str, *options: str, standard_input: str, **variables: str) -> tuple[int, str]:
        command = (*npm_run(name), *options)
        ran = run(checkout, *command, environment=clean | variables, standard_input=standard_input)
        return ran.returncode, ran.stdout

    return run_script


Smoke = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def smoke(stack: Stack, npm: Npm) -> Smoke:
    """Runs the smoke test with a token. Returns its status and the verdicts of its table."""

    def run_smoke(token: str, *options: str) -> tuple[int, list[str]]:
        status, printed = npm("smoke", "--url", stack.api, "--token", "-", *options, standard_input=token)
        head, *rows = printed.splitlines()
        assert head == stack.api
        return status, [row.split()[0] for row in rows]

    return run_smoke


def test_the_smoke_test_passes(stack: Stack, smoke: Smoke) -> None:
    assert smoke(stack.token("read:pets")) == (0, 5 * ["ok"])


def test_the_smoke_test_fails_for_a_token_that_lacks_the_scope(stack: Stack, smoke: Smoke) -> None:
    assert smoke(stack.token("")) == (1, ["ok", "ok", "WRONG", "ok", "ok"])


def test_the_smoke_test_fails_for_a_public_route(stack: Stack, smoke: Smoke) -> None:
    welcome = ("--granted", "GET /", "--refused", "GET /pets/1")

    assert smoke(stack.token("create:pets"), *welcome) == (1, ["WRONG", "WRONG", "ok", "ok", "ok"])


@pytest.fixture
def doctor(stack: Stack, npm: Npm) -> Npm:
    """Runs the doctor with a token of the local issuer, and with changes of the settings that fit it."""

    def run_doctor(**changes: str) -> tuple[int, str]:
        settings = {
            "TOKEN_ISSUER": stack.issuer,
            "JWKS_URI": f"{stack.issuer}.well-known/jwks.json",
            "AUDIENCE": AUDIENCE,
        }
        token = stack.token("read:pets")
        return npm("doctor", "--stage", "local", "--token", "-", standard_input=token, **(settings | changes))

    return run_doctor


def test_the_doctor_finds_nothing_wrong_with_settings_that_work(doctor: Npm) -> None:
    status, printed = doctor()

    assert status == 0
    assert "WRONG" not in printed
    assert "POST /pets: refused, lacks create:pets" in printed


def test_the_doctor_says_what_to_write_for_an_issuer_without_its_slash(stack: Stack, doctor: Npm) -> None:
    status, printed = doctor(TOKEN_ISSUER=stack.issuer.rstrip("/"))

    assert status == 1
    assert f"Write TOKEN_ISSUER={stack.issuer}\n" in printed
    assert printed.splitlines()[-1].startswith("If a setting is wrong, correct it in .env.local")


def test_the_doctor_names_all_missing_settings(doctor: Npm) -> None:
    status, printed = doctor(JWKS_URI="", AUDIENCE="", TOKEN_ISSUER="")

    assert status == 1
    assert printed.count(" is not set.") == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_no_process_and_no_port_behind(start: Start, how: signal.Signals) -> None:
    stack = start()
    ports = [urlsplit(url).port for url in (stack.api, stack.issuer)]
    stack.process.send_signal(how)
    stack.process.wait(timeout=10)

    assert stack.process.returncode == 0
    for port in ports:
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port or 0), 1):
            pass
    deadline = time.monotonic() + 5
    while _processes_of(stack.issuer) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _processes_of(stack.issuer) == []


def _processes_of(issuer: str) -> list[str]:
    """Return the processes that one start left: the issuer's URL is in the environment of each."""
    listing = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if f"TOKEN_ISSUER={issuer}" in line]


@pytest.mark.parametrize("variable", ["API_PORT", "ISSUER_PORT"])
def test_a_port_that_is_taken_is_a_clear_error(start: Start, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        stack = start(**{variable: port})
        stack.process.wait(timeout=10)

    assert stack.process.returncode == 1
    assert f"Port {port} is not free" in stack.printed
    assert f"{variable}=" in stack.printed
