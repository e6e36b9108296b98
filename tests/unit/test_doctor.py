"""What `npm run doctor` says of settings and tokens that are right, and of those that are not."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from auth import InvalidToken, KeyStore, Settings
from auth.authorizer import decide
from auth.fetch import fetch
from tests.support.environment import environment
from tests.support.issuer import AUDIENCE, ISSUER, SigningKey, good_claims, jwks, make_event, make_token
from tools.doctor import Finding, examine

JWKS_URI = "https://issuer.example/jwks.json"
DISCOVERY = "https://issuer.example/.well-known/openid-configuration"


def web(pages: dict[str, bytes]) -> Callable[[str], bytes]:
    """An issuer's web site. What is not there is a 404."""

    def fetch(url: str) -> bytes:
        if url not in pages:
            raise OSError("HTTP status 404")
        return pages[url]

    return fetch


@pytest.fixture
def pages(key: SigningKey) -> dict[str, bytes]:
    about = {"issuer": ISSUER, "jwks_uri": JWKS_URI}
    return {DISCOVERY: json.dumps(about).encode(), JWKS_URI: jwks(key)}


def findings(
    pages: dict[str, bytes], token: str | None = None, **changes: str | None
) -> tuple[list[Finding], list[str]]:
    """Return all findings, and the texts of those that are WRONG."""
    found = list(examine(environment(**changes), token, web(pages)))
    return found, [f"{finding.subject}: {finding.text}" for finding in found if finding.level == "WRONG"]


def test_right_settings_have_nothing_wrong(pages: dict[str, bytes]) -> None:
    found, wrong = findings(pages)

    assert wrong == []
    assert {finding.subject for finding in found} == {"settings", "TOKEN_ISSUER", "JWKS_URI"}
    assert {finding.level for finding in found} == {"ok"}


def test_each_setting_that_is_missing_or_unsafe_is_named(pages: dict[str, bytes]) -> None:
    _, wrong = findings(pages, AUDIENCE=None, JWKS_URI="http://issuer.example/jwks.json")

    assert len(wrong) == 2
    assert "AUDIENCE is not set" in wrong[0]
    assert "JWKS_URI must be an https:// URL" in wrong[1]


def test_a_placeholder_of_the_sample_is_no_audience(pages: dict[str, bytes]) -> None:
    _, wrong = findings(pages, AUDIENCE="<api_audience>")

    assert wrong == ["settings: AUDIENCE is still <api_audience>, as in .env.sample."]


@pytest.mark.parametrize("issuer", ["https://issuer.example", "https://issuer.example/oidc"])
def test_an_issuer_that_calls_itself_otherwise_is_wrong_and_the_right_text_is_given(
    pages: dict[str, bytes], issuer: str
) -> None:
    well_known = "https://issuer.example/.well-known/jwks.json"
    pages[well_known] = pages[JWKS_URI]
    pages[DISCOVERY] = json.dumps({"issuer": ISSUER, "jwks_uri": well_known}).encode()
    _, wrong = findings(pages, TOKEN_ISSUER=issuer, JWKS_URI=well_known)

    assert len(wrong) == 1
    assert wrong[0].startswith(f"TOKEN_ISSUER: It is '{issuer}'")
    assert wrong[0].endswith(f"Write TOKEN_ISSUER={ISSUER}")


@pytest.mark.parametrize("about", [None, b"<!doctype html>", b"[]", b'{"issuer": 7}'])
def test_an_issuer_that_says_nothing_of_itself_is_only_noted(
    pages: dict[str, bytes], about: bytes | None
) -> None:
    del pages[DISCOVERY]
    found, wrong = findings(pages | ({DISCOVERY: about} if about else {}))

    assert wrong == []
    assert [finding.subject for finding in found if finding.level == "note"] == ["TOKEN_ISSUER"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "HTTP status 404"),
        (b"<!doctype html>", "not JSON"),
        (b'{"error": "no"}', "no list of keys"),
        (b'{"keys": []}', "no usable key"),
        (b'{"keys": [{"kty": "oct", "kid": "1", "k": "c2VjcmV0"}]}', "no usable key"),
    ],
)
def test_a_jwks_that_cannot_be_used_is_wrong_and_says_why(
    pages: dict[str, bytes], body: bytes | None, reason: str
) -> None:
    del pages[JWKS_URI]
    _, wrong = findings(pages | ({JWKS_URI: body} if body else {}))

    assert len(wrong) == 1
    assert wrong[0].startswith("JWKS_URI: ")
    assert reason in wrong[0]


def test_a_redirect_is_wrong_because_the_authorizer_does_not_follow_it(pages: dict[str, bytes]) -> None:
    def fetch(url: str) -> bytes:
        if url == JWKS_URI:
            raise OSError("HTTP status 301")
        return pages[url]

    wrong = [f.text for f in examine(environment(), None, fetch) if f.level == "WRONG"]

    assert wrong == [f"No keys from {JWKS_URI}: HTTP status 301. Redirects are not followed."]


def test_a_jwks_uri_other_than_the_issuers_is_wrong_if_the_keys_differ(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    old = "https://issuer.example/old.json"
    pages[old] = jwks(SigningKey.generate("key-0"))
    _, wrong = findings(pages, JWKS_URI=old)

    assert len(wrong) == 1
    assert wrong[0].endswith(f"Write JWKS_URI={JWKS_URI}")


def test_a_jwks_uri_other_than_the_issuers_is_noted_if_the_keys_are_the_same(pages: dict[str, bytes]) -> None:
    mirror = "https://issuer.example/mirror.json"
    found, wrong = findings(pages | {mirror: pages[JWKS_URI]}, JWKS_URI=mirror)

    assert wrong == []
    assert any(f.level == "note" and JWKS_URI in f.text for f in found)


def test_where_the_issuers_keys_are_is_said_if_there_are_none_here(pages: dict[str, bytes]) -> None:
    _, wrong = findings(pages, JWKS_URI="https://issuer.example/jwks")

    assert len(wrong) == 1
    assert wrong[0].endswith(f"write JWKS_URI={JWKS_URI}")


def test_algorithms_that_no_key_is_for_are_wrong_and_the_right_ones_are_given(
    pages: dict[str, bytes],
) -> None:
    pages[JWKS_URI] = jwks(SigningKey.generate("key-1", "ES256"))
    _, wrong = findings(pages)

    assert len(wrong) == 1
    assert wrong[0].startswith("ALGORITHMS: No key is for RS256")
    assert wrong[0].endswith("Write ALGORITHMS=ES256")


def test_an_algorithm_too_many_and_one_too_few_are_noted(pages: dict[str, bytes], key: SigningKey) -> None:
    pages[JWKS_URI] = jwks(key, SigningKey.generate("key-2", "ES256"))
    found, wrong = findings(pages, ALGORITHMS="RS256,PS256")
    notes = [finding.text for finding in found if finding.level == "note"]

    assert wrong == []
    assert notes[0].endswith("write ALGORITHMS=RS256")
    assert notes[1].startswith("There are keys for ES256, too")


def test_of_a_good_token_the_routes_that_it_opens_are_listed(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    found, wrong = findings(pages, make_token(key))
    said = [finding.text for finding in found if finding.subject == "token"]

    assert wrong == []
    assert said == [
        "The signature holds. The scopes are: read:pets.",
        "GET /pets (line 2): allowed.",
        "POST /pets (line 3): refused, lacks create:pets.",
        "GET /pets/{petId} (line 4): allowed.",
    ]


def test_all_that_is_wrong_with_a_token_is_said_at_once(pages: dict[str, bytes]) -> None:
    key = SigningKey.generate("key-1", "ES256")
    pages[JWKS_URI] = jwks(key, SigningKey.generate("key-2"))
    claims = good_claims(iss="https://issuer.example", aud=["https://other", "https://else"], exp=1700000000)
    _, wrong = findings(pages, make_token(key, claims))

    assert len(wrong) == 4
    by_claim = {text.split(":")[0]: text for text in wrong}
    assert "it is 'ES256', ALGORITHMS is RS256. Write ALGORITHMS=RS256,ES256" in by_claim["token, alg"]
    assert f"it is 'https://issuer.example', TOKEN_ISSUER is '{ISSUER}'" in by_claim["token, iss"]
    assert f"it is ['https://other', 'https://else'], AUDIENCE is '{AUDIENCE}'" in by_claim["token, aud"]
    assert "expired" in by_claim["token, times"]
    assert "exp is 2023-11-14 22:13:20 UTC" in by_claim["token, times"]


@pytest.mark.parametrize("before", ["Bearer ", "'", "x."])
def test_what_was_copied_with_a_token_is_pointed_at(
    pages: dict[str, bytes], key: SigningKey, before: str
) -> None:
    _, wrong = findings(pages, before + make_token(key))

    assert len(wrong) == 1
    assert "Give the token alone" in wrong[0]


def test_a_host_that_cannot_be_reached_is_told_from_one_that_has_no_keys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/jwks.json"  # nobody will listen there

    found = [f for f in examine(environment(JWKS_URI=uri), None, fetch) if f.subject == "JWKS_URI"]

    assert [f.level for f in found] == ["WRONG"]
    assert "Check the host's name" in found[0].text


def hostile_tokens(key: SigningKey, stranger: SigningKey) -> list[str]:
    return [
        make_token(key),
        make_token(stranger),
        make_token(SigningKey.generate("unknown")),
        make_token(key, good_claims(exp=1)),
        make_token(key, good_claims(exp="never", iss=7, aud=None)),
        make_token(key, good_claims(nbf=10**11)),
        make_token(key, good_claims(exp=10**400, aud=[7])),
        make_token(key, good_claims(sub=None)),
        make_token(key, good_claims(sub="")),
        make_token(key, good_claims(cnf={"jkt": "x"})),
        make_token(key, header={"alg": "none"}),
        make_token(key, header={"alg": ["RS256"], "kid": None}),
        make_token(key, header={"crit": ["x"]}),
        make_token(key, b"[]"),
        make_token(key, b"\xff"),
        make_token(key, header=b"{"),
        make_token(key) + "x",
        "x.y.z",
        "x",
        "",
        "Bearer " + make_token(key),
    ]


@pytest.mark.parametrize("number", range(21))
def test_the_doctor_and_the_authorizer_agree_on_every_token(
    pages: dict[str, bytes], key: SigningKey, stranger: SigningKey, number: int
) -> None:
    token = hostile_tokens(key, stranger)[number]
    keys = KeyStore(JWKS_URI, ("RS256",), fetch=web(pages))
    try:
        decide(make_event(token), Settings.from_environment(environment()), keys)
        is_accepted = True
    except InvalidToken:
        is_accepted = False

    _, wrong = findings(pages, token)

    assert (wrong == []) == is_accepted


def test_the_doctor_never_prints_a_token(
    pages: dict[str, bytes], key: SigningKey, stranger: SigningKey
) -> None:
    for token in hostile_tokens(key, stranger):
        found, _ = findings(pages, token)
        said = "\n".join(finding.text for finding in found)
        for segment in token.split("."):
            assert len(segment) < 8 or segment not in said


def test_without_keys_the_claims_are_judged_all_the_same(pages: dict[str, bytes], key: SigningKey) -> None:
    del pages[JWKS_URI]
    _, wrong = findings(pages, make_token(key, good_claims(aud="https://other")))
    subjects: list[Any] = [text.split(":")[0] for text in wrong]

    assert subjects == ["JWKS_URI", "token, aud", "token"]
