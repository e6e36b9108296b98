"""What a token is that no setting makes acceptable, and what to send instead."""

from tools.untrusted_text import quoted

from . import providers
from .token_decision import Unverified

_ENCRYPTED_PARTS = 5  # RFC 7516 section 3.1


def what_it_is(text: str, token: Unverified | None, refusal: str) -> str:
    """Return sentences about a token that is rejected, whatever the settings. `refusal` is the reason."""
    if token is None:
        return _not_a_jwt(text)
    said = {name: token.header[name] for name in ("alg", "kid", "typ") if name in token.header}
    said |= {name: token.claims[name] for name in ("iss", "aud") if name in token.claims}
    name, is_other, _ = refusal.partition(" says that it is not an access token")
    if is_other:
        said.pop("typ", None)  # that of the header: Keycloak has a claim of this name, too
        said[f"the claim {name}"] = token.claims.get(name)
    summary = ", ".join(f"{name} is {quoted(value)}" for name, value in said.items())
    return f"{_advice(token, refusal)} The token says: {summary}.".lstrip()


def _not_a_jwt(text: str) -> str:
    if not text:
        return "No token was given: --token is empty, or there was nothing on standard input."
    if text.startswith(("{", "[")):
        return "That is JSON. If it is the answer of the token endpoint, pass the value of its access_token."
    if len(text.split(".")) == _ENCRYPTED_PARTS:
        return (
            "It has five parts: it is encrypted, and only its issuer can read it. Request a token with the"
            " audience of this API, which is signed instead: Auth0 encrypts tokens that are requested without"
            " an audience."
        )
    return (
        "Paste only the token: three parts, separated by dots. If it never had three, it is opaque:"
        " request a token for this API, by its audience or scope."
    )


def _advice(token: Unverified, refusal: str) -> str:  # noqa: PLR0911 - one answer for each reason
    if token.claims.get("token_use", "access") != "access" or "not an access token" in refusal:
        return "Send the access token instead."
    if any(map(providers.is_graph, token.audiences)):
        return providers.FOR_GRAPH
    if refusal.startswith("aud "):
        return "" if token.audiences else _without_audience(token)
    if refusal.startswith("alg ") and str(token.header.get("alg")).startswith("HS"):
        return (
            "No setting makes it acceptable: whoever can verify such a token can also issue one. Configure"
            " the issuer to sign with RS256."
        )
    if refusal.startswith("typ is"):
        return _of_another_type(token)
    if "cnf" in refusal:
        return (
            "It is bound to a key, which the client must prove that it has, by DPoP or a certificate. A"
            " bearer token proves nothing of the kind. Request a token that is not bound to a key."
        )
    if refusal.startswith("none of"):
        return (
            "Configure the issuer to add sub, or set PRINCIPAL_CLAIMS to a claim that names the caller and"
            " that the caller can't edit."
        )
    if "no single key" in refusal:
        return "It does not name its key, and the issuer does not have exactly one key for this alg."
    return ""


def _without_audience(token: Unverified) -> str:
    if providers.is_keycloak(token.claims):
        return providers.KEYCLOAK_AUDIENCE
    return (
        "Get the issuer to put the name of this API in aud: by the audience or resource parameter of the"
        " token request, or by a template or a custom claim (Clerk, WorkOS). Then set AUDIENCE to that name."
    )


def _of_another_type(token: Unverified) -> str:
    if "okta" in str(token.header.get("typ")).lower():
        return (
            "Only Okta accepts the tokens of its org authorization server. Request one of a custom"
            " authorization server, such as the one named default."
        )
    return "It is not an access token. Send the access token instead."
