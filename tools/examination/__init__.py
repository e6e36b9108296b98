"""What the doctor examines: one check for each setting, then the token and its routes.

trial.py            how checks run, and how a setting is tried before it is recommended
invalid_settings.py settings that the authorizer can't read
issuer_settings.py  settings against what the issuer publishes
token_rules.py      which claims of a token are at fault
token_routes.py     which routes the token opens
token_decision.py   what the authorizer decides about the token
published_keys.py   the keys at a URL, and the algorithms that they are for
discovery.py        what an issuer publishes about itself, and how far that is believed
difference.py       how two identifiers differ, in words
untrusted_text.py   text from the network or from a token, made safe to print

A new kind of check is a function in CHECKS, from a Case to Findings and Faults. A new rule for tokens is a
function in `token_rules.RULES`.
"""

import time
from collections.abc import Callable, Mapping

from .discovery import Fetch, safe_and_once
from .invalid_settings import readable
from .issuer_settings import algorithms, jwks_uri, token_issuer
from .token_routes import token_routes
from .token_rules import token_rules
from .trial import Case, Check, Finding, diagnose

__all__ = ["Finding", "examine"]

# In the order in which settings can be corrected: a token shows what TOKEN_ISSUER is once its key is found.
CHECKS: tuple[Check, ...] = (readable, jwks_uri, algorithms, token_issuer, token_rules, token_routes)


def examine(
    environment: Mapping[str, str], token: str | None, fetch: Fetch, clock: Callable[[], float] = time.time
) -> list[Finding]:
    """Return what is right and what is wrong with the authorizer's `environment`, and with a token.

    `fetch` returns the body at a URL, or raises OSError with the reason; each URL is fetched once. `clock`
    returns the time in seconds.
    """
    return diagnose(Case(environment, token, safe_and_once(fetch), clock()), CHECKS)
