"""An emulated AWS on 127.0.0.1: moto's server, with the resource types that its CloudFormation lacks.

These are created as CloudFormation creates them: by calls of AWS's API, whose parameters botocore validates.
`python -m tests.support.emulator` prints its URL, and serves until its standard input ends.
"""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from tests.support.isolation import ACCESS_KEY

Properties = dict[str, Any]


def api_names(value: Any) -> Any:
    """Return properties with the names of the APIs of API Gateway and Logs, which begin with a small letter.

    The keys of maps, such as `gatewayresponse.header.Vary` and `application/json`, are not changed.
    """
    if isinstance(value, list):
        return [api_names(item) for item in value]
    if isinstance(value, dict):
        return {
            key[:1].lower() + key[1:] if key.isalpha() else key: api_names(item)
            for key, item in value.items()
        }
    return value


def make_api(_: str, properties: Properties) -> str:
    made = boto3.client("apigateway").create_rest_api(**api_names(properties))
    return str(made["id"])


def attributes_of_api(api_id: str) -> dict[str, str]:
    return {"RootResourceId": boto3.client("apigateway").get_rest_api(restApiId=api_id)["rootResourceId"]}


def remove_api(api_id: str) -> None:
    boto3.client("apigateway").delete_rest_api(restApiId=api_id)


def make_authorizer(_: str, properties: Properties) -> str:
    made = boto3.client("apigateway").create_authorizer(**api_names(properties))
    return str(made["id"])


def change_authorizer(authorizer_id: str, properties: Properties) -> None:
    operations: Any = [
        {"op": "replace", "path": f"/{name}", "value": str(value)}
        for name, value in api_names(properties).items()
        if name != "restApiId"
    ]
    boto3.client("apigateway").update_authorizer(
        restApiId=properties["RestApiId"], authorizerId=authorizer_id, patchOperations=operations
    )


def make_deployment(_: str, properties: Properties) -> str:
    made = boto3.client("apigateway").create_deployment(**api_names(properties))
    return str(made["id"])


def make_gateway_response(name: str, properties: Properties) -> str:
    boto3.client("apigateway").put_gateway_response(**api_names(properties))
    return name


def make_request_validator(_: str, properties: Properties) -> str:
    made = boto3.client("apigateway").create_request_validator(**api_names(properties))
    return str(made["id"])


def make_model(name: str, properties: Properties) -> str:
    name = re.sub(r"[^A-Za-z0-9]", "", name)
    model = api_names(properties) | {"name": name, "schema": json.dumps(properties["Schema"])}
    boto3.client("apigateway").create_model(**model)
    return name


def make_method(name: str, properties: Properties) -> str:
    gateway = boto3.client("apigateway")
    method = api_names(properties)
    integration, responses = method.pop("integration"), method.pop("methodResponses")
    where = {key: method[key] for key in ("restApiId", "resourceId", "httpMethod")}
    gateway.put_method(**method)
    for response in responses:
        gateway.put_method_response(**where, **response)
    responses = integration.pop("integrationResponses", [])
    gateway.put_integration(**where, **integration)
    for response in responses:
        gateway.put_integration_response(**where, **response)
    return name


def make_stage(_: str, properties: Properties) -> str:
    stage = api_names(properties)
    made = {name: stage[name] for name in ("restApiId", "stageName", "deploymentId", "tracingEnabled")}
    boto3.client("apigateway").create_stage(**made)
    change_stage(stage["stageName"], properties)
    return str(stage["stageName"])


def change_stage(name: str, properties: Properties) -> None:
    stage = api_names(properties)
    (settings,) = stage["methodSettings"]
    values = {
        "/deploymentId": stage["deploymentId"],
        "/*/*/throttling/rateLimit": str(settings["throttlingRateLimit"]),
        "/*/*/throttling/burstLimit": str(settings["throttlingBurstLimit"]),
    }
    for key, value in stage.get("accessLogSetting", {}).items():
        values[f"/accessLogSettings/{key}"] = value
    operations: Any = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    boto3.client("apigateway").update_stage(
        restApiId=stage["restApiId"], stageName=name, patchOperations=operations
    )


# The properties of a function that one call changes. Its code is changed by another call.
CONFIGURATION = (
    "FunctionName",
    "Handler",
    "Runtime",
    "MemorySize",
    "Timeout",
    "TracingConfig",
    "Environment",
    "Role",
)


def make_function(_: str, properties: Properties) -> str:
    boto3.client("lambda").create_function(**properties)
    return str(properties["FunctionName"])


def change_function(name: str, properties: Properties) -> None:
    changes = {key: properties[key] for key in CONFIGURATION if key in properties}
    boto3.client("lambda").update_function_configuration(**changes)
    boto3.client("lambda").update_function_code(FunctionName=name, **properties["Code"])


def attributes_of_function(name: str) -> dict[str, str]:
    return {"Arn": boto3.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]}


def remove_function(name: str) -> None:
    boto3.client("lambda").delete_function(FunctionName=name)


def make_event_invoke_config(name: str, properties: Properties) -> str:
    boto3.client("lambda").put_function_event_invoke_config(**properties)
    return name


def make_metric_filter(name: str, properties: Properties) -> str:
    boto3.client("logs").put_metric_filter(filterName=name, **api_names(properties))
    return name


def make_alarm(name: str, properties: Properties) -> str:
    boto3.client("cloudwatch").put_metric_alarm(AlarmName=name, **properties)
    return name


def remove_alarm(name: str) -> None:
    boto3.client("cloudwatch").delete_alarms(AlarmNames=[name])


def goes_with_its_parent(_: str) -> None:
    """Do nothing: a part of an API, a function or a log group is removed with it."""


def is_not_changed(name: str, _: Properties) -> None:
    raise NotImplementedError(f"no test changes {name}")


def none(_: str) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Type:
    """The calls for one type of resource. `make` gets a unique name, and returns the physical id."""

    make: Callable[[str, Properties], str]
    change: Callable[[str, Properties], None] = is_not_changed
    remove: Callable[[str], None] = goes_with_its_parent
    attributes: Callable[[str], dict[str, str]] = none


TYPES = {
    "AWS::ApiGateway::Authorizer": Type(make_authorizer, change_authorizer),
    "AWS::ApiGateway::Deployment": Type(make_deployment),
    "AWS::ApiGateway::GatewayResponse": Type(make_gateway_response),
    # moto creates methods, but without their authorizers, and none without a function.
    "AWS::ApiGateway::Method": Type(make_method),
    "AWS::ApiGateway::Model": Type(make_model),
    "AWS::ApiGateway::RequestValidator": Type(make_request_validator),
    # moto creates APIs, but does not delete them.
    "AWS::ApiGateway::RestApi": Type(make_api, remove=remove_api, attributes=attributes_of_api),
    "AWS::ApiGateway::Stage": Type(make_stage, change_stage),
    "AWS::CloudWatch::Alarm": Type(make_alarm, remove=remove_alarm),
    # moto creates functions, but without their architectures and their tracing.
    "AWS::Lambda::EventInvokeConfig": Type(make_event_invoke_config),
    "AWS::Lambda::Function": Type(make_function, change_function, remove_function, attributes_of_function),
    "AWS::Logs::MetricFilter": Type(make_metric_filter),
}


class Made:
    """A resource of one of these TYPES, with the interface that moto's CloudFormation expects."""

    def __init__(self, type_: Type, physical_resource_id: str) -> None:
        self.type_ = type_
        self.physical_resource_id = physical_resource_id

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, *_: Any, **__: Any
    ) -> "Made":
        type_ = TYPES[cloudformation_json["Type"]]
        return cls(type_, type_.make(resource_name, cloudformation_json["Properties"]))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: "Made", new_resource_name: str, cloudformation_json: Properties, **_: Any
    ) -> "Made":
        original_resource.type_.change(
            original_resource.physical_resource_id, cloudformation_json["Properties"]
        )
        return original_resource

    def get_cfn_attribute(self, name: str) -> str:
        return self.type_.attributes(self.physical_resource_id)[name]

    @staticmethod
    def has_cfn_attr(name: str) -> bool:
        return name in ("Arn", "RootResourceId")

    def delete(self, *_: str) -> None:
        self.type_.remove(self.physical_resource_id)

    def is_created(self) -> bool:
        return True


def without_no_values(clean: Callable[..., Any]) -> Callable[..., Any]:
    """Leave out items of lists that are AWS::NoValue, as CloudFormation does; moto turns them into None."""

    def cleaned(*args: Any) -> Any:
        value = clean(*args)
        return [item for item in value if item is not None] if isinstance(value, list) else value

    return cleaned


def with_all_that_is_retained(delete: Callable[[Any], None]) -> Callable[[Any], None]:
    """Keep what is RetainExceptOnCreate, as CloudFormation does; moto keeps only what is Retain."""

    def deleted(resources: Any) -> None:
        for resource in resources._resource_json_map.values():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"
        delete(resources)

    return deleted


def with_outputs(execute: Callable[..., None]) -> Callable[..., None]:
    """Let a change set import and export values, as CloudFormation does; moto does neither."""

    def executed(backend: CloudFormationBackend, *args: Any, **kwargs: Any) -> None:
        for stack in backend.stacks.values():
            stack.resource_map.cross_stack_resources = backend.exports
        execute(backend, *args, **kwargs)
        for stack in backend.stacks.values():
            stack._parse_template()
            stack.output_map = stack._create_output_map()
            backend.exports.update({export.name: export for export in stack.exports})

    return executed


def only_made_up_credentials(app: Callable[..., Any]) -> Callable[..., Any]:
    """Reject requests that are signed with any other access key than that of the tests."""
    credential = re.compile(rf"\bCredential={ACCESS_KEY}(/|%2F)")

    def checked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if credential.search(f"{environ.get('HTTP_AUTHORIZATION')} {environ.get('QUERY_STRING')}"):
            return app(environ, start_response)
        start_response("403 Forbidden", [])
        return [b"This emulator accepts only the credentials of the tests."]

    return checked


def serve() -> None:
    backend: Any = CloudFormationBackend
    backend.execute_change_set = with_outputs(backend.execute_change_set)
    resource_map: Any = parsing.ResourceMap
    resource_map.delete = with_all_that_is_retained(resource_map.delete)
    parsing.clean_json = without_no_values(parsing.clean_json)
    types: dict[str, Any] = dict.fromkeys(TYPES, Made)
    parsing.get_model_map().update(types)
    # CloudFormation checks the syntax alone; moto runs a linter, and treats a warning as an error.
    backend.validate_template = lambda self, template: []
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = only_made_up_credentials(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
    print(os.environ["AWS_ENDPOINT_URL"], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve()
