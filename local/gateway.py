"""The authorizer as serverless-offline calls it, with the event and the errors of API Gateway.

serverless-offline passes more members than API Gateway's events for REST APIs have, and gets no answer from a
Python function that raises.
"""

import sys
import traceback
from importlib import import_module
from typing import Any

TOKEN_EVENT = ("type", "authorizationToken", "methodArn")
HTTP_API_MEMBERS = ("version", "authorizationToken", "identitySource")  # of payload format 1.0


def authorize(event: dict[str, Any], context: object) -> object:
    """Call `handler.authorize`, and return what serverless-offline turns into the status of API Gateway."""
    try:
        # Imported here, so that a handler that can't be imported is a 500 as well.
        handler = import_module("handler")
        return handler.authorize(_as_api_gateway_sends_it(event), context)
    except Exception as error:  # noqa: BLE001 - Lambda, too, turns any exception into an answer
        if str(error) == "Unauthorized":
            return "Unauthorized"
        # serverless-offline may lose lines on stderr.
        traceback.print_exc(file=sys.stdout, chain=False)
        return _failure(event["methodArn"])


def _as_api_gateway_sends_it(event: dict[str, Any]) -> dict[str, Any]:
    if event["type"] == "TOKEN":
        return {name: event[name] for name in TOKEN_EVENT}
    return {name: value for name, value in event.items() if name not in HTTP_API_MEMBERS}


def _failure(method_arn: str) -> dict[str, object]:
    """Return what serverless-offline answers with a 500: a policy whose `context` is not an object."""
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": method_arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "none", "policyDocument": policy, "context": "the authorizer failed"}
