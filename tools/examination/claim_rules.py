"""All rules of the authorizer that single claims can break."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from auth import Issuer
from auth.bearer import normal_type
from auth.claims import claim
from auth.settings import ALGORITHMS, DEFAULT_PRINCIPAL_CLAIMS
from tools.difference import is_same_but_for_spelling
from tools.untrusted_text import quoted

from .audience_rule import AUDIENCE
from .issuer_metadata import Published, discover
from .issuer_rule import ISSUER
from .rule import Broken, Explanation, Rule
from .token_decision import Unverified
from .trial import write

_FOREVER = 10**10  # seconds

# Claims that name a client or a user and that neither can edit: what PRINCIPAL_CLAIMS may name.
_IDENTIFIERS = ("appid", "cid", "oid", "uid", "user_id")

# Values of the header `typ` that are not for APIs: other tokens of RFC 8417, RFC 9101, RFC 9449, OpenID
# Connect, and of Okta, whose org authorization server issues tokens for Okta alone.
OTHER_TYPES = frozenset(
    {
        *("dpop+jwt", "entity-statement+jwt", "kb+jwt", "logout+jwt", "oauth-authz-req+jwt"),
        *("okta-internal-at+jwt", "refresh+jwt", "rt+jwt", "secevent+jwt", "token-introspection+jwt"),
    }
)


def _explain_alg(broken: Broken) -> Explanation:
    alg, allowed = broken.token.header.get("alg"), broken.issuer.algorithms
    variable = broken.name("ALGORITHMS")
    return Explanation(
        f"it is {quoted(alg)}, but {variable} is {','.join(allowed)}.",
        (write(variable, ",".join([*allowed, str(alg)])),),
        otherwise="Request a token that is signed with one of these.",
    )


def _typ(token: Unverified) -> str:
    """Return the `typ` as TOKEN_TYPES names it (RFC 7515 section 4.1.9)."""
    return normal_type(str(token.header.get("typ", "JWT")))


def _any_typ(token: Unverified, _: Issuer) -> Mapping[str, Any]:
    typ = _typ(token)
    return {} if typ in OTHER_TYPES else {"token_types": (typ,)}


def _explain_typ(broken: Broken) -> Explanation:
    typ, variable = _typ(broken.token), broken.name("TOKEN_TYPES")
    accepted = ",".join(broken.issuer.token_types)
    text = f"it is {quoted(broken.token.header.get('typ'))}, but {variable} is {accepted}."
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


def _any_principal(token: Unverified, issuer: Issuer) -> Mapping[str, Any]:
    others = _identifiers(token, issuer)
    return {"principal_claims": (*issuer.principal_claims, *others)} if others else {}


def _identifiers(token: Unverified, issuer: Issuer) -> list[str]:
    """Return the claims of a token that PRINCIPAL_CLAIMS could name, too."""
    known = (*DEFAULT_PRINCIPAL_CLAIMS, *_IDENTIFIERS)
    return [name for name in known if name in token.claims and name not in issuer.principal_claims]


def _explain_principal(broken: Broken) -> Explanation:
    variable, names = broken.name("PRINCIPAL_CLAIMS"), broken.issuer.principal_claims
    others = _identifiers(broken.token, broken.issuer)
    return Explanation(
        f"{variable} is {','.join(names)}.",
        tuple(write(variable, ",".join([*names, name])) for name in others),
        otherwise="Configure the issuer to add sub.",
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
        otherwise=f"The token is not among those that {variable} accepts: request one that is. Correct"
        f" {variable} only if it names a wrong claim or value.",
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
    Rule("alg", lambda *_: {"algorithms": ALGORITHMS}, _explain_alg),
    Rule("typ", _any_typ, _explain_typ),
    Rule("times", lambda *_: {"leeway_seconds": _FOREVER}, _explain_times),
    ISSUER,
    AUDIENCE,
    Rule("principal", _any_principal, _explain_principal),
    Rule("claims", lambda *_: {"required_claims": ()}, _explain_required),
    # Waived by token_rules.py: it is a rule about the JWKS, not about a field of Issuer.
    Rule("key", lambda *_: {}, _explain_key),
)


def _time(seconds: object) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return quoted(seconds)
