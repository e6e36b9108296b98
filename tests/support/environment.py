"""The environment variables of a deployment whose issuer is that of `tests.support.tokens`."""

from tests.support.tokens import AUDIENCE, ISSUER

# All that an operator must set.
SETTINGS = {"JWKS_URI": "https://issuer.example/jwks.json", "AUDIENCE": AUDIENCE, "TOKEN_ISSUER": ISSUER}

ROUTE_SCOPES = """
GET   /pets          read:pets
POST  /pets          create:pets
GET   /pets/{petId}  read:pets
"""


def environment(**changes: str | None) -> dict[str, str]:
    """Return the variables of a deployment. A change to None removes a variable."""
    variables = SETTINGS | {"ROUTE_SCOPES": ROUTE_SCOPES}
    return {name: value for name, value in (variables | changes).items() if value is not None}
