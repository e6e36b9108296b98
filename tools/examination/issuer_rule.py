"""The rule for `iss`: a token is from an issuer in TOKEN_ISSUER."""

from collections.abc import Iterator, Mapping
from typing import Any

from auth import Issuer
from auth.fetch import is_safe_url
from tools.difference import difference, is_same_but_for_spelling
from tools.untrusted_text import quoted

from . import providers
from .issuer_metadata import Published, discover, renamed
from .rule import Broken, Explanation, Rule
from .token_decision import Unverified
from .trial import Advice, Setting, write


def _any_iss(token: Unverified, _: Issuer) -> Mapping[str, Any]:
    iss = token.claims.get("iss")
    return {"token_issuer": (iss,)} if isinstance(iss, str) else {}


def _explain_iss(broken: Broken) -> Explanation:
    iss, expected = str(broken.token.claims["iss"]), broken.issuer.token_issuer
    variable = broken.name("TOKEN_ISSUER")
    similar = next((name for name in expected if is_same_but_for_spelling(name, iss)), None)
    words = difference(variable, similar or expected[0], "the token", iss)
    text = f"it is {quoted(iss)}, but {variable} is {quoted(','.join(expected))}. {words}"
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
        if providers.is_entra_v1(iss):
            words = (
                "It is a v1 token of Entra ID. To get v2 tokens, set requestedAccessTokenVersion to 2 in the"
                " manifest of the API's app registration. To accept v1 tokens, write"
            )
        uri = Setting(broken.name("JWKS_URI"), own.jwks_uri)
        yield Advice((Setting(variable, iss), uri), words)


ISSUER = Rule("iss", _any_iss, _explain_iss)
