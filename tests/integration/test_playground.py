"""The page that a deployed API serves with `playground: enabled`, and CORS as a browser enforces it."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from auth import InvalidToken, Issuer, KeysUnavailable, Settings
from auth.authorizer import decide
from auth.keys import KeyStore
from tests.support.browser import browser_or_skip
from tests.support.checkout import run
from tests.support.environment import environment
from tests.support.iam import evaluate
from tests.support.serverless_yml import OPEN, ROUTES, SERVICE
from tests.support.template_api import TemplateApi
from tests.support.tokens import SigningKey, make_event, token

Resources = dict[str, Any]

TEMPLATE = "cloudformation-template-update-stack.json"
ARN = "arn:aws:execute-api:us-east-1:123456789012:apiId/dev/"


def resources_of(package: Path) -> Resources:
    resources: Resources = json.loads((package / TEMPLATE).read_text())["Resources"]
    return resources


@pytest.fixture(scope="module")
def resources(dev_package: Path) -> Resources:
    """The resources of a stage that has the page."""
    return resources_of(dev_package)


@pytest.fixture(scope="module")
def page(resources: Resources) -> str:
    (response,) = resources["PlaygroundMethod"]["Properties"]["Integration"]["IntegrationResponses"]
    html: str = response["ResponseTemplates"]["text/html"]
    return html


def test_only_a_stage_that_enables_it_has_the_page(prod_package: Path, resources: Resources) -> None:
    assert "PlaygroundMethod" in resources
    assert [name for name in resources_of(prod_package) if "Playground" in name] == []


def test_the_page_has_a_row_for_each_route_with_its_scopes(page: str) -> None:
    found = re.search(r'id="config">(.*)</script>', page)
    assert found
    config = json.loads(found[1])
    routes = {f"{route['method']} {route['path']}": route for route in config["routes"]}

    protected = [
        " ".join((name, *route["scopes"])) for name, route in routes.items() if not route["isPublic"]
    ]
    assert ["[rest]", *protected] == ROUTES.splitlines()
    public = {(route["path"], route["method"]) for route in routes.values() if route["isPublic"]}
    assert public == {(path, method) for path, method in OPEN if method != "OPTIONS"}
    for name, query, body in (
        ("GET /", [], None),
        ("GET /pets", ["type", "page"], None),
        ("POST /pets", [], {"type": "dog", "price": 1}),
        ("GET /pets/{petId}", [], None),
    ):
        assert (routes[name]["query"], routes[name].get("body")) == (query, body)
    assert config["scopeClaims"] == ["scope", "scp", "permissions"]


def test_nothing_in_the_page_means_something_in_a_mapping_template(page: str) -> None:
    assert re.findall("[$#]", page) == []


def test_nor_does_a_sign_in_the_routes_which_cannot_end_the_script_either(
    checkout: Path, clean: dict[str, str]
) -> None:
    route = {"method": "GET", "path": "/</script>", "scopes": ["a#b", "$c"]}
    script = (
        "const make = require('./local/page/document.cjs');"
        f"console.log(make({{ routes: [{json.dumps(route)}] }}).match(/id=.config.>(.*)<.script>/)[1]);"
    )
    printed = run(checkout, "node", "--eval", script, environment=clean).stdout

    assert json.loads(printed) == {"routes": [route]}
    assert re.findall("[$#<]", printed) == []


@pytest.fixture
def apis(resources: Resources, keys: dict[Issuer, KeyStore]) -> Iterator[list[TemplateApi]]:
    """The API with our authorizer, and the same without any keys."""
    settings = Settings.from_environment(environment(ROUTE_SCOPES=ROUTES))
    none = {issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=no_answer) for issuer in keys}

    def api(key_stores: dict[Issuer, KeyStore]) -> TemplateApi:
        def refuse(method: str, path: str, authorization: str | None) -> str | None:
            arn = f"{ARN}{method}{path}"
            event = make_event("", arn) | {"authorizationToken": authorization}
            try:
                decision = decide(event, settings, key_stores)
            except InvalidToken:
                return "UNAUTHORIZED"
            except KeysUnavailable:
                return "AUTHORIZER_FAILURE"
            allowed = evaluate(decision.response["policyDocument"], arn) == "Allow"
            return None if allowed else "ACCESS_DENIED"

        return TemplateApi(resources, refuse)

    with closing(api(keys)) as healthy, closing(api(none)) as without_keys:
        yield [healthy, without_keys]


def no_answer(uri: str) -> bytes:
    raise KeysUnavailable(f"no keys from {uri}")


def test_the_page_works_in_a_browser_and_so_does_cors(
    apis: list[TemplateApi], key: SigningKey, checkout: Path, clean: dict[str, str]
) -> None:
    healthy, without_keys = apis
    variables = {
        "BROWSER": browser_or_skip(),
        "API": healthy.url,
        "SERVICE": SERVICE,
        "API_WITHOUT_KEYS": without_keys.url,
        "READER": token(key, scope="read:pets"),
        "EXPIRED": token(key, exp=1),
    }
    tests = "tests/integration/playground.test.mjs"
    ran = run(
        checkout, "node", "--test", "--test-reporter=spec", tests, environment=clean | variables, timeout=120
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
