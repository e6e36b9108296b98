"""Settings that the authorizer can't read: missing, invalid or unsafe ones."""

import re
from collections.abc import Iterator

from auth import ConfigError, Settings

from .discovery import Published, discover
from .published_keys import kids_by_algorithm, sufficient_algorithms
from .token_decision import read
from .token_rules import signed_claims
from .trial import Case, Fault, Finding, Setting

_DEFAULTS = {"LEEWAY_SECONDS": str(Settings.leeway_seconds), "LOG_LEVEL": Settings.log_level}


def readable(case: Case) -> Iterator[Finding | Fault]:
    """Are all required settings there, and is each one valid?"""
    try:
        _ = case.settings
    except ConfigError as mistakes:
        for mistake in re.split("; (?=[A-Z])", str(mistakes)):  # each begins with the name of a variable
            name = mistake.split(maxsplit=1)[0]
            if name == "AUDIENCE":
                yield _no_audience(mistake, case)
            else:
                yield Fault("settings", f"{mistake}.", tuple(_corrections(name, case)))
    else:
        yield Finding("ok", "settings", "All required settings are there, and each one is valid.")


def _no_audience(mistake: str, case: Case) -> Fault:
    """Only the operator knows how the issuer calls this API; but with a token, there is a name to suggest."""
    token = read(case.token)
    suggestion = Setting("AUDIENCE", next(iter(token.audiences if token else ()), "unknown"))
    is_signed = signed_claims(case.with_setting(suggestion)) is not None
    return Fault(
        "settings",
        f"{mistake}.",
        (suggestion,) if is_signed else (),
        advice="If the token is for this API, write",
        placeholder=suggestion,
    )


def _corrections(name: str, case: Case) -> Iterator[Setting]:
    if name in _DEFAULTS:
        yield Setting(name, _DEFAULTS[name])
    issuer, uri = (case.environment.get(variable, "").strip() for variable in ("TOKEN_ISSUER", "JWKS_URI"))
    published = discover(issuer, uri, case.fetch)
    if isinstance(published, Published):
        if name == "TOKEN_ISSUER":
            yield Setting(name, published.issuer)
        if name == "JWKS_URI" and published.jwks_uri:
            yield Setting(name, published.jwks_uri)
        uri = published.jwks_uri or uri  # JWKS_URI may be wrong, too
    if name == "ALGORITHMS":
        kids = kids_by_algorithm(uri, case.fetch)
        yield Setting(name, ",".join(sufficient_algorithms(kids, read(case.token))))
