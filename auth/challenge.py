"""This file is what a 403 tells the client: which scopes to ask for, if scopes are what the token lacks.

resources/resource-metadata.yml makes it the header WWW-Authenticate. Source: RFC 6750 section 3, RFC 9728
section 5.1.
"""

from functools import lru_cache

from .events import HAVE_GATEWAY_RESPONSES, Request
from .routes import Route, RouteTable

MAX_SCOPE_LENGTH = 2000  # of a header that has up to 10,240 bytes with all others (AWS, "Quotas")


def scopes_to_ask_for(
    request: Request, table: RouteTable | None, route: Route | None, scopes: frozenset[str]
) -> frozenset[str]:
    """Return the scopes with which the policy for a token that has `scopes` would allow what it denies.

    Those that the token has are among them, since the next one replaces it. If the policy is for the whole
    API, these are all scopes of the table: which route a request is for is not known. There are none if
    nothing is denied, or for another reason than a missing scope. Only REST APIs can answer with them.
    """
    if table is None or request.kind not in HAVE_GATEWAY_RESPONSES:
        return frozenset()
    if not request.has_route:
        needed = table.scopes
    else:
        needed = route.scopes | (scopes & table.scopes) if route else frozenset()
    return frozenset() if needed <= scopes else needed


@lru_cache(maxsize=128)
def insufficient_scope(scopes: frozenset[str], metadata_url: str) -> str:
    """Return the challenge of RFC 6750 that asks for these scopes. Too many are left out."""
    scope = " ".join(sorted(scopes))
    asked = f', scope="{scope}"' if len(scope) <= MAX_SCOPE_LENGTH else ""
    return f'Bearer error="insufficient_scope"{asked}, resource_metadata="{metadata_url}"'
