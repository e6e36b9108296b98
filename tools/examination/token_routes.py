"""Which routes a token opens, and which scopes it lacks for the others."""

from collections.abc import Iterator

from .token_decision import decide
from .trial import Case, Fault, Finding
from .untrusted_text import quoted


def token_routes(case: Case) -> Iterator[Finding | Fault]:
    """Does an accepted token open at least one route?"""
    if case.token is None:
        return
    decision = decide(case, case.settings)
    if decision.refusal or case.settings.routes is None:
        return
    lacking = {str(route): route.scopes - decision.scopes for route in case.settings.routes.routes}
    held = quoted(" ".join(sorted(decision.scopes))) if decision.scopes else "none"
    yield Finding("ok", "token", f"Its scopes are: {held}.")
    for route, scopes in lacking.items():
        if scopes:
            yield Finding("note", "token", f"{route}: refused, lacks {', '.join(sorted(scopes))}.")
        else:
            yield Finding("ok", "token", f"{route}: allowed.")
    if all(lacking.values()):
        yield Fault(
            "token",
            f"It opens no route. Its scopes (in scope, scp and permissions) are: {held}.",
            otherwise="Request a token with the scopes of a route.",
        )
