"""The rules of the authorizer for single claims, as the doctor examines them.

A rule can be waived for a token, so that the others can be examined without it. If the token breaks it, its
`explain` says what the token has, and which settings may accept that.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auth import Issuer
from auth.claims import claim
from auth.fetch import is_safe_url
from auth.settings import ALGORITHMS
from tools.difference import difference, is_same_but_for_spelling
from tools.untrusted_text import quoted

from . import providers
from .issuer_metadata import Published, discover
from .token_decision import Unverified
from .trial import Advice, Case, Setting, write

_FOREVER = 10**10  # seconds

# Claims that name a client or a user and that neither can edit: what PRINCIPAL_CLAIMS may name.
_IDENTIFIERS = ("appid", "cid", "oid", "uid", "user_id")

# Values of the header `typ` that are not for APIs: other tokens of RFC 8417, RFC 9101, RFC 9449, OpenID
# Connect, and of Okta, whose org authorization server issues tokens for Okta alone.
_OTHER_TYPES = frozenset(
    {
        *("dpop+jwt", "entity-statement+jwt", "kb+jwt", "logout+jwt", "oauth-authz-req+jwt"),
        *("okta-internal-at+jwt", "refresh+jwt", "rt+jwt", "secevent+jwt", "token-introspection+jwt"),
    }
)


@dataclass(frozen=True)
class Broken:
    """A token that breaks at least one rule."""

    case: Case
    issuer: Issuer
    """Whose settings apply to it."""
    token: Unverified
    is_signed: bool
    """A key of the issuer signed it. Nothing of another token is looked up or recommended."""
    rules: frozenset[str]
    """The rules that it breaks."""

    def name(self, variable: str) -> str:
        return variable + self.issuer.suffix


@dataclass(frozen=True)
class Explanation:
    text: str
    """What the token says, and what the settings expect."""
    candidates: tuple[Advice, ...] = ()
    """Settings with which the authorizer may accept the claim."""
    otherwise: str = ""
    """What to do if none does."""


@dataclass(frozen=True)
class Rule:
    claim: str
    waive: Callable[[Unverified], Mapping[str, Any]]
    """Returns fields of Issuer with which a token can't break the rule. Empty if there are none."""
    explain: Callable[[Broken], Explanation]


def _explain_alg(broken: Broken) -> Explanation:
    alg, allowed = broken.token.header.get("alg"), broken.issuer.algorithms
    variable = broken.name("ALGORITHMS")
    return Explanation(
        f"it is {quoted(alg)}, {variable} is {','.join(allowed)}.",
        (write(variable, ",".join([*allowed, str(alg)])),),
        otherwise="Request a token that is signed with one of these.",
    )


def _typ(token: Unverified) -> str:
    """Return the `typ` as TOKEN_TYPES names it (RFC 7515 section 4.1.9)."""
    typ = str(token.header.get("typ", "JWT")).lower().removeprefix("application/")
    return "jwt" if typ == "jose" else typ


def _explain_typ(broken: Broken) -> Explanation:
    typ, variable = _typ(broken.token), broken.name("TOKEN_TYPES")
    accepted = ",".join(broken.issuer.token_types)
    text = f"it is {quoted(broken.token.header.get('typ'))}, {variable} is {accepted}."
    if typ == "okta-internal-at+jwt":
        return Explanation(
            text,
            otherwise="Only Okta accepts the tokens of its org authorization server. Request one of a custom"
            " authorization server, such as the one named default.",
        )
    if typ in _OTHER_TYPES:
        return Explanation(text, otherwise="It is not an access token. Send the access token.")
    return Explanation(
        text,
        (write(variable, f"{accepted},{typ}", "If your issuer marks its access tokens so, write"),),
        otherwise="Request an access token: a JWT for this API.",
    )


def _explain_times(broken: Broken) -> Explanation:
    claims = {
        name: broken.token.claims[name] for name in ("iat", "nbf", "exp") if name in broken.token.claims
    }
    times = ", ".join(f"{name} is {_time(value)}" for name, value in claims.items())
    return Explanation(
        f"{times}; it is {_time(broken.case.now)} now.",
        otherwise="Request a new token. If this one is new, check this machine's clock and the issuer's.",
    )


def _iss(token: Unverified) -> Mapping[str, Any]:
    iss = token.claims.get("iss")
    return {"token_issuer": (iss,)} if isinstance(iss, str) else {}


def _explain_iss(broken: Broken) -> Explanation:
    iss, expected = str(broken.token.claims["iss"]), broken.issuer.token_issuer
    variable = broken.name("TOKEN_ISSUER")
    similar = next((name for name in expected if is_same_but_for_spelling(name, iss)), None)
    words = difference(variable, similar or expected[0], "the token", iss)
    text = f"it is {quoted(iss)}, {variable} is {quoted(','.join(expected))}. {words}"
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
            names = [iss if name == similar else name for name in expected]
            yield write(variable, ",".join(dict.fromkeys(names)))
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


def _aud(token: Unverified) -> Mapping[str, Any]:
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
    text = f"{said} is {actual}, {variable} is {quoted(','.join(expected))}."
    names = apis(broken.token)
    if len(names) != 1:
        return Explanation(text, otherwise=_other_audience(broken))
    (name,) = names
    misspelled = [one for one in expected if is_same_but_for_spelling(one, name)]
    kept = [one for one in expected if one not in misspelled] if len(expected) > 1 else []
    words = difference(variable, (misspelled or expected)[0], "the token", name)
    advice = audience_advice(broken.token, variable, [*kept, name], is_misspelled=bool(misspelled))
    return Explanation(f"{text} {words}".rstrip(), (advice,), otherwise=_other_audience(broken))


def apis(token: Unverified) -> list[str]:
    """Return the audiences of a token that may be an API of the operator's."""
    if providers.looks_like_id_token(token.claims):
        return []
    return [name for name in audiences(token) if providers.names_an_api(name, token.claims)]


def audience_advice(
    token: Unverified, variable: str, names: list[str], *, is_misspelled: bool = False
) -> Advice:
    words = "Write" if is_misspelled else "If the token is for this API, write"
    if "aud" not in token.claims:
        words = (
            "Cognito's access tokens name the client, not the API: give every route a scope, and if it is a"
            " client of this API, write"
        )
    return write(variable, ",".join(names), words)


def _other_audience(broken: Broken) -> str:
    """Say what to do about an audience that no setting should accept, or about several."""
    token = broken.token
    if providers.looks_like_id_token(token.claims):
        return "It looks like an ID token, which is for the client that requested it. Send the access token."
    if any(map(providers.is_graph, token.audiences)):
        return (
            "It is for Microsoft Graph, which alone can verify it. Request a token with a scope of this API,"
            " such as api://<client id of the API>/.default."
        )
    if providers.is_keycloak(token.claims) and not apis(token):
        return providers.KEYCLOAK_AUDIENCE
    # Which of several is this API, only the operator knows.
    variable = broken.name("AUDIENCE")
    return f"Request a token for this API, or add the name that it gives this API to {variable}."


def _principal(token: Unverified) -> Mapping[str, Any]:
    names = [name for name in _IDENTIFIERS if name in token.claims]
    return {"principal_claims": (*Issuer.principal_claims, *names)}


def _explain_principal(broken: Broken) -> Explanation:
    variable, claims = broken.name("PRINCIPAL_CLAIMS"), broken.token.claims
    names = broken.issuer.principal_claims
    words = f"{variable} is {','.join(names)}."
    return Explanation(
        words,
        tuple(
            write(variable, ",".join([*names, name]))
            for name in (*Issuer.principal_claims, *_IDENTIFIERS)
            if name in claims and name not in names
        ),
        otherwise=f"Let the issuer write sub, or name in {variable} a claim that says who calls and that the"
        " caller can't edit.",
    )


def _explain_required(broken: Broken) -> Explanation:
    variable, required = broken.name("REQUIRED_CLAIMS"), broken.issuer.required_claims
    actual = {name: claim(broken.token.claims, name) for name, _ in required}
    said = ", ".join(
        f"{name} is missing" if value is None else f"{name} is {quoted(value)}"
        for name, value in actual.items()
    )
    # A restriction is corrected if it is misspelled, and never weakened.
    corrected = tuple((name, _spelled_as(value, actual[name])) for name, value in required)
    return Explanation(
        f"{said}; {variable} is {_as_setting(required)}.",
        (write(variable, _as_setting(corrected), "If that is what you meant, write"),),
        otherwise=f"The token is not among those that {variable} accepts: request one that is, or correct"
        f" {variable}.",
    )


def _spelled_as(required: str | None, actual: object) -> str | None:
    if required and isinstance(actual, str) and is_same_but_for_spelling(required, actual):
        return actual
    return required


def _as_setting(required: tuple[tuple[str, str | None], ...]) -> str:
    return ",".join(name if value is None else f"{name}={value}" for name, value in required)


def _explain_key(broken: Broken) -> Explanation:
    iss = str(broken.token.claims.get("iss"))
    variable = broken.name("JWKS_URI")
    published = discover((iss,), "", broken.case.fetch) if broken.is_signed else None
    elsewhere = published.jwks_uri if isinstance(published, Published) else None
    return Explanation(
        f"the JWKS says that the key is for another issuer's tokens, and iss is {quoted(iss)}.",
        (write(variable, elsewhere),) if elsewhere else (),
        otherwise=f"Write the {variable} of that issuer, or request a token from another one.",
    )


RULES = (
    Rule("alg", lambda _: {"algorithms": ALGORITHMS}, _explain_alg),
    Rule("typ", lambda token: {"token_types": (_typ(token),)}, _explain_typ),
    Rule("times", lambda _: {"leeway_seconds": _FOREVER}, _explain_times),
    Rule("iss", _iss, _explain_iss),
    Rule("aud", _aud, _explain_aud),
    Rule("principal", _principal, _explain_principal),
    Rule("claims", lambda _: {"required_claims": ()}, _explain_required),
    # Waived by token_rules.py: it is a rule about the JWKS, not about a field of Issuer.
    Rule("key", lambda _: {}, _explain_key),
)


def _time(seconds: object) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return quoted(seconds)
