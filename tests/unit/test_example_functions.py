"""The functions of the examples, where the local stack can't show what they do."""

import runpy
import time
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
CHAT = runpy.run_path(str(EXAMPLES / "websocket/chat.py"))
ORDERS = runpy.run_path(str(EXAMPLES / "http-api/shop.py"))


@pytest.mark.parametrize("name", ["Sec-WebSocket-Protocol", "sec-websocket-protocol"])
@pytest.mark.parametrize("offered", ["chat.v2", "chat.v2,chat.v1", " chat.v2 , chat.v1"])
def test_the_first_subprotocol_that_is_offered_is_accepted(name: str, offered: str) -> None:
    """serverless-offline accepts one whatever the function returns."""
    answer = CHAT["connect"]({"headers": {"Host": "x", name: offered}}, None)

    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v2"}}


def test_none_is_named_if_none_was_offered() -> None:
    assert CHAT["connect"]({"headers": {"Host": "x"}}, None) == {"statusCode": 200}


@pytest.mark.parametrize(("seconds", "member"), [(60, "message"), (0, "error")])
def test_a_message_is_answered_until_the_token_expires(seconds: int, member: str) -> None:
    """API Gateway passes numbers of `context` on as strings."""
    caller = {"principalId": "me", "exp": str(int(time.time()) + seconds)}
    answer = CHAT["say"]({"body": "Hello", "requestContext": {"authorizer": caller}}, None)

    assert f'"{member}"' in answer["body"]


@pytest.mark.parametrize("function", ["get_order", "get_item", "get_invoice"])
def test_an_order_is_never_shown_if_the_authorizer_did_not_run(function: str) -> None:
    parameters = {"orderId": "7", "itemId": "2"}
    event: dict[str, Any] = {"pathParameters": parameters, "requestContext": {}}
    with pytest.raises(KeyError):
        ORDERS[function](event, None)

    event["requestContext"]["authorizer"] = {"lambda": {"scope": "read:orders"}}
    assert ORDERS[function](event, None)["scope"] == "read:orders"
