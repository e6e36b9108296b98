"""The settings of the issuer, against what it publishes: its keys, and how it calls itself."""

from collections.abc import Iterator
from typing import Any

from .difference import difference
from .discovery import NothingPublished, Published, discover
from .published_keys import kids_by_algorithm, sufficient_algorithms, usable_keys
from .token_decision import read
from .token_rules import signed_claims
from .trial import Case, Fault, Finding, Setting
from .untrusted_text import quoted

# What the reason of a failed fetch begins with, and what to do then.
_HINTS = {
    "HTTP status 3": " Redirects are not followed.",
    "ConnectionError": " Check the host's name, and whether it can be reached from here.",
}


def jwks_uri(case: Case) -> Iterator[Finding | Fault]:
    """Are there usable keys at JWKS_URI, and are they those that the issuer itself names?"""
    uri = case.settings.jwks_uri
    published = _published(case)
    named = published.jwks_uri if isinstance(published, Published) else None
    if isinstance(published, Published) and published.problem:
        yield Finding("note", "JWKS_URI", published.problem)
    candidates = (Setting("JWKS_URI", named),) if named and named != uri else ()
    try:
        keys = usable_keys(uri, case.fetch)
    except (OSError, ValueError) as reason:
        hint = next((hint for start, hint in _HINTS.items() if str(reason).startswith(start)), "")
        text = f"There are no usable keys at {quoted(uri)}: {reason}.{hint}"
        yield Fault("JWKS_URI", text, candidates, advice="The issuer's keys are elsewhere: write")
        return
    for elsewhere in candidates:
        yield _compared(keys, elsewhere, case)


def _compared(keys: dict[str, Any], elsewhere: Setting, case: Case) -> Finding | Fault:
    """Compare the keys at JWKS_URI with those at the URL that the issuer names."""
    url = quoted(elsewhere.value)
    try:
        named_keys = usable_keys(elsewhere.value, case.fetch)
    except (OSError, ValueError) as reason:
        text = f"The issuer names {url}, but there are no usable keys: {reason}."
        return Finding("note", "JWKS_URI", text)
    if named_keys == keys:
        return Finding("note", "JWKS_URI", f"The issuer names {url}, where the same keys are.")
    if signed_claims(case) is not None and signed_claims(case.with_setting(elsewhere)) is None:
        text = f"The issuer names {url}, but the token is signed with a key that is not there."
        return Finding("note", "JWKS_URI", text)
    text = f"The issuer publishes its keys at {url}, and they differ from those at JWKS_URI."
    return Fault("JWKS_URI", text, (elsewhere,))


def algorithms(case: Case) -> Iterator[Finding | Fault]:
    """Is there a key for each algorithm of ALGORITHMS, and an algorithm for each key?"""
    wanted = case.settings.algorithms
    kids = kids_by_algorithm(case.settings.jwks_uri, case.fetch)
    used = {kid for algorithm in wanted for kid in kids.get(algorithm, ())}
    others = ",".join(sufficient_algorithms(kids, read(case.token), but_for=used))
    if not kids:
        return  # the check of JWKS_URI says why
    if not used:
        text = f"No key is for {','.join(wanted)}; the issuer's keys are for {others}."
        yield Fault("ALGORITHMS", text, (Setting("ALGORITHMS", others),))
        return
    served = ",".join(algorithm for algorithm in wanted if algorithm in kids)
    yield Finding("ok", "JWKS_URI", f"Usable keys: {len(used)}, for {served}.")
    if unserved := ",".join(algorithm for algorithm in wanted if algorithm not in kids):
        text = f"No key is for {unserved}. Remove {unserved}, unless such a key is still to come."
        yield Finding("note", "ALGORITHMS", text)
    if others:
        text = f"There are keys for {others}, too. Tokens signed with those are rejected."
        yield Finding("note", "ALGORITHMS", text)


def token_issuer(case: Case) -> Iterator[Finding | Fault]:
    """Is TOKEN_ISSUER what the issuer calls itself: in a token that it signed, or else in its metadata?

    Any other iss of such a token is a matter of the rules for tokens.
    """
    expected = case.settings.token_issuer
    published, claims = _published(case), signed_claims(case)
    iss = claims["iss"] if claims is not None else None
    if iss == expected:
        yield Finding("ok", "TOKEN_ISSUER", "It is the iss of the token.")
        if isinstance(published, Published) and published.issuer != expected:
            text = f"The issuer calls itself {quoted(published.issuer)}, which is not the iss of the token."
            yield Finding("note", "TOKEN_ISSUER", text)
    elif isinstance(published, NothingPublished):
        if claims is None:
            yield _unconfirmed(published)
    elif published.issuer == expected:
        if claims is None:
            yield Finding("ok", "TOKEN_ISSUER", "It is what the issuer calls itself.")
    elif iss in (None, published.issuer):
        words = difference("TOKEN_ISSUER", expected, "the issuer's own name", published.issuer)
        text = f"It is {quoted(expected)}, but the issuer calls itself {quoted(published.issuer)}. {words}"
        yield Fault("TOKEN_ISSUER", text.rstrip(), (Setting("TOKEN_ISSUER", published.issuer),))


def _unconfirmed(published: NothingPublished) -> Finding | Fault:
    text = f"It is not confirmed: {published.reason}. Compare it with the iss of a token: --token"
    if published.names_another_issuer:
        return Fault("TOKEN_ISSUER", text)
    return Finding("note", "TOKEN_ISSUER", text)


def _published(case: Case) -> Published | NothingPublished:
    return discover(case.settings.token_issuer, case.settings.jwks_uri, case.fetch)
