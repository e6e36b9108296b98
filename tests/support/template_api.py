"""A REST API on 127.0.0.1 that answers with what a CloudFormation template says.

It serves what API Gateway answers without a function: MOCK integrations, and gateway responses to requests
that the authorizer does not allow. Whoever is let in gets an empty list. Templates are sent as they are.
"""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Resources = Mapping[str, Any]
Answer = tuple[int, dict[str, str], str]

STAGE = "dev"


class TemplateApi:
    """Listens until `close`. `refuse` gets the method, the path and the `Authorization` header of a request.

    It returns the type of the gateway response to answer with, or None to let the request in.
    """

    def __init__(self, resources: Resources, refuse: Callable[[str, str, str | None], str | None]) -> None:
        def answer_to(method: str, path: str, authorization: str | None) -> Answer:
            found = _method(resources, method, path)
            if found is None:
                return _gateway_response(resources, "MISSING_AUTHENTICATION_TOKEN")
            if found["Integration"]["Type"] == "MOCK":
                return _mock(found["Integration"])
            refusal = refuse(method, path, authorization) if found["AuthorizationType"] == "CUSTOM" else None
            if refusal:
                return _gateway_response(resources, refusal)
            # petstore.py sends these headers
            return 200, {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}, "[]"

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = urlsplit(self.path).path.removeprefix(f"/{STAGE}") or "/"
                status, headers, body = answer_to(self.command, path, self.headers.get("Authorization"))
                content = body.encode()
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(content))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            # The names that the base class calls
            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

            def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its name in the base class
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{STAGE}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _path(resources: Resources, resource_id: Any) -> str:
    if "Ref" not in resource_id:
        return ""  # an attribute of the API: the root
    resource = resources[resource_id["Ref"]]["Properties"]
    return f"{_path(resources, resource['ParentId'])}/{resource['PathPart']}"


def _method(resources: Resources, method: str, path: str) -> dict[str, Any] | None:
    """Return the properties of the method. A part of the path that is a name takes precedence."""
    parts = path.split("/")

    def serves(template: str) -> bool:
        names = template.split("/")
        return len(names) == len(parts) and all(
            name == part or name.startswith("{") for name, part in zip(names, parts, strict=True)
        )

    methods = [made["Properties"] for made in resources.values() if made["Type"] == "AWS::ApiGateway::Method"]
    serving = [
        (template, one)
        for one in methods
        if one["HttpMethod"] == method and serves(template := _path(resources, one["ResourceId"]) or "/")
    ]
    return min(serving, key=lambda found: found[0].count("{"), default=("", None))[1]


def _headers(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a response. Their values are constants in single quotes."""
    return {name.rpartition(".header.")[2]: value[1:-1] for name, value in parameters.items()}


def _mock(integration: Mapping[str, Any]) -> Answer:
    (response,) = integration["IntegrationResponses"]
    ((content_type, body),) = response["ResponseTemplates"].items()
    headers = {"Content-Type": content_type} | _headers(response["ResponseParameters"])
    return int(response["StatusCode"]), headers, body


def _gateway_response(resources: Resources, kind: str) -> Answer:
    (properties,) = [
        made["Properties"]
        for made in resources.values()
        if made["Type"] == "AWS::ApiGateway::GatewayResponse" and made["Properties"]["ResponseType"] == kind
    ]
    headers = {"Content-Type": "application/json"} | _headers(properties["ResponseParameters"])
    return int(properties["StatusCode"]), headers, properties["ResponseTemplates"]["application/json"]
