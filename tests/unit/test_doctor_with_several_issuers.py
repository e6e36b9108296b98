"""The doctor examines each issuer of several, and names their variables with the suffix."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.environment import environment
from tests.support.providers import (
    API,
    AUTH0,
    AUTH0_ISSUER,
    AUTH0_SITE,
    AUTH0_TOKEN,
    KEYCLOAK_ISSUER,
    KEYCLOAK_SITE,
    PARTNER,
    PARTNER_SITE,
    Site,
    web,
)
from tests.support.tokens import SigningKey, make_token
from tools.examination import Finding, examine

PARTNERS_TOKEN = AUTH0_TOKEN | {"iss": PARTNER_SITE.issuer, "aud": API}

Examined = Callable[..., list[Finding]]


@pytest.fixture
def examined(key: SigningKey, new_key: SigningKey) -> Examined:
    """Examines the settings of two issuers. The partner's key is `key`, the other issuer's is `new_key`."""

    def examine_both(
        token: str | None = None,
        sites: tuple[Site, ...] = (replace(AUTH0_SITE, has_key=False), PARTNER_SITE),
        **changes: str | None,
    ) -> list[Finding]:
        variables = {"JWKS_URI": None, "ROUTE_SCOPES": "GET /pets read:pets"} | AUTH0 | PARTNER | changes
        return examine(environment(**variables), token, web(sites, key, new_key))

    return examine_both


def texts(found: list[Finding], level: str = "WRONG") -> list[str]:
    return [f"{finding.subject}: {finding.text}" for finding in found if finding.level == level]


def recommended(found: list[Finding]) -> list[str]:
    return [str(setting) for finding in found for setting in finding.recommended]


def test_each_issuer_is_found_right(examined: Examined, key: SigningKey, new_key: SigningKey) -> None:
    without, partners, ours = (
        examined(token) for token in (None, make_token(key, PARTNERS_TOKEN), make_token(new_key, AUTH0_TOKEN))
    )

    for found in (without, partners, ours):
        assert texts(found) == []
        assert {finding.subject for finding in found if finding.subject.startswith("JWKS_URI")} == {
            "JWKS_URI",
            "JWKS_URI__PARTNER",
        }
    confirmed = Finding("ok", "TOKEN_ISSUER__PARTNER", "It is the iss of the token.")
    assert confirmed in partners
    assert confirmed not in ours
    assert Finding("ok", "TOKEN_ISSUER", "It is the iss of the token.") in ours
    assert Finding("ok", "TOKEN_ISSUER", "It is what the issuer calls itself.") in partners


def test_what_is_wrong_with_one_issuer_is_said_of_that_one_and_hides_nothing_of_the_other(
    examined: Examined,
) -> None:
    found = examined(
        JWKS_URI__PARTNER="https://partner.example/none.json",
        TOKEN_ISSUER__PARTNER="https://partner.example",
        ALGORITHMS__PARTNER="ES256",
    )

    assert recommended(found) == [
        f"JWKS_URI__PARTNER={PARTNER_SITE.jwks_uri}",
        "ALGORITHMS__PARTNER=RS256",
        f"TOKEN_ISSUER__PARTNER={PARTNER_SITE.issuer}",
    ]
    assert [text.split(":")[0] for text in texts(found)] == [
        "JWKS_URI__PARTNER",
        "ALGORITHMS__PARTNER",
        "TOKEN_ISSUER__PARTNER",
    ]
    assert [text.split(":")[0] for text in texts(found, "ok")] == [
        "settings",
        "JWKS_URI",
        "JWKS_URI",
        "TOKEN_ISSUER",
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"AUDIENCE__PARTNER": None}, "AUDIENCE__PARTNER is not set."),
        (
            {"AUDIENCE__PARTNER": "<api_audience>"},
            "AUDIENCE__PARTNER is still <api_audience>, as in .env.sample.",
        ),
        ({"LOG_LEVEL__PARTNER": "INFO"}, "LOG_LEVEL__PARTNER: LOG_LEVEL is the same for all issuers"),
        (
            {"TOKEN_ISSUER__PARTNER": AUTH0_ISSUER},
            "TOKEN_ISSUER__PARTNER repeats an issuer of TOKEN_ISSUER",
        ),
        ({"JWKS_URI__PARTNER": "http://partner.example/"}, "JWKS_URI__PARTNER must be an https:// URL"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named_with_its_suffix(
    examined: Examined, changes: dict[str, str | None], problem: str
) -> None:
    (text, *_) = texts(examined(**changes))

    assert text.startswith(f"settings: {problem}")


def test_the_audience_of_a_partners_token_is_recommended_for_the_partner_alone(
    examined: Examined, key: SigningKey
) -> None:
    partners = examined(make_token(key, PARTNERS_TOKEN), AUDIENCE__PARTNER=None)
    ours = examined(make_token(key, PARTNERS_TOKEN), AUDIENCE=None)

    assert recommended(partners) == [f"AUDIENCE__PARTNER={API}"]
    assert recommended(ours) == []


@pytest.mark.parametrize(
    ("misspelled", "meant"),
    [
        ("AUDIENCES__PARTNER", "AUDIENCE__PARTNER"),
        ("AUDIENCE__PARTNR", "AUDIENCE__PARTNER"),
        ("AUDIENCE_PARTNER", "AUDIENCE__PARTNER"),
    ],
)
def test_a_misspelled_variable_is_renamed_and_not_taken_for_a_missing_one(
    examined: Examined, misspelled: str, meant: str
) -> None:
    found = examined(AUDIENCE__PARTNER=None, **{misspelled: "pets"})

    assert f"Instead of {misspelled}, write {meant}=pets" in "\n".join(texts(found))
    assert recommended(found) == [f"{meant}=pets"]


def test_a_misspelled_variable_never_replaces_one_that_is_set(examined: Examined) -> None:
    found = examined(AUDIENCES__PARTNER="others")

    assert recommended(found) == []
    assert texts(found) == ["settings: AUDIENCES__PARTNER is not a setting: check its spelling."]


def test_a_variable_of_another_tool_is_not_renamed(examined: Examined) -> None:
    found = examined(REQUIRED_CLAIMSET_OF_ANOTHER_TOOL="x")

    assert recommended(found) == []
    assert len(texts(found)) == 1


def test_a_token_of_no_issuer_is_shown_the_names_of_all(examined: Examined, key: SigningKey) -> None:
    stranger = SigningKey.generate("key-9")
    found = examined(make_token(stranger, AUTH0_TOKEN | {"iss": "https://other.example/"}))

    assert recommended(found) == []
    assert f"TOKEN_ISSUER is '{AUTH0_ISSUER}'" in texts(found)[0]
    assert f"The other issuers are '{PARTNER_SITE.issuer}'." in texts(found)[0]


def test_a_token_with_another_name_of_the_partner_is_the_partners_whose_key_signed_it(
    examined: Examined, key: SigningKey
) -> None:
    alias = "https://alias.example/"
    found = examined(make_token(key, PARTNERS_TOKEN | {"iss": alias}))

    assert recommended(found) == [f"TOKEN_ISSUER__PARTNER={PARTNER_SITE.issuer},{alias}"]


def test_of_two_issuers_with_one_key_the_one_with_a_similar_name_is_meant(
    examined: Examined, key: SigningKey
) -> None:
    partner = PARTNER_SITE.issuer
    token = make_token(key, PARTNERS_TOKEN | {"iss": partner[:-1]})
    found = examined(token, (AUTH0_SITE, PARTNER_SITE), JWKS_URI__PARTNER=PARTNER_SITE.jwks_uri)

    assert recommended(found) == [f"TOKEN_ISSUER__PARTNER={partner[:-1]}"]


def test_a_key_of_one_issuer_says_nothing_about_a_token_of_the_other(
    examined: Examined, new_key: SigningKey
) -> None:
    found = examined(make_token(new_key, PARTNERS_TOKEN | {"aud": "others"}))

    assert recommended(found) == []
    assert texts(found)[-1].startswith("token: the issuer has no key with this kid and alg ('key-2').")


# Several names of one issuer


def test_names_that_share_their_keys_or_publish_none_are_right(key: SigningKey, new_key: SigningKey) -> None:
    names = f"{AUTH0_ISSUER},https://login.acme.example/,acme.example"
    alias = Site("https://login.acme.example/", "https://login.acme.example/keys")
    settings = environment(**{"JWKS_URI": None} | AUTH0 | {"TOKEN_ISSUER": names})
    found = examine(settings, None, web((AUTH0_SITE, alias), key, new_key))

    assert texts(found) == []


def test_a_name_with_other_keys_gets_variables_of_its_own_with_all_restrictions(
    examined: Examined, new_key: SigningKey
) -> None:
    sites = (replace(AUTH0_SITE, has_key=False), PARTNER_SITE, KEYCLOAK_SITE)
    found = examined(
        make_token(new_key, AUTH0_TOKEN),
        sites,
        TOKEN_ISSUER=f"{KEYCLOAK_ISSUER},{AUTH0_ISSUER}",
        JWKS_URI=AUTH0_SITE.jwks_uri,
        TOKEN_ISSUER__OTHER=PARTNER_SITE.issuer,
        AUDIENCE__OTHER="x",
        TOKEN_ISSUER__PARTNER=None,
        AUDIENCE__PARTNER=None,
        ALLOWED_SCOPES="read:pets",
        REQUIRED_CLAIMS="azp=web",
    )

    assert recommended(found) == [
        f"TOKEN_ISSUER={AUTH0_ISSUER}",
        f"TOKEN_ISSUER__OTHER2={KEYCLOAK_ISSUER}",
        f"JWKS_URI__OTHER2={KEYCLOAK_SITE.jwks_uri}",
        f"AUDIENCE__OTHER2={API}",
        "ALLOWED_SCOPES__OTHER2=read:pets",
        "REQUIRED_CLAIMS__OTHER2=azp=web",
    ]


def test_a_misspelled_name_in_a_list_is_corrected_and_the_others_are_kept(
    examined: Examined, key: SigningKey
) -> None:
    names = f"{PARTNER_SITE.issuer[:-1]},partner.example"
    with_token = examined(make_token(key, PARTNERS_TOKEN), TOKEN_ISSUER__PARTNER=names)
    without = examined(TOKEN_ISSUER__PARTNER=names, JWKS_URI__PARTNER=PARTNER_SITE.jwks_uri)

    for found in (with_token, without):
        assert recommended(found) == [f"TOKEN_ISSUER__PARTNER={PARTNER_SITE.issuer},partner.example"]
