"""How a JWKS_URI that is not set is found before a deployment, and how variables with a suffix get there."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.checkout import SLS, copy_project, leave_out_libraries, run
from tests.support.jwks_server import Behaviour, JwksServer, answer, endless, head
from tests.support.tokens import AUDIENCE, SigningKey, good_claims, jwks, make_event, make_token

WELL_KNOWN = ".well-known/openid-configuration"
ENVIRONMENT = ("print", "--path", "functions.authorizer.environment", "--format", "json")


class Issuers:
    """Several issuers on one server, each below a path of its own."""

    def __init__(self, server: JwksServer) -> None:
        self.server = server

    def url(self, name: str) -> str:
        return f"{self.server.url.removesuffix('jwks.json')}{name}/"

    def publish(self, name: str, document: object) -> str:
        """Let an issuer publish a document, or whatever its server does. Return the issuer's URL."""
        behaviour: Behaviour = document if callable(document) else answer(json.dumps(document).encode())
        self.server.behave_at[f"/{name}/{WELL_KNOWN}"] = behaviour
        return self.url(name)

    def asked(self, name: str) -> int:
        """Return how often the document of an issuer was requested."""
        return sum(f" /{name}/{WELL_KNOWN} " in request for request in self.server.requests)


@pytest.fixture(scope="module")
def issuers(key: SigningKey) -> Iterator[Issuers]:
    with closing(JwksServer(answer(b"", status="404 Not Found"))) as server:
        server.behave_at["/jwks.json"] = answer(jwks(key))
        issuers = Issuers(server)
        for name in ("ours", "partner"):
            issuers.publish(name, {"issuer": issuers.url(name), "jwks_uri": server.url})
        yield issuers


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose packages have no libraries."""
    return leave_out_libraries(copy_project(tmp_path_factory.mktemp("discovery")))


@pytest.fixture
def settings(issuers: Issuers) -> dict[str, str]:
    return {
        "TOKEN_ISSUER": f"{issuers.url('ours')}, {issuers.url('alias')}",
        "AUDIENCE": AUDIENCE,
        "TOKEN_ISSUER__PARTNER": issuers.url("partner"),
        "AUDIENCE__PARTNER": "pets",
        "ALLOWED_SCOPES__PARTNER": "read:pets",
        "REQUIRED_CLAIMS__PARTNER": "",
    }


def test_what_is_found_and_what_has_a_suffix_is_in_the_package_and_the_addresses_are_printed(
    checkout: Path, clean: dict[str, str], issuers: Issuers, settings: dict[str, str]
) -> None:
    ran = run(checkout, SLS, "package", environment=clean | settings)

    assert ran.returncode == 0, ran.stdout
    template = json.loads((checkout / ".serverless/cloudformation-template-update-stack.json").read_text())
    function = template["Resources"]["AuthorizerLambdaFunction"]["Properties"]
    variables = function["Environment"]["Variables"]
    passed_on = {name: value for name, value in settings.items() if value}
    found = {"JWKS_URI": issuers.server.url, "JWKS_URI__PARTNER": issuers.server.url}
    assert {name: variables.get(name) for name in passed_on | found} == passed_on | found
    assert "REQUIRED_CLAIMS__PARTNER" not in variables
    for name, uri in found.items():
        assert f"{name} found by discovery: {uri!r}\n" in ran.stderr


def test_a_package_that_is_made_is_deployed_without_another_look(
    checkout: Path, clean: dict[str, str], issuers: Issuers, settings: dict[str, str]
) -> None:
    before = len(issuers.server.requests)
    ran = run(checkout, SLS, "deploy", "--package", ".serverless", environment=clean | settings)

    assert ran.returncode == 1  # there is no AWS
    assert "found by discovery" not in ran.stdout + ran.stderr
    assert len(issuers.server.requests) == before


def test_the_authorizer_is_invoked_with_what_is_found(
    checkout: Path, clean: dict[str, str], issuers: Issuers, settings: dict[str, str], key: SigningKey
) -> None:
    token = make_token(
        key, good_claims(iss=issuers.url("partner"), aud="pets", scope="read:pets create:pets")
    )
    event = json.dumps(make_event(token))
    ran = run(checkout, SLS, "invoke", "local", "--data", event, environment=clean | settings)

    assert ran.returncode == 0, ran.stdout
    decision = json.loads(ran.stdout[ran.stdout.index("\n{\n") :])
    assert decision["context"] == {"scope": "read:pets", "iss": issuers.url("partner")}


def test_another_function_is_invoked_without_discovery(
    checkout: Path, clean: dict[str, str], issuers: Issuers, settings: dict[str, str]
) -> None:
    before = len(issuers.server.requests)
    command = ("invoke", "local", "-f", "getPet", "--data", '{"pathParameters": {"petId": "1"}}')
    ran = run(checkout, SLS, *command, environment=clean | settings)

    assert ran.returncode == 0, ran.stdout
    assert len(issuers.server.requests) == before


def test_an_address_that_is_set_is_not_looked_for(
    checkout: Path, clean: dict[str, str], issuers: Issuers, settings: dict[str, str]
) -> None:
    asked = issuers.asked("ours")
    uri = "https://keys.example/jwks.json"
    ran = run(checkout, SLS, *ENVIRONMENT, environment=clean | settings | {"JWKS_URI": uri})

    variables = json.loads(ran.stdout)
    assert variables["JWKS_URI"] == uri
    assert variables["JWKS_URI__PARTNER"] == issuers.server.url
    assert issuers.asked("ours") == asked


def wrong_documents(issuers: Issuers) -> dict[str, tuple[str, str]]:
    """Return issuers whose documents are wrong: by suffix, TOKEN_ISSUER and what is said about it."""
    uri = issuers.server.url
    redirect = answer(b"", f"Location: {issuers.url('ours')}{WELL_KNOWN}", status="301 Moved Permanently")
    slow = endless(head("Content-Length: 999"), b" ", pause=0.2)
    huge = answer(b" " * 200_000 + b"{}")
    hostile = f"{uri}\n::add-mask::x\r\x1b[31m##[error]"
    secret = "https://x.example/{{resolve:secretsmanager:name}}"
    unsafe = "The jwks_uri in"
    pages: dict[str, tuple[object, str]] = {
        "HTTP": ({"jwks_uri": "http://issuer.example/jwks.json"}, unsafe),
        "HOSTILE": ({"jwks_uri": hostile}, unsafe),
        "SECRET": ({"jwks_uri": secret}, unsafe),
        "NUMBER": ({"jwks_uri": 7}, unsafe),
        "NOTHING": ({}, unsafe),
        "ANOTHER": ({"issuer": issuers.url("ours"), "jwks_uri": uri}, "is that of the issuer"),
        "NAMELESS": ({"issuer": None, "jwks_uri": uri}, "its issuer is None, which is not a string"),
        "REDIRECT": (redirect, "HTTP status 301"),
        "MISSING": (answer(b"", status="404 Not Found"), "HTTP status 404"),
        "HTML": (answer(b"<!doctype html>"), "is not a JSON object"),
        "LIST": (answer(b"[]"), "is not a JSON object"),
        "HUGE": (huge, "the answer has more than 150000 bytes"),
        "SLOW": (slow, "no answer within 3 s"),
    }
    wrong = {}
    for name, (page, reason) in pages.items():
        document = {"issuer": issuers.url(name)} | page if isinstance(page, dict) else page
        wrong[name] = (issuers.publish(name, document), reason)
    slash = issuers.publish("SLASH", {"issuer": issuers.url("SLASH"), "jwks_uri": uri})
    wrong["SLASH"] = (slash[:-1], f"Write TOKEN_ISSUER__SLASH={slash}")
    # Microsoft Entra ID: https://login.microsoftonline.com/common/v2.0
    for name in ("COMMON", "ORGANIZATIONS"):
        common = issuers.publish(name, {"issuer": issuers.url("{tenantid}"), "jwks_uri": uri})
        instruction = f"Write the issuer of your tenant, which is '{issuers.url('<tenant id>')}'."
        wrong[name] = (common, f"names no tenant, so it is not the issuer of any token. {instruction}")
    wrong["NO_URL"] = ("accounts.google.com", "is 'accounts.google.com', which is not an https:// URL")
    wrong["UNSAFE"] = ("http://issuer.example/", "is 'http://issuer.example/', which is not an https:// URL")
    return wrong


def test_all_that_is_not_found_is_reported_at_once_with_the_reason_and_what_to_write(
    checkout: Path, clean: dict[str, str], issuers: Issuers
) -> None:
    wrong = wrong_documents(issuers)
    variables = {f"TOKEN_ISSUER__{name}": issuer for name, (issuer, _) in wrong.items()}
    variables |= {f"AUDIENCE__{name}": AUDIENCE for name in wrong}
    (checkout / ".env").write_text("REQUIRED_CLAIM=org_id=acme\nALLOWED_SCOPES__PARTNR=read:pets\n")
    ours = {"TOKEN_ISSUER": issuers.url("ours"), "AUDIENCE": ""}
    ran = run(checkout, SLS, "package", environment=clean | variables | ours)
    (checkout / ".env").unlink()

    assert ran.returncode == 1
    problems = [line.removeprefix("  - ") for line in ran.stdout.splitlines() if line.startswith("  - ")]
    by_name = {problem.split()[0]: problem for problem in problems}
    for name, (_, reason) in wrong.items():
        said = by_name.pop(f"JWKS_URI__{name}")
        assert said.startswith(f"JWKS_URI__{name} is not set. ")
        assert reason in said
        assert "Write " in said or "write " in said
    assert by_name == {
        "AUDIENCE": "AUDIENCE is not set",
        "REQUIRED_CLAIM": "REQUIRED_CLAIM is not a setting: check its spelling",
        "ALLOWED_SCOPES__PARTNR": "ALLOWED_SCOPES__PARTNR is set, but TOKEN_ISSUER__PARTNR is not",
    }
    assert "::add-mask::x" in ran.stdout
    assert not any(line.startswith("::") for line in ran.stdout.splitlines())
    for raw in ("\r", "\x1b", "##"):
        assert raw not in ran.stdout + ran.stderr


def test_what_is_not_found_is_not_set_where_nothing_is_deployed(
    checkout: Path, clean: dict[str, str], issuers: Issuers
) -> None:
    ours = {"TOKEN_ISSUER": issuers.url("nowhere"), "AUDIENCE": AUDIENCE}
    ran = run(checkout, SLS, *ENVIRONMENT, environment=clean | ours)

    assert ran.returncode == 0, ran.stdout
    assert json.loads(ran.stdout)["JWKS_URI"] == ""
