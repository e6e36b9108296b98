"""Which claims of a token are at fault.

The authorizer stops at the first rule that a token breaks. So each rule is examined alone, with settings
under which the token can't break the others. What a token says is recommended as a setting only if a key of
the issuer signed it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from auth.fetch import is_safe_url
from auth.settings import ALGORITHMS

from .difference import difference, is_same_but_for_spelling
from .token_decision import Unverified, decide, read
from .trial import Case, Fault, Finding, Setting
from .untrusted_text import quoted

_FOREVER = 10**10  # seconds


@dataclass(frozen=True)
class Rule:
    """A rule for tokens, and what one token has to do with it."""

    claim: str
    waiver: dict[str, Any]
    """Fields of Settings with which this token can't break the rule. Empty if there are none."""
    text: str
    """What the token says, and what the settings expect."""
    candidates: tuple[Setting, ...] = ()
    """Settings with which the authorizer may accept the claim."""
    advice: str = "Write"
    """What introduces the one that is recommended."""
    otherwise: str = ""
    """What to do if none is."""


def token_rules(case: Case) -> Iterator[Finding | Fault]:
    """Does the authorizer accept the token? If not, which of its claims are at fault?"""
    if case.token is None:
        return
    rules = _rules(case)
    refusal = _refusal(case, waived=rules)
    for rule in rules:
        reason = _refusal(case, waived=[other for other in rules if other is not rule])
        if reason != refusal:
            candidates = () if refusal else rule.candidates
            text = f"{reason}: {rule.text}"
            yield Fault(f"token, {rule.claim}", text, candidates, rule.advice, rule.otherwise)
    if refusal:
        yield Fault("token", f"{refusal}.", otherwise=_summary(read(case.token)))
    elif not _refusal(case, waived=[]):
        yield Finding("ok", "token", "Accepted: its signature and its claims are valid.")


def signed_claims(case: Case) -> Mapping[str, Any] | None:
    """Return the claims of the token if a key of the issuer signed them, whether or not they are accepted."""
    token = read(case.token)
    if token is None or not case.is_readable or _refusal(case, waived=_rules(case)):
        return None
    return token.claims


def _rules(case: Case) -> list[Rule]:
    token = read(case.token)
    return [rule(token, case) for rule in RULES] if token else []


def _refusal(case: Case, waived: Iterable[Rule]) -> str:
    fields = {name: value for rule in waived for name, value in rule.waiver.items()}
    return decide(case, replace(case.settings, **fields)).refusal


def _algorithm(token: Unverified, case: Case) -> Rule:
    alg, allowed = token.header.get("alg"), case.settings.algorithms
    return Rule(
        "alg",
        {"algorithms": ALGORITHMS},
        f"it is {quoted(alg)}, ALGORITHMS is {','.join(allowed)}.",
        (Setting("ALGORITHMS", ",".join([*allowed, str(alg)])),),
        otherwise="Request a token that is signed with one of these.",
    )


def _times(token: Unverified, case: Case) -> Rule:
    claims = {name: token.claims[name] for name in ("iat", "nbf", "exp") if name in token.claims}
    times = ", ".join(f"{name} is {_time(value)}" for name, value in claims.items())
    return Rule(
        "times",
        {"leeway_seconds": _FOREVER},
        f"{times}; it is {_time(case.now)} now.",
        otherwise="Request a new token. If this one is new, check this machine's clock and the issuer's.",
    )


def _issuer(token: Unverified, case: Case) -> Rule:
    iss, expected = token.claims.get("iss"), case.settings.token_issuer
    if not isinstance(iss, str):
        return Rule("iss", {}, "")  # no setting accepts it
    words = difference("TOKEN_ISSUER", expected, "the token", iss)
    return Rule(
        "iss",
        {"token_issuer": iss},
        f"it is {quoted(iss)}, TOKEN_ISSUER is {quoted(expected)}. {words}".rstrip(),
        (Setting("TOKEN_ISSUER", iss),) if is_safe_url(iss) or "://" not in iss else (),
        "Write" if is_same_but_for_spelling(iss, expected) else "If that is your issuer, write",
        otherwise="Request a token from TOKEN_ISSUER; or if that is your issuer, correct TOKEN_ISSUER.",
    )


def _audience(token: Unverified, case: Case) -> Rule:
    aud, expected = token.claims.get("aud"), case.settings.audience
    rule = Rule(
        "aud",
        {"audience": token.audiences} if token.audiences else {},
        f"it is {quoted(aud)}, AUDIENCE is {quoted(','.join(expected))}.",
        otherwise="Request a token for this API, or add the name that it gives this API to AUDIENCE.",
    )
    # An issuer that adds an endpoint of its own, such as Auth0's /userinfo, does not mean this API by it.
    others = [name for name in token.audiences if not name.startswith(str(token.claims.get("iss")))]
    if len(others) != 1:
        return rule  # which of several is this API, only the operator knows
    misspelled = [name for name in expected if is_same_but_for_spelling(name, others[0])]
    kept = [name for name in expected if name not in misspelled] if len(expected) > 1 else []
    words = difference("AUDIENCE", (misspelled or expected)[0], "the token", others[0])
    return replace(
        rule,
        text=f"{rule.text} {words}".rstrip(),
        candidates=(Setting("AUDIENCE", ",".join([*kept, *others])),),
        advice="Write" if misspelled else "If the token is for this API, write",
    )


RULES: tuple[Callable[[Unverified, Case], Rule], ...] = (_algorithm, _times, _issuer, _audience)


def _summary(token: Unverified | None) -> str:
    """Return what a token that is not accepted says about its key, its issuer and its audience."""
    if token is None:
        return "Give the token alone: three parts with dots between them."
    said = {name: token.header[name] for name in ("alg", "kid", "typ") if name in token.header}
    said |= {name: token.claims[name] for name in ("iss", "aud") if name in token.claims}
    return f"The token says: {', '.join(f'{name} is {quoted(value)}' for name, value in said.items())}."


def _time(seconds: object) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return quoted(seconds)
