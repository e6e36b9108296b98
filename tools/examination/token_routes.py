"""Which routes a token opens, and which scopes it lacks for the others."""

from collections.abc import Iterator, Mapping

from auth import Issuer
from auth.claims import claim
from auth.routes import SCOPE
from tools.untrusted_text import quoted

from .granting_claims import granting_claims, other_claims
from .id_tokens import id_token_signs, is_surely_id_token
from .token_decision import Decision, Unverified, decide, read
from .token_rules import issuer_of_token
from .trial import Case, Fault, Finding


def opens_a_route(case: Case) -> Iterator[Finding | Fault]:
    """Does an accepted token open at least one route?"""
    token = read(case.token)
    if token is None:
        return
    issuer = issuer_of_token(case)
    decision = decide(case, issuer, rules=case.rules)
    lacking = _lacking(case, decision)
    # What a rule refuses, rule_results.py reports; and an ID token, token_rules.py.
    if decision.refusal or not lacking or not all(lacking.values()) or is_surely_id_token(token):
        return
    withheld = _withheld(case, issuer, decision)
    otherwise = (
        "Request a token with the scopes of a route, or change `scopes:` of the endpoints in serverless.yml"
        " to scopes that your tokens have."
    )
    if not any(claim(token.claims, name) for name in issuer.scope_claims):
        otherwise += " If its issuer grants none, any valid token opens the routes that need no scope."
    if withheld:
        otherwise = f"Add what this issuer may grant to ALLOWED_SCOPES{issuer.suffix}."
    # No scopes are found for what may be an ID token.
    may_be_id_token = bool(id_token_signs(token))
    yield Fault(
        "token",
        f"It opens no route. Its scopes (in {', '.join(issuer.scope_claims)}) are:"
        f" {_listed(decision.scopes)}.",
        () if may_be_id_token else tuple(granting_claims(case, issuer, token.claims)),
        otherwise=otherwise,
    )
    for name in () if may_be_id_token else other_claims(issuer, token.claims):
        alone = issuer._replace(scope_claims=(name,), allowed_scopes=None)
        if scopes := decide(case, alone).scopes:
            text = f"It also has {quoted(name)}: {_listed(scopes)}; it is not in SCOPE_CLAIMS{issuer.suffix}."
            yield Finding("note", "token", text)


def routes(case: Case) -> Iterator[Finding | Fault]:
    """List what an accepted token opens, and why it opens no more. No fault is found here: with those of
    the other checks corrected, the list says what would be allowed.
    """
    token = read(case.token)
    if token is None:
        return
    issuer = issuer_of_token(case)
    decision = decide(case, issuer, rules=case.rules)
    if decision.refusal:
        return
    lacking = _lacking(case, decision)
    without_scope = _without_scope(case)
    if "aud" not in token.claims and without_scope:
        text = (
            f"It has no aud: nothing in it names this API. {', '.join(without_scope)}: open to every token of"
            " its client, for whatever API. Give each route a scope."
        )
        yield Finding("note", "token", text)
    if not lacking:
        return
    yield Finding("ok", "token", f"Its scopes are: {_listed(decision.scopes)}.")
    if withheld := _withheld(case, issuer, decision):
        text = f"It does not list {_listed(withheld)}, which the token has."
        yield Finding("note", f"ALLOWED_SCOPES{issuer.suffix}", text)
    yield from _unusual(token, issuer)
    for route, scopes in lacking.items():
        if scopes:
            yield Finding("note", "token", f"{route}: refused, lacks {', '.join(sorted(scopes))}.")
        else:
            yield Finding("ok", "token", f"{route}: allowed.")


def _lacking(case: Case, decision: Decision) -> dict[str, frozenset[str]]:
    """Return the scopes that each route needs and a token does not have. Empty if any token opens all."""
    tables = case.settings.routes.sections
    if None in tables.values():
        return {}
    return {
        (f"[{name}] " if len(tables) > 1 else "") + route.key: route.scopes - decision.scopes
        for name, table in tables.items()
        if table
        for route in table.routes
    }


def _without_scope(case: Case) -> list[str]:
    """Return the routes that every accepted token opens."""
    keys: list[str] = []
    for table in case.settings.routes.sections.values():
        keys += [route.key for route in table.routes if not route.scopes] if table else ["All routes"]
    return keys


def _withheld(case: Case, issuer: Issuer, decision: Decision) -> frozenset[str]:
    """Return the scopes that a token has and that ALLOWED_SCOPES does not let its issuer grant."""
    return decide(case, issuer._replace(allowed_scopes=None), rules=case.rules).scopes - decision.scopes


def _unusual(token: Unverified, issuer: Issuer) -> Iterator[Finding]:
    """Say what in the claims of SCOPE_CLAIMS does not mean what it seems to."""
    for name in issuer.scope_claims:
        value = claim(token.claims, name)
        words = value if isinstance(value, list | Mapping) else [value]
        if name in ("scope", "scp") and isinstance(value, str):
            words = value.split()
        unusable = [word for word in words if isinstance(word, str) and word and not SCOPE.fullmatch(word)]
        if unusable:
            text = f"{name} has {quoted(unusable)}, which grants nothing: a scope has no space, quote or \\."
            yield Finding("note", "token", text)
        lists = (
            [inner for inner in value if isinstance(value[inner], list)] if isinstance(value, dict) else []
        )
        if lists:
            path = quoted(f"{name}.{lists[0]}")
            text = (
                f"{name} is an object, which grants the names of its members: {quoted(lists)}. To grant what"
                f" is in such a list, name it in SCOPE_CLAIMS{issuer.suffix}: {path}."
            )
            yield Finding("note", "token", text)


def _listed(scopes: frozenset[str]) -> str:
    return quoted(" ".join(sorted(scopes))) if scopes else "none"
