"""The lines that an invocation of the authorizer leaves in its log, as Lambda's own runtime writes them."""

import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest

import handler

bootstrap = pytest.importorskip("awslambdaric.bootstrap", reason="Lambda's runtime runs on Linux only")
marshallers = pytest.importorskip("awslambdaric.lambda_runtime_marshaller")


class RuntimeApi:
    """Takes what Lambda's runtime reports for an invocation, and ignores it."""

    marshaller = marshallers.LambdaMarshaller()

    def post_invocation_result(self, *_: Any) -> None: ...
    def post_invocation_error(self, *_: Any) -> None: ...


def lines_of(event: object, function: Any = handler.authorize) -> list[str]:
    """Let Lambda's runtime invoke the function, and return the lines of its log."""
    body = json.dumps(event).encode()
    sink = bootstrap.StandardLogSink()
    with redirect_stdout(io.StringIO()) as log:
        bootstrap.handle_event_request(
            *(RuntimeApi(), function, "request-1", body, "application/json"),
            *(None, None, "arn", 0, None, sink),
        )
    return log.getvalue().split("\n")[:-1]  # a carriage return is within a line
