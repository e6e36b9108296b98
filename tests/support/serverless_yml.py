"""What serverless.yml says, so that the tests know a new endpoint as soon as it is there."""

import re
from pathlib import Path
from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's YAML without resolving its functions."""


Loader.add_multi_constructor("!", lambda loader, tag, node: node.value)


def without_usage_plans(service: str) -> str:
    """Return the text of a serverless.yml without what docs/rules.md adds for usage plans.

    They belong to the rules of the deployer, which no test depends on.
    """
    service = re.sub(r"^ +private: true\b.*\n", "", service, flags=re.MULTILINE)
    for name in ("apiKeySourceType", "apiKeys", "usagePlan"):
        service = re.sub(rf"^    {name}:.*\n(?:(?:     |    -).*\n)*", "", service, flags=re.MULTILINE)
    return re.sub(r"^  apiGateway: *\n(?!   )", "", service, flags=re.MULTILINE)


def with_api_gateway(service: str, settings: str) -> str:
    """Return the text of a serverless.yml with these lines added to provider.apiGateway."""
    name = "  apiGateway:\n"
    if name in service:
        return service.replace(name, name + settings, 1)
    assert "provider:\n" in service
    return service.replace("provider:\n", f"provider:\n{name}{settings}", 1)


def without_own_libraries(service: str) -> str:
    """Return the text of a serverless.yml whose functions have no libraries, which no test could download."""
    return re.sub(r"^    libraries:.*\n", "", service, flags=re.MULTILINE)


TEXT = without_own_libraries(without_usage_plans((Path(__file__).parents[2] / "serverless.yml").read_text()))
"""The file as the copies of the project have it."""
_SERVICE: dict[str, Any] = yaml.load(TEXT, Loader)

SERVICE: str = _SERVICE["service"]
KEY_BACKUP = "keyBackup"  # in resources/key-backup.yml, for stages that have the backup
_FUNCTIONS: dict[str, Any] = {
    name: function for name, function in _SERVICE["functions"].items() if name != KEY_BACKUP
}
FUNCTIONS = tuple(_FUNCTIONS)
HANDLERS = {name: function["handler"].rpartition(".")[0] for name, function in _FUNCTIONS.items()}
API_FUNCTIONS = tuple(name for name in FUNCTIONS if name != "authorizer")

_ENDPOINTS = [event["http"] for name in API_FUNCTIONS for event in _FUNCTIONS[name]["events"]]
# Path and method of the endpoints with the authorizer, and of those without, which include the OPTIONS of a
# browser's preflight request: it carries no token.
PROTECTED = {(http["path"], http["method"].upper()) for http in _ENDPOINTS if "authorizer" in http}
OPEN = {(http["path"], http["method"].upper()) for http in _ENDPOINTS if "authorizer" not in http} | {
    (http["path"], "OPTIONS") for http in _ENDPOINTS if "cors" in http
}
SCOPES = sorted({scope for http in _ENDPOINTS for scope in http.get("scopes", [])})
# The route table that follows from them.
ROUTES = "[rest]\n" + "".join(
    f"{' '.join((http['method'].upper(), http['path'], *http['scopes']))}\n"
    for http in _ENDPOINTS
    if "authorizer" in http
)


def public_in_rest_api(service: str) -> str:
    """Return the text of a serverless.yml whose public endpoints are said to be those of the REST API.

    A service that gets another API, too, needs that.
    """
    return re.sub(r"^    - (?=[A-Z]+ /)", "    - rest ", service, flags=re.MULTILINE)
