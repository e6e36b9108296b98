"""What a deployment may be set to, and how it hears of what is wrong."""

import re
from pathlib import Path

import pytest

from auth import ConfigError, InvalidToken, Issuer, Settings
from auth.settings import ALGORITHMS, DEPLOYMENT_VARIABLES, ISSUER_VARIABLES
from tests.support.environment import environment

ROOT = Path(__file__).parents[2]


def issuer(**variables: str | None) -> Issuer:
    return Settings.from_environment(environment(**variables)).issuers[0]


def problems(**variables: str | None) -> list[str]:
    with pytest.raises(ConfigError) as error:
        Settings.from_environment(environment(**variables))
    return str(error.value).split("; ")


def test_the_tutorials_three_settings_are_enough() -> None:
    settings = Settings.from_environment(environment(ROUTE_SCOPES=None), routes="GET /pets")
    (issuer,) = settings.issuers

    assert issuer.jwks_uri == "https://issuer.example/jwks.json"
    assert issuer.audience == ("https://your-api-gateway",)
    assert issuer.token_issuer == ("https://issuer.example/",)
    assert issuer.algorithms == ("RS256",)
    assert issuer.token_types == ("jwt", "at+jwt")
    assert issuer.scope_claims == ("scope", "scp", "permissions")
    assert issuer.allowed_scopes is None
    assert issuer.required_claims == ()
    assert issuer.principal_claims == ("sub", "client_id", "azp")
    assert issuer.leeway_seconds == 5
    assert settings.routes.table("x", "rest")
    assert settings.log_level == "INFO"


def test_all_that_is_missing_is_named_in_one_message() -> None:
    with pytest.raises(ConfigError) as error:
        Settings.from_environment({}, "*")

    assert str(error.value) == "AUDIENCE is not set; TOKEN_ISSUER is not set"


@pytest.mark.parametrize("token_issuer", [None, "<token_issuer>"])
def test_the_keys_of_an_issuer_are_missed_only_where_the_issuer_is_set(token_issuer: str | None) -> None:
    assert problems(JWKS_URI=None) == ["JWKS_URI is not set"]
    (problem,) = problems(JWKS_URI=None, TOKEN_ISSUER=token_issuer)
    assert problem.startswith("TOKEN_ISSUER is ")


def test_what_was_left_of_the_sample_is_no_setting() -> None:
    sample = (ROOT / ".env.sample").read_text()
    left = dict(line.split("=", 1) for line in sample.splitlines() if "=<" in line)

    with pytest.raises(ConfigError) as error:
        Settings.from_environment(environment(**left), "*")

    assert set(str(error.value).split("; ")) == {
        f"{name} is still {value}, as in .env.sample" for name, value in left.items()
    }
    assert set(left) == {"AUDIENCE", "TOKEN_ISSUER"}


def test_all_that_is_wrong_is_named_in_one_message() -> None:
    wrong = environment(
        JWKS_URI="http://issuer.example/jwks.json",
        AUDIENCE=" , ",
        TOKEN_ISSUER="   ",
        ALGORITHMS="HS256",
        LEEWAY_SECONDS="a minute",
        LOG_LEVEL="loud",
        ROUTE_SCOPES="FETCH /pets",
    )

    with pytest.raises(ConfigError) as error:
        Settings.from_environment(wrong)

    for name in wrong:
        assert name in str(error.value)


@pytest.mark.parametrize(
    "uri",
    [
        "https://issuer.example/.well-known/jwks.json",
        "https://10.0.0.1:8443/jwks",
        "https://[::1]/jwks",
        "http://127.0.0.1:3010/.well-known/jwks.json",
        "http://127.8.9.10/jwks",
        "http://[::1]:3010/jwks",
        "http://localhost:3010/jwks",
    ],
)
def test_keys_come_over_tls_or_from_this_machine(uri: str) -> None:
    assert issuer(JWKS_URI=uri).jwks_uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "http://issuer.example/jwks",
        "http://localhost.issuer.example/jwks",
        "http://127.0.0.1.issuer.example/jwks",
        "http://10.0.0.1/jwks",
        "ftp://issuer.example/jwks",
        "file:///etc/jwks.json",
        "issuer.example/jwks",
        "https:///jwks",
        "https://user:secret@issuer.example/jwks",
        "https://issuer.example/jwks#keys",
        "https://issuer.example/jw ks",
        "https://issuer.example/jwks\x00",
        "https://[::1/jwks",
        "https://issuer.example:port/jwks",
        "<url_for_the_jwks_endpoint>",
    ],
)
def test_keys_do_not_come_from_anywhere_else(uri: str) -> None:
    with pytest.raises(ConfigError, match="JWKS_URI"):
        Settings.from_environment(environment(JWKS_URI=uri))


def test_audiences_and_algorithms_are_lists() -> None:
    settings = issuer(AUDIENCE=" https://a , https://b,https://a,", ALGORITHMS="RS256, ES256")

    assert settings.audience == ("https://a", "https://b")
    assert settings.algorithms == ("RS256", "ES256")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_asymmetric_algorithm_may_be_allowed(algorithm: str) -> None:
    assert issuer(ALGORITHMS=algorithm).algorithms[0] == algorithm


def test_eddsa_is_allowed_under_both_of_its_names_and_ed25519_under_its_own() -> None:
    assert issuer(ALGORITHMS="EdDSA").algorithms == ("EdDSA", "Ed25519")
    assert issuer(ALGORITHMS="Ed25519").algorithms == ("Ed25519",)


@pytest.mark.parametrize("algorithms", [",", "HS256", "RS256,HS256", "none", "rs256", "ES256K", "RSA"])
def test_no_other_algorithm_may(algorithms: str) -> None:
    with pytest.raises(ConfigError, match="ALGORITHMS"):
        Settings.from_environment(environment(ALGORITHMS=algorithms))


@pytest.mark.parametrize("seconds", ["0", "5", "300"])
def test_the_leeway_is_seconds(seconds: str) -> None:
    assert issuer(LEEWAY_SECONDS=seconds).leeway_seconds == int(seconds)


@pytest.mark.parametrize("seconds", ["-1", "1.5", "301", "1e2", "\u0665", "9" * 5000])
def test_a_leeway_that_is_none_or_too_long_is_refused(seconds: str) -> None:
    with pytest.raises(ConfigError, match="LEEWAY_SECONDS"):
        Settings.from_environment(environment(LEEWAY_SECONDS=seconds))


def test_a_table_that_is_set_but_empty_is_refused() -> None:
    with pytest.raises(ConfigError, match="ROUTE_SCOPES, there are no routes"):
        Settings.from_environment(environment(ROUTE_SCOPES=" \n# nothing\n"))


@pytest.mark.parametrize("name", [*ISSUER_VARIABLES[3:], "LEEWAY_SECONDS", "LOG_LEVEL"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_optional_variable_that_is_empty_has_its_default(name: str, empty: str) -> None:
    default, settings = (Settings.from_environment(environment(**{name: value})) for value in (None, empty))

    assert settings.log_level == default.log_level
    assert settings.issuers == default.issuers


@pytest.mark.parametrize(
    "name", ["TOKEN_TYPES", "SCOPE_CLAIMS", "ALLOWED_SCOPES", "REQUIRED_CLAIMS", "PRINCIPAL_CLAIMS"]
)
def test_a_list_without_a_value_is_rejected(name: str) -> None:
    assert problems(**{name: " , "}) == [f"{name} has no value"]


@pytest.mark.parametrize("name", ["TOKEN_TYPES", "SCOPE_CLAIMS", "PRINCIPAL_CLAIMS"])
def test_a_name_has_no_space(name: str) -> None:
    assert problems(**{name: "a,b c"}) == [f"{name} must be names, separated by commas"]


def test_each_line_of_the_sample_is_its_default_when_it_is_uncommented() -> None:
    sample = (ROOT / ".env.sample").read_text()
    lines = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", sample, re.MULTILINE))
    default = issuer()
    assert lines.keys() >= {*ISSUER_VARIABLES[3:], "LEEWAY_SECONDS"}
    for name, value in lines.items():
        if name in (*ISSUER_VARIABLES[3:], "LEEWAY_SECONDS"):
            assert issuer(**{name: value}) == default, name


def test_allowed_scopes_must_be_scopes() -> None:
    assert issuer(ALLOWED_SCOPES="read:pets,b").allowed_scopes == frozenset({"read:pets", "b"})
    assert problems(ALLOWED_SCOPES="a b") == ["ALLOWED_SCOPES must be scopes, separated by commas"]


@pytest.mark.parametrize(
    ("value", "required"),
    [
        ("org_id=acme", (("org_id", "acme"),)),
        ("org_id = acme , email", (("org_id", "acme"), ("email", None))),
        ("x=a=b", (("x", "a=b"),)),
        ("https://acme.example/org=1", (("https://acme.example/org", "1"),)),
    ],
)
def test_a_required_claim_has_a_name_and_perhaps_a_value(value: str, required: object) -> None:
    assert issuer(REQUIRED_CLAIMS=value).required_claims == required


@pytest.mark.parametrize("value", ["org_id=", "=acme", "=", "a,=", "org_id= "])
def test_a_required_claim_without_name_or_value_is_rejected(value: str) -> None:
    """An empty variable of the operator's own may be behind it: it must not require nothing."""
    (problem,) = problems(REQUIRED_CLAIMS=value)

    assert problem.startswith("REQUIRED_CLAIMS must be claims such as org_id=acme or email")


def test_a_placeholder_is_reported_wherever_it_stands_in_a_list() -> None:
    assert problems(TOKEN_ISSUER="https://issuer.example/,<token_issuer>") == [
        "TOKEN_ISSUER is still https://issuer.example/,<token_issuer>, as in .env.sample"
    ]


# Several issuers

PARTNER = {
    "TOKEN_ISSUER__PARTNER": "https://partner.example/",
    "JWKS_URI__PARTNER": "https://partner.example/jwks.json",
    "AUDIENCE__PARTNER": "partner-api",
}


def test_an_issuer_has_variables_of_its_own_by_suffix() -> None:
    settings = Settings.from_environment(
        environment(ALGORITHMS="ES256", SCOPE_CLAIMS="roles", ALLOWED_SCOPES__PARTNER="a", **PARTNER)
    )
    first, partner = settings.issuers

    assert (first.suffix, partner.suffix) == ("", "__PARTNER")
    assert partner.token_issuer == ("https://partner.example/",)
    assert partner.jwks_uri == "https://partner.example/jwks.json"
    assert partner.audience == ("partner-api",)
    assert partner.allowed_scopes == frozenset({"a"})
    assert first.allowed_scopes is None


def test_what_a_suffix_leaves_unset_has_the_default_and_not_the_value_without_suffix() -> None:
    settings = Settings.from_environment(
        environment(
            ALGORITHMS="ES256",
            TOKEN_TYPES="x",
            SCOPE_CLAIMS="roles",
            ALLOWED_SCOPES="a",
            REQUIRED_CLAIMS="org_id",
            PRINCIPAL_CLAIMS="email",
            **PARTNER,
        )
    )
    partner = settings.issuers[1]

    assert partner.algorithms == ("RS256",)
    assert partner.token_types == ("jwt", "at+jwt")
    assert partner.scope_claims == ("scope", "scp", "permissions")
    assert partner.allowed_scopes is None
    assert partner.required_claims == ()
    assert partner.principal_claims == ("sub", "client_id", "azp")


def test_all_issuers_share_the_leeway() -> None:
    settings = Settings.from_environment(environment(LEEWAY_SECONDS="7", **PARTNER))

    assert [issuer.leeway_seconds for issuer in settings.issuers] == [7, 7]


def test_an_issuer_is_chosen_by_iss_to_the_letter() -> None:
    settings = Settings.from_environment(environment(TOKEN_ISSUER="https://a/,https://b/", **PARTNER))
    first, partner = settings.issuers

    assert settings.issuer("https://a/") is settings.issuer("https://b/") is first
    assert settings.issuer("https://partner.example/") is partner
    for unknown in (
        "https://partner.example",
        "HTTPS://partner.example/",
        "https://partner.example:443/",
        7,
        ["https://a/"],
    ):
        with pytest.raises(InvalidToken, match="iss is not in TOKEN_ISSUER"):
            settings.issuer(unknown)
    with pytest.raises(InvalidToken, match="iss is missing"):
        settings.issuer(None)


@pytest.mark.parametrize(
    ("variables", "several"),
    [
        ({}, False),
        ({"TOKEN_ISSUER": "https://a/, https://a/"}, False),
        ({"TOKEN_ISSUER": "a,b"}, True),
        (PARTNER, True),
    ],
)
def test_a_deployment_knows_whether_sub_alone_says_who_calls(
    variables: dict[str, str], several: bool
) -> None:
    assert Settings.from_environment(environment(**variables)).has_several_issuers is several


def test_what_an_issuer_lacks_is_named_with_its_suffix() -> None:
    assert problems(TOKEN_ISSUER__PARTNER="https://partner.example/", ALGORITHMS__PARTNER="HS256") == [
        "JWKS_URI__PARTNER is not set",
        "AUDIENCE__PARTNER is not set",
        f"ALGORITHMS__PARTNER must be one or more of {', '.join(ALGORITHMS)}",
    ]


@pytest.mark.parametrize(
    "token_issuer", ["https://issuer.example/", "https://new.example/,https://issuer.example/"]
)
def test_an_iss_belongs_to_one_issuer(token_issuer: str) -> None:
    (problem,) = problems(**PARTNER | {"TOKEN_ISSUER__PARTNER": token_issuer})

    assert problem == "TOKEN_ISSUER__PARTNER repeats an issuer of TOKEN_ISSUER"


@pytest.mark.parametrize("name", ["AUDIENCE__PARTNER", "REQUIRED_CLAIMS__PARTNER", "ALGORITHMS__PARTNER"])
def test_a_suffix_needs_an_issuer(name: str) -> None:
    assert problems(**{name: "RS256"}) == [f"{name} is set, but TOKEN_ISSUER__PARTNER is not"]


@pytest.mark.parametrize("name", DEPLOYMENT_VARIABLES)
def test_a_variable_of_the_deployment_takes_no_suffix(name: str) -> None:
    assert problems(**PARTNER, **{f"{name}__PARTNER": "5"}) == [
        f"{name}__PARTNER: {name} is the same for all issuers, and takes no suffix"
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("REQUIRED_CLAIM", "REQUIRED_CLAIMSS", "REQUIRED_CLAIMS_PARTNER", "REQUIRED_CLAIM__PARTNER"),
        *("ALLOWED_SCOPE", "SCOPE_CLAIM", "PRINCIPAL_CLAIM", "TOKEN_TYPE", "TOKEN_ISSUERS", "TOKEN_ISSUER__"),
        *("REQUIRE_CLAIMS", "required_claims", "REQUIRED-CLAIMS", "REQUIREDCLAIMS", "ALLOW_SCOPES"),
        *("SCOPES_CLAIMS", "PRINCIPLE_CLAIMS", "TOKENISSUER__PARTNER", "JWKSURI__PARTNER"),
        *("AUDIENCES", "ALGORITHM", "JWKS_URL", "LEEWAY", "ROUTE_SCOPE", "LOG_LEVELS"),
    ],
)
def test_a_misspelled_restriction_is_not_no_restriction(name: str) -> None:
    assert problems(**PARTNER, **{name: "x"}) == [f"{name} is not a setting: check its spelling"]


@pytest.mark.parametrize("name", ["PATH", "AWS_REGION", "TOKEN", "SCOPE", "ALLOWED_HOSTS", "_HANDLER"])
def test_other_variables_do_not_matter(name: str) -> None:
    assert Settings.from_environment(environment(**{name: "x"}))


def test_an_empty_variable_that_is_misspelled_does_not_matter() -> None:
    assert Settings.from_environment(environment(REQUIRED_CLAIM=""))


def test_the_sample_names_the_variables_that_there_are() -> None:
    sample = (ROOT / ".env.sample").read_text()
    service = (ROOT / "serverless.yml").read_text()

    in_sample = set(re.findall(r"^(?:# )?([A-Z_]+?)(?:__PARTNER)?=", sample, re.MULTILINE))
    in_service = set(re.findall(r"^ +([A-Z_]+): \$\{env:\1\b", service, re.MULTILINE))
    assert in_sample == in_service
    assert {"JWKS_URI", "AUDIENCE", "TOKEN_ISSUER"} <= in_sample


def test_the_sample_as_it_is_does_not_pass_for_settings() -> None:
    sample = (ROOT / ".env.sample").read_text()

    with pytest.raises(ConfigError, match="TOKEN_ISSUER"):
        Settings.from_environment(dict(re.findall(r"^([A-Z_]+)=(.*)$", sample, re.MULTILINE)))
