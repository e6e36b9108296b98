"""`npm start`, and what works with it, in an awkward place.

The folder has an odd name, and around it are the settings of another issuer, an AWS profile and a proxy.
"""

import json
import re
import socket
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.checkout import run
from tests.support.odd_folder import copy_to_odd_folder
from tests.support.tokens import ISSUER, METHOD_ARN, SigningKey, good_claims, make_event, make_token

Run = subprocess.CompletedProcess[str]

NOBODY = "http://127.0.0.1:9"  # nothing listens there

# Another issuer's settings, and nothing that an authorizer would accept.
DOTENV = """\
JWKS_URI=https://another-issuer.example/jwks.json
AUDIENCE=https://another-api.example
TOKEN_ISSUER=https://another-issuer.example/
ALGORITHMS=HS256
LEEWAY_SECONDS=a day
"""

DEVELOPER = {
    "JWKS_URI": "https://another-issuer.example/jwks.json",
    "AUDIENCE": "https://another-api.example",
    "TOKEN_ISSUER": "https://another-issuer.example/",
    "TOKEN_ISSUER__PARTNER": "https://partner.example/",
    "LEEWAY_SECONDS": "a day",
    "ROUTE_SCOPES": "GET /theirs",
    "AWS_PROFILE": "nobody",
    "AWS_REGION": "eu-central-1",
    **dict.fromkeys(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), NOBODY
    ),
    "NODE_USE_ENV_PROXY": "1",  # from Node 24 on, it obeys the others
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = copy_to_odd_folder(tmp_path_factory.mktemp("start"))
    (checkout / ".env").write_text(DOTENV)
    return checkout


@pytest.fixture(scope="module")
def environment(clean: dict[str, str]) -> dict[str, str]:
    return clean | DEVELOPER


@dataclass(frozen=True)
class Stack:
    """What `npm start` printed until it was ready or gave up, and its process."""

    process: subprocess.Popen[str]
    printed: str

    def url(self, of: str) -> str:
        found = re.search(rf"{of} at (\S+?),?\s", self.printed)
        assert found, self.printed
        return found[1]


Start = Callable[..., Stack]


@pytest.fixture(scope="module")
def start(checkout: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Runs `npm start`."""
    processes = []

    def npm_start(**variables: str) -> Stack:
        process = subprocess.Popen(
            ["npm", "start"],
            cwd=checkout,
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        assert process.stdout
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("Press Ctrl-C"):
                break
        return Stack(process, printed)

    yield npm_start
    for process in processes:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def stack(start: Start) -> Stack:
    return start(API_PORT="0", ISSUER_PORT="0")


@pytest.fixture(scope="module")
def variables(stack: Stack, environment: dict[str, str]) -> dict[str, str]:
    """The environment of another terminal, whose user knows the issuer's port."""
    port = stack.url("its issuer").split(":")[2].rstrip("/")
    return environment | {"ISSUER_PORT": port}


def test_the_printed_commands_get_the_printed_statuses(
    stack: Stack, checkout: Path, environment: dict[str, str]
) -> None:
    assignments = re.findall(r"^TOKEN=\$\(.*\)$", stack.printed, re.MULTILINE)
    commands = re.findall(r"^# (\d{3}): .*\n(curl .*)$", stack.printed, re.MULTILINE)

    assert len(assignments) == 1
    assert [status for status, _ in commands] == ["200", "200", "403", "401"], stack.printed
    script = "\n".join(
        [*assignments, *(f"{command} --silent --max-time 20 | head -n 1" for _, command in commands)]
    )
    ran = run(checkout, "sh", "-c", script, environment=environment)
    assert re.findall(r"HTTP/1.1 (\d{3})", ran.stdout) == [status for status, _ in commands], ran.stderr


def test_it_prints_the_page_first_and_short_lines(stack: Stack) -> None:
    lines = stack.printed.split("Starting the issuer and the API ...\n")[1].splitlines()

    assert "eyJ" not in stack.printed
    assert next(filter(None, lines)) == f"Try it in a browser: {stack.url('its issuer')}"
    assert [line for line in lines if len(line) > 130] == []


def test_the_doctor_works_in_such_a_folder(stack: Stack, checkout: Path, environment: dict[str, str]) -> None:
    issuer = stack.url("its issuer")
    settings = {
        "JWKS_URI": "",  # found by discovery
        "TOKEN_ISSUER": issuer,
        "AUDIENCE": "https://your-api-gateway",
        "TOKEN_ISSUER__PARTNER": "",
        "LEEWAY_SECONDS": "5",
    }
    ran = run(
        checkout, "npm", "run", "-s", "doctor", "--", "--stage", "local", environment=environment | settings
    )

    assert "WRONG" not in ran.stdout
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_smoke_test_works_in_such_a_folder(
    stack: Stack, checkout: Path, variables: dict[str, str]
) -> None:
    token = run(checkout, "npm", "run", "-s", "token", environment=variables).stdout
    command = ["npm", "run", "-s", "smoke", "--", "--url", stack.url("The API is"), "--token", "-"]
    ran = run(checkout, *command, environment=variables, standard_input=token)

    assert ran.returncode == 0, ran.stdout + ran.stderr


Token = Callable[..., Run]


@pytest.fixture
def token(checkout: Path, variables: dict[str, str]) -> Token:
    """Runs `npm run token`."""

    def npm_run_token(*options: str) -> Run:
        return run(checkout, "npm", "run", "-s", "token", "--", *options, environment=variables)

    return npm_run_token


def test_a_token_has_whatever_claims_are_asked_for(stack: Stack, token: Token) -> None:
    options = ["--without", "scope", "--without", "azp", "--claim", "org_id=acme", "--claim", "n=5"]
    options += ["--claim", 'realm_access={"roles": ["keeper"]}', "--claim", "aud=null", "--claim", 's="5"']
    plain, changed = (json_of(asked.stdout.split(".")[1]) for asked in (token(), token(*options)))

    assert plain["scope"] == "read:pets"
    expected = {name: value for name, value in plain.items() if name not in ("scope", "azp")}
    changes = {"org_id": "acme", "n": 5, "realm_access": {"roles": ["keeper"]}, "aud": None, "s": "5"}
    assert changed | {"iat": 0, "exp": 0} == expected | changes | {"iat": 0, "exp": 0}


def json_of(segment: str) -> dict[str, Any]:
    """Return the JSON object in a base64url segment of a token."""
    value: dict[str, Any] = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return value


@pytest.mark.parametrize(("options", "status"), [((), 200), (("--without", "exp"), 401)])
def test_a_shape_can_be_tried_on_the_local_api(
    stack: Stack, token: Token, options: tuple[str, ...], status: int
) -> None:
    bearer = {"Authorization": f"Bearer {token(*options).stdout.strip()}"}
    with requests.Session() as session:
        session.trust_env = False  # the proxy
        answered = session.get(f"{stack.url('The API is')}/pets", headers=bearer, timeout=20)

    assert answered.status_code == status


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("org_id", "--claim org_id is not NAME=JSON."),
        ("=acme", "--claim =acme is not NAME=JSON."),
        ("roles=[keeper", "The value of the claim roles is not JSON: [keeper"),
    ],
)
def test_a_claim_that_cannot_be_read_is_reported(
    stack: Stack, token: Token, option: str, problem: str
) -> None:
    asked = token("--claim", option)

    assert asked.returncode == 1
    assert asked.stdout == ""
    assert asked.stderr.startswith(f"{problem}\n")


def test_a_second_start_says_that_it_is_running_already_and_where(stack: Stack, start: Start) -> None:
    api, issuer = stack.url("The API is"), stack.url("its issuer")
    ports = {"API_PORT": api.split(":")[2].split("/")[0], "ISSUER_PORT": issuer.split(":")[2].rstrip("/")}
    second = start(**ports)
    second.process.communicate(timeout=10)

    assert second.process.returncode == 1
    assert f"npm start is already running: the API is at {api}, its issuer at {issuer}\n" in second.printed
    assert re.search(r"To use other ports: ISSUER_PORT=\d+ API_PORT=\d+ npm start\n", second.printed)
    assert "not free" not in second.printed


def test_all_ports_that_are_taken_are_reported_at_once(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [server.getsockname()[1] for server in (one, other)]
        failed = start(ISSUER_PORT=str(ports[0]), API_PORT=str(ports[1]))
        failed.process.communicate(timeout=10)

    assert failed.process.returncode == 1
    assert (
        f"Port {ports[0]} is not free (EADDRINUSE). Port {ports[1]} is not free (EADDRINUSE).\n"
        f"To use other ports: ISSUER_PORT={ports[0] + 5} API_PORT={ports[1] + 5} npm start\n"
    ) in failed.printed


def test_one_port_for_both_is_reported_too(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failed = start(ISSUER_PORT=str(port), API_PORT=str(port))
    failed.process.communicate(timeout=10)

    assert failed.process.returncode == 1
    assert f"Port {port} is not free (EADDRINUSE).\n" in failed.printed


Invoke = Callable[[], Run]


@pytest.fixture
def invoke(checkout: Path, variables: dict[str, str]) -> Iterator[Invoke]:
    """Runs `npm run invoke` where no issuer is set."""
    settings = ("JWKS_URI", "AUDIENCE", "TOKEN_ISSUER")
    environment = {name: value for name, value in variables.items() if name not in settings}
    (checkout / ".env").rename(checkout / "dotenv")
    yield lambda: run(checkout, "npm", "run", "-s", "invoke", environment=environment)
    (checkout / "dotenv").rename(checkout / ".env")
    (checkout / "event.json").unlink(missing_ok=True)


def outcome(invoked: Run) -> str:
    """Return the outcome that the authorizer logged."""
    (line,) = [line for line in invoked.stdout.splitlines() if '"event": "decision"' in line]
    return str(json.loads(line)["outcome"])


def test_without_an_issuer_of_ones_own_the_local_one_is_invoked_and_named(
    stack: Stack, invoke: Invoke
) -> None:
    invoked = invoke()

    assert invoked.returncode == 0, invoked.stdout
    issuer = stack.url("its issuer")
    assert f"Using the local issuer, {issuer}, and a fresh token with the scope read:pets." in invoked.stderr
    assert outcome(invoked) == "policy"


def test_an_expired_token_of_the_local_issuer_is_replaced_by_a_fresh_one_with_its_claims(
    checkout: Path, invoke: Invoke, key: SigningKey
) -> None:
    claims = good_claims(iss="http://127.0.0.1:3999/", exp=1, scope="create:pets", sub="me", org_id="acme")
    yesterday = make_token(key, claims)
    event = json.dumps(make_event(yesterday, METHOD_ARN.replace("GET/pets", "POST/pets")))
    (checkout / "event.json").write_text(event)

    invoked = invoke()

    assert (
        "and a fresh token with the claims of the one in event.json, which has expired.\n" in invoked.stderr
    )
    assert outcome(invoked) == "policy"
    assert '"scope": "create:pets"' in invoked.stdout
    assert '"principalId": "me"' in invoked.stdout
    assert (checkout / "event.json").read_text() == event


def test_a_token_of_an_earlier_start_of_the_issuer_is_replaced_too(
    checkout: Path, invoke: Invoke, stack: Stack, key: SigningKey
) -> None:
    earlier = make_token(key, good_claims(iss=stack.url("its issuer"), sub="me"))
    (checkout / "event.json").write_text(json.dumps(make_event(earlier)))

    invoked = invoke()

    assert "which is not signed with the key of the running issuer.\n" in invoked.stderr
    assert outcome(invoked) == "policy"
    assert '"principalId": "me"' in invoked.stdout


@pytest.mark.parametrize(
    ("options", "expected"), [(("--claim", "sub=me"), "policy"), (("--without", "exp"), "unauthorized")]
)
def test_any_other_token_of_the_local_issuer_is_used_as_it_is(
    checkout: Path, invoke: Invoke, token: Token, options: tuple[str, ...], expected: str
) -> None:
    event = json.dumps(make_event(token(*options).stdout.strip()))
    (checkout / "event.json").write_text(event)

    invoked = invoke()

    assert ", and the token of event.json.\n" in invoked.stderr
    assert outcome(invoked) == expected
    assert ('"principalId": "me"' in invoked.stdout) == (expected == "policy")


def test_a_token_of_another_issuer_is_kept_and_its_issuer_is_named(
    checkout: Path, invoke: Invoke, key: SigningKey
) -> None:
    event = json.dumps(make_event(make_token(key)))
    (checkout / "event.json").write_text(event)

    invoked = invoke()

    assert f"The token of event.json is from {ISSUER}." in invoked.stderr
    assert outcome(invoked) == "unauthorized"
    assert (checkout / "event.json").read_text() == event


def test_with_an_issuer_of_ones_own_event_json_must_exist_and_is_used(
    checkout: Path, environment: dict[str, str]
) -> None:
    others = ("AWS_PROFILE", "TOKEN_ISSUER__PARTNER")
    variables = {name: value for name, value in environment.items() if name not in others}
    missing = run(checkout, "npm", "run", "-s", "invoke", environment=variables)
    (checkout / "event.json").write_text(json.dumps(make_event("x.y.z")))
    invoked = run(checkout, "npm", "run", "-s", "invoke", environment=variables | {"LEEWAY_SECONDS": "5"})
    (checkout / "event.json").unlink()

    assert missing.returncode == 1
    assert missing.stderr.startswith("There is no event.json. Copy event.json.sample to event.json")
    assert "Using the issuer of .env, and the token of event.json." in invoked.stderr
    assert "  - ALGORITHMS must be one or more of RS256" in invoked.stdout
