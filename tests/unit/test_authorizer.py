"""The decision as a whole: order of the steps, and the shape of the answer."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from auth import ConfigError, InvalidToken, Issuer, KeysUnavailable, Settings
from auth.authorizer import decide
from auth.events import Response
from auth.keys import KeyStore
from auth.routes import parse_routes
from tests.support.environment import environment
from tests.support.tokens import SigningKey, good_claims, jwks, make_event, make_token

Keys = Mapping[Issuer, KeyStore]


def authorize(event: dict[str, Any], settings: Settings, keys: Keys) -> Response:
    return decide(event, settings, keys).response


def keys_from(settings: Settings, fetch: Callable[[str], bytes]) -> Keys:
    return {issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=fetch) for issuer in settings.issuers}


STAGE = "arn:aws:execute-api:us-east-1:123456789012:apiId/dev/"


def test_a_good_token_gets_the_tutorials_answer(key: SigningKey, settings: Settings, keys: Keys) -> None:
    response = authorize(make_event(make_token(key)), settings, keys)

    assert response == {
        "principalId": "client@clients",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": [STAGE + "GET/pets", STAGE + "GET/pets/", STAGE + "GET/pets/?*"],
                },
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Deny",
                    "Resource": [STAGE + "GET/?*/?*/?*"],
                },
            ],
        },
        "context": {"scope": "read:pets"},
    }


def test_one_policy_serves_every_route(key: SigningKey, settings: Settings, keys: Keys) -> None:
    token = make_token(key)
    answers = [
        authorize(make_event(token, STAGE + route), settings, keys)
        for route in ("GET/pets", "GET/pets/1", "POST/pets", "GET/pets/*")
    ]

    assert all(answer == answers[0] for answer in answers)


def test_a_token_without_scopes_is_denied_the_whole_stage(
    key: SigningKey, settings: Settings, keys: Keys
) -> None:
    response = authorize(make_event(make_token(key, good_claims(scope=None))), settings, keys)

    assert response["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [STAGE + "*"]}
    ]
    assert response["context"] == {"scope": ""}


@pytest.mark.parametrize(
    "granting",
    [
        {"scope": "write:cats read:dogs admin"},
        {"scope": "admin", "scp": "read:dogs  admin", "permissions": ["write:cats", "read:dogs"]},
        {"scope": None, "scp": ["read:dogs", "write:cats", "admin"]},
    ],
)
def test_whoever_is_refused_can_learn_what_the_token_grants_always_in_the_same_order(
    key: SigningKey, settings: Settings, keys: Keys, granting: dict[str, Any]
) -> None:
    response = authorize(make_event(make_token(key, good_claims(**granting))), settings, keys)

    assert [s["Effect"] for s in response["policyDocument"]["Statement"]] == ["Deny"]
    assert response["context"] == {"scope": "admin read:dogs write:cats"}
    assert {type(value) for value in response["context"].values()} <= {str, int, float, bool}


def test_a_token_of_a_strangers_key_is_refused(stranger: SigningKey, settings: Settings, keys: Keys) -> None:
    with pytest.raises(InvalidToken, match="signature"):
        authorize(make_event(make_token(stranger)), settings, keys)


@pytest.mark.parametrize("claims", [good_claims(exp=1), good_claims(aud="x"), good_claims(sub=7)])
def test_a_hopeless_token_does_not_ask_the_issuer(
    key: SigningKey, settings: Settings, claims: dict[str, Any]
) -> None:
    def fetch(uri: str) -> bytes:
        raise AssertionError("the issuer was asked")

    keys = keys_from(settings, fetch)

    with pytest.raises(InvalidToken):
        authorize(make_event(make_token(key, claims)), settings, keys)


def test_an_outage_is_not_the_callers_fault(key: SigningKey, settings: Settings) -> None:
    def fetch(uri: str) -> bytes:
        raise OSError("down")

    with pytest.raises(KeysUnavailable, match=r"https://issuer\.example/jwks\.json: down"):
        authorize(make_event(make_token(key)), settings, keys_from(settings, fetch))


def test_an_event_of_another_kind_is_the_operators_fault(
    key: SigningKey, settings: Settings, keys: Keys
) -> None:
    with pytest.raises(ConfigError, match="this is not the event of an API Gateway Lambda authorizer"):
        authorize({"type": "SQS", "headers": {}}, settings, keys)


def test_an_arn_that_is_not_api_gateways_is_the_operators_fault(
    key: SigningKey, settings: Settings, keys: Keys
) -> None:
    event = make_event(make_token(key), "arn:aws:lambda:us-east-1:123456789012:function:x")

    with pytest.raises(ConfigError, match="methodArn"):
        authorize(event, settings, keys)


def test_a_table_of_an_asterisk_lets_any_valid_token_invoke_the_stage(key: SigningKey, keys: Keys) -> None:
    settings = Settings(tuple(keys), parse_routes("*"))
    response = authorize(make_event(make_token(key)), settings, keys)

    assert response["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": [STAGE + "*"]}
    ]


def test_each_allowed_algorithm_verifies_with_its_own_key() -> None:
    for alg in ("RS512", "PS256", "ES256", "EdDSA"):
        key = SigningKey.generate("k", alg)
        settings = Settings.from_environment(environment(ALGORITHMS=alg))
        keys = keys_from(settings, partial(_published, jwks(key)))

        assert authorize(make_event(make_token(key)), settings, keys)["principalId"] == "client@clients"


def _published(body: bytes, uri: str) -> bytes:
    return body
