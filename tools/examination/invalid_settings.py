"""Settings that the authorizer can't read: missing, misspelled, invalid or unsafe ones."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from auth import ConfigError
from auth.settings import DEFAULT_LEEWAY_SECONDS, DEFAULT_LOG_LEVEL, DEPLOYMENT_VARIABLES, ISSUER_VARIABLES

from .audience_rule import apis, audience_advice
from .issuer_metadata import Published, discover, renamed
from .published_keys import kids_by_algorithm, sufficient_algorithms
from .token_decision import read
from .token_rules import signed_claims
from .trial import Advice, Case, Fault, Finding, Setting, write

_DEFAULTS = {"LEEWAY_SECONDS": str(DEFAULT_LEEWAY_SECONDS), "LOG_LEVEL": DEFAULT_LOG_LEVEL}


def readable(case: Case) -> Iterator[Finding | Fault]:
    """Are all required settings there, and is each one valid?"""
    try:
        _ = case.settings
    except ConfigError as mistakes:
        for mistake in re.split("; (?=[A-Z])", str(mistakes)):  # each begins with the name of a variable
            name = mistake.split(maxsplit=1)[0].rstrip(":")
            if name not in _names(case):
                yield Fault("settings", f"{mistake}.", tuple(_renamed(name, case)))
            elif name.startswith("AUDIENCE"):
                yield _no_audience(name, mistake, case)
            else:
                yield _correctable(name, mistake, case)
    else:
        yield Finding("ok", "settings", "All required settings are present and valid.")


def _names(case: Case) -> list[str]:
    """Return the variables that there are, for the issuers that there are."""
    named = [name for name in case.environment if name.startswith("TOKEN_ISSUER__")]
    suffixes = ["", *(name.removeprefix("TOKEN_ISSUER") for name in named)]
    return [*DEPLOYMENT_VARIABLES, *(name + suffix for suffix in suffixes for name in ISSUER_VARIABLES)]


def _correctable(name: str, mistake: str, case: Case) -> Fault:
    error = case.discovered[1].get(name)
    text = f"{mistake}. {error.reason if error else ''}".rstrip()
    otherwise = error.instruction if error else ""
    return Fault("settings", text, tuple(_corrections(name, case)), otherwise)


def _renamed(name: str, case: Case) -> Iterator[Advice]:
    """Yield the setting with the name that is most similar, if that is not set."""
    for meant in get_close_matches(name, _names(case), n=1, cutoff=0.8):
        if not case.environment.get(meant, "").strip():
            value = case.environment[name].strip()
            yield Advice((Setting(meant, value),), f"Instead of {name}, write", instead_of=name)


def _no_audience(name: str, mistake: str, case: Case) -> Fault:
    """Only the operator knows how the issuer calls this API; but with a token, there is a name to suggest."""
    token, suffix = read(case.token), name.removeprefix("AUDIENCE")
    names = apis(token) if token else []
    suggestion = audience_advice(token, name, names[:1]) if token and names else None
    is_signed = suggestion and signed_claims(case.with_settings(*suggestion.settings), suffix) is not None
    return Fault(
        "settings",
        f"{mistake}.",
        (suggestion,) if suggestion and is_signed else (),
        placeholder=suggestion.settings[0] if suggestion else Setting(name, "unknown"),
    )


def _corrections(name: str, case: Case) -> Iterator[Advice]:
    variable, separator, suffix = name.partition("__")
    suffix = separator + suffix
    if variable in _DEFAULTS:
        yield write(name, _DEFAULTS[variable])
    token_issuer, uri = (
        case.environment.get(one + suffix, "").strip() for one in ("TOKEN_ISSUER", "JWKS_URI")
    )
    names = [one.strip() for one in token_issuer.split(",")]
    published = discover(names, uri, case.fetch)
    if isinstance(published, Published):
        if published.issuer not in names:
            # With the right TOKEN_ISSUER, JWKS_URI is found.
            yield write(f"TOKEN_ISSUER{suffix}", renamed(names, published.issuer))
        if variable == "JWKS_URI" and published.jwks_uri:
            yield write(name, published.jwks_uri)
        uri = published.jwks_uri or uri  # JWKS_URI may be wrong, too
    if variable == "ALGORITHMS":
        kids = kids_by_algorithm(uri, case.fetch)
        yield write(name, ",".join(sufficient_algorithms(kids, read(case.token))))
