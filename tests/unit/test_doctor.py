"""What `npm run doctor` says about settings and tokens, right and wrong ones."""

import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count, product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from auth import InvalidToken, Settings, fetch
from auth.authorizer import decide
from auth.custom_rules import NO_RULES, Rules
from auth.keys import KeyStore
from tests.support.environment import environment
from tests.support.jwks_server import JwksServer, answer
from tests.support.tokens import AUDIENCE, ISSUER, SigningKey, good_claims, jwks, make_event, make_token
from tools.doctor import own_rules, settings_file, source
from tools.examination import Finding, examine
from tools.examination.published_keys import sufficient_algorithms
from tools.examination.token_decision import Unverified
from tools.examination.trial import Case, Check, Fault, diagnose, write
from tools.untrusted_text import MAX_LENGTH, one_line, quoted

JWKS_URI = "https://issuer.example/jwks.json"
DISCOVERY = "https://issuer.example/.well-known/openid-configuration"


def web(pages: dict[str, bytes]) -> Callable[[str], bytes]:
    """An issuer's web site. What is not there is a 404."""

    def get(url: str) -> bytes:
        if url not in pages:
            raise OSError("HTTP status 404")
        return pages[url]

    return get


def metadata(issuer: object = ISSUER, jwks_uri: object = JWKS_URI) -> bytes:
    """A discovery document."""
    return json.dumps({"issuer": issuer, "jwks_uri": jwks_uri}).encode()


@pytest.fixture
def pages(key: SigningKey) -> dict[str, bytes]:
    return {DISCOVERY: metadata(), JWKS_URI: jwks(key)}


@pytest.fixture(scope="module")
def ec_key() -> SigningKey:
    return SigningKey.generate("key-2", "ES256")


def findings(
    pages: dict[str, bytes], token: str | None = None, **changes: str | None
) -> tuple[list[Finding], list[str]]:
    """Return all findings, and the texts of those that are WRONG."""
    found = examine(environment(**changes), token, web(pages))
    return found, [f"{finding.subject}: {finding.text}" for finding in found if finding.level == "WRONG"]


def recommended(found: list[Finding]) -> list[str]:
    return [str(setting) for finding in found for setting in finding.recommended]


# Settings


def test_nothing_is_wrong_with_settings_that_agree_with_the_issuer(pages: dict[str, bytes]) -> None:
    found, wrong = findings(pages)

    assert wrong == []
    assert {finding.subject for finding in found} == {"settings", "TOKEN_ISSUER", "JWKS_URI"}
    assert {finding.level for finding in found} == {"ok"}


def test_each_missing_or_unsafe_setting_is_named(pages: dict[str, bytes]) -> None:
    _, wrong = findings(pages, AUDIENCE=None, JWKS_URI="http://issuer.example/jwks.json")

    assert len(wrong) == 2
    assert "AUDIENCE is not set" in wrong[0]
    assert "JWKS_URI must be an https:// URL" in wrong[1]


def test_a_placeholder_of_the_sample_is_not_an_audience(pages: dict[str, bytes]) -> None:
    _, wrong = findings(pages, AUDIENCE="<api_audience>")

    assert wrong == ["settings: AUDIENCE is still <api_audience>, as in .env.sample."]


def test_a_missing_setting_that_the_issuer_publishes_is_recommended(pages: dict[str, bytes]) -> None:
    well_known = "https://issuer.example/.well-known/jwks.json"

    found, _ = findings(pages | {well_known: pages[JWKS_URI]}, TOKEN_ISSUER="", JWKS_URI=well_known)

    assert recommended(found) == [f"TOKEN_ISSUER={ISSUER}"]


def test_a_jwks_uri_that_is_not_set_is_found_by_discovery(pages: dict[str, bytes]) -> None:
    found, wrong = findings(pages, JWKS_URI=None)

    assert wrong == []
    assert Finding("ok", "JWKS_URI", f"Found by discovery: {JWKS_URI!r}.") in found


def test_a_jwks_uri_that_is_neither_set_nor_found_is_wrong_and_the_reason_is_given(
    pages: dict[str, bytes],
) -> None:
    _, misspelled = findings(pages, JWKS_URI=None, TOKEN_ISSUER=ISSUER[:-1])
    _, unknown = findings({}, JWKS_URI=None)

    assert len(misspelled) == 1
    assert misspelled[0].startswith("settings: JWKS_URI is not set. The document at ")
    assert misspelled[0].endswith(f"(only the document has it). Write TOKEN_ISSUER={ISSUER}")
    reason = f"There is no discovery document at {DISCOVERY!r}: HTTP status 404."
    instruction = "Write JWKS_URI, the URL of the issuer's keys."
    assert unknown == [f"settings: JWKS_URI is not set. {reason} {instruction}"]


def test_an_invalid_optional_setting_does_not_hide_what_else_is_wrong(pages: dict[str, bytes]) -> None:
    found, wrong = findings(
        pages, LEEWAY_SECONDS="x", LOG_LEVEL="TRACE", ALGORITHMS="HS256", TOKEN_ISSUER=ISSUER[:-1]
    )

    assert len(wrong) == 4
    assert sorted(recommended(found)) == [
        "ALGORITHMS=RS256",
        "LEEWAY_SECONDS=5",
        "LOG_LEVEL=INFO",
        f"TOKEN_ISSUER={ISSUER}",
    ]


def test_a_missing_audience_does_not_hide_what_else_is_wrong(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    without_token, _ = findings(pages, AUDIENCE="", TOKEN_ISSUER=ISSUER[:-1])
    with_token, _ = findings(pages, make_token(key), AUDIENCE="")

    assert recommended(without_token) == [f"TOKEN_ISSUER={ISSUER}"]
    assert recommended(with_token) == [f"AUDIENCE={AUDIENCE}"]


def test_settings_that_cannot_be_read_end_the_examination(pages: dict[str, bytes], key: SigningKey) -> None:
    found, wrong = findings(pages, make_token(key), ROUTE_SCOPES="GET pets; x\n ; ", TOKEN_ISSUER=ISSUER[:-1])

    assert len(wrong) == 2
    assert all("ROUTE_SCOPES, line" in text for text in wrong)
    assert found[-1].text == "The rest can be examined only when these are corrected."


@pytest.mark.parametrize(
    "issuer", ["https://issuer.example", "https://Issuer.example/", "https://issuer.example/oidc"]
)
def test_an_issuer_with_another_name_is_wrong_and_its_name_is_recommended(
    pages: dict[str, bytes], issuer: str
) -> None:
    well_known = "https://issuer.example/.well-known/jwks.json"
    pages[well_known] = pages[JWKS_URI]
    pages[DISCOVERY] = metadata(jwks_uri=well_known)
    pages["https://Issuer.example/.well-known/openid-configuration"] = pages[DISCOVERY]
    found, wrong = findings(pages, TOKEN_ISSUER=issuer, JWKS_URI=well_known)

    assert len(wrong) == 1
    assert not any(f.subject == "TOKEN_ISSUER" and f.level == "ok" for f in found)
    assert wrong[0].startswith(f"TOKEN_ISSUER: It is '{issuer}'")
    assert wrong[0].endswith(f"Write TOKEN_ISSUER={ISSUER}")


@pytest.mark.parametrize("body", [None, b"<!doctype html>", b"[]", b'{"issuer": 7}', b"[" * 10_000, b"\xff"])
def test_an_issuer_without_metadata_is_noted(pages: dict[str, bytes], body: bytes | None) -> None:
    del pages[DISCOVERY]
    found, wrong = findings(pages | ({DISCOVERY: body} if body else {}))

    assert wrong == []
    assert [finding.subject for finding in found if finding.level == "note"] == ["TOKEN_ISSUER"]


@pytest.mark.parametrize("name", ["https://other.example/", "https://issuer.example.other/", "not a URL"])
def test_nothing_is_believed_of_the_metadata_of_another_issuer(pages: dict[str, bytes], name: str) -> None:
    asked = []
    elsewhere = "https://other.example/jwks.json"
    pages |= {DISCOVERY: metadata(name, elsewhere), elsewhere: pages.pop(JWKS_URI)}

    def get(url: str) -> bytes:
        asked.append(url)
        return web(pages)(url)

    found = examine(environment(), None, get)

    assert recommended(found) == []
    assert elsewhere not in asked
    assert [f.subject for f in found if f.level == "WRONG"] == ["JWKS_URI", "TOKEN_ISSUER"]
    assert f"that of another issuer, {name!r}" in found[-1].text


def test_a_token_confirms_an_issuer_that_its_metadata_does_not(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    for about in (metadata("https://other.example/"), metadata(ISSUER[:-1])):
        found, wrong = findings(pages | {DISCOVERY: about}, make_token(key))

        assert wrong == []
        assert Finding("ok", "TOKEN_ISSUER", "It is the iss of the token.") in found


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
def test_a_jwks_that_cannot_be_used_is_wrong_and_the_reason_is_given(
    pages: dict[str, bytes], body: bytes | None, reason: str
) -> None:
    del pages[JWKS_URI]
    found, wrong = findings(pages | ({JWKS_URI: body} if body else {}))

    assert len(wrong) == 1
    assert wrong[0].startswith("JWKS_URI: ")
    assert reason in wrong[0]
    assert recommended(found) == []


def test_a_jwks_uri_other_than_the_issuers_is_wrong_if_the_keys_differ(pages: dict[str, bytes]) -> None:
    old = "https://issuer.example/old.json"
    for kid in ("key-0", "key-1"):  # another key may have the same name
        pages[old] = jwks(SigningKey.generate(kid))
        _, wrong = findings(pages, JWKS_URI=old)

        assert len(wrong) == 1
        assert wrong[0].endswith(f"Write JWKS_URI={JWKS_URI}")


def test_a_jwks_uri_other_than_the_issuers_is_noted_if_the_keys_are_the_same(pages: dict[str, bytes]) -> None:
    mirror = "https://issuer.example/mirror.json"
    found, wrong = findings(pages | {mirror: pages[JWKS_URI]}, JWKS_URI=mirror)

    assert wrong == []
    assert any(f.level == "note" and JWKS_URI in f.text for f in found)


def test_a_jwks_uri_with_the_key_of_the_token_is_kept(
    pages: dict[str, bytes], key: SigningKey, new_key: SigningKey
) -> None:
    other = "https://issuer.example/other.json"
    for published in (jwks(new_key), b"{}"):
        found, wrong = findings(
            pages | {other: pages[JWKS_URI], JWKS_URI: published}, make_token(key), JWKS_URI=other
        )

        assert wrong == []
        assert any(f.level == "note" and JWKS_URI in f.text for f in found)


def test_the_jwks_uri_that_the_issuer_names_is_recommended_if_the_key_of_the_token_is_there_too(
    pages: dict[str, bytes], key: SigningKey, new_key: SigningKey
) -> None:
    stale = "https://issuer.example/stale.json"
    pages |= {stale: jwks(key), JWKS_URI: jwks(key, new_key)}
    found, _ = findings(pages, make_token(key), JWKS_URI=stale)

    assert recommended(found) == [f"JWKS_URI={JWKS_URI}"]


def test_the_jwks_uri_that_the_issuer_names_is_recommended_if_there_are_no_keys_at_another(
    pages: dict[str, bytes],
) -> None:
    _, wrong = findings(pages, JWKS_URI="https://issuer.example/jwks")

    assert len(wrong) == 1
    assert wrong[0].endswith(f"write JWKS_URI={JWKS_URI}")


def test_a_jwks_uri_that_does_not_work_either_is_not_recommended(pages: dict[str, bytes]) -> None:
    pages[DISCOVERY] = metadata(jwks_uri="https://issuer.example/gone.json")
    found, wrong = findings(pages, JWKS_URI="https://issuer.example/jwks")

    assert len(wrong) == 1
    assert recommended(found) == []


def test_algorithms_for_which_there_is_no_key_are_wrong_and_those_of_the_keys_are_recommended(
    pages: dict[str, bytes], ec_key: SigningKey
) -> None:
    pages[JWKS_URI] = jwks(ec_key)
    _, wrong = findings(pages)

    assert len(wrong) == 1
    assert wrong[0].startswith("ALGORITHMS: No key is for RS256")
    assert wrong[0].endswith("Write ALGORITHMS=ES256")


def test_an_algorithm_too_many_and_one_too_few_are_noted(
    pages: dict[str, bytes], key: SigningKey, ec_key: SigningKey
) -> None:
    pages[JWKS_URI] = jwks(key, ec_key)
    found, wrong = findings(pages, ALGORITHMS="RS256,PS256")
    notes = [finding.text for finding in found if finding.level == "note"]

    assert wrong == []
    assert notes[0] == "No key is for PS256. Remove PS256, unless such a key is still to come."
    assert notes[1] == "There are keys for ES256, too. Tokens signed with those are rejected."


# What is recommended was tried


@pytest.mark.parametrize("has_token", [True, False])
def test_there_is_one_instruction_if_the_key_and_the_token_are_for_another_algorithm(
    pages: dict[str, bytes], key: SigningKey, has_token: bool
) -> None:
    found, wrong = findings(pages, make_token(key) if has_token else None, ALGORITHMS="ES256")

    assert len(wrong) == 1
    assert wrong[0].endswith("Write ALGORITHMS=RS256")
    assert recommended(found) == ["ALGORITHMS=RS256"]


def test_what_is_recommended_corrects_whatever_is_wrong(
    pages: dict[str, bytes], key: SigningKey, ec_key: SigningKey, new_key: SigningKey
) -> None:
    stale, served = "https://issuer.example/stale.json", "https://issuer.example/.well-known/jwks.json"
    pages = {stale: jwks(new_key), served: jwks(key, ec_key), DISCOVERY: metadata(jwks_uri=served)}
    wrong_values = {
        "JWKS_URI": (served, "https://issuer.example/.well-known/none.json", stale, "http://issuer.example/"),
        "TOKEN_ISSUER": (ISSUER, "https://issuer.example", "http://issuer.example/"),
        "ALGORITHMS": ("RS256", "PS256", "HS256"),
        "AUDIENCE": (f"{AUDIENCE}/",),
    }
    for uri, issuer, *others in product(*wrong_values.values()):
        if issuer.startswith("http://") and "/.well-known/" not in uri:
            continue  # nothing leads to the issuer's metadata
        changes: dict[str, str | None] = dict(zip(wrong_values, (uri, issuer, *others), strict=True))
        for token in (None, make_token(key), make_token(ec_key)):
            found, _ = findings(pages, token, **changes)
            settings = dict(line.split("=", 1) for line in recommended(found))
            again, still_wrong = findings(pages, token, **changes | settings)

            assert len(settings) == len(recommended(found)), "one instruction for each setting"
            assert recommended(again) == []
            assert still_wrong == []


def test_a_setting_is_recommended_once_even_if_two_checks_disagree_about_it() -> None:
    def accepts(*values: str) -> Check:
        def check(case: Case) -> Iterator[Fault]:
            if case.environment["AUDIENCE"] not in values:
                yield Fault("AUDIENCE", f"It is not {values[0]}.", (write("AUDIENCE", values[0]),))

        return check

    found = diagnose(Case(environment(), None, web({}), now=0), [accepts("a", "b"), accepts("b")])

    assert [f.text for f in found if f.level == "WRONG"] == ["It is not a. Write AUDIENCE=a", "It is not b."]


def test_the_algorithm_of_the_token_is_recommended_if_its_key_is_for_several() -> None:
    kids = {"RS256": frozenset("a"), "PS256": frozenset("a"), "ES256": frozenset("b")}
    token = Unverified({"alg": "PS256"}, {})

    assert sufficient_algorithms(kids, None) == ["RS256", "ES256"]
    assert sufficient_algorithms(kids, token) == ["PS256", "ES256"]


def test_a_claim_is_recommended_only_if_a_key_of_the_issuer_signed_it(
    pages: dict[str, bytes], stranger: SigningKey, key: SigningKey
) -> None:
    claims = good_claims(iss="https://other.example/", aud="https://other")
    del pages[DISCOVERY]

    trusted, wrong = findings(pages, make_token(key, claims))
    assert len(wrong) == 2
    assert wrong[0].endswith("If that is your issuer, write TOKEN_ISSUER=https://other.example/")
    assert wrong[1].endswith(
        f"If the token is for this API, write AUDIENCE={AUDIENCE},https://other to accept both, or to accept"
        " this one instead: AUDIENCE=https://other"
    )
    assert recommended(trusted) == ["TOKEN_ISSUER=https://other.example/", "AUDIENCE=https://other"]

    forged, wrong = findings(pages, make_token(stranger, claims))
    assert [text.split(":")[0] for text in wrong] == ["token, iss", "token, aud", "token"]
    assert recommended(forged) == []


@pytest.mark.parametrize(
    "value",
    [
        "https://other example/",
        "https://user:secret@other.example/",
        "https://other.example/#fragment",
        "http://other.example/",
        "https://other.example/$HOME",
        "https://other.example/" + 500 * "x",
        "other\n::add-mask::x",
    ],
)
def test_an_issuer_that_is_not_safe_to_copy_is_not_recommended(
    pages: dict[str, bytes], key: SigningKey, value: str
) -> None:
    del pages[DISCOVERY]
    found, wrong = findings(pages, make_token(key, good_claims(iss=value)))

    assert [text.split(":")[0] for text in wrong] == ["token, iss"]
    assert recommended(found) == []


def test_an_audience_that_a_setting_cannot_hold_is_not_recommended(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    for aud in ("pets,owners", ",", "https://user:secret@api.example"):
        found, wrong = findings(pages, make_token(key, good_claims(aud=aud)))

        assert [text.split(":")[0] for text in wrong] == ["token, aud"]
        assert recommended(found) == []


def test_other_audiences_are_kept_if_one_is_recommended(pages: dict[str, bytes], key: SigningKey) -> None:
    another, _ = findings(pages, make_token(key), AUDIENCE="https://a,https://b")
    misspelled, wrong = findings(pages, make_token(key), AUDIENCE=f"https://a,{AUDIENCE}/")

    assert recommended(another) == [f"AUDIENCE=https://a,https://b,{AUDIENCE}"]
    assert recommended(misspelled) == [f"AUDIENCE=https://a,{AUDIENCE}"]
    assert wrong[0].endswith(f"(only AUDIENCE has it). Write AUDIENCE=https://a,{AUDIENCE}")


def test_two_audiences_that_are_not_urls_are_not_compared_as_such(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    _, wrong = findings(pages, make_token(key, good_claims(aud="owners")), AUDIENCE="pets")

    assert "it is 'owners', but AUDIENCE is 'pets'. If the token" in wrong[0]


# Tokens


def test_a_token_is_shown_each_route_with_the_scopes_that_it_lacks(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    found, wrong = findings(pages, make_token(key))
    said = [finding.text for finding in found if finding.subject == "token"]

    assert wrong == []
    assert said == [
        "Accepted: its signature and its claims are valid.",
        "Its scopes are: 'read:pets'.",
        "GET /pets: allowed.",
        "POST /pets: refused, lacks create:pets.",
        "GET /pets/{petId}: allowed.",
    ]


@pytest.mark.parametrize("scope", [None, "openid profile"])
def test_a_good_token_that_opens_no_route_is_wrong(
    pages: dict[str, bytes], key: SigningKey, scope: str | None
) -> None:
    found, wrong = findings(pages, make_token(key, good_claims(scope=scope)))

    assert len(wrong) == 1
    assert wrong[0].startswith("token: It opens no route.")
    assert "POST /pets: refused, lacks create:pets." in [finding.text for finding in found]


def test_where_any_valid_token_may_invoke_everything_no_scope_is_missing(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    _, wrong = findings(pages, make_token(key, good_claims(scope=None)), ROUTE_SCOPES="*")

    assert wrong == []


def test_all_that_is_wrong_with_a_token_is_reported_at_once(pages: dict[str, bytes]) -> None:
    key = SigningKey.generate("key-1", "ES256")
    pages[JWKS_URI] = jwks(key, SigningKey.generate("key-2"))
    claims = good_claims(iss="https://issuer.example", aud=["https://other", "https://else"], exp=1700000000)
    _, wrong = findings(pages, make_token(key, claims))

    assert len(wrong) == 4
    by_claim = {text.split(":")[0]: text for text in wrong}
    assert "it is 'ES256', but ALGORITHMS is RS256. Write ALGORITHMS=RS256,ES256" in by_claim["token, alg"]
    assert f"it is 'https://issuer.example', but TOKEN_ISSUER is '{ISSUER}'" in by_claim["token, iss"]
    assert f"it is ['https://other', 'https://else'], but AUDIENCE is '{AUDIENCE}'" in by_claim["token, aud"]
    assert "expired" in by_claim["token, times"]
    assert "exp is 2023-11-14 22:13:20 UTC" in by_claim["token, times"]


def test_each_fault_is_reported_once_however_long_the_examination_takes(
    pages: dict[str, bytes], key: SigningKey, ec_key: SigningKey
) -> None:
    pages[JWKS_URI] = jwks(key, ec_key)
    token = make_token(ec_key, good_claims(exp=1))
    seconds = count(time.time(), step=60)
    found = examine(environment(), token, web(pages), clock=lambda: next(seconds))

    wrong = [finding.subject for finding in found if finding.level == "WRONG"]
    assert wrong == ["token, alg", "token, times"]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("https://issuer.example", "the trailing slash (only the token has it)"),
        ("https://issuer.example//", "the trailing slash (only TOKEN_ISSUER has it)"),
        ("https://Issuer.example/", "upper and lower case"),
        ("http://issuer.example/", "the scheme ('http' in TOKEN_ISSUER, 'https' in the token)"),
        ("https://issuer.example:8443/", "the port ('8443' in TOKEN_ISSUER, none in the token)"),
        ("https://tenant.example/", "the host ('tenant.example' in TOKEN_ISSUER, 'issuer.example' in"),
        ("https://issuer.example/oidc/", "the path ('/oidc' in TOKEN_ISSUER, none in the token)"),
        ("https://Issuer.example", "upper and lower case and in the trailing slash"),
    ],
)
def test_the_difference_between_two_issuers_is_put_into_words(
    pages: dict[str, bytes], key: SigningKey, written: str, words: str
) -> None:
    del pages[DISCOVERY]
    found, wrong = findings(pages, make_token(key), TOKEN_ISSUER=written)

    assert len(wrong) == 1
    assert wrong[0].startswith("token, iss: ")
    assert f"They differ in {words}" in wrong[0]
    assert recommended(found) == [f"TOKEN_ISSUER={ISSUER}"]


def test_the_issuer_of_a_token_counts_more_than_the_metadata(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    tenant = "https://tenant.example/"
    found, wrong = findings(pages, make_token(key, good_claims(iss=tenant)), TOKEN_ISSUER=ISSUER[:-1])

    assert [text.split(":")[0] for text in wrong] == ["token, iss"]
    assert recommended(found) == [f"TOKEN_ISSUER={tenant}"]


def test_an_issuer_that_is_not_a_url_is_recommended_as_it_is(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    del pages[DISCOVERY]
    for iss in ("sso.example", "pets@project.iam.gserviceaccount.com"):
        found, _ = findings(pages, make_token(key, good_claims(iss=iss)))

        assert recommended(found) == [f"TOKEN_ISSUER={iss}"]


def test_of_several_audiences_none_is_recommended_but_one_beside_the_issuers_own_is(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    userinfo = f"{ISSUER}userinfo"
    several, _ = findings(pages, make_token(key, good_claims(aud=["https://a", "https://b"])))
    one, _ = findings(pages, make_token(key, good_claims(aud=["https://a", userinfo])))

    assert recommended(several) == []
    assert recommended(one) == ["AUDIENCE=https://a"]


@pytest.mark.parametrize("before", ["Bearer ", "'", "x."])
def test_a_token_with_something_in_front_is_rejected_with_a_hint(
    pages: dict[str, bytes], key: SigningKey, before: str
) -> None:
    _, wrong = findings(pages, before + make_token(key))

    assert len(wrong) == 1
    assert "Paste only the token" in wrong[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No token was given"),
        ('{"access_token": "eyJ", "token_type": "Bearer"}', "pass the value of its access_token"),
        ("eyJhbGciOiJkaXIifQ..a.b.c", "it is encrypted"),
        ("2YotnFZFEjr1zCsicMWpAA", "it is opaque"),
    ],
)
def test_it_says_what_a_token_is_that_is_no_jwt(pages: dict[str, bytes], text: str, words: str) -> None:
    _, wrong = findings(pages, text)

    assert len(wrong) == 1
    assert words in wrong[0]


def test_the_claim_by_which_a_token_says_that_it_is_another_one_is_shown(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    _, wrong = findings(pages, make_token(key, good_claims(typ="ID"), {"typ": "JWT"}))

    assert len(wrong) == 1
    assert wrong[0].startswith("token: typ says that it is not an access token.")
    assert wrong[0].endswith("the claim typ is 'ID'.")
    assert "'JWT'" not in wrong[0]


@pytest.mark.parametrize("is_expected", [True, False])
def test_of_a_token_for_microsoft_graph_only_that_is_said(
    pages: dict[str, bytes], stranger: SigningKey, is_expected: bool
) -> None:
    graph = "00000003-0000-0000-c000-000000000000"
    claims = good_claims(iss="https://sts.windows.net/TENANT/", aud=graph, ver="1.0", exp=1)
    changes = (
        {"AUDIENCE": graph, "TOKEN_ISSUER": claims["iss"]} if is_expected else {"REQUIRED_CLAIMS": "azp"}
    )
    _, wrong = findings(pages, make_token(stranger, claims), **changes)

    assert wrong[-1].count("It is for Microsoft Graph, which alone can verify it.") == 1
    assert is_expected or len(wrong) == 1


def test_of_a_version_1_token_of_entra_id_only_that_is_said(pages: dict[str, bytes], key: SigningKey) -> None:
    claims = good_claims(iss="https://sts.windows.net/TENANT/", aud="api://pets", ver="1.0", appid="a")
    token = make_token(key, claims)
    for issuer in ("https://login.microsoftonline.com/OTHER/v2.0", "https://acme.example/TENANT/v2.0"):
        found, wrong = findings(pages, token, TOKEN_ISSUER=issuer, REQUIRED_CLAIMS="azp")

        assert len(wrong) == 1
        assert "This is a version 1 token of Entra ID. Set requestedAccessTokenVersion to 2" in wrong[0]
        assert "They differ" not in wrong[0]
        assert recommended(found) == []

    _, wrong = findings(pages, token)
    assert [text.split(":")[0] for text in wrong] == ["token, iss", "token, aud"]
    assert "version 1" not in wrong[0]


@pytest.mark.parametrize("has_token", [True, False])
def test_two_values_that_one_string_must_have_are_wrong(
    pages: dict[str, bytes], key: SigningKey, has_token: bool
) -> None:
    token = make_token(key, good_claims(azp="a", plan="x", groups=["a", "b"])) if has_token else None
    _, wrong = findings(pages, token, REQUIRED_CLAIMS="azp=a,azp=b,plan=x,plan=y,groups=a,groups=b,azp")
    named = [text for text in wrong if text.startswith("REQUIRED_CLAIMS: ")]

    assert "It requires azp to be 'a' and 'b' at once" in named[0]
    assert "write a rule `refuse` in rules.py" in named[0]
    assert [("plan" in text) for text in named[1:]] == ([True] if has_token else [])


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
        make_token(key, b'{"aud": ' + 900 * b"[" + 900 * b"]" + b"}"),
        make_token(key, header=b"{"),
        make_token(key) + "x",
        "x.y.z",
        "x",
        "",
        "Bearer " + make_token(key),
    ]


@pytest.mark.parametrize("number", range(22))
def test_the_doctor_and_the_authorizer_agree_on_every_token(
    pages: dict[str, bytes], key: SigningKey, stranger: SigningKey, number: int
) -> None:
    token = hostile_tokens(key, stranger)[number]
    settings = Settings.from_environment(environment())
    (issuer,) = settings.issuers
    key_stores = {issuer: KeyStore(JWKS_URI, ("RS256",), fetch=web(pages))}
    try:
        decide(make_event(token), settings, key_stores)
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


def test_without_keys_the_claims_are_examined_all_the_same(pages: dict[str, bytes], key: SigningKey) -> None:
    del pages[JWKS_URI]
    _, wrong = findings(pages, make_token(key, good_claims(aud="https://other")))
    subjects: list[Any] = [text.split(":")[0] for text in wrong]

    assert subjects == ["JWKS_URI", "token, aud", "token"]


# Text from others

HOSTILE = "https://issuer.example/\n::add-mask::x\r\x1b[31m\x9b\u202e##[stop-commands]" + 5_000 * "#"


def test_untrusted_text_is_one_short_line_of_printable_ascii() -> None:
    for value in (HOSTILE, [HOSTILE] * 100, {HOSTILE: HOSTILE}, 10**400, "\ud800\u0430", b"\n"):
        assert re.fullmatch("[ -~]+", quoted(value))
        assert len(quoted(value)) <= MAX_LENGTH
        assert "##" not in quoted(value)
    assert quoted(f"{'a' * 99}{'x' * 999}z").endswith("xz'")
    assert quoted(HOSTILE).startswith(
        r"'https://issuer.example/\n::add-mask::x\r\x1b[31m\x9b\u202e#\x23[stop"
    )
    assert one_line("a\n\x1b[31mb###") == r"a\n\x1b[31mb#\x23#"


@pytest.mark.parametrize(
    "about",
    [
        metadata(jwks_uri=HOSTILE),
        metadata(issuer=HOSTILE),
        metadata(jwks_uri=[HOSTILE]),
        metadata(issuer={HOSTILE: 1}),
        metadata(jwks_uri="http://issuer.example/jwks.json"),
        metadata(jwks_uri="https://user:password@issuer.example/jwks.json"),
        metadata(jwks_uri="https://issuer.example/jwks.json#fragment"),
        metadata(jwks_uri=7),
    ],
)
def test_metadata_is_quoted_and_only_its_safe_urls_are_used(pages: dict[str, bytes], about: bytes) -> None:
    asked = []
    pages[DISCOVERY] = about

    def get(url: str) -> bytes:
        asked.append(url)
        return web(pages)(url)

    found = examine(environment(JWKS_URI="https://issuer.example/none.json"), None, get)

    assert set(asked) == {DISCOVERY, "https://issuer.example/none.json"}
    assert recommended(found) == []
    assert (
        "ignored" in found[-2].text or "another issuer" in found[-1].text or "not a string" in found[-1].text
    )
    for finding in found:
        assert re.fullmatch("[ -~]+", finding.text)
        assert "##" not in finding.text


def test_a_setting_that_is_not_a_safe_url_is_not_fetched(pages: dict[str, bytes]) -> None:
    asked = []

    def get(url: str) -> bytes:
        asked.append(url)
        return web(pages)(url)

    unsafe = "http://issuer.example/.well-known/jwks.json"
    examine(
        environment(JWKS_URI=unsafe, TOKEN_ISSUER="http://issuer.example/", ALGORITHMS="HS256"), None, get
    )

    assert asked == []


def test_what_a_token_says_is_quoted(pages: dict[str, bytes], key: SigningKey, stranger: SigningKey) -> None:
    claims = good_claims(iss=HOSTILE, aud=[HOSTILE], exp=HOSTILE, scope=HOSTILE)
    for token in (
        make_token(key, good_claims(iss=HOSTILE, aud=HOSTILE, exp=1)),
        make_token(key, claims),
        make_token(stranger, header={"kid": "##[x]"}),
        make_token(key, header={"alg": HOSTILE}),
        make_token(key, header={"typ": HOSTILE}),
        make_token(key, good_claims(scope="read:pets ##[stop-commands]x " + 5_000 * "x")),
    ):
        found, _ = findings(pages, token)

        assert all(re.fullmatch("[ -~]{,1000}", finding.text) for finding in found)
        assert not any("##" in finding.text for finding in found)


# With real HTTP


@pytest.fixture
def site(key: SigningKey) -> Iterator[JwksServer]:
    """An issuer on 127.0.0.1, without metadata as yet."""
    with closing(JwksServer(answer(b"", status="404 Not Found"))) as endpoint:
        endpoint.behave_at["/jwks.json"] = answer(jwks(key))
        yield endpoint


def examine_site(site: JwksServer, about: Callable[[str], bytes], **changes: str) -> list[Finding]:
    """Let the doctor examine an issuer with metadata that depends on its URL."""
    issuer = site.url.removesuffix("jwks.json")
    site.behave_at["/.well-known/openid-configuration"] = answer(about(issuer))
    variables = environment(TOKEN_ISSUER=issuer, JWKS_URI=site.url)
    return examine(variables | changes, None, fetch)


def test_settings_are_corrected_from_the_metadata_of_a_live_issuer(site: JwksServer) -> None:
    issuer = site.url.removesuffix("jwks.json")
    found = examine_site(
        site,
        lambda issuer: metadata(issuer, f"{issuer}jwks.json"),
        TOKEN_ISSUER=issuer.rstrip("/"),
        JWKS_URI=f"{issuer}old.json",
        ALGORITHMS="ES256",
    )

    assert [finding.level for finding in found] == ["ok", "WRONG", "note", "WRONG", "WRONG"]
    assert found[2].text == "What follows assumes the settings recommended here."

    assert recommended(found) == [
        f"JWKS_URI={site.url}",
        "ALGORITHMS=RS256",
        f"TOKEN_ISSUER={issuer}",
    ]


def test_each_url_is_fetched_once(site: JwksServer) -> None:
    examine_site(
        site,
        lambda issuer: metadata(issuer, f"{issuer}other.json"),
        JWKS_URI=f"{site.url}x",
        ALGORITHMS="ES256",
    )

    asked = [request.split()[1] for request in site.requests]
    assert sorted(asked) == ["/.well-known/openid-configuration", "/jwks.jsonx", "/other.json"]


def test_a_redirect_is_wrong_because_the_authorizer_does_not_follow_it(site: JwksServer) -> None:
    site.behave_at["/jwks.json"] = answer(b"", f"Location: {site.url}2", status="301 Moved Permanently")
    found = examine_site(site, lambda issuer: b"{}")

    wrong = [f.text for f in found if f.level == "WRONG"]
    text = f"There are no usable keys at {site.url!r}: HTTP status 301. Redirects are not followed."
    assert wrong == [text]


def test_a_host_that_cannot_be_reached_is_told_from_one_that_has_no_keys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/jwks.json"  # nobody will listen there

    found = [f for f in examine(environment(JWKS_URI=uri), None, fetch) if f.subject == "JWKS_URI"]

    assert [f.level for f in found] == ["WRONG"]
    assert "Check the host's name" in found[0].text


# Where settings come from


def test_a_stage_reads_its_own_file_or_dotenv_but_some_never_read_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    stages = ("dev", "staging", "prod", "local")

    files = {stage: settings_file(stage, tmp_path) for stage in stages}
    assert files == {"dev": ".env", "staging": ".env.staging", "prod": ".env.prod", "local": ".env.local"}

    (tmp_path / ".env.dev").touch()
    assert settings_file("dev", tmp_path) == ".env.dev"


def test_the_source_of_the_settings_is_named(tmp_path: Path) -> None:
    assert source("dev", tmp_path, []) == Finding(
        "note", "settings", "Stage dev has no .env.dev and no .env."
    )

    (tmp_path / ".env").touch()
    assert source("dev", tmp_path, []) == Finding("ok", "settings", "Stage dev reads .env.")
    text = "Stage prod has no .env.prod, and does not read .env."
    assert source("prod", tmp_path, []) == Finding("note", "settings", text)
    text += " The environment sets AUDIENCE, JWKS_URI, and takes precedence."
    assert source("prod", tmp_path, ["JWKS_URI", "AUDIENCE"]) == Finding("ok", "settings", text)


# Rules of rules.py


def examined(pages: dict[str, bytes], token: str, **rules: Any) -> list[str]:
    found = examine(environment(), token, web(pages), rules=Rules(**rules))
    return [f"{finding.level} {finding.subject}: {finding.text}" for finding in found]


def test_it_says_what_each_rule_returns_for_a_token(pages: dict[str, bytes], key: SigningKey) -> None:
    said = examined(
        pages,
        make_token(key, good_claims(scope="", tenant="acme\n")),
        refuse=lambda _: None,
        scopes=lambda _: ["create:pets", "a"],
        context=lambda claims: {"tenant": claims["tenant"].strip()},
        usage_plan_key=lambda _: "the-value-of-an-api-key",
    )

    assert "note rules.py: refuse returned None." in said
    assert "note rules.py: scopes returned ['a', 'create:pets']." in said
    assert "note rules.py: context returned {'tenant': 'acme'}." in said
    assert "note rules.py: usage_plan_key returned a key of 23 characters." in said
    assert "ok token: POST /pets: allowed." in said
    assert "note token: GET /pets: refused, lacks read:pets." in said


def test_it_says_why_a_valid_token_is_refused_by_a_rule(pages: dict[str, bytes], key: SigningKey) -> None:
    said = examined(pages, make_token(key), refuse=lambda _: "not of acme", usage_plan_key=lambda _: None)

    assert "ok token: Accepted: its signature and its claims are valid." in said
    (wrong,) = [line for line in said if line.startswith("WRONG")]
    assert wrong == (
        "WRONG token, rules.py: refuse returned 'not of acme': the token is valid, but refused (403). Request"
        " another token, or correct the rule."
    )
    assert "note rules.py: usage_plan_key returned None." in said
    assert not [line for line in said if "/pets" in line]


def test_it_names_each_rule_that_fails_for_a_token_once(pages: dict[str, bytes], key: SigningKey) -> None:
    said = examined(
        pages,
        make_token(key),
        refuse=lambda claims: claims["org_id"],
        scopes=lambda _: "read:pets",
        context=lambda _: {"x": "y"},
    )

    failed = [line for line in said if line.startswith("WRONG rules.py: rule_failed: ")]
    assert len(failed) == 2
    assert "refuse raised KeyError. The request fails" in failed[0]
    assert "scopes returned a value of the type str" in failed[1]
    assert "note rules.py: context returned {'x': 'y'}." in said


def test_it_finds_what_two_rules_add_to_be_too_much_together(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    rules = {"scopes": lambda _: [1200 * "s"], "context": lambda _: {"x": 1200 * "x"}}
    said = examined(pages, make_token(key), **rules)

    (failed,) = [line for line in said if line.startswith("WRONG")]
    assert failed.startswith("WRONG rules.py: rule_failed: context returned too much")


def test_rules_are_not_asked_about_a_token_that_is_not_valid(
    pages: dict[str, bytes], key: SigningKey
) -> None:
    said = examined(pages, make_token(key, good_claims(exp=1)), refuse=lambda _: "no")

    assert not [line for line in said if "rules.py" in line]


def test_a_rules_py_that_cannot_be_used_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    module = ModuleType("rules")
    module.refuses = lambda claims: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rules", module)
    rules, (finding,) = own_rules({"STAGE": "dev"})

    assert rules == NO_RULES
    assert (finding.level, finding.subject) == ("WRONG", "rules.py")
    assert finding.text.startswith("rules.py: refuses is not one of")
    assert os.environ == {"STAGE": "dev"}
