"""The functions of the example. They show what an HTTP API tells its backend about the caller."""

from typing import Any


def get_order(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"id": event["pathParameters"]["orderId"], **_caller(event)}


def get_item(event: dict[str, Any], _context: object) -> dict[str, Any]:
    parameters = event["pathParameters"]
    return {"id": parameters["itemId"], "order": parameters["orderId"], **_caller(event)}


def get_invoice(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"order": event["pathParameters"]["orderId"], "total": 249.99, **_caller(event)}


def _caller(event: dict[str, Any]) -> dict[str, Any]:
    """Return what the authorizer's `context` says.

    If the authorizer had not run, this member would be missing, and the function would fail: a second line of
    defense.
    """
    return {"scope": event["requestContext"]["authorizer"]["lambda"]["scope"]}
