"""This file is discovery (OpenID Connect Discovery 1.0): how JWKS_URI is found if it is not set.

It happens before a deployment, not while the authorizer runs: the address is reviewed and then fixed. The
document comes from the network, so all that is printed of it is quoted, and only a safe URL is used.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from auth.fetch import is_safe_url

from .difference import difference, is_same_but_for_spelling
from .untrusted_text import quoted

Fetch = Callable[[str], bytes]
"""Returns the body at a URL, or raises OSError with the reason."""

WELL_KNOWN = "/.well-known/openid-configuration"  # section 4

# What means only itself in a .env file, in a shell and on a CI runner. CloudFormation would replace a
# {{resolve:...}} by a secret of the account.
PLAIN = re.compile(r"[A-Za-z0-9._~:/?&=@+%,-]{1,500}")

# Microsoft Entra ID names its issuers so in the documents of `common`, `organizations` and `consumers`.
_TENANT = "{tenantid}"


# Reasons of `auth.fetch` that say nothing about whether the document exists.
_MAY_PASS = re.compile("Time-?out|no answer within|Connection|HTTP status (429|5)", re.IGNORECASE)


class DiscoveryError(Exception):
    """There is no document that says where the keys are."""

    def __init__(self, reason: str, instruction: str = "") -> None:
        """Take sentences that say what is wrong, and what to do. Both may be printed as they are."""
        super().__init__(f"{reason} {instruction}".rstrip())
        self.reason = reason
        self.instruction = instruction


class NamesNoTenant(DiscoveryError):
    """The document is that of many issuers."""


@dataclass(frozen=True)
class Document:
    """What a discovery document says. Nothing of it was checked but the types."""

    url: str
    issuer: str
    jwks_uri: object


def fetch_document(place: str, fetch: Fetch) -> Document:
    """Return the discovery document below the URL `place`, which has no trailing slash.

    Raises DiscoveryError.
    """
    url = place + WELL_KNOWN
    try:
        document = json.loads(fetch(url))
    except OSError as reason:
        if _MAY_PASS.search(str(reason)):
            text = f"The discovery document at {quoted(url)} could not be fetched: {reason}."
            raise DiscoveryError(text, "Try again.") from None
        raise DiscoveryError(f"There is no discovery document at {quoted(url)}: {reason}.") from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise DiscoveryError(f"What is at {quoted(url)} is not a JSON object.")
    issuer = document.get("issuer")
    if not isinstance(issuer, str):
        what = f"its issuer is {quoted(issuer)}, which is not a string"
        raise DiscoveryError(f"What is at {quoted(url)} is not a discovery document: {what}.")
    if _TENANT in issuer:
        one = issuer.replace(_TENANT, "<tenant id>")
        raise NamesNoTenant(
            f"{quoted(place)} names no tenant, so it is not the issuer of any token.",
            f"Write the issuer of your tenant, which is {quoted(one)}.",
        )
    return Document(url, issuer, document.get("jwks_uri"))


def find_jwks_uri(token_issuer: Sequence[str], fetch: Fetch, suffix: str = "") -> str:
    """Return the address at which the first of these issuers publishes its keys.

    `suffix` is that of the variables, for messages. Raises DiscoveryError.
    """
    write_uri = f"Write JWKS_URI{suffix}, the URL of the issuer's keys."
    name = token_issuer[0]
    if not is_safe_url(name):
        reason = (
            f"TOKEN_ISSUER{suffix} is {quoted(name)}, which is not an https:// URL (http:// for a loopback"
            " host only): it has no discovery document."
        )
        raise DiscoveryError(reason, write_uri)
    try:
        document = fetch_document(name.removesuffix("/"), fetch)
    except NamesNoTenant:
        raise
    except DiscoveryError as error:
        instruction = (
            f"{error.instruction} If that does not help: {write_uri}" if error.instruction else write_uri
        )
        raise DiscoveryError(error.reason, instruction) from None
    if document.issuer not in token_issuer:
        raise _another_issuer(name, document, suffix)
    uri = document.jwks_uri
    if not isinstance(uri, str) or not is_safe_url(uri) or not PLAIN.fullmatch(uri):
        is_what = f"The jwks_uri in {quoted(document.url)} is {quoted(uri)}"
        raise DiscoveryError(f"{is_what}, which is not a safe https:// URL.", write_uri)
    return uri


def _another_issuer(name: str, document: Document, suffix: str) -> DiscoveryError:
    variable, actual = f"TOKEN_ISSUER{suffix}", document.issuer
    words = difference(variable, name, "the document", actual)
    url = quoted(document.url)
    reason = f"The document at {url} is that of the issuer {quoted(actual)}. {words}".rstrip()
    if is_same_but_for_spelling(name, actual) and PLAIN.fullmatch(actual):
        return DiscoveryError(reason, f"Write {variable}={actual}")
    instruction = f"Correct {variable}, or write JWKS_URI{suffix}, the URL of the issuer's keys."
    return DiscoveryError(reason, instruction)


def discover_missing(
    environment: Mapping[str, str], fetch: Fetch
) -> tuple[dict[str, str], dict[str, DiscoveryError]]:
    """Return each JWKS_URI variable that is not set but is found, and why others are not found.

    One is looked for wherever there is a TOKEN_ISSUER with the same suffix.
    """
    found, errors = {}, {}
    for name, value in environment.items():
        suffix = name.removeprefix("TOKEN_ISSUER")
        variable = f"JWKS_URI{suffix}"
        token_issuer = [issuer for part in value.split(",") if (issuer := part.strip())]
        if (
            not re.fullmatch("TOKEN_ISSUER(__.+)?", name)
            or not token_issuer
            or token_issuer[0].startswith("<")  # as in .env.sample
            or environment.get(variable, "").strip()
        ):
            continue
        try:
            found[variable] = find_jwks_uri(token_issuer, fetch, suffix)
        except DiscoveryError as error:
            errors[variable] = error
    return found, errors
