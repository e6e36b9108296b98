"""Each token of the tables, through the function as API Gateway calls it, with the keys over HTTP."""

import json
import time
from functools import cache
from typing import Any

import pytest

from tests.support.deployed import Invocation, deployed
from tests.support.tokens import SigningKey, make_event, make_token
from tests.unit.issuers.providers import PROVIDERS
from tests.unit.issuers.shapes import NOW, Accepted, NoKeys, Provider, PublishedKey, Rejected, Token, Unsigned

ROWS = [
    pytest.param(provider, token, id=f"{provider.name}: {token.what}")
    for provider in PROVIDERS
    for token in provider.tokens
]


@pytest.mark.parametrize(("provider", "token"), ROWS)
def test_each_kind_of_token_is_accepted_or_rejected_as_the_table_says(
    provider: Provider, token: Token | Unsigned
) -> None:
    answer = ask(provider, token)

    if isinstance(token.outcome, Accepted):
        assert answer.response is not None, answer.log
        assert answer.response["principalId"] == token.outcome.principal
        context = answer.response["context"]
        assert frozenset(str(context.pop("scope")).split()) == token.outcome.scopes
        assert context == token.outcome.context
        (allow, *_) = answer.response["policyDocument"]["Statement"]
        assert allow["Effect"] == "Allow"
        assert [resource.partition("/dev/")[2] for resource in allow["Resource"]] == ["GET/pets", "GET/pets/"]
    elif isinstance(token.outcome, Rejected):
        assert str(answer.error) == "Unauthorized"
        assert answer.log[-1]["reason"] == token.outcome.reason
    else:
        assert isinstance(token.outcome, NoKeys)
        assert answer.log[-1]["outcome"] == "keys_unavailable"
        assert answer.log[-1]["reason"].endswith("no usable key")


def ask(provider: Provider, token: Token | Unsigned) -> Invocation:
    """Ask the deployed function about `GET /pets`."""
    settings, keys, credentials = case(provider, token)
    settings.pop("JWKS_URI", None)  # the test's own server has the keys
    with deployed(*keys, **settings) as deployment:
        return deployment.invoke(make_event(credentials))


def case(provider: Provider, token: Token | Unsigned) -> tuple[dict[str, str], list[dict[str, Any]], str]:
    """Return the settings, the JWKS and the credentials of a row of the tables.

    `GET /pets` needs all the scopes that the token is expected to have.
    """
    settings, keys = {**provider.settings}, provider.keys
    if isinstance(token, Unsigned):
        credentials = token.credentials
    else:
        settings |= token.settings
        keys = token.keys or keys
        credentials = sign(token, token.header or provider.header, token.pair or keys[0].pair)
    scopes = token.outcome.scopes if isinstance(token.outcome, Accepted) else ()
    settings["ROUTE_SCOPES"] = f"GET /pets {' '.join(scopes)}\nPOST /pets nobody:has-this"
    return settings, [publish(key) for key in keys], credentials


def sign(token: Token, header: Any, pair: str) -> str:
    key = SigningKey(kid="", alg=header["alg"], private=key_pair(pair).private)
    # The tables were read when the tests were collected, and some tokens live for a minute.
    since = int(time.time()) - NOW
    times = {name: token.claims[name] + since for name in ("iat", "nbf", "exp") if name in token.claims}
    return make_token(key, {**token.claims, **times}, json.dumps(dict(header)).encode())


def publish(key: PublishedKey) -> dict[str, Any]:
    return key_pair(key.pair).jwk(**{"use": None, "alg": None} | dict(key.members))


@cache
def key_pair(name: str) -> SigningKey:
    algorithms = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "EdDSA"}
    return SigningKey.generate(kid="", alg=algorithms.get(name, "RS256"))
