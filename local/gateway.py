"""What API Gateway does around the authorizer, for serverless-offline.

serverless-offline hands it more than API Gateway's TOKEN event, and waits in vain for the answer of a
Python function that raised.
"""

import sys
import traceback
from importlib import import_module
from typing import Any

TOKEN_EVENT = ("type", "authorizationToken", "methodArn")


def authorize(event: dict[str, Any], context: object) -> object:
    """Call `handler.authorize`, and answer what serverless-offline turns into the right status."""
    try:
        # Not at the top: a handler that can't be imported is a 500 too.
        handler = import_module("handler")
        return handler.authorize({name: event[name] for name in TOKEN_EVENT}, context)
    except Exception as error:  # noqa: BLE001 - as in Lambda, whatever is raised is an answer
        if str(error) == "Unauthorized":
            return "Unauthorized"
        # serverless-offline may lose what is on stderr.
        traceback.print_exc(file=sys.stdout, chain=False)
        return _failure(event["methodArn"])


def _failure(method_arn: str) -> dict[str, object]:
    """Return a policy that no request passes: serverless-offline answers 500 if `context` is no object."""
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": method_arn}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "none", "policyDocument": policy, "context": "the authorizer failed"}
