"""The deployed API as its callers meet it: `sls deploy` to an AWS on 127.0.0.1, which runs the functions.

The tests share a stage and run in this order: it is deployed while the issuer is down, the issuer comes back,
endpoints are added, an authorizer is replaced by one of the other type, the keys get a backup, and the
stage is removed.

MiniStack 1.5.33 differs from AWS. A test that is affected names the difference by the word in capitals, and
expects nothing that AWS would not do:

- VARIABLES: `$context.authorizer.*` and `$context.error.validationErrorString` stay as they are in the body
  of a gateway response.
- VALIDATORS: request validators are not created, so an invalid body reaches the function, which rejects it.
- SOURCES: identity sources that begin with `context.` count as absent. With a cache, each request to the
  REQUEST authorizer of this service would be a 401, so it has none here.
- ENVIRONMENTS: an error ends the environment of a function, and its keys are lost. After each 401 there is a
  cold start.
- ROLES: the permissions of API Gateway to invoke the authorizer are not checked. See test_deploy.py.
- BUCKETS: their policies are enforced, but without TLS, and without knowing `aws:PrincipalArn`, so that
  nobody may use the bucket of the backup. Its policy is removed. See test_key_backup.py in tests/infra.
- PATHS: a path is decoded before it is routed, so other spellings of a path are not tried here.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from itertools import count, permutations
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from tests.support.checkout import SLS, copy_project, npm_run, run
from tests.support.environment import SETTINGS
from tests.support.jwks_server import JwksServer, answer
from tests.support.ministack import api_url, remaining_resources
from tests.support.packages import HERE
from tests.support.serverless_yml import SCOPES, SERVICE
from tests.support.tokens import SigningKey, good_claims, jwks, make_token

pytestmark = pytest.mark.usefixtures("runtime")

STAGE = "dev"
REALM = f'Bearer realm="{SERVICE}"'
PET = {"type": "cat", "price": 123.11}

TOKEN, REQUEST = "authorizer: ${self:custom.jwtAuthorizer}", "authorizer: ${self:custom.jwtRequest}"

# Endpoints to add. The pattern of `GET /pets/{petId}` matches both, since `*` in an ARN matches slashes, too:
# one policy for all routes needs a Deny for each of them.
ADDED = """
  listMyPets:
    handler: petstore.list_pets
    package: ${self:custom.petstorePackage}
    events:
      - http:
          method: get
          path: /pets/mine
          authorizer: ${self:custom.jwtAuthorizer}
          scopes: [read:own]
  getOwner:
    handler: petstore.get_pet
    package: ${self:custom.petstorePackage}
    events:
      - http:
          method: get
          path: /pets/{petId}/owner
          authorizer: ${self:custom.jwtAuthorizer}
          scopes: [read:owners]
"""

# Which scope each request needs.
FIRST_ROUTES = {"GET /pets": "read:pets", "GET /pets/1": "read:pets", "POST /pets": "create:pets"}
ALL_ROUTES = FIRST_ROUTES | {"GET /pets/1/owner": "read:owners", "GET /pets/mine": "read:own"}


class Api:
    """The deployed API, its issuer, and how to deploy it again."""

    def __init__(
        self, aws: str, checkout: Path, clean: dict[str, str], issuer: JwksServer, key: SigningKey
    ) -> None:
        self.issuer, self.checkout = issuer, checkout
        self._aws, self._key, self._ids = aws, key, count()
        variables = {"AWS_ENDPOINT_URL": aws, "JWKS_URI": issuer.url, "SLS_AWS_MONITORING_FREQUENCY": "200"}
        self._environment = clean | SETTINGS | variables

    def sls(self, command: str, *options: str) -> None:
        ran = run(self.checkout, SLS, command, "--stage", STAGE, *options, environment=self._environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def deploy(self, **parameters: object) -> None:
        """Deploy for the processor of this machine, and with these parameters."""
        given = {"architecture": HERE} | parameters
        self.sls("deploy", *(word for item in given.items() for word in ("--param", "{}={}".format(*item))))

    @cached_property
    def url(self) -> str:
        (stack,) = boto3.client("cloudformation").describe_stacks()["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return api_url(self._aws, outputs["ApiId"], STAGE)

    def token(self, *scopes: str, **claims: Any) -> str:
        """Return a token that no cache has yet."""
        return make_token(self._key, good_claims(scope=" ".join(scopes), jti=str(next(self._ids)), **claims))

    def call(self, request: str, token: str | None = None, **options: Any) -> requests.Response:
        method, path = request.split()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if method == "POST":
            options = {"json": PET} | options
        return requests.request(method, f"{self.url}{path}", headers=headers, timeout=30, **options)

    def statuses(self, calls: Any, token: str) -> dict[str, int]:
        return {request: self.call(request, token).status_code for request in calls}

    def decisions(self) -> list[dict[str, Any]]:
        """Return the lines that the authorizer logged about its decisions."""
        lines = [line for line in self.logged() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["event"] == "decision"]

    def logged(self) -> list[str]:
        pages = boto3.client("logs").get_paginator("filter_log_events")
        group = f"/aws/lambda/{SERVICE}-{STAGE}-authorizer"
        return [
            event["message"].strip()
            for page in pages.paginate(logGroupName=group)
            for event in page["events"]
        ]


@pytest.fixture(scope="module")
def issuer(key: SigningKey) -> Iterator[JwksServer]:
    with closing(JwksServer(answer(jwks(key)))) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def first(
    aws: str,
    clean: dict[str, str],
    issuer: JwksServer,
    key: SigningKey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Api:
    """The API as it is first deployed, while its issuer is down."""
    api = Api(aws, copy_project(tmp_path_factory.mktemp("deployed")), clean, issuer, key)
    issuer.close()
    api.deploy()
    return api


def gateway_response(answered: requests.Response) -> tuple[int, str, str | None, str | None]:
    """Return status, message, challenge and Retry-After of a response of API Gateway itself.

    Any page in a browser must be able to read it, and it must say which request it is about.
    """
    assert answered.headers["Access-Control-Allow-Origin"] == "*"
    assert answered.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate,Retry-After"
    assert answered.headers["Content-Type"] == "application/json"
    body = answered.json()
    assert body["request_id"]
    headers = (answered.headers.get(name) for name in ("WWW-Authenticate", "Retry-After"))
    return answered.status_code, body["message"], *headers


UNAUTHORIZED = (
    401,
    (
        "A valid access token is required. Send it as: Authorization: Bearer TOKEN. "
        "If the token has expired, get a new one."
    ),
    REALM,
    None,
)
FORBIDDEN = (
    403,
    "The access token does not allow this request. Get a token with the required scopes.",
    f'{REALM}, error="insufficient_scope"',
    None,
)
UNKNOWN_ROUTE = (404, "Not found. Check the method and the path.", None, None)
UNAVAILABLE = (
    503,
    "Access tokens can't be verified at the moment. Try again in 30 seconds, with the same token.",
    None,
    "30",
)


# First deployed


def test_without_keys_of_the_issuer_the_answer_is_503_and_says_when_to_try_again(first: Api) -> None:
    assert gateway_response(first.call("GET /pets", first.token("read:pets"))) == UNAVAILABLE


def test_no_token_and_a_public_page_need_no_issuer(first: Api) -> None:
    assert gateway_response(first.call("GET /pets")) == UNAUTHORIZED
    welcome = first.call("GET /")
    assert (welcome.status_code, "Welcome" in welcome.text) == (200, True)


@pytest.fixture(scope="module")
def api(first: Api) -> Api:
    """The API, whose issuer is back."""
    first.issuer.start()
    token, deadline = first.token("read:pets"), time.monotonic() + 30
    while first.call("GET /pets", token).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.5)
    return first


def test_the_same_token_is_accepted_when_the_issuer_is_back_and_stays_so_when_it_is_down_again(
    api: Api,
) -> None:
    seen, unseen = api.token("read:pets"), api.token("read:pets")

    assert api.call("GET /pets", seen).status_code == 200
    api.issuer.close()
    assert api.statuses(["GET /pets", "GET /pets/1"], seen) == {"GET /pets": 200, "GET /pets/1": 200}
    assert api.call("GET /pets", unseen).status_code == 200  # by the keys that the environment holds
    api.issuer.start()


def test_a_granted_request_gets_the_answer_of_the_backend_which_any_page_can_read(api: Api) -> None:
    token = api.token("read:pets", "create:pets")
    pets, pet, made = (api.call(request, token) for request in ("GET /pets", "GET /pets/2", "POST /pets"))

    assert [pets.status_code, pet.status_code, made.status_code] == [200, 200, 200]
    assert pet.json() in pets.json()
    assert pet.json()["id"] == 2
    assert made.json()["pet"] == PET
    for answered in (pets, pet, made):
        assert answered.headers["Access-Control-Allow-Origin"] == "*"


def test_a_token_that_is_not_valid_is_a_401_with_a_challenge(api: Api, stranger: SigningKey) -> None:
    scope = "read:pets"
    for invalid in (
        "x",
        "x.y.z",
        api.token(scope, exp=int(time.time()) - 60),
        api.token(scope, aud="https://another-api"),
        api.token(scope, iss="https://another.example/"),
        make_token(stranger, good_claims(scope=scope)),
    ):
        assert gateway_response(api.call("GET /pets", invalid)) == UNAUTHORIZED


def test_another_scheme_is_a_401_without_a_call_of_the_authorizer(api: Api) -> None:
    before = len(api.decisions())
    answered = requests.get(f"{api.url}/pets", auth=("user", "password"), timeout=30)

    assert gateway_response(answered) == UNAUTHORIZED
    assert len(api.decisions()) == before


def test_a_token_without_the_scope_is_a_403_that_says_what_it_lacks(api: Api) -> None:
    for token in (api.token("create:pets"), api.token()):
        answered = api.call("GET /pets/1", token)
        assert gateway_response(answered) == FORBIDDEN
        assert answered.json()["error"] == "insufficient_scope"
        assert "scope_of_token" in answered.json()  # VARIABLES: whatever is in it


def test_an_unknown_route_is_a_404_with_or_without_a_token(api: Api) -> None:
    for request in ("GET /fish", "DELETE /pets", "GET /pets/1/owner"):
        for token in (None, api.token("read:pets")):
            assert gateway_response(api.call(request, token)) == UNKNOWN_ROUTE


def test_an_unknown_pet_is_a_404_of_the_backend(api: Api) -> None:
    answered = api.call("GET /pets/9", api.token("read:pets"))

    assert (answered.status_code, answered.json()) == (404, {"message": "there is no pet with this id"})


@pytest.mark.parametrize("body", [{"type": "dragon", "price": 1}, {"type": "dog"}])
def test_an_invalid_pet_is_a_400_which_any_page_can_read(api: Api, body: dict[str, Any]) -> None:
    answered = api.call("POST /pets", api.token("create:pets"), json=body)

    assert answered.status_code == 400  # VALIDATORS: whoever rejects it
    assert answered.headers["Access-Control-Allow-Origin"] == "*"
    assert answered.json()["message"]


def test_a_browser_may_send_a_token_from_any_page(api: Api) -> None:
    preflight = api.call("OPTIONS /pets")

    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"].split(",")
    assert {"GET", "POST"} <= set(preflight.headers["Access-Control-Allow-Methods"].split(","))


@pytest.mark.parametrize("scopes", [["read:pets"], ["create:pets"], ["read:pets", "create:pets"], []])
def test_one_cached_policy_is_right_for_all_requests_in_any_order(api: Api, scopes: list[str]) -> None:
    expected = {request: 200 if needed in scopes else 403 for request, needed in FIRST_ROUTES.items()}
    before = len(api.decisions())
    orders = list(permutations(expected))

    for order in orders:
        assert api.statuses(order, api.token(*scopes)) == expected, order
    assert len(api.decisions()) == before + len(orders)  # one for each token


def test_the_smoke_test_passes(api: Api, clean: dict[str, str]) -> None:
    command = (*npm_run("smoke"), "--url", api.url, "--token", "-")
    ran = run(api.checkout, *command, environment=clean, standard_input=api.token("read:pets"))

    assert ran.returncode == 0, ran.stdout + ran.stderr


# Changed


@pytest.fixture(scope="module")
def changed(api: Api) -> Api:
    """The API with more endpoints, after a deployment that changed nothing else."""
    service = api.checkout / "serverless.yml"
    before, function, after = service.read_text().partition("\n  getPet:\n")
    assert function
    service.write_text(before + ADDED + function + after)
    api.deploy()
    return api


@pytest.mark.parametrize(
    "scopes", [[], ["read:pets"], ["read:own"], ["read:owners"], ["read:pets", "read:own"]]
)
def test_a_new_endpoint_is_for_those_with_its_scope_whatever_was_called_first(
    changed: Api, scopes: list[str]
) -> None:
    expected = {request: 200 if needed in scopes else 403 for request, needed in ALL_ROUTES.items()}

    for first in expected:
        order = [first, *(request for request in expected if request != first)]
        assert changed.statuses(order, changed.token(*scopes)) == expected, order


SCOPES_AFTER_CHANGES = sorted({*SCOPES, "read:own", "read:owners"})

# Without a cache, and with few requests allowed

BURST = 20


@pytest.fixture(scope="module")
def uncached(changed: Api) -> Api:
    """The API without a cache, throttled, with one REQUEST authorizer, and with a backup of the keys."""
    service = changed.checkout / "serverless.yml"
    before, path, after = service.read_text().partition("path: /pets/{petId}\n")
    assert path
    service.write_text(before + path + after.replace(TOKEN, REQUEST, 1))
    changed.deploy(authorizerTtl=0, throttleRate=1, throttleBurst=BURST, keyBackup="enabled")
    return changed


@pytest.mark.parametrize("request_", ["GET /pets", "GET /pets/1"], ids=["TOKEN", "REQUEST"])
def test_without_a_cache_each_request_is_decided_on_its_own(uncached: Api, request_: str) -> None:
    before = len(uncached.decisions())
    granted, refused = uncached.token("read:pets"), uncached.token("create:pets")

    assert [uncached.call(request_, granted).status_code for _ in range(3)] == [200, 200, 200]
    assert gateway_response(uncached.call(request_, refused)) == FORBIDDEN
    assert gateway_response(uncached.call(request_, "x.y.z")) == UNAUTHORIZED
    assert gateway_response(uncached.call(request_)) == UNAUTHORIZED
    # Without a token, the authorizer of type TOKEN is not called. SOURCES: the other one may be.
    assert len(uncached.decisions()) - before in ((5,) if request_ == "GET /pets" else (5, 6))


def test_a_request_authorizer_logs_the_route_that_api_gateway_picked(uncached: Api) -> None:
    uncached.call("GET /pets/2", uncached.token("read:pets"))

    assert uncached.decisions()[-1]["route"] == "GET /pets/{petId}"


def test_with_a_backup_a_new_environment_accepts_tokens_while_the_issuer_is_down(uncached: Api) -> None:
    s3, lambdas = boto3.client("s3"), boto3.client("lambda")
    (bucket,) = (bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if "keybackup" in bucket["Name"])
    s3.delete_bucket_policy(Bucket=bucket)  # BUCKETS
    function = f"{SERVICE}-{STAGE}-keyBackup"
    assert "FunctionError" not in lambdas.invoke(FunctionName=function)  # as its schedule does
    uncached.issuer.close()
    assert uncached.call("GET /pets", "x.y.z").status_code == 401  # ENVIRONMENTS: the next request starts one

    assert uncached.call("GET /pets", uncached.token("read:pets")).status_code == 200
    assert gateway_response(uncached.call("GET /pets", uncached.token("create:pets"))) == FORBIDDEN
    assert any("keys_from_backup" in line for line in uncached.logged())
    uncached.issuer.start()


def test_more_requests_than_allowed_get_a_429_which_any_page_can_read(uncached: Api) -> None:
    answers = (uncached.call("GET /") for _ in range(10 * BURST))
    throttled = next(answered for answered in answers if answered.status_code != 200)

    assert gateway_response(throttled) == (429, "Too Many Requests", None, None)


# With metadata for clients


@pytest.fixture(scope="module")
def described(uncached: Api) -> Api:
    """The API, which tells clients how to get a token."""
    uncached.deploy(authorizerTtl=0, resourceMetadata="enabled", keyBackup="enabled")
    return uncached


def test_a_client_without_a_token_finds_out_where_to_get_one_and_which_scopes_there_are(
    described: Api,
) -> None:
    path = "/.well-known/oauth-protected-resource"
    refused = described.call("GET /pets")
    document = described.call(f"GET {path}")

    assert refused.status_code == 401
    assert f'{path}"' in refused.headers["WWW-Authenticate"]
    assert document.status_code == 200
    assert document.json() == {
        "resource": SETTINGS["AUDIENCE"],
        "authorization_servers": [SETTINGS["TOKEN_ISSUER"]],
        "scopes_supported": SCOPES_AFTER_CHANGES,
        "bearer_methods_supported": ["header"],
    }


def test_no_part_of_a_token_was_logged(described: Api) -> None:
    logged = "\n".join(described.logged())

    assert "decision" in logged
    assert "eyJ" not in logged  # how each part of a token begins, but for its signature
    assert "Bearer" not in logged


def test_removing_the_stage_leaves_nothing_behind_but_the_backup(described: Api) -> None:
    described.sls("remove")

    (left,) = remaining_resources()
    assert "keybackupbucket" in left
