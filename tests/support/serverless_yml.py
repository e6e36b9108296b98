"""What serverless.yml says, so that the tests know a new endpoint as soon as it is there."""

from pathlib import Path
from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's YAML without resolving its functions."""


Loader.add_multi_constructor("!", lambda loader, tag, node: node.value)

_TEXT = (Path(__file__).parents[2] / "serverless.yml").read_text()
_SERVICE: dict[str, Any] = yaml.load(_TEXT, Loader)

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
# The route table that follows from them.
ROUTES = "[rest]\n" + "".join(
    f"{' '.join((http['method'].upper(), http['path'], *http['scopes']))}\n"
    for http in _ENDPOINTS
    if "authorizer" in http
)
