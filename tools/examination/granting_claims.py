"""Which claims of a token may grant scopes, beside those that SCOPE_CLAIMS names.

A claim that the caller can edit grants nothing: whoever may write it decides what they may do.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from auth import Issuer
from auth.settings import DEFAULT_SCOPE_CLAIMS

from . import providers
from .trial import Advice, Case, Setting

_MAX_DEPTH = 4
_MAX_CLAIMS = 30

# What claims are called that an issuer or an administrator writes, to say what somebody may do.
_SAYS_WHAT_IS_ALLOWED = re.compile(
    "role|group|perm|scope|scp|entitle|authorit|privilege|grant", re.IGNORECASE
)

# Where users or clients keep data of their own: user_metadata (Supabase, Auth0), unsafe_metadata (Clerk),
# untrusted_metadata (Stytch), custom:... (Cognito), attributes (Keycloak), and whatever is called like them.
_MAY_BE_EDITED = re.compile(
    "metadata|custom|attribute|profile|preference|setting|unsafe|untrusted|address|request",
    re.IGNORECASE,
)
# These look alike, but only servers and administrators write them: Supabase, Auth0; Clerk; Stytch.
_SERVERS_ONLY = frozenset({"app_metadata", "public_metadata", "trusted_metadata"})


def granting_claims(case: Case, issuer: Issuer, claims: Mapping[str, Any]) -> Iterator[Advice]:
    """Yield settings with which another claim of a token grants scopes, too."""
    for name in other_claims(issuer, claims):
        yield _advice(case, issuer, claims, name)


def other_claims(issuer: Issuer, claims: Mapping[str, Any]) -> list[str]:
    """Return the claims of a token that may say what its caller may do, and are not in SCOPE_CLAIMS."""
    names = islice(_names(claims, ()), _MAX_CLAIMS)
    return [name for name in names if name not in issuer.scope_claims]


def _names(claims: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    """Yield the names, with dots between those of nested objects, of claims that may grant scopes."""
    for name, value in claims.items():
        path = (*above, name)
        if name not in _SERVERS_ONLY and _MAY_BE_EDITED.search(name):
            continue
        if any(_SAYS_WHAT_IS_ALLOWED.search(part) for part in path) and value:
            yield ".".join(path)
        if isinstance(value, dict) and len(path) < _MAX_DEPTH:
            yield from _names(value, path)


def _advice(case: Case, issuer: Issuer, claims: Mapping[str, Any], name: str) -> Advice:
    variable = f"SCOPE_CLAIMS{issuer.suffix}"
    present = issuer.scope_claims
    if present == DEFAULT_SCOPE_CLAIMS:
        # Where the provider grants scopes by default.
        present = ("scp",) if providers.is_entras(claims) else present
        present = ("scope",) if providers.is_keycloak(claims) else present
    # An object grants the names of its members. Whoever named one meant what is in it.
    kept = [one for one in present if not name.startswith(f"{one}.")]
    scope_claims = Setting(variable, ",".join([*kept, name]))
    if not providers.is_entras(claims):
        words = f"If {name} says what callers may do, and only your administrators can edit it, write"
        return Advice((scope_claims,), words)
    return _entra_advice(case, issuer, claims, scope_claims)


def _entra_advice(case: Case, issuer: Issuer, claims: Mapping[str, Any], scope_claims: Setting) -> Advice:
    client = providers.entra_client_claim(claims)
    variable = f"REQUIRED_CLAIMS{issuer.suffix}"
    words = (
        "Entra ID grants applications app roles, in roles. Its ID tokens have roles, too, but no"
        f" {client}; and in a delegated token, roles are the user's, whatever the client was granted. Write"
    )
    if "scp" in claims:
        words = (
            "It is a delegated token: its roles are the user's, whatever the client was granted. Request one"
            " with the right scp; or if the roles of users are to count, write"
        )
    if client in (name for name, _ in issuer.required_claims):
        return Advice((scope_claims,), words)
    present = case.environment.get(variable, "").strip()
    required = Setting(variable, ",".join(filter(None, [present, client])))
    return Advice((scope_claims, required), words)
