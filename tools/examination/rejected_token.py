"""What a token is that no setting makes acceptable, and what to send instead."""

from collections.abc import Mapping
from typing import Any

from tools.untrusted_text import quoted

from . import providers
from .token_decision import Unverified

_ENCRYPTED_PARTS = 5  # RFC 7516 section 3.1


def what_it_is(text: str, token: Unverified | None) -> str:
    """Return sentences about a token that is rejected, whatever the settings."""
    if token is None:
        return _not_a_jwt(text)
    advice = _advice(token.claims)
    said = {name: token.header[name] for name in ("alg", "kid", "typ") if name in token.header}
    said |= {name: token.claims[name] for name in ("iss", "aud") if name in token.claims}
    summary = ", ".join(f"{name} is {quoted(value)}" for name, value in said.items())
    return f"{advice} The token says: {summary}.".lstrip()


def _not_a_jwt(text: str) -> str:
    if len(text.split(".")) == _ENCRYPTED_PARTS:
        return (
            "It has five parts: it is encrypted, and only its issuer can read it. Request a token with the"
            " audience of this API, which is signed instead: Auth0 encrypts tokens that are requested without"
            " an audience."
        )
    return (
        "Give the token alone: three parts with dots between them. If it never had three, it is opaque:"
        " request a token for this API, by its audience or scope."
    )


def _advice(claims: Mapping[str, Any]) -> str:
    if claims.get("token_use", "access") != "access" or str(claims.get("typ")).lower() == "id":
        return "It is not an access token. Send the access token instead."
    if "cnf" in claims:
        return (
            "It is bound to a key, by DPoP or a client certificate, which a bearer token does not prove."
            " Request an unbound token."
        )
    if "aud" in claims:
        return ""
    if providers.is_keycloak(claims):
        return providers.KEYCLOAK_AUDIENCE
    return (
        "Let the issuer write the name of this API to aud, by the audience or the resource of the request, or"
        " by a template or a custom claim of the token (Clerk, WorkOS). Then set AUDIENCE to it."
    )
