"""The rule for `aud`: a token is for an API in AUDIENCE."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from auth import Issuer
from tools.difference import difference, is_same_but_for_spelling
from tools.untrusted_text import quoted

from . import providers
from .id_tokens import id_token_signs
from .rule import Broken, Explanation, Rule
from .token_decision import Unverified
from .trial import Advice, Setting, write


def _any_aud(token: Unverified, _: Issuer) -> Mapping[str, Any]:
    names = audiences(token)
    return {"audience": names} if names else {}


def audiences(token: Unverified) -> tuple[str, ...]:
    """Return what a token says that it is for: the strings in `aud`, or Cognito's `client_id`."""
    if "aud" not in token.claims and token.claims.get("token_use") == "access":
        client = token.claims.get("client_id")
        return (client,) if isinstance(client, str) else ()
    return token.audiences


def _explain_aud(broken: Broken) -> Explanation:
    claims, expected = broken.token.claims, broken.issuer.audience
    variable = broken.name("AUDIENCE")
    said = "it" if "aud" in claims else "client_id"
    actual = quoted(claims.get("aud", claims.get("client_id")))
    text = f"{said} is {actual}, but {variable} is {quoted(','.join(expected))}."
    names = apis(broken.token)
    if len(names) != 1:
        return Explanation(text, otherwise=_other_audience(broken))
    (name,) = names
    misspelled = [one for one in expected if is_same_but_for_spelling(one, name)]
    kept = [one for one in expected if one not in misspelled] if len(expected) > 1 else []
    words = difference(variable, (misspelled or expected)[0], "the token", name)
    advice = audience_advice(broken.token, variable, [*kept, name], is_misspelled=bool(misspelled))
    if not kept and not misspelled:
        advice = _beside(advice, variable, (*expected, name))
    return Explanation(f"{text} {words}".rstrip(), (advice,), otherwise=_other_audience(broken))


def _beside(advice: Advice, variable: str, names: Sequence[str]) -> Advice:
    """Offer to keep the present audience, too: tokens of another client may be for that one.

    What accepts the token alone accepts it beside another name.
    """
    both = Setting(variable, ",".join(names))
    if not both.is_plain:
        return advice
    return replace(advice, words=f"{advice.words} {both} to accept both, or to accept this one instead:")


def apis(token: Unverified) -> list[str]:
    """Return the audiences of a token that may be an API of the operator's."""
    if id_token_signs(token):
        return []
    return [name for name in audiences(token) if providers.names_an_api(name, token.claims)]


def audience_advice(
    token: Unverified, variable: str, names: list[str], *, is_misspelled: bool = False
) -> Advice:
    clients = [token.claims[name] for name in providers.CLIENT_CLAIMS if name in token.claims]
    has_scopes = any(name in token.claims for name in ("scope", "scp", "permissions", "roles"))
    words = "If the token is for this API, write"
    if is_misspelled:
        words = "Write"
    elif names[-1] in clients or not (clients or has_scopes):
        # That of an ID token is the client.
        words = "If it is an access token for this API, and not an ID token, write"
    if "aud" not in token.claims:
        words = (
            "Cognito's access tokens name the client, not the API: give every route a scope, and if it is a"
            " client of this API, write"
        )
    return write(variable, ",".join(names), words)


def _other_audience(broken: Broken) -> str:
    """Say what to do about an audience that no setting should accept, or about several."""
    token = broken.token
    if any(map(providers.is_graph, token.audiences)):
        return providers.FOR_GRAPH
    if providers.is_keycloak(token.claims) and not apis(token):
        return providers.KEYCLOAK_AUDIENCE
    # Which of several is this API, only the operator knows.
    variable = broken.name("AUDIENCE")
    return f"Request a token for this API, or add the name that it gives this API to {variable}."


AUDIENCE = Rule("aud", _any_aud, _explain_aud)
