"""Whether REQUIRED_CLAIMS lets strangers in, or nobody: it is for tokens that have the right iss and aud."""

from collections.abc import Iterator, Mapping
from typing import Any

from auth import Issuer
from auth.claims import claim
from tools.untrusted_text import quoted

from . import providers
from .id_tokens import id_token_signs
from .token_decision import decide
from .token_rules import signed_claims, token_for
from .trial import Advice, Case, Fault, write

# Claims that are one string wherever they are (RFC 7519 section 4.1, and the providers' own).
_STRINGS = frozenset({*providers.CLIENT_CLAIMS, "email", "hd", "idtyp", "iss", "oid", "org_id", "sub", "tid"})


def strangers(case: Case, issuer: Issuer) -> Iterator[Fault]:
    """If anybody can get a token of this issuer for this API, does REQUIRED_CLAIMS say whose are meant?"""
    shared = next((name for name in issuer.token_issuer if name in providers.SHARED_ISSUERS), None)
    if shared is None:
        return
    owners = providers.SHARED_ISSUERS[shared]
    if any(name in owners and value for name, value in issuer.required_claims):
        return
    variable = f"REQUIRED_CLAIMS{issuer.suffix}"
    text = (
        f"Anybody can get a token of {shared}, and ask for one with this audience. {variable} must say whose"
        " tokens are meant."
    )
    yield Fault(
        variable,
        text,
        tuple(_owners(case, issuer, owners)),
        otherwise=f"Set it to one of {', '.join(owners)}, with its value in your tokens. With --token, the"
        " doctor says which.",
    )


def _owners(case: Case, issuer: Issuer, owners: tuple[str, ...]) -> Iterator[Advice]:
    """Yield the claims of a token that say whose it is."""
    claims = signed_claims(case, issuer.suffix)
    for name in owners if claims is not None else ():
        value = claim(claims or {}, name)
        # By `azp`, Google names the client that a user signed in to; but for a service account, itself.
        if isinstance(value, str) and value and (name != "azp" or value in issuer.audience):
            yield _required(case, issuer, f"{name}={value}", "If the token is one of yours, write")


def id_tokens(case: Case, issuer: Issuer) -> Iterator[Fault]:
    """Are Entra ID's ID tokens rejected? An app registration may be the client and the API at once."""
    token = token_for(case, issuer)
    is_sent = token is not None and bool(id_token_signs(token)) and not decide(case, issuer).refusal
    claims: list[Mapping[str, Any]] = [{"iss": name} for name in issuer.token_issuer]
    entras = [one for one in claims if providers.is_entras(one)]
    if is_sent and token and providers.is_entras(token.claims):
        entras = [token.claims]
    if not entras or not (is_sent or "roles" in issuer.scope_claims):
        return
    client = providers.entra_client_claim(entras[0])
    if client in (name for name, _ in issuer.required_claims):
        return
    text = (
        f"SCOPE_CLAIMS{issuer.suffix} has roles, which Entra ID's ID tokens have, too: users could send those"
        f" instead of access tokens. Only access tokens have {client}."
    )
    if is_sent:
        text = f"An ID token is accepted. Only access tokens of Entra ID have {client}."
    advice = _required(case, issuer, client, "Write")
    otherwise = f"{advice}, and request an access token: this token is not one."
    yield Fault(f"REQUIRED_CLAIMS{issuer.suffix}", text, (advice,), otherwise)


def contradictions(case: Case, issuer: Issuer) -> Iterator[Fault]:
    """Can a token have all that REQUIRED_CLAIMS wants? Only a list has two values."""
    token = token_for(case, issuer)
    for name in dict.fromkeys(name for name, _ in issuer.required_claims):
        values = list(dict.fromkeys(value for one, value in issuer.required_claims if one == name and value))
        is_string = name in _STRINGS or (token is not None and isinstance(claim(token.claims, name), str))
        if len(values) > 1 and is_string:
            text = (
                f"It requires {name} to be {' and '.join(map(quoted, values))} at once, and {name} is one"
                " string: every token is rejected."
            )
            otherwise = f"Require {name} alone, and write a rule `refuse` in rules.py that knows the values."
            yield Fault(f"REQUIRED_CLAIMS{issuer.suffix}", text, otherwise=otherwise)


def _required(case: Case, issuer: Issuer, addition: str, words: str) -> Advice:
    variable = f"REQUIRED_CLAIMS{issuer.suffix}"
    present = case.environment.get(variable, "").strip()
    return write(variable, ",".join(filter(None, [present, addition])), words)
