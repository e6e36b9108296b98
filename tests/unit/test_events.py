"""What is read of an event, and how it is answered."""

import pytest

from auth import ConfigError
from auth.events import policy_document, read_event
from tests.support.tokens import make_event

STAGE = "arn:aws:execute-api:us-east-1:123456789012:apiId/dev/"


@pytest.mark.parametrize("event", [{}, {"type": "REQUEST"}, {"type": "token"}, {"type": None}])
def test_an_event_of_another_kind_is_the_operators_fault(event: dict[str, str]) -> None:
    with pytest.raises(
        ConfigError, match=r'^this is a TOKEN authorizer: the event must have "type": "TOKEN"'
    ):
        read_event(event | {"authorizationToken": "Bearer e30.e30.AAAA"})


def test_an_event_says_who_asks_for_what() -> None:
    request = read_event(make_event("x.y.z", f"{STAGE}GET/pets/1"))

    assert request.unverified_credentials == "Bearer x.y.z"
    assert (request.method, request.path) == ("GET", "pets/1")


@pytest.mark.parametrize(
    "stage",
    [
        STAGE,
        "arn:aws-cn:execute-api:cn-north-1:123456789012:abc123/prod/",
        "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123/prod/",
        "arn:aws:execute-api:eu-central-1:123456789012:abc123/$default/",
        "arn:aws:execute-api:eu-central-1:123456789012:abc123/ESTestInvoke-stage/",
        "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/dev/",
    ],
)
@pytest.mark.parametrize(
    "request_", ["GET/pets", "GET/", "GET/pets/1:2/3", "GET/pets/*", "GET/a\nb", "PUT/?"]
)
def test_the_arn_up_to_the_stage_is_copied_and_nothing_after_it(stage: str, request_: str) -> None:
    request = read_event(make_event("x.y.z", stage + request_))

    assert request.stage_arn == stage
    assert policy_document(request.stage_arn, ["GET/pets"], [])["Statement"][0]["Resource"] == [
        f"{stage}GET/pets"
    ]


@pytest.mark.parametrize(
    "arn",
    [
        None,
        7,
        "",
        "*",
        f"{STAGE}GET",
        STAGE,
        f"{STAGE}get/pets",
        f" {STAGE}GET/pets",
        "arn:aws:lambda:us-east-1:123456789012:function:x",
        "arn:aws:execute-api:us-east-1:123456789012:apiId/*/GET/pets",
        "arn:aws:execute-api:us-east-1:123456789012:api?d/dev/GET/pets",
        "arn:aws:execute-api:*:123456789012:apiId/dev/GET/pets",
        "arn:aws:execute-api:us-east-1:*:apiId/dev/GET/pets",
        "arn:aws*:execute-api:us-east-1:123456789012:apiId/dev/GET/pets",
        "arn:aws:execute-api:us-east-1:123456789012:apiId//GET/pets",
        "arn:aws:execute-api:us-east-1:123456789012:apiId/d\u00e9v/GET/pets",
        f"arn:aws:execute-api:us-east-1:123456789012:{'a' * 200}/dev/GET/pets",
    ],
)
def test_an_arn_that_is_not_api_gateways_is_an_error_and_never_a_policy(arn: object) -> None:
    with pytest.raises(ConfigError, match=r"^methodArn is not the ARN of an API Gateway method$"):
        read_event(make_event("x.y.z") | {"methodArn": arn})


def test_a_statement_without_resources_is_left_out() -> None:
    assert policy_document(STAGE, [], ["*"]) == {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [f"{STAGE}*"]}],
    }
