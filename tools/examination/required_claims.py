"""Whether a restriction is missing, without which strangers get in: tokens with the right iss and aud."""

from collections.abc import Iterator

from auth import Issuer
from auth.claims import claim

from . import providers
from .token_rules import signed_claims
from .trial import Advice, Case, Fault, write


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


def entra_roles(case: Case, issuer: Issuer) -> Iterator[Fault]:
    """If roles of Entra ID are scopes, are its ID tokens rejected, which have roles, too?"""
    names = [name for name in issuer.token_issuer if providers.is_entra(name)]
    if not names or "roles" not in issuer.scope_claims:
        return
    client = providers.entra_client_claim(names[0])
    if client in (name for name, _ in issuer.required_claims):
        return
    variable = f"SCOPE_CLAIMS{issuer.suffix}"
    text = (
        f"{variable} has roles, which Entra ID's ID tokens have, too: users could send those instead of"
        f" access tokens. Only access tokens have {client}."
    )
    advice = _required(case, issuer, client, "Write")
    otherwise = f"{advice}, and request an access token: this token is not one."
    yield Fault(f"REQUIRED_CLAIMS{issuer.suffix}", text, (advice,), otherwise)


def _required(case: Case, issuer: Issuer, addition: str, words: str) -> Advice:
    variable = f"REQUIRED_CLAIMS{issuer.suffix}"
    present = case.environment.get(variable, "").strip()
    return write(variable, ",".join(filter(None, [present, addition])), words)
