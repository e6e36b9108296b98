"""What the doctor examines: one check for each setting, then the token and its routes.

trial.py            how checks run, and how settings are tried before they are recommended
invalid_settings.py settings that the authorizer can't read
issuer_settings.py  the settings of an issuer against what it publishes
required_claims.py  restrictions without which strangers get in, or that keep everybody out
everybodys_audience.py  audiences that tokens for other APIs have, too
id_tokens.py        how ID tokens are recognized
token_rules.py      which claims of a token are at fault
rule.py             a rule for a claim: how it is waived, and how a token that breaks it is explained
claim_rules.py      all rules
issuer_rule.py      the one for iss
audience_rule.py    the one for aud
rule_results.py     what the rules of rules.py return for a token
rejected_token.py   what a token is that no setting makes acceptable
token_routes.py     which routes the token opens
granting_claims.py  which other claims of the token may grant scopes
token_decision.py   what the authorizer decides about the token
published_keys.py   the keys at a URL, and the algorithms that they are for
issuer_metadata.py  what an issuer publishes about itself, and how far that is believed
providers.py        what is known about Entra ID, Keycloak, GitHub and others

A new kind of check is a function in CHECKS, from a Case to Findings and Faults. A new rule for tokens is a
member of `claim_rules.RULES`.
"""

import time
from collections.abc import Callable, Mapping

from auth.custom_rules import NO_RULES, Rules
from tools.discovery import Fetch

from .everybodys_audience import everybodys_audience
from .invalid_settings import readable
from .issuer_metadata import safe_and_once
from .issuer_settings import algorithms, jwks_uri, names, token_issuer
from .required_claims import contradictions, id_tokens, strangers
from .rule_results import rule_results
from .token_routes import opens_a_route, routes
from .token_rules import token_rules
from .trial import Case, Check, Finding, diagnose, each_issuer

__all__ = ["Finding", "examine"]

# In the order in which settings can be corrected: a token shows what TOKEN_ISSUER is once its key is found.
CHECKS: tuple[Check, ...] = (
    readable,
    *map(each_issuer, (jwks_uri, names, algorithms, token_issuer)),
    token_rules,
    *map(each_issuer, (strangers, id_tokens, contradictions, everybodys_audience)),
    rule_results,
    opens_a_route,
    routes,
)


def examine(
    environment: Mapping[str, str],
    token: str | None,
    fetch: Fetch,
    clock: Callable[[], float] = time.time,
    rules: Rules = NO_RULES,
) -> list[Finding]:
    """Return what is right and what is wrong with the authorizer's `environment`, and with a token.

    `fetch` returns the body at a URL, or raises OSError with the reason; each URL is fetched once. `clock`
    returns the time in seconds. `rules` are those of rules.py.
    """
    return diagnose(Case(environment, token, safe_and_once(fetch), clock(), rules), CHECKS)
