"""Two issuers of one deployment: nothing of one is used for the other, and its trouble stays its own."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from auth import InvalidToken, Issuer, KeysUnavailable, Settings, fetch
from auth.authorizer import Decision, decide
from auth.keys import KeyStore
from tests.support.authorizer import Clock
from tests.support.environment import environment
from tests.support.jwks_server import Behaviour, JwksServer, answer, reset, silence
from tests.support.tokens import SigningKey, good_claims, jwks, make_event, make_token, token_with_kid

ROOT = Path(__file__).parents[2]
OURS, PARTNER = "https://ours.example/", "https://partner.example/"


class Deployment:
    """An authorizer for two issuers, each with a key of the same name and an endpoint of its own."""

    def __init__(self, ours: JwksServer, partner: JwksServer, **variables: str) -> None:
        self.ours, self.partner = ours, partner
        self.variables = environment(
            TOKEN_ISSUER=OURS,
            JWKS_URI=ours.url,
            AUDIENCE="our-api",
            TOKEN_ISSUER__PARTNER=PARTNER,
            JWKS_URI__PARTNER=partner.url,
            AUDIENCE__PARTNER="partner-api",
            **variables,
        )
        self.settings = Settings.from_environment(self.variables)
        self.clock = Clock()
        self.keys = {issuer: self._store(issuer) for issuer in self.settings.issuers}

    def _store(self, issuer: Issuer) -> KeyStore:
        return KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=fetch, clock=self.clock)

    def decide(self, token: str) -> Decision:
        return decide(make_event(token), self.settings, self.keys)

    def status(self, token: str) -> int:
        try:
            self.decide(token)
        except InvalidToken:
            return 401
        except KeysUnavailable:
            return 500
        return 200

    @property
    def fetches(self) -> tuple[int, int]:
        return len(self.ours.requests), len(self.partner.requests)


@pytest.fixture
def endpoints(key: SigningKey, stranger: SigningKey) -> Iterator[tuple[JwksServer, JwksServer]]:
    with (
        closing(JwksServer(answer(jwks(key)))) as ours,
        closing(JwksServer(answer(jwks(stranger)))) as partner,
    ):
        yield ours, partner


@pytest.fixture
def deployment(endpoints: tuple[JwksServer, JwksServer]) -> Deployment:
    return Deployment(*endpoints)


def our_token(key: SigningKey, **claims: Any) -> str:
    return make_token(key, good_claims(**{"iss": OURS, "aud": "our-api"} | claims))


def partner_token(key: SigningKey, **claims: Any) -> str:
    return make_token(key, good_claims(**{"iss": PARTNER, "aud": "partner-api"} | claims))


def test_each_issuers_tokens_are_accepted_with_its_own_keys_though_they_have_one_name(
    deployment: Deployment, key: SigningKey, stranger: SigningKey
) -> None:
    assert key.kid == stranger.kid
    for _ in range(3):
        assert deployment.status(our_token(key)) == 200
        assert deployment.status(partner_token(stranger)) == 200
    assert deployment.fetches == (1, 1)


def test_the_key_of_one_issuer_signs_no_token_of_the_other(
    deployment: Deployment, key: SigningKey, stranger: SigningKey
) -> None:
    for _ in range(3):
        assert deployment.status(our_token(stranger)) == 401
        assert deployment.status(partner_token(key)) == 401


def test_a_token_of_an_unknown_issuer_is_rejected_without_a_fetch(
    deployment: Deployment, key: SigningKey
) -> None:
    for issuer in ("https://unknown.example/", "", "*", f"{OURS},{PARTNER}", 7, None, [OURS], {OURS: 1}):
        assert deployment.status(make_token(key, good_claims(aud="our-api") | {"iss": issuer})) == 401
    assert deployment.fetches == (0, 0)


@pytest.mark.parametrize("iss", [OURS[:-1], OURS.upper(), "https://ours.example:443/", f"{OURS} ", OURS[6:]])
def test_an_iss_that_differs_by_slash_case_or_port_is_unknown(
    deployment: Deployment, key: SigningKey, iss: str
) -> None:
    assert deployment.status(our_token(key, iss=iss)) == 401
    assert deployment.fetches == (0, 0)


def test_the_audience_of_one_issuer_is_none_in_a_token_of_the_other(
    deployment: Deployment, key: SigningKey, stranger: SigningKey
) -> None:
    assert deployment.status(our_token(key, aud="partner-api")) == 401
    assert deployment.status(partner_token(stranger, aud="our-api")) == 401
    assert deployment.fetches == (0, 0)


def test_the_algorithms_of_one_issuer_are_not_allowed_for_the_other(
    endpoints: tuple[JwksServer, JwksServer], key: SigningKey
) -> None:
    deployment = Deployment(*endpoints, ALGORITHMS="RS256", ALGORITHMS__PARTNER="ES256")
    ec = SigningKey.generate("key-1", "ES256")
    for endpoint in endpoints:
        endpoint.behave = answer(jwks(key, ec))

    assert [deployment.status(our_token(one)) for one in (key, ec)] == [200, 401]
    assert [deployment.status(partner_token(one)) for one in (key, ec)] == [401, 200]


def test_the_claims_that_grant_scopes_and_say_who_calls_are_those_of_the_issuer(
    endpoints: tuple[JwksServer, JwksServer], key: SigningKey, stranger: SigningKey
) -> None:
    deployment = Deployment(*endpoints, SCOPE_CLAIMS__PARTNER="roles", PRINCIPAL_CLAIMS__PARTNER="email")
    claims = {"scope": "read:pets", "roles": ["create:pets"], "email": "a@partner.example"}
    ours = deployment.decide(our_token(key, **claims)).response
    partners = deployment.decide(partner_token(stranger, **claims)).response

    assert (ours["principalId"], ours["context"]["scope"]) == ("client@clients", "read:pets")
    assert (partners["principalId"], partners["context"]["scope"]) == ("a@partner.example", "create:pets")


def test_an_issuer_grants_only_what_it_may(
    endpoints: tuple[JwksServer, JwksServer], key: SigningKey, stranger: SigningKey
) -> None:
    deployment = Deployment(*endpoints, ALLOWED_SCOPES__PARTNER="read:pets")
    scope = "read:pets create:pets"

    assert deployment.decide(our_token(key, scope=scope)).claims.scopes == set(scope.split())
    assert deployment.decide(partner_token(stranger, scope=scope)).claims.scopes == {"read:pets"}


def test_required_claims_and_types_are_those_of_the_issuer(
    endpoints: tuple[JwksServer, JwksServer], key: SigningKey, stranger: SigningKey
) -> None:
    deployment = Deployment(*endpoints, REQUIRED_CLAIMS__PARTNER="org_id=acme", TOKEN_TYPES="at+jwt")

    assert deployment.status(our_token(key)) == 401
    assert deployment.status(partner_token(stranger)) == 401
    assert deployment.status(partner_token(stranger, org_id="acme")) == 200


def test_the_backend_hears_whose_token_it_is_since_two_issuers_may_use_one_sub(
    deployment: Deployment, key: SigningKey, stranger: SigningKey
) -> None:
    ours, partners = deployment.decide(our_token(key)), deployment.decide(partner_token(stranger))

    assert ours.response["principalId"] == partners.response["principalId"]
    assert (ours.response["context"]["iss"], partners.response["context"]["iss"]) == (OURS, PARTNER)


# Trouble of one issuer


TROUBLE: dict[str, Behaviour] = {
    "is out of order": answer(b"", status="503 Service Unavailable"),
    "answers rubbish": answer(b"null"),
    "resets the connection": reset,
    "is silent": silence,
}


@pytest.mark.parametrize("behave", TROUBLE.values(), ids=TROUBLE)
def test_the_others_tokens_are_accepted_while_one_issuer(
    deployment: Deployment, key: SigningKey, stranger: SigningKey, behave: Behaviour
) -> None:
    deployment.partner.behave = behave

    assert deployment.status(partner_token(stranger)) == 500
    assert deployment.status(our_token(key)) == 200
    assert deployment.status(partner_token(stranger)) == 500


def test_nobody_waits_for_the_fetch_of_another_issuer(
    deployment: Deployment, key: SigningKey, stranger: SigningKey
) -> None:
    may_answer = threading.Event()

    def answer_late(connection: Any) -> None:
        assert may_answer.wait(10)
        answer(jwks(stranger))(connection)

    deployment.partner.behave = answer_late
    statuses: list[int] = []
    caller = threading.Thread(target=lambda: statuses.append(deployment.status(partner_token(stranger))))
    caller.start()
    assert deployment.partner.asked.wait(5)

    assert deployment.status(our_token(key)) == 200
    assert statuses == []
    may_answer.set()
    caller.join(10)
    assert statuses == [200]


def test_a_flood_of_unknown_kids_of_one_issuer_delays_no_new_key_of_the_other(
    deployment: Deployment, key: SigningKey, stranger: SigningKey, new_key: SigningKey
) -> None:
    assert deployment.status(our_token(key)) == deployment.status(partner_token(stranger)) == 200
    unknown = [partner_token(SigningKey(f"unknown-{n}", "RS256", stranger.private)) for n in range(100)]
    assert {deployment.status(token) for token in unknown} == {401}
    assert deployment.fetches == (1, 2)

    deployment.ours.behave = answer(jwks(key, new_key))
    assert deployment.status(our_token(new_key)) == 200
    assert deployment.fetches == (2, 2)


def test_an_outage_of_one_issuer_makes_no_unknown_kid_of_the_other_a_500(
    deployment: Deployment, key: SigningKey, stranger: SigningKey
) -> None:
    deployment.partner.behave = reset
    assert deployment.status(partner_token(stranger)) == 500

    assert deployment.status(our_token(SigningKey("unknown", "RS256", key.private))) == 401


# A cold start

START = """
import json, sys, types
sys.modules["rules"] = types.ModuleType("rules")  # whatever is in rules.py
import handler
print("imported", flush=True)
for line in sys.stdin:
    try:
        handler.authorize(json.loads(line), None)
    except Exception:
        pass
    print("decided", flush=True)
"""


def test_at_a_cold_start_all_issuers_are_asked_at_once_and_a_silent_one_holds_up_nobody_else(
    deployment: Deployment, key: SigningKey
) -> None:
    """The partner stays silent until everybody else has been served."""
    may_answer = threading.Event()
    deployment.partner.behave = lambda connection: void(may_answer.wait(20))
    with subprocess.Popen(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=deployment.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert deployment.ours.asked.wait(10)
        assert deployment.partner.asked.wait(10)
        lines = [process.stdout.readline().rstrip()]
        process.stdin.write(json.dumps(make_event(our_token(key))) + "\n")
        process.stdin.flush()
        lines += [process.stdout.readline().rstrip() for _ in range(2)]
        assert not may_answer.is_set()
        may_answer.set()
        process.communicate(timeout=20)

    assert (lines[0], json.loads(lines[1])["outcome"], lines[2]) == ("imported", "policy", "decided")
    assert deployment.fetches == (1, 1)


def void(_: object) -> None:
    """Answer nothing."""


def test_a_fetch_that_was_begun_at_a_cold_start_is_not_repeated_by_the_first_caller(
    deployment: Deployment, key: SigningKey, stranger: SigningKey
) -> None:
    events = [make_event(our_token(key)), make_event(partner_token(stranger))]
    run = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=deployment.variables,
        input="".join(json.dumps(event) + "\n" for event in events),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    outcomes = [json.loads(line)["outcome"] for line in run.stdout.splitlines() if line.startswith("{")]
    assert outcomes == ["policy", "policy"]
    assert deployment.fetches == (1, 1)


# Several `iss` over one JWKS


def test_one_jwks_may_serve_several_issuers(key: SigningKey) -> None:
    with closing(JwksServer(answer(jwks(key)))) as endpoint:
        settings = Settings.from_environment(
            environment(TOKEN_ISSUER="https://a.example/,https://b.example/", JWKS_URI=endpoint.url)
        )
        keys = {issuer: KeyStore(issuer.jwks_uri, ("RS256",), fetch=fetch) for issuer in settings.issuers}
        for iss in ("https://a.example/", "https://b.example/"):
            response = decide(make_event(make_token(key, good_claims(iss=iss))), settings, keys).response
            assert response["context"]["iss"] == iss
        assert len(endpoint.requests) == 1


def test_an_unknown_kid_of_a_token_without_issuer_is_rejected_without_a_fetch(deployment: Deployment) -> None:
    assert deployment.status(token_with_kid("unknown")) == 401
    assert deployment.fetches == (0, 0)
