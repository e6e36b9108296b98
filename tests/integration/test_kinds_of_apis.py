"""Several APIs and authorizers in one service: the local stack caches their answers as API Gateway does."""

from collections.abc import Iterator
from itertools import count, permutations
from pathlib import Path

import pytest
import requests

from tests.support.local_stack import LocalStack, bearer, start
from tests.support.serverless_yml import public_in_rest_api

# Added to the PetStore: an HTTP API with the payload format 1.0, whose route keys stand for many requests.
HTTP_API = """\
provider:
  httpApi:
    payload: '1.0'
    authorizers:
      jwt:
        type: request
        functionName: authorizer
        payloadVersion: '1.0'
        identitySource: [$request.header.Authorization, $context.routeKey]
        resultTtlInSeconds: 300
"""
HTTP_EVENTS = """\
    events:
      - httpApi: { method: get, path: '/pets/{petId}', authorizer: { name: jwt }, scopes: [read:pets] }
      - httpApi: { method: '*', path: '/files/{path+}', authorizer: { name: jwt }, scopes: [files] }
      - httpApi: { method: '*', path: '*', authorizer: { name: jwt }, scopes: [] }
"""


@pytest.fixture(scope="module")
def stack(editable: Path, clean: dict[str, str]) -> Iterator[LocalStack]:
    """The PetStore with a TOKEN authorizer on /pets, a REQUEST one on /pets/{petId}, and an HTTP API."""
    service = (editable / "serverless.yml").read_text()
    before, path, after = service.partition("path: /pets/{petId}\n")
    after = after.replace("${self:custom.jwtAuthorizer}", "${self:custom.jwtRequest}", 1)
    before, function, rest = before.partition("    handler: petstore.welcome\n")
    rest = rest.replace("    events:\n", HTTP_EVENTS, 1)
    changed = (before + function + rest + path + after).replace("provider:\n", HTTP_API, 1)
    (editable / "serverless.yml").write_text(public_in_rest_api(changed))
    stack = start(editable, "node", "local/start.mjs", environment=clean)
    yield stack
    stack.end()
    (editable / "serverless.yml").write_text(service)


_numbers = count()


def another_token(stack: LocalStack, scope: str) -> str:
    """Return a token for which no answer is cached."""
    return stack.token(scope, claims={"jti": str(next(_numbers))})


def status(stack: LocalStack, request: str, token: str) -> int:
    method, path = request.split()
    root = stack.api.removesuffix("/local")
    body = {"type": "cat", "price": 1} if method == "POST" else None
    return requests.request(method, root + path, headers=bearer(token), json=body, timeout=5).status_code


TOKEN_KIND, REQUEST_KIND = ("GET /local/pets", "POST /local/pets"), "GET /local/pets/1"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("read:pets", [200, 403, 200, 200]),
        ("create:pets", [403, 200, 403, 403]),
        ("read:pets create:pets", [200, 200, 200, 200]),
        ("", [403, 403, 403, 403]),
    ],
)
def test_authorizers_of_all_kinds_are_right_in_every_order_of_calls(
    stack: LocalStack, scope: str, expected: list[int]
) -> None:
    requests_ = (*TOKEN_KIND, REQUEST_KIND, "GET /pets/1")
    for order in permutations(dict(zip(requests_, expected, strict=True)).items()):
        token = another_token(stack, scope)
        for request, right in order:
            assert status(stack, request, token) == right, (request, order)


@pytest.mark.parametrize("request_", [*TOKEN_KIND, REQUEST_KIND, "GET /pets/1", "PUT /files/a/b", "GET /x"])
def test_a_request_without_a_valid_token_is_a_401(stack: LocalStack, request_: str) -> None:
    expired = stack.token("read:pets", claims={"exp": 1})
    for token in ("x.y.z", expired, ""):
        assert status(stack, request_, token) == 401
    method, path = request_.split()
    url = stack.api.removesuffix("/local") + path
    assert requests.request(method, url, timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("request_", "scope", "right"),
    [
        ("GET /files/a", "files", 200),
        ("DELETE /files/a/b", "files", 200),
        ("DELETE /files/a/b", "read:pets", 403),
        ("GET /anything/else", "", 200),  # the scopes of $default are []
        ("PATCH /pets/1", "", 200),  # $default, too: only GET has a route of its own
        ("GET /pets/1", "", 403),
    ],
)
def test_route_keys_of_an_http_api_that_stand_for_many_requests(
    stack: LocalStack, request_: str, scope: str, right: int
) -> None:
    assert status(stack, request_, another_token(stack, scope)) == right


@pytest.mark.parametrize("request_", ["GET /local/pets/", "GET /local/pets/1/", "GET /pets/1/"])
def test_a_slash_at_the_end_changes_nothing(stack: LocalStack, request_: str) -> None:
    assert status(stack, request_, another_token(stack, "read:pets")) == 200
    assert status(stack, request_, another_token(stack, "create:pets")) == 403
