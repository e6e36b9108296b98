"""How a JWKS_URI that is not set is found, and what is said if it is not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tools.discovery import DiscoveryError, discover_missing, find_jwks_uri
from tools.issuer_variables import complete

ISSUER = "https://issuer.example/"
URL = "https://issuer.example/.well-known/openid-configuration"
KEYS = "https://issuer.example/keys"


class Web:
    """One page, and a list of what was asked for."""

    def __init__(self, document: object, url: str = URL) -> None:
        self.page = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.url = url
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url != self.url:
            raise OSError("HTTP status 404")
        return self.page


def problem(web: Callable[[str], bytes], *token_issuer: str, suffix: str = "") -> DiscoveryError:
    with pytest.raises(DiscoveryError) as error:
        find_jwks_uri(token_issuer, web, suffix)
    return error.value


def test_the_address_is_found_below_the_first_issuer() -> None:
    web = Web({"issuer": ISSUER, "jwks_uri": KEYS})

    assert find_jwks_uri([ISSUER, "https://alias.example/"], web) == KEYS
    assert web.asked == [URL]


def test_any_of_several_issuers_may_be_named_in_the_document() -> None:
    web = Web({"issuer": "accounts.example", "jwks_uri": KEYS})

    assert find_jwks_uri([ISSUER, "accounts.example"], web) == KEYS


def test_one_slash_is_removed_and_not_all() -> None:
    web = Web({"issuer": f"{ISSUER}/", "jwks_uri": KEYS})

    problem(web, f"{ISSUER}/")

    assert web.asked == ["https://issuer.example//.well-known/openid-configuration"]


@pytest.mark.parametrize(
    ("issuer", "words"),
    [
        ("https://issuer.example", "They differ in the trailing slash (only TOKEN_ISSUER has it)."),
        ("https://Issuer.example/", "They differ in upper and lower case."),
    ],
)
def test_an_issuer_that_is_spelled_differently_is_not_the_same(issuer: str, words: str) -> None:
    error = problem(Web({"issuer": issuer, "jwks_uri": KEYS}), ISSUER)

    assert error.reason == f"The document at {URL!r} is that of the issuer {issuer!r}. {words}"
    assert error.instruction == f"Write TOKEN_ISSUER={issuer}"


def test_the_variables_are_named_with_their_suffix() -> None:
    misspelled = problem(Web({"issuer": ISSUER[:-1], "jwks_uri": KEYS}), ISSUER, suffix="__PARTNER")
    another = problem(Web({"issuer": "https://x.example"}), ISSUER, suffix="__PARTNER")
    missing = problem(Web({}, url=""), ISSUER, suffix="__PARTNER")
    alias = problem(Web({}), "accounts.google.com", suffix="__PARTNER")

    assert misspelled.instruction == "Write TOKEN_ISSUER__PARTNER=https://issuer.example"
    write = "Write JWKS_URI__PARTNER, the URL of the issuer's keys."
    assert another.instruction == "Correct TOKEN_ISSUER__PARTNER, or w" + write[1:]
    assert missing.instruction == write
    assert alias.instruction == write
    assert alias.reason.startswith("TOKEN_ISSUER__PARTNER is 'accounts.google.com', which is not an https://")


def test_an_unsafe_issuer_is_not_asked() -> None:
    web = Web({})
    for issuer in ("http://issuer.example/", "https://user:secret@issuer.example/", "issuer.example"):
        problem(web, issuer)

    assert web.asked == []


@pytest.mark.parametrize(
    "jwks_uri",
    [
        *(None, 7, [KEYS], ""),
        "http://issuer.example/keys",
        "https://user:secret@issuer.example/keys",
        "https://issuer.example/keys#fragment",
        "https://issuer.example/keys\n::add-mask::x",
        "https://issuer.example/keys\x1b[31m",
        "https://issuer.example/k\u0435ys",
        "https://issuer.example/{{resolve:secretsmanager:name}}",
        "https://issuer.example/${HOME}",
        "https://issuer.example/" + 500 * "x",
    ],
)
def test_an_address_that_is_not_safe_is_not_used_and_quoted(jwks_uri: Any) -> None:
    error = problem(Web({"issuer": ISSUER, "jwks_uri": jwks_uri}), ISSUER)

    assert error.reason.startswith(f"The jwks_uri in {URL!r} is ")
    assert error.reason.isascii()
    assert error.reason.isprintable()
    assert len(error.reason) < 500


@pytest.mark.parametrize(
    "document",
    [
        b"<!doctype html>",
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 10_000,
        {},
        {"issuer": None},
        {"issuer": [ISSUER]},
    ],
)
def test_what_is_not_a_discovery_document_is_reported(document: object) -> None:
    error = problem(Web(document), ISSUER)

    assert error.reason.startswith(f"What is at {URL!r} is not a ")
    assert error.instruction == "Write JWKS_URI, the URL of the issuer's keys."


@pytest.mark.parametrize("name", ["common", "organizations", "consumers"])
@pytest.mark.parametrize(
    "template", ["https://login.microsoftonline.com/{tenantid}/v2.0", "https://sts.windows.net/{tenantid}/"]
)
def test_an_issuer_that_names_no_tenant_is_rejected_with_what_to_write_instead(
    name: str, template: str
) -> None:
    place = f"https://login.microsoftonline.com/{name}/v2.0"
    web = Web({"issuer": template, "jwks_uri": KEYS}, f"{place}/.well-known/openid-configuration")
    for token_issuer in ([place], [f"{place}/"], [place, template]):
        error = problem(web, *token_issuer)

        assert error.reason == f"{place!r} names no tenant, so it is not the issuer of any token."
        tenant = template.replace("{tenantid}", "<tenant id>")
        assert error.instruction == f"Write the issuer of your tenant, which is {tenant!r}."


# All issuers of an environment


def test_each_issuer_without_an_address_is_asked_and_no_other() -> None:
    web = Web({"issuer": ISSUER, "jwks_uri": KEYS})
    environment = {
        "TOKEN_ISSUER": f" , {ISSUER} ,",
        "JWKS_URI": " ",
        "TOKEN_ISSUER__PARTNER": "https://partner.example/",
        "TOKEN_ISSUER__SET": "https://set.example/",
        "JWKS_URI__SET": "https://set.example/keys",
        "TOKEN_ISSUER__EMPTY": " , ",
        "TOKEN_ISSUER__SAMPLE": "<token_issuer>",
        "TOKEN_ISSUERS": "https://misspelled.example/",
        "TOKEN_ISSUER__": "https://no-suffix.example/",
    }

    found, errors = discover_missing(environment, web)

    assert found == {"JWKS_URI": KEYS}
    assert list(errors) == ["JWKS_URI__PARTNER"]
    assert web.asked == [URL, "https://partner.example/.well-known/openid-configuration"]


# What plugins/issuer-variables.cjs adds


def test_what_looks_like_a_setting_is_passed_on_unless_serverless_yml_names_it() -> None:
    function = {"TOKEN_ISSUER": "", "AUDIENCE": "theirs", "LOG_LEVEL": "INFO", "LEEWAY_SECONDS": 5}
    environment = {
        "AUDIENCE": "ours",
        "LEEWAY_SECONDS": "9",
        "AUDIENCE__PARTNER": "pets",
        "REQUIRED_CLAIMS": "org_id=acme",
        "REQUIRED_CLAIM__PARTNER": "misspelled",
        "ALLOWED_SCOPES__PARTNER": " ",
        "PATH": "/bin",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "TOKEN": "eyJ",
    }

    completed = complete(function, environment, Web({}))

    assert completed["variables"] == {
        "AUDIENCE__PARTNER": "pets",
        "REQUIRED_CLAIMS": "org_id=acme",
        "REQUIRED_CLAIM__PARTNER": "misspelled",
    }


def test_an_address_is_found_for_issuers_of_serverless_yml_and_of_the_environment() -> None:
    web = Web({"issuer": ISSUER, "jwks_uri": KEYS})
    partner = {"TOKEN_ISSUER__PARTNER": "https://partner.example/"}

    completed = complete({"TOKEN_ISSUER": ISSUER, "JWKS_URI": ""}, partner, web)

    assert completed["variables"] == {"JWKS_URI": KEYS, **partner}
    assert completed["found"] == [f"JWKS_URI found by discovery: {KEYS!r}"]
    assert list(completed["reasons"]) == ["JWKS_URI__PARTNER"]
    assert completed["reasons"]["JWKS_URI__PARTNER"].endswith(
        "HTTP status 404. Write JWKS_URI__PARTNER, the URL of the issuer's keys."
    )


def test_nothing_is_looked_for_that_cloudformation_fills_in() -> None:
    web = Web({"issuer": ISSUER, "jwks_uri": KEYS})
    imported = {"Fn::ImportValue": "name"}

    completed = complete({"TOKEN_ISSUER": ISSUER, "JWKS_URI": imported}, {}, web)
    unknown = complete({"TOKEN_ISSUER": imported, "JWKS_URI": ""}, {}, web)

    assert completed == unknown == {"variables": {}, "found": [], "reasons": {}}
    assert web.asked == []


@pytest.mark.parametrize(
    "reason", ["ReadTimeout (TimeoutError)", "no answer within 5 s", "HTTP status 503", "HTTP status 429"]
)
def test_a_failure_that_may_pass_does_not_mean_that_there_is_no_document(reason: str) -> None:
    def fetch(_: str) -> bytes:
        raise OSError(reason)

    with pytest.raises(DiscoveryError) as error:
        find_jwks_uri(["https://issuer.example"], fetch)

    url = "'https://issuer.example/.well-known/openid-configuration'"
    assert error.value.reason == f"The discovery document at {url} could not be fetched: {reason}."
    assert error.value.instruction.startswith("Try again. If that does not help: Write JWKS_URI")
