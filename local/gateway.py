"""The authorizer as serverless-offline calls it, behind what API Gateway does before and after it.

serverless-offline has events, errors and a matching of policies of its own. So this file turns its events
into those of API Gateway, rejects requests without an identity source, caches answers and evaluates policies.
What it returns allows or denies this one request, in a form that serverless-offline always understands.
"""

import json
import os
import re
import sys
import time
import traceback
from contextlib import suppress
from importlib import import_module
from types import SimpleNamespace
from typing import Any

# One authorizer of serverless.yml, from plugins/offline.cjs: its `api` (rest, http or websocket), its `type`
# (token or request), `identitySource` (a list), `resultTtlInSeconds`, and `routes`: the keys of its routes.
AUTHORIZER: dict[str, Any] = json.loads(os.environ["LOCAL_AUTHORIZER"])

Event = dict[str, Any]

_cache: dict[tuple[str, ...], tuple[float, Event]] = {}


def authorize(event: Event, context: object) -> object:
    """Let handler.py decide, and return what serverless-offline turns into the status of API Gateway."""
    arn = _arn(event)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    if trace_id := headers.get("x-amzn-trace-id"):
        # serverless-offline gives all requests one ID. By this one, the log tells whose decision a line is.
        context = SimpleNamespace(aws_request_id=trace_id)
    try:
        sent = _as_api_gateway_sends_it(event)
        identity = _identity(event, sent)
        if not all(identity):
            _log_missing_identity(context)
            return "Unauthorized"
        answer = _answer(sent, identity, context)
        effect = "Allow" if _allows(answer["policyDocument"], _arn(sent)) else "Deny"
        return answer | {"policyDocument": _policy(effect, arn)}
    except Exception as error:  # noqa: BLE001 - Lambda, too, turns any exception into an answer
        if str(error) == "Unauthorized":
            return "Unauthorized"
        # serverless-offline may lose lines on stderr.
        traceback.print_exc(file=sys.stdout, chain=False)
        # This is a 500, since `context` is not an object.
        return {"principalId": "none", "policyDocument": _policy("Allow", arn), "context": "an error"}


def _arn(event: Event) -> str:
    return str(event.get("routeArn") or event["methodArn"])


def _as_api_gateway_sends_it(event: Event) -> Event:
    """Return the event that API Gateway would send.

    Its ARN has the path of the request, where serverless-offline has the template of the route. An HTTP API
    has the stage $default, and its route keys may have ANY. The events of REST APIs have fewer members.
    """
    api, context = AUTHORIZER["api"], event["requestContext"]
    if api == "websocket":
        return event
    route_key = event.get("routeKey") or f"{event['httpMethod']} {event['resource']}"
    method, _, template = route_key.partition(" ")
    template = template.replace("*}", "+}") or "/"
    path = event.get("rawPath") or event["path"]
    stage = "$default" if api == "http" else context["stage"]
    path = path if api == "http" else path.removeprefix(f"/{stage}") or "/"
    arn = f"{_arn(event).split('/')[0]}/{stage}/{method}{path}"
    if AUTHORIZER["type"] == "token":
        return {"type": "TOKEN", "authorizationToken": event["authorizationToken"], "methodArn": arn}
    if api == "rest":
        others = {"methodArn": arn, "path": path, "resource": template}
        others["requestContext"] = context | {"resourcePath": template}
        only_http = ("version", "authorizationToken", "identitySource")
        return {name: value for name, value in (event | others).items() if name not in only_http}
    keys = (f"{method} {template}", f"ANY {template}", "$default")
    route_key = next(key for key in keys if key in AUTHORIZER["routes"])
    headers = {name.lower(): value for name, value in event["headers"].items()}
    if event["version"] == "1.0":
        others = {"methodArn": arn, "headers": headers, "resource": route_key.split(" ")[-1]}
        return event | others | {"requestContext": context | {"stage": stage, "resourceId": route_key}}
    http = context["http"] | {"path": path}
    context = context | {"stage": stage, "routeKey": route_key, "http": http}
    return event | {"routeArn": arn, "headers": headers, "routeKey": route_key, "requestContext": context}


def _identity(event: Event, sent: Event) -> tuple[str, ...]:
    """Return the values of the identity sources, under which API Gateway caches an answer.

    Those that the request lacks are empty, and API Gateway rejects it. So is a token that does not match the
    validation expression of a TOKEN authorizer.
    """
    if AUTHORIZER["type"] == "token":
        values = [event["authorizationToken"]]
    else:
        parameters = event.get("queryStringParameters") or {}
        places = {
            "header": {name.lower(): value for name, value in event["headers"].items()},
            "querystring": {name.lower(): value for name, value in parameters.items()},
            "context": {name.lower(): value for name, value in (sent | sent["requestContext"]).items()},
        }
        # of payload format 1.0
        places["context"].setdefault("routekey", sent["requestContext"].get("resourceId"))
        sources = [source.lower().lstrip("$").split(".") for source in AUTHORIZER["identitySource"]]
        values = [places.get(place, {}).get(name) for *_, place, name in sources]
    return tuple(str(value or "") for value in values)


def _log_missing_identity(context: object) -> None:
    """Print a line as those of the authorizer, which is not asked about such a request."""
    is_token = AUTHORIZER["type"] == "token"
    missing = "Authorization is not of the form Bearer TOKEN" if is_token else "an identity source is missing"
    reason = f"{missing}: the authorizer was not asked"
    request_id = getattr(context, "aws_request_id", None)
    line = {"level": "INFO", "event": "decision", "outcome": "unauthorized", "reason": reason}
    print(json.dumps(line | {"request_id": request_id}), flush=True)


def _answer(sent: Event, identity: tuple[str, ...], context: object) -> Event:
    """Return the authorizer's answer, or the one that is cached for this identity."""
    # Imported here, so that a handler that can't be imported is a 500 as well.
    handler = import_module("handler")
    now = time.monotonic()
    expires_at, answer = _cache.get(identity, (now, {}))
    if expires_at > now:
        with suppress(Exception):
            handler.authorize(sent, context)  # so that the log here has a reason for each request
        return answer
    answer = dict(handler.authorize(sent, context))
    _cache[identity] = now + AUTHORIZER["resultTtlInSeconds"], answer
    return answer


def _allows(policy: dict[str, Any], arn: str) -> bool:
    """Evaluate a policy as IAM does: nothing is allowed but by an Allow, and a Deny overrides it."""
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        for resource in statement["Resource"]
        if re.fullmatch(re.escape(resource).replace(r"\*", ".*").replace(r"\?", "."), arn, re.DOTALL)
    }
    return effects == {"Allow"}


def _policy(effect: str, arn: str) -> dict[str, object]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {"Version": "2012-10-17", "Statement": [statement]}
