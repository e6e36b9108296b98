"""Audiences that do not mean this API: those that an issuer writes to the tokens of all clients."""

from collections.abc import Iterator

from auth import Issuer

from . import providers
from .audience_rule import apis
from .token_rules import signed_claims, token_for
from .trial import Case, Fault, write


def everybodys_audience(case: Case, issuer: Issuer) -> Iterator[Fault]:
    """Does AUDIENCE name a client that each Keycloak realm has, or the issuer's own /userinfo?"""
    token = token_for(case, issuer)
    is_keycloak = any("/realms/" in name for name in issuer.token_issuer) or (
        token is not None and providers.is_keycloak(token.claims)
    )
    variable = f"AUDIENCE{issuer.suffix}"
    own = [f"{name.rstrip('/')}/userinfo" for name in issuer.token_issuer]
    wrong = [
        name for name in issuer.audience if name in own or (is_keycloak and providers.is_keycloaks_own(name))
    ]
    names = [name for name in issuer.audience if name not in wrong]
    if not names and token and signed_claims(case, issuer.suffix) is not None:
        names = apis(token)
    for name in wrong:
        text = f"{name} is not an API: the issuer writes it to the tokens of any client, for any API."
        otherwise = (
            providers.KEYCLOAK_AUDIENCE
            if is_keycloak
            else "Configure the issuer to put the name of this API in aud."
        )
        yield Fault(
            variable,
            text,
            (write(variable, ",".join(names)),) if names else (),
            f"{otherwise} Then set {variable} to that name.",
        )
