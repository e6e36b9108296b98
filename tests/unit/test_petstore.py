"""The sample API answers as AWS's does."""

import json
from typing import Any

import pytest

import petstore


def event(
    *, query: dict[str, str] | None = None, pet_id: str | None = None, body: str | None = None
) -> dict[str, Any]:
    """What API Gateway passes to a function, as far as it is looked at."""
    return {
        "requestContext": {"stage": "dev", "authorizer": {"principalId": "client@clients"}},
        "queryStringParameters": query,
        "pathParameters": {"petId": pet_id} if pet_id is not None else None,
        "body": body,
    }


def answer(reply: dict[str, Any]) -> tuple[int, Any]:
    assert reply["headers"] == {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
    return reply["statusCode"], json.loads(reply["body"])


def test_the_welcome_page_is_html_and_says_where_the_pets_are() -> None:
    reply = petstore.welcome(event(), None)

    assert reply["statusCode"] == 200
    assert reply["headers"]["Content-Type"].startswith("text/html")
    assert "/dev/pets" in reply["body"]


def test_the_pets_are_those_of_aws() -> None:
    assert answer(petstore.list_pets(event(), None)) == (
        200,
        [
            {"id": 1, "type": "dog", "price": 249.99},
            {"id": 2, "type": "cat", "price": 124.99},
            {"id": 3, "type": "fish", "price": 0.99},
        ],
    )


def test_a_type_selects_pets() -> None:
    assert answer(petstore.list_pets(event(query={"type": "cat"}), None)) == (
        200,
        [{"id": 2, "type": "cat", "price": 124.99}],
    )


@pytest.mark.parametrize("page", ["2", "123456789"])
def test_a_page_after_the_last_is_empty(page: str) -> None:
    assert answer(petstore.list_pets(event(query={"page": page}), None)) == (200, [])


@pytest.mark.parametrize(
    "query", [{"page": page} for page in ("0", "-1", "x", "1.5", "", "²")] + [{"type": "x"}]
)
def test_a_query_that_makes_no_sense_is_a_400_that_says_what(query: dict[str, str]) -> None:
    status, body = answer(petstore.list_pets(event(query=query), None))

    assert status == 400
    assert body["message"].startswith(next(iter(query)))


def test_a_new_pet_is_answered_with_success() -> None:
    body = json.dumps({"type": "dog", "price": 249.99, "name": "ignored"})

    assert answer(petstore.create_pet(event(body=body), None)) == (
        200,
        {
            "pet": {"type": "dog", "price": 249.99},
            "message": "success",
            "created_by": "client@clients",
        },
    )


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "type=dog",
        "[" * 100_000,
        "[]",
        "{}",
        '{"type": "dog"}',
        '{"price": 1}',
        '{"type": "dragon", "price": 1}',
        '{"type": ["dog"], "price": 1}',
        '{"type": "dog", "price": "1"}',
        '{"type": "dog", "price": true}',
        '{"type": "dog", "price": NaN}',
        '{"type": "dog", "price": 1e999}',
    ],
)
def test_a_new_pet_that_is_none_is_a_400_that_says_what(body: str | None) -> None:
    status, reply = answer(petstore.create_pet(event(body=body), None))

    assert status == 400
    assert reply["message"].startswith(("the body", "type", "price"))


def test_a_pet_is_found_by_its_id() -> None:
    assert answer(petstore.get_pet(event(pet_id="1"), None)) == (
        200,
        {"id": 1, "type": "dog", "price": 249.99},
    )


@pytest.mark.parametrize("pet_id", ["4", "-1", "0", "01", "x", "1 ", "*"])
def test_an_id_that_no_pet_has_is_a_404(pet_id: str) -> None:
    assert answer(petstore.get_pet(event(pet_id=pet_id), None)) == (
        404,
        {"message": "there is no pet with this id"},
    )
