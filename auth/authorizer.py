"""This file is the decision, in order, on one screen."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .bearer import unverified_token
from .challenge import insufficient_scope, scopes_to_ask_for
from .claims import Claims, reject_before_fetch, verify
from .custom_rules import NO_RULES, Results, Rules, apply_rules
from .events import HAVE_CONNECTIONS, HAVE_USAGE_PLANS, Request, Response, policy_document, read_event
from .jwks import Key
from .keys import KeyStore
from .policy import policies
from .routes import Route, RouteTable
from .settings import Issuer, Settings


class Decision(NamedTuple):
    """The answer to an event, and what it was based on."""

    response: Response
    claims: Claims
    table: RouteTable | None
    route: Route | None
    """The route that API Gateway picked for the request, if it is in the table."""
    refusal: str | None
    """Why a rule of the deployer refuses the token."""


def decide(
    event: Mapping[str, Any],
    settings: Settings,
    key_stores: Mapping[Issuer, KeyStore],
    rules: Rules = NO_RULES,
    *,
    clock: Callable[[], float] = time.time,
) -> Decision:
    """Decide what the caller may invoke: whoever sent the token in this event.

    The policy depends on the token and the API alone, or on the token and the route, as API Gateway caches it
    (see `_permissions`). `rules` are the deployer's own. `clock` returns the time in seconds.

    Raises InvalidToken (the caller's fault), KeysUnavailable (the issuer's) and ConfigError (the operator's).
    """
    request = read_event(event)
    token = unverified_token(request.unverified_credentials)
    issuer = settings.issuer(token.claims.get("iss"))
    keys, kid, alg = key_stores[issuer], token.header.kid, token.header.alg

    def is_candidate(key: Key) -> bool:
        """A token without a kid can only mean the issuer's one key.

        If that did not sign it, there may be a newer one.
        """
        return kid is not None or key.has_signed(token.signing_input, token.signature)

    key = keys.fresh_key(kid, alg)
    if key is None or not is_candidate(key):
        reject_before_fetch(token, issuer, clock())
        key = keys.get_key(kid, alg, is_candidate)
    claims = verify(token, key, issuer, clock())
    results = apply_rules(rules, claims.payload, issuer.allowed_scopes)
    if results.scopes:
        claims = claims._replace(scopes=claims.scopes | results.scopes)
    table = settings.routes.table(request.api_id, request.kind)
    route, allowed, denied = _permissions(request, table, claims.scopes)
    if results.refusal:
        allowed, denied = (), ("*",)
    response: Response = {
        "principalId": claims.principal,
        "policyDocument": policy_document(request.stage_arn, allowed, denied),
        "context": _context(request, claims, settings, results),
    }
    if results.usage_plan_key and request.kind in HAVE_USAGE_PLANS:
        response["usageIdentifierKey"] = results.usage_plan_key
    if settings.resource_metadata and not results.refusal:  # no scope would help against a rule
        needed = scopes_to_ask_for(request, table, route, claims.scopes)
        if needed:
            response["context"]["challenge"] = insufficient_scope(needed, settings.resource_metadata)
    return Decision(response, claims, table, route, results.refusal)


def _context(
    request: Request, claims: Claims, settings: Settings, results: Results
) -> dict[str, str | int | float | bool]:
    """Return what the backend hears of the caller."""
    context = {"scope": " ".join(sorted(claims.scopes)), **results.context}
    if settings.has_several_issuers:
        context["iss"] = claims.issuer
    if claims.principal_claim != "sub":
        context["principal"] = claims.principal_claim
    if request.kind in HAVE_CONNECTIONS:
        context["exp"] = claims.expires_at
    return context


Patterns = tuple[str, ...]


def _permissions(
    request: Request, table: RouteTable | None, scopes: frozenset[str]
) -> tuple[Route | None, Patterns, Patterns]:
    """Return the route of the request, and what to allow and deny: of the whole API, or of this route alone.

    API Gateway caches the policy under the token, or under the token and the route. A policy that denies
    everything is right for a route that is refused, however its path may be spelled.
    """
    if table is None:
        return None, ("*",), ()
    if not request.has_route:
        return table.pick(request.method, request.path), *policies(table).patterns(scopes)
    route = table.find(request.method, request.path)
    if route and route.scopes <= scopes:
        return route, tuple(route.patterns()), ()
    return route, (), ("*",)
