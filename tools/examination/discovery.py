"""What an issuer publishes about itself (OpenID Connect Discovery 1.0), and how far that is believed.

The document comes from the network. It counts only if its `issuer` belongs to the URL that was asked, and
only safe URLs of it are used.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from auth.fetch import is_safe_url

from .difference import is_same_but_for_spelling
from .untrusted_text import quoted

Fetch = Callable[[str], bytes]

WELL_KNOWN = "/.well-known/openid-configuration"  # section 4


@dataclass(frozen=True)
class Published:
    """A discovery document that is believed."""

    issuer: str
    jwks_uri: str | None
    """A safe URL."""
    problem: str = ""
    """Why there is no `jwks_uri`."""


@dataclass(frozen=True)
class NothingPublished:
    reason: str
    names_another_issuer: bool = False
    """There is a document, but it is that of another issuer."""


def discover(issuer: str, jwks_uri: str, fetch: Fetch) -> Published | NothingPublished:
    """Return the document of the issuer with that TOKEN_ISSUER, or else of the one with that JWKS_URI."""
    places = [issuer.rstrip("/")]
    if "/.well-known/" in jwks_uri:
        places.append(jwks_uri.partition("/.well-known/")[0])
    failures = []
    for place in dict.fromkeys(places):
        found = _document(place, fetch)
        if isinstance(found, Published):
            return found
        failures.append(found)
    return failures[0]


def safe_and_once(fetch: Fetch) -> Fetch:
    """Return `fetch` for safe URLs alone. An outcome is kept, since a failure may take seconds."""

    @cache
    def outcome(url: str) -> bytes | OSError:
        if not is_safe_url(url):
            return OSError("the URL must be https:// (http:// for a loopback host only)")
        try:
            return fetch(url)
        except OSError as error:
            return error

    def fetch_safe(url: str) -> bytes:
        result = outcome(url)
        if isinstance(result, OSError):
            raise result
        return result

    return fetch_safe


def _document(place: str, fetch: Fetch) -> Published | NothingPublished:
    url = place + WELL_KNOWN
    try:
        document = json.loads(fetch(url))
    except OSError as reason:
        return NothingPublished(f"there is no discovery document at {quoted(url)} ({reason})")
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return NothingPublished(f"what is at {quoted(url)} is not a JSON object")
    return _believed(url, place, document)


def _believed(url: str, place: str, document: Mapping[str, Any]) -> Published | NothingPublished:
    issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
    if not isinstance(issuer, str):
        return NothingPublished(f"the issuer in {quoted(url)} is {quoted(issuer)}, which is not a string")
    # Section 4.3 wants them to be equal; but what TOKEN_ISSUER gets wrong most often is the spelling.
    if not is_same_but_for_spelling(place, issuer):
        reason = f"the document at {quoted(url)} is that of another issuer, {quoted(issuer)}"
        return NothingPublished(reason, names_another_issuer=True)
    if jwks_uri is None or (isinstance(jwks_uri, str) and is_safe_url(jwks_uri)):
        return Published(issuer, jwks_uri)
    is_what = "not a safe https:// URL" if isinstance(jwks_uri, str) else "not a string"
    problem = f"The jwks_uri in {quoted(url)} is {quoted(jwks_uri)}, which is {is_what}. It is ignored."
    return Published(issuer, None, problem)
