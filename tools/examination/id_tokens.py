"""ID tokens: how they are recognized, and what to say about them.

An ID token tells a client who signed in (OpenID Connect Core section 2). It is not for an API, even if both
have one audience; so no setting is recommended that lets one in or gives it scopes.
"""

from auth.bearer import normal_type

from . import providers
from .token_decision import Unverified

SEND_THE_ACCESS_TOKEN = "An ID token is for the client that requested it: send the access token instead."  # noqa: S105 - no password

# OpenID Connect Core sections 2 and 3.3.2.11: what binds an ID token to a sign-in.
_OF_A_SIGN_IN = ("nonce", "at_hash", "c_hash")


def id_token_signs(token: Unverified) -> str:
    """Return by what a token looks like an ID token: the end of a sentence. Empty if it does not.

    Google's are left out: people do send them to APIs, since its access tokens are opaque.
    """
    claims = token.claims
    is_marked = claims.get("typ") == "Bearer" or normal_type(str(token.header.get("typ"))) == "at+jwt"
    is_shared = str(claims.get("iss")) in providers.SHARED_ISSUERS
    if is_marked or is_shared or "scope" in claims or "scp" in claims:
        return ""
    found = ", ".join(name for name in _OF_A_SIGN_IN if name in claims)
    if providers.is_entras(claims):
        client = providers.entra_client_claim(claims)
        has = f"{found}, but " if found else ""
        return "" if client in claims else f"it has {has}no {client} and no scp"
    if found:
        return f"it has {found}, but no scope"
    if "azp" in claims and token.audiences == (claims["azp"],):
        return "its audience is the client that requested it (azp), and it has no scope"
    return ""


def is_surely_id_token(token: Unverified) -> bool:
    """Tell whether the signs are such that no common issuer's access tokens have them, too.

    Dex's and authentik's have at_hash, or the client as the audience.
    """
    claims = token.claims
    is_sure = "nonce" in claims or "c_hash" in claims or providers.is_entras(claims)
    return is_sure and bool(id_token_signs(token))
