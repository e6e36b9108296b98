"""The settings of an issuer, against what it publishes: its keys, and how it calls itself."""

from collections.abc import Iterator, Mapping
from itertools import count

from auth import Issuer
from auth.settings import ISSUER_VARIABLES
from tools.difference import difference, is_same_but_for_spelling
from tools.untrusted_text import quoted

from .issuer_metadata import NothingPublished, Published, discover, renamed
from .published_keys import Name, kids_by_algorithm, sufficient_algorithms, usable_keys
from .token_rules import signed_claims, token_for
from .trial import Advice, Case, Fault, Finding, Setting, write

# What the reason of a failed fetch begins with, and what to do then.
_HINTS = {
    "HTTP status 3": " Redirects are not followed.",
    "ConnectionError": " Check the host's name, and whether it can be reached from here.",
}


def jwks_uri(case: Case, issuer: Issuer) -> Iterator[Finding | Fault]:
    """Are there usable keys at JWKS_URI, and are they those that the issuer itself names?"""
    variable, uri = f"JWKS_URI{issuer.suffix}", issuer.jwks_uri
    published = _published(case, issuer)
    named = published.jwks_uri if isinstance(published, Published) else None
    if isinstance(published, Published) and published.problem:
        yield Finding("note", variable, published.problem)
    candidates = (Setting(variable, named),) if named and named != uri else ()
    try:
        keys = usable_keys(uri, case.fetch, issuer.token_issuer)
    except (OSError, ValueError) as reason:
        hint = next((hint for start, hint in _HINTS.items() if str(reason).startswith(start)), "")
        text = f"There are no usable keys at {quoted(uri)}: {reason}.{hint}"
        advice = tuple(Advice((one,), "The issuer's keys are elsewhere: write") for one in candidates)
        yield Fault(variable, text, advice)
        return
    if variable in case.discovered[0]:
        yield Finding("ok", variable, f"Found by discovery: {quoted(uri)}.")
    for elsewhere in candidates:
        yield _compared(keys, elsewhere, case, issuer)


def _compared(keys: Mapping[Name, bytes], elsewhere: Setting, case: Case, issuer: Issuer) -> Finding | Fault:
    """Compare the keys at JWKS_URI with those at the URL that the issuer names."""
    url, suffix = quoted(elsewhere.value), issuer.suffix
    try:
        named_keys = usable_keys(elsewhere.value, case.fetch, issuer.token_issuer)
    except (OSError, ValueError) as reason:
        text = f"The issuer names {url}, but there are no usable keys: {reason}."
        return Finding("note", elsewhere.name, text)
    if named_keys == keys:
        return Finding("note", elsewhere.name, f"The issuer names {url}, where the same keys are.")
    is_signed = signed_claims(case, suffix) is not None
    if is_signed and signed_claims(case.with_settings(elsewhere), suffix) is None:
        text = f"The issuer names {url}, but the token is signed with a key that is not there."
        return Finding("note", elsewhere.name, text)
    text = f"The issuer publishes its keys at {url}, and they differ from those at {elsewhere.name}."
    return Fault(elsewhere.name, text, (Advice((elsewhere,)),))


def names(case: Case, issuer: Issuer) -> Iterator[Finding | Fault]:
    """If there are several names in TOKEN_ISSUER, do all of them sign with the keys at JWKS_URI?"""
    variable = f"TOKEN_ISSUER{issuer.suffix}"
    if len(issuer.token_issuer) == 1:
        return
    for name in issuer.token_issuer:
        published = discover((name,), "", case.fetch)
        if not isinstance(published, Published) or not published.jwks_uri:
            continue  # one of them may be an alias, such as accounts.google.com
        own_keys = _keys(published.jwks_uri, name, case)
        if own_keys and own_keys.isdisjoint(_keys(issuer.jwks_uri, name, case)):
            text = (
                f"{quoted(name)} publishes its keys at {quoted(published.jwks_uri)}, and none of them is at"
                f" JWKS_URI{issuer.suffix}: all of its tokens would be rejected."
            )
            yield Fault(variable, text, (_separated(case, issuer, name, published.jwks_uri),))


def _keys(uri: str, name: str, case: Case) -> set[bytes]:
    try:
        return set(usable_keys(uri, case.fetch, (name,)).values())
    except (OSError, ValueError):
        return set()


def _separated(case: Case, issuer: Issuer, name: str, uri: str) -> Advice:
    """Give a name of an issuer variables of its own. What was set for the issuer holds for both."""
    suffixes = (f"__OTHER{'' if number == 1 else number}" for number in count(1))
    suffix = next(one for one in suffixes if f"TOKEN_ISSUER{one}" not in case.environment)
    remaining = ",".join(one for one in issuer.token_issuer if one != name)
    own = {"TOKEN_ISSUER": name, "JWKS_URI": uri}
    copied = {
        variable: value
        for variable in ISSUER_VARIABLES
        if variable not in own and (value := case.environment.get(variable + issuer.suffix, "").strip())
    }
    return Advice(
        (
            Setting(f"TOKEN_ISSUER{issuer.suffix}", remaining),
            *(Setting(variable + suffix, value) for variable, value in (own | copied).items()),
        ),
        "It is another issuer, so it needs variables of its own, with a suffix of your choice. Write",
    )


def algorithms(case: Case, issuer: Issuer) -> Iterator[Finding | Fault]:
    """Is there a key for each algorithm of ALGORITHMS, and an algorithm for each key?"""
    wanted, variable = issuer.algorithms, f"ALGORITHMS{issuer.suffix}"
    kids = kids_by_algorithm(issuer.jwks_uri, case.fetch, issuer.token_issuer)
    used = {kid for algorithm in wanted for kid in kids.get(algorithm, ())}
    others = ",".join(sufficient_algorithms(kids, token_for(case, issuer), but_for=used))
    if not kids:
        return  # the check of JWKS_URI says why
    if not used:
        text = f"No key is for {','.join(wanted)}; the issuer's keys are for {others}."
        yield Fault(variable, text, (write(variable, others),))
        return
    served = ",".join(algorithm for algorithm in wanted if algorithm in kids)
    yield Finding("ok", f"JWKS_URI{issuer.suffix}", f"Usable keys: {len(used)}, for {served}.")
    if unserved := ",".join(algorithm for algorithm in wanted if algorithm not in kids):
        text = f"No key is for {unserved}. Remove {unserved}, unless such a key is still to come."
        yield Finding("note", variable, text)
    if others:
        text = f"There are keys for {others}, too. Tokens signed with those are rejected."
        yield Finding("note", variable, text)


def token_issuer(case: Case, issuer: Issuer) -> Iterator[Finding | Fault]:
    """Is TOKEN_ISSUER what the issuer calls itself: in a token that it signed, or else in its metadata?

    Any other iss of such a token is a matter of the rules for tokens.
    """
    variable, expected = f"TOKEN_ISSUER{issuer.suffix}", issuer.token_issuer
    published, claims = _published(case, issuer), signed_claims(case, issuer.suffix)
    iss = claims["iss"] if claims is not None else None
    if iss in expected:
        yield Finding("ok", variable, "It is the iss of the token.")
        if isinstance(published, Published) and published.issuer not in expected:
            text = f"The issuer calls itself {quoted(published.issuer)}, which is not the iss of the token."
            yield Finding("note", variable, text)
    elif isinstance(published, NothingPublished):
        if claims is None:
            yield _unconfirmed(variable, published)
    elif published.issuer in expected:
        if claims is None:
            yield Finding("ok", variable, "It is what the issuer calls itself.")
    elif iss in (None, published.issuer):
        yield _renamed(variable, expected, published.issuer)


def _renamed(variable: str, expected: tuple[str, ...], actual: str) -> Fault:
    wrong = next((name for name in expected if is_same_but_for_spelling(name, actual)), expected[0])
    words = difference(variable, wrong, "the issuer's own name", actual)
    text = f"It is {quoted(wrong)}, but the issuer calls itself {quoted(actual)}. {words}"
    return Fault(variable, text.rstrip(), (write(variable, renamed(expected, actual)),))


def _unconfirmed(variable: str, published: NothingPublished) -> Finding | Fault:
    text = f"It could not be confirmed. {published.reason}"
    instruction = published.instruction or "To compare it with the iss of a token, add --token -"
    if published.is_another_issuers:
        return Fault(variable, text, otherwise=instruction)
    return Finding("note", variable, f"{text} {instruction}")


def _published(case: Case, issuer: Issuer) -> Published | NothingPublished:
    return discover(issuer.token_issuer, issuer.jwks_uri, case.fetch)
