"""What an issuer publishes about itself, and how far that is believed.

A discovery document counts only if its `issuer` belongs to the URL that was asked, and only safe URLs of it
are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from auth.fetch import is_safe_url
from tools.difference import is_same_but_for_spelling
from tools.discovery import DiscoveryError, Document, Fetch, NamesNoTenant, fetch_document
from tools.untrusted_text import quoted


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
    """A sentence."""
    instruction: str = ""
    is_another_issuers: bool = False
    """There is a document, but TOKEN_ISSUER is not the issuer in it."""


def discover(token_issuer: Sequence[str], jwks_uri: str, fetch: Fetch) -> Published | NothingPublished:
    """Return the document of the first of these issuers, or else of the one with that JWKS_URI."""
    places = [name.rstrip("/") for name in token_issuer[:1]]
    if "/.well-known/" in jwks_uri:
        places.append(jwks_uri.partition("/.well-known/")[0])
    failures = []
    for place in dict.fromkeys(places):
        found = _published(place, fetch)
        if isinstance(found, Published):
            return found
        failures.append(found)
    return failures[0] if failures else NothingPublished("There is no issuer to ask.")


def renamed(token_issuer: Sequence[str], name: str) -> str:
    """Return TOKEN_ISSUER with this name, instead of the one that is spelled like it or else of the first."""
    wrong = next((one for one in token_issuer if is_same_but_for_spelling(one, name)), token_issuer[0])
    return ",".join(dict.fromkeys(name if one == wrong else one for one in token_issuer))


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


def _published(place: str, fetch: Fetch) -> Published | NothingPublished:
    try:
        document = fetch_document(place, fetch)
    except DiscoveryError as error:
        is_another_issuers = isinstance(error, NamesNoTenant)
        return NothingPublished(error.reason, error.instruction, is_another_issuers=is_another_issuers)
    # Section 4.3 wants them to be equal; but what TOKEN_ISSUER gets wrong most often is the spelling.
    if not is_same_but_for_spelling(place, document.issuer):
        reason = (
            f"The document at {quoted(document.url)} is that of another issuer, {quoted(document.issuer)}."
        )
        return NothingPublished(reason, is_another_issuers=True)
    return _believed(document)


def _believed(document: Document) -> Published:
    uri = document.jwks_uri
    if uri is None or (isinstance(uri, str) and is_safe_url(uri)):
        return Published(document.issuer, uri)
    is_what = "not a safe https:// URL" if isinstance(uri, str) else "not a string"
    problem = f"The jwks_uri in {quoted(document.url)} is {quoted(uri)}, which is {is_what}. It is ignored."
    return Published(document.issuer, None, problem)
