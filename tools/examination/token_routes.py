"""Which routes a token opens, and which scopes it lacks for the others."""

from collections.abc import Iterator

from auth.claims import claim
from tools.untrusted_text import quoted

from .granting_claims import granting_claims
from .token_decision import decide, read
from .token_rules import issuer_of_token
from .trial import Case, Fault, Finding


def token_routes(case: Case) -> Iterator[Finding | Fault]:
    """Does an accepted token open at least one route?"""
    token = read(case.token)
    if token is None:
        return
    issuer = issuer_of_token(case)
    decision = decide(case, issuer, rules=case.rules)
    tables = case.settings.routes.sections
    # What a rule refuses, rule_results.py reports. `None`: any valid token may invoke everything.
    if decision.refusal or None in tables.values():
        return
    lacking = {
        (f"[{name}] " if len(tables) > 1 else "") + route.key: route.scopes - decision.scopes
        for name, table in tables.items()
        if table
        for route in table.routes
    }
    yield Finding("ok", "token", f"Its scopes are: {_listed(decision.scopes)}.")
    every = issuer._replace(allowed_scopes=None)
    withheld = decide(case, every, rules=case.rules).scopes - decision.scopes
    variable = f"ALLOWED_SCOPES{issuer.suffix}"
    if withheld:
        yield Finding("note", variable, f"It does not list {_listed(withheld)}, which the token has.")
    for route, scopes in lacking.items():
        if scopes:
            yield Finding("note", "token", f"{route}: refused, lacks {', '.join(sorted(scopes))}.")
        else:
            yield Finding("ok", "token", f"{route}: allowed.")
    if all(lacking.values()):
        otherwise = "Request a token with the scopes of a route."
        if not any(claim(token.claims, name) for name in issuer.scope_claims):
            otherwise += " If its issuer grants none, any valid token opens the routes that need no scope."
        if withheld:
            otherwise = f"Add what this issuer may grant to {variable}."
        yield Fault(
            "token",
            f"It opens no route. Its scopes (in {', '.join(issuer.scope_claims)}) are:"
            f" {_listed(decision.scopes)}.",
            tuple(granting_claims(case, issuer, token.claims)),
            otherwise=otherwise,
        )


def _listed(scopes: frozenset[str]) -> str:
    return quoted(" ".join(sorted(scopes))) if scopes else "none"
