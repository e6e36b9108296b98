"""The functions of the example: a handshake, and messages that are sent back."""

import json
import time
from typing import Any


def connect(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Accept the handshake. The authorizer has run before.

    A client that offers subprotocols (Sec-WebSocket-Protocol) closes the connection unless the answer names
    one of them (RFC 6455 section 4.1). This accepts the first; a backend that supports several would choose.
    """
    headers = {name.lower(): value for name, value in event["headers"].items()}
    offered = headers.get("sec-websocket-protocol", "")
    if not offered:
        return {"statusCode": 200}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": offered.split(",")[0].strip()}}


def say(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Send a message back, for as long as the token of the handshake is valid.

    API Gateway runs the authorizer once for each connection, which may last for two hours. The values of its
    `context` come with each message, as strings.
    """
    caller = event["requestContext"]["authorizer"]
    if time.time() >= float(caller["exp"]):
        return _reply({"error": "the token has expired: connect again with a new one"})
    return _reply({"from": caller["principalId"], "message": event.get("body", "")})


def _reply(content: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps(content)}
