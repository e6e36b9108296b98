"""What a deployment may be set to, and how it hears of what is wrong."""

import re
from pathlib import Path

import pytest

from auth import ConfigError, Settings
from auth.settings import ALGORITHMS
from tests.support.environment import environment

ROOT = Path(__file__).parents[2]


def test_the_tutorials_three_settings_are_enough() -> None:
    settings = Settings.from_environment(environment(ROUTE_SCOPES=None))

    assert settings.jwks_uri == "https://issuer.example/jwks.json"
    assert settings.audience == ("https://your-api-gateway",)
    assert settings.token_issuer == "https://issuer.example/"
    assert settings.algorithms == ("RS256",)
    assert settings.leeway_seconds == 5
    assert settings.routes is None
    assert settings.log_level == "INFO"


def test_all_that_is_missing_is_named_in_one_message() -> None:
    with pytest.raises(ConfigError) as error:
        Settings.from_environment({})

    assert str(error.value) == "JWKS_URI is not set; AUDIENCE is not set; TOKEN_ISSUER is not set"


def test_what_was_left_of_the_sample_is_no_setting() -> None:
    sample = (ROOT / ".env.sample").read_text()
    left = dict(line.split("=", 1) for line in sample.splitlines() if "=<" in line)

    with pytest.raises(ConfigError) as error:
        Settings.from_environment(left)

    assert str(error.value) == "; ".join(f"{name} is still {left[name]}, as in .env.sample" for name in left)
    assert set(left) == {"JWKS_URI", "AUDIENCE", "TOKEN_ISSUER"}


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
    assert Settings.from_environment(environment(JWKS_URI=uri)).jwks_uri == uri


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
    settings = Settings.from_environment(
        environment(AUDIENCE=" https://a , https://b,https://a,", ALGORITHMS="RS256, ES256")
    )

    assert settings.audience == ("https://a", "https://b")
    assert settings.algorithms == ("RS256", "ES256")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_asymmetric_algorithm_may_be_allowed(algorithm: str) -> None:
    assert Settings.from_environment(environment(ALGORITHMS=algorithm)).algorithms == (algorithm,)


@pytest.mark.parametrize("algorithms", ["", ",", "HS256", "RS256,HS256", "none", "rs256", "ES256K", "RSA"])
def test_no_other_algorithm_may(algorithms: str) -> None:
    with pytest.raises(ConfigError, match="ALGORITHMS"):
        Settings.from_environment(environment(ALGORITHMS=algorithms))


@pytest.mark.parametrize("seconds", ["0", "5", "300"])
def test_the_leeway_is_seconds(seconds: str) -> None:
    assert Settings.from_environment(environment(LEEWAY_SECONDS=seconds)).leeway_seconds == int(seconds)


@pytest.mark.parametrize("seconds", ["", "-1", "1.5", "301", "1e2", "\u0665", "9" * 5000])
def test_a_leeway_that_is_none_or_too_long_is_refused(seconds: str) -> None:
    with pytest.raises(ConfigError, match="LEEWAY_SECONDS"):
        Settings.from_environment(environment(LEEWAY_SECONDS=seconds))


def test_a_table_that_is_set_but_empty_is_refused() -> None:
    with pytest.raises(ConfigError, match="ROUTE_SCOPES is set, but has no route"):
        Settings.from_environment(environment(ROUTE_SCOPES=" \n# nothing\n"))


def test_the_sample_names_the_variables_that_there_are() -> None:
    sample = (ROOT / ".env.sample").read_text()
    service = (ROOT / "serverless.yml").read_text()

    in_sample = set(re.findall(r"^(?:# )?([A-Z_]+)=", sample, re.MULTILINE))
    in_service = set(re.findall(r"^ +([A-Z_]+): \$\{env:\1\b", service, re.MULTILINE))
    assert in_sample == in_service
    assert {"JWKS_URI", "AUDIENCE", "TOKEN_ISSUER"} <= in_sample


def test_the_sample_as_it_is_does_not_pass_for_settings() -> None:
    sample = (ROOT / ".env.sample").read_text()

    with pytest.raises(ConfigError, match="JWKS_URI"):
        Settings.from_environment(dict(re.findall(r"^([A-Z_]+)=(.*)$", sample, re.MULTILINE)))
