"""The rule for `iss`: a token is from an issuer in TOKEN_ISSUER."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from auth import Issuer
from auth.fetch import is_safe_url
from tools.difference import difference, is_same_but_for_spelling
from tools.untrusted_text import quoted

from . import providers
from .id_tokens import SEND_THE_ACCESS_TOKEN, id_token_signs
from .issuer_metadata import Published, discover, renamed
from .rule import Broken, Explanation, Rule
from .token_decision import Unverified
from .trial import Advice, Setting, write

_GET_VERSION_2 = (
    "Set requestedAccessTokenVersion to 2 in the manifest of the API's app registration, and request a new"
    " token."
)


def _any_iss(token: Unverified, _: Issuer) -> Mapping[str, Any]:
    iss = token.claims.get("iss")
    return {"token_issuer": (iss,)} if isinstance(iss, str) else {}


def _explain_iss(broken: Broken) -> Explanation:
    iss, expected = str(broken.token.claims["iss"]), broken.issuer.token_issuer
    variable = broken.name("TOKEN_ISSUER")
    similar = next((name for name in expected if is_same_but_for_spelling(name, iss)), None)
    words = difference(variable, similar or expected[0], "the token", iss)
    text = f"it is {quoted(iss)}, but {variable} is {quoted(','.join(expected))}."
    if providers.is_other_version(iss, expected):
        text = f"{text} This is a version 1 token of Entra ID."
        if signs := id_token_signs(broken.token):
            text = f"{text} It looks like an ID token: {signs}."
            return Explanation(text, otherwise=f"{SEND_THE_ACCESS_TOKEN} {_GET_VERSION_2}")
        advice = tuple(_version_1(broken, iss)) if broken.is_signed else ()
        otherwise = f"{_GET_VERSION_2} To accept version 1 tokens, use the lines for them in docs/issuers.md."
        return Explanation(text, advice, otherwise=otherwise)
    text = f"{text} {words}"
    others = [issuer for issuer in broken.case.settings.issuers if issuer is not broken.issuer]
    if others:
        names = ", ".join(quoted(name) for issuer in others for name in issuer.token_issuer)
        text = f"{text.rstrip()} The other issuers are {names}."
    candidates: tuple[Advice, ...] = ()
    if broken.is_signed and (is_safe_url(iss) or "://" not in iss):
        candidates = tuple(_other_issuers(broken, iss, similar))
    return Explanation(
        text.rstrip(),
        candidates,
        otherwise=f"Request a token from {variable}; or if that is your issuer, correct {variable}.",
    )


def _other_issuers(broken: Broken, iss: str, similar: str | None) -> Iterator[Advice]:
    """Yield settings for an issuer whose token a key of the present one signed: it has another name, too."""
    variable, expected = broken.name("TOKEN_ISSUER"), broken.issuer.token_issuer
    words = "If that is your issuer, write"
    if "key" not in broken.rules:
        published = discover(expected, broken.issuer.jwks_uri, broken.case.fetch)
        if similar:
            yield write(variable, renamed(expected, iss))
        elif len(expected) > 1 or (isinstance(published, Published) and published.issuer in expected):
            alias = "If that is another name of your issuer, write"
            tenant = "It is from another tenant. If you accept the users of that one, too, write"
            names = [*expected, iss]
            yield write(variable, ",".join(names), tenant if providers.is_entra(iss) else alias)
        else:
            yield write(variable, iss, words)
    own = discover((iss,), "", broken.case.fetch)
    if isinstance(own, Published) and own.jwks_uri:
        uri = Setting(broken.name("JWKS_URI"), own.jwks_uri)
        yield Advice((Setting(variable, iss), uri), words)


def _version_1(broken: Broken, iss: str) -> Iterator[Advice]:
    """Yield all the settings that are other ones for version 1 tokens, since some of them accept none."""
    claims, names = broken.token.claims, broken.token.audiences
    own = discover((iss,), "", broken.case.fetch)
    if not isinstance(own, Published) or not own.jwks_uri:
        return
    required = ",".join(
        re.sub("^azp(?==|$)", "appid", one.strip())
        for one in broken.case.environment.get(broken.name("REQUIRED_CLAIMS"), "").split(",")
    )
    values = {"TOKEN_ISSUER": iss, "JWKS_URI": own.jwks_uri}
    if "aud" in broken.rules and len(names) == 1 and providers.names_an_api(names[0], claims):
        values["AUDIENCE"] = names[0]
    if "claims" in broken.rules:
        values["REQUIRED_CLAIMS"] = required
    settings = tuple(Setting(broken.name(name), value) for name, value in values.items())
    yield Advice(settings, f"{_GET_VERSION_2} To accept version 1 tokens of this API, write")


ISSUER = Rule("iss", _any_iss, _explain_iss)
