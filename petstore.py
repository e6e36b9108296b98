"""AWS's sample PetStore API, as Lambda functions: what the authorizer protects.

Routes, data, replies and models are those of API Gateway's "Example API", with two exceptions: an id that no
pet has gets a 404, and the reply to a new pet says who created it.
"""

import json
import math
from typing import Any

PET_TYPES = ("dog", "cat", "fish", "bird", "gecko")
PAGE_SIZE = 3
PETS = (
    {"id": 1, "type": "dog", "price": 249.99},
    {"id": 2, "type": "cat", "price": 124.99},
    {"id": 3, "type": "fish", "price": 0.99},
)

WELCOME = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>PetStore</title></head>
<body>
<h1>Welcome to your Pet Store API</h1>
<p>This page is public. The rest needs an access token, as <code>Authorization: Bearer ...</code>:</p>
<ul>
<li>to list pets: <code>GET /{stage}/pets</code>, scope <code>read:pets</code></li>
<li>to see one: <code>GET /{stage}/pets/1</code>, scope <code>read:pets</code></li>
<li>to create one: <code>POST /{stage}/pets</code>, scope <code>create:pets</code>, with a body such as
<code>{{"type": "cat", "price": 123.11}}</code></li>
</ul>
</body>
</html>
"""

Event = dict[str, Any]
Reply = dict[str, Any]


def welcome(event: Event, context: object) -> Reply:
    """GET /: a page that says what the API offers, for a person with a browser."""
    page = WELCOME.format(stage=event["requestContext"]["stage"])
    return _reply(200, page, content_type="text/html; charset=utf-8")


def list_pets(event: Event, context: object) -> Reply:
    """GET /pets: the pets, optionally of one `type`, PAGE_SIZE on each `page` (the first is 1)."""
    query = event["queryStringParameters"] or {}
    pet_type, page = query.get("type"), query.get("page", "1")
    if pet_type is not None and pet_type not in PET_TYPES:
        return _message(400, f"type must be one of {', '.join(PET_TYPES)}")
    if not (page.isascii() and page.isdigit() and int(page[:9]) > 0):
        return _message(400, "page must be a whole number from 1")
    start = (int(page[:9]) - 1) * PAGE_SIZE
    pets = [pet for pet in PETS if pet_type in (None, pet["type"])]
    return _json(200, pets[start : start + PAGE_SIZE])


def create_pet(event: Event, context: object) -> Reply:
    """POST /pets: say that the pet was created. As in AWS's sample, nothing is kept."""
    # API Gateway validates only bodies whose Content-Type is application/json (resources/new-pet.yml).
    try:
        pet = json.loads(event["body"] or "")
    except (ValueError, RecursionError):
        return _message(400, "the body must be JSON")
    if not isinstance(pet, dict) or pet.get("type") not in PET_TYPES:
        return _message(400, f"type must be one of {', '.join(PET_TYPES)}")
    if type(pet.get("price")) not in (int, float) or not abs(pet["price"]) < math.inf:
        return _message(400, "price must be a number")
    created = {"type": pet["type"], "price": pet["price"]}
    # What the authorizer says about the caller, such as the values of `context` in rules.py. A REST API
    # passes all of them as strings.
    caller = event["requestContext"]["authorizer"]
    return _json(200, {"pet": created, "message": "success", "created_by": caller["principalId"]})


def get_pet(event: Event, context: object) -> Reply:
    """GET /pets/{petId}: one pet."""
    pet_id = event["pathParameters"]["petId"]
    for pet in PETS:
        if str(pet["id"]) == pet_id:
            return _json(200, pet)
    return _message(404, "there is no pet with this id")


def _json(status: int, value: object) -> Reply:
    return _reply(status, json.dumps(value), content_type="application/json")


def _message(status: int, message: str) -> Reply:
    return _json(status, {"message": message})


def _reply(status: int, body: str, *, content_type: str) -> Reply:
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_type, "Access-Control-Allow-Origin": "*"},
        "body": body,
    }
