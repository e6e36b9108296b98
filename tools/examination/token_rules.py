"""Which claims of a token are at fault.

The authorizer stops at the first rule that a token breaks. So each rule is examined alone, with settings
under which the token can't break the others. What a token says is recommended as a setting only if a key of
the issuer signed it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auth import Issuer
from tools.difference import is_same_but_for_spelling

from .claim_rules import RULES
from .id_tokens import SEND_THE_ACCESS_TOKEN, id_token_signs, is_surely_id_token
from .providers import CLIENT_CLAIMS, is_entras, is_graph, is_other_version
from .rejected_token import what_it_is
from .rule import Broken, Rule
from .token_decision import Unverified, decide, read
from .trial import Case, Fault, Finding

# Rules that tell access tokens from others. For an ID token, they are not relaxed.
_OF_THE_TOKEN = frozenset({"typ", "aud", "principal", "claims"})


def token_rules(case: Case) -> Iterator[Finding | Fault]:
    """Does the authorizer accept the token? If not, which of its claims are at fault?"""
    if case.token is None:
        return
    token, issuer = read(case.token), issuer_of_token(case)
    refusal = _refusal(case, issuer, token, waived=RULES)
    reasons = _reasons(case, issuer, token, refusal) if token else {}
    if token:
        broken = Broken(case, issuer, token, is_signed=not refusal, rules=frozenset(reasons))
        if (cause := _common_cause(broken)) and cause in reasons:
            yield _explained(broken, cause, reasons[cause])
            return
        for rule in RULES:
            if rule.claim in reasons:
                yield _explained(broken, rule.claim, reasons[rule.claim])
    if refusal:
        yield Fault("token", f"{refusal}.", otherwise=what_it_is(case.token, token, refusal))
    elif token:
        yield from _of_what_kind(case, issuer, token, reasons)


def _of_what_kind(
    case: Case, issuer: Issuer, token: Unverified, reasons: Mapping[str, str]
) -> Iterator[Finding | Fault]:
    """Say whether a token is accepted, and whether it should be: it may be an ID token."""
    signs = id_token_signs(token)
    if is_surely_id_token(token) and _OF_THE_TOKEN.isdisjoint(reasons):
        text = f"{'It' if reasons else 'It is accepted, but it'} looks like an ID token: {signs}."
        otherwise = SEND_THE_ACCESS_TOKEN
        if not reasons and not is_entras(token.claims):  # required_claims.py knows Entra ID's
            otherwise += (
                f" If both have one audience, name in REQUIRED_CLAIMS{issuer.suffix} a claim that only access"
                " tokens have."
            )
        yield Fault("token", text, otherwise=otherwise)
    elif not reasons:
        yield Finding("ok", "token", "Accepted: its signature and its claims are valid.")
        if signs:
            text = f"It may be an ID token: {signs}. {SEND_THE_ACCESS_TOKEN}"
            yield Finding("note", "token", f"{text} The access tokens of Dex and authentik look the same.")
        principal = decide(case, issuer).principal_claim
        if principal in CLIENT_CLAIMS:
            text = f"It has no sub. The principal is its {principal}, the same for all users of a client."
            yield Finding("note", "token", text)


def _common_cause(broken: Broken) -> str:
    """Return the claim that explains why others are wrong, too. They are not corrected one by one."""
    if any(map(is_graph, broken.token.audiences)):
        return "aud"
    iss = broken.token.claims.get("iss")
    is_v1 = isinstance(iss, str) and is_other_version(iss, broken.issuer.token_issuer)
    return "iss" if is_v1 else ""


def _explained(broken: Broken, claim: str, reason: str) -> Fault:
    rule = next(rule for rule in RULES if rule.claim == claim)
    said, signs = rule.explain(broken), id_token_signs(broken.token)
    text = f"{reason}: {said.text}"
    candidates = said.candidates if broken.is_signed else ()
    if signs and claim in _OF_THE_TOKEN:
        return Fault(
            f"token, {claim}", f"{text} It looks like an ID token: {signs}.", (), SEND_THE_ACCESS_TOKEN
        )
    return Fault(f"token, {claim}", text, candidates, said.otherwise)


def issuer_of_token(case: Case) -> Issuer:
    """Return the issuer whose settings apply to the token.

    That is the one that `iss` names. If it names none: one whose key signed it, with a similar name if there
    is such a one.
    """
    token, issuers = read(case.token), case.settings.issuers
    iss = token.claims.get("iss") if token else None
    named = [issuer for issuer in issuers if iss in issuer.token_issuer]
    if named or len(issuers) == 1 or not isinstance(iss, str):
        return (named or issuers)[0]
    candidates = [issuer for issuer in issuers if not _refusal(case, issuer, token, RULES)] or issuers
    similar = [
        issuer
        for issuer in candidates
        if any(is_same_but_for_spelling(name, iss) for name in issuer.token_issuer)
    ]
    return (similar or candidates)[0]


def token_for(case: Case, issuer: Issuer) -> Unverified | None:
    """Return what the token says, if the settings of this issuer apply to it."""
    token = read(case.token)
    return token if token and issuer_of_token(case) is issuer else None


def signed_claims(case: Case, suffix: str) -> Mapping[str, Any] | None:
    """Return the claims of the token if a key of an issuer signed them, whether or not they are accepted.

    `suffix` is that of the issuer's variables.
    """
    issuer = case.issuer(suffix)
    token = token_for(case, issuer) if issuer else None
    if not issuer or not token or _refusal(case, issuer, token, waived=RULES):
        return None
    return token.claims


def _reasons(case: Case, issuer: Issuer, token: Unverified, refusal: str) -> dict[str, str]:
    """Return why the token is rejected because of each rule that it breaks, by the rule's claim.

    `refusal` is why it would be if it broke none.
    """
    alone = {
        rule.claim: _refusal(case, issuer, token, waived=[other for other in RULES if other is not rule])
        for rule in RULES
    }
    return {claim: reason for claim, reason in alone.items() if reason != refusal}


def _refusal(case: Case, issuer: Issuer, token: Unverified | None, waived: Sequence[Rule]) -> str:
    """Return why the token is rejected if these rules are waived for it. Empty if it is accepted."""
    if token is None:
        return decide(case, issuer).refusal
    fields = {name: value for rule in waived for name, value in rule.waive(token, issuer).items()}
    is_key_for_any_issuer = any(rule.claim == "key" for rule in waived)
    return decide(case, issuer._replace(**fields), is_key_for_any_issuer=is_key_for_any_issuer).refusal
