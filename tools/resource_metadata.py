"""This file is what plugins/resource-metadata.cjs runs: the OAuth metadata of the API (RFC 9728).

Standard input is the route table, the environment holds the authorizer's variables, and the argument is what
of the metadata is known, as JSON. Standard output is the whole, or standard error what to write instead.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from auth import ConfigError, Settings
from auth.fetch import is_safe_url

# Without a query and a fragment (RFC 9728 section 1.2), and without what would end a header.
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~%:@/-]*)?")


class InvalidMetadata(Exception):
    """The settings can't become metadata. The text says what to write."""


def complete(known: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the metadata. An empty `resource` among what is known stands for the only AUDIENCE.

    Raises InvalidMetadata.
    """
    audiences = list(dict.fromkeys(value for issuer in settings.issuers for value in issuer.audience))
    resource = known["resource"] or (audiences[0] if len(audiences) == 1 else "")
    if not resource:
        raise InvalidMetadata(
            "AUDIENCE has several values. Set the parameter `resource` of the stage to the one that"
            f" is the URL that clients call: {', '.join(audiences)}"
        )
    if not (_URL.fullmatch(resource) and is_safe_url(resource)):
        raise InvalidMetadata(
            f"the resource is {resource}, but clients compare it with the URL that they call. Add the"
            " parameter `resource` to the stage: the https:// URL of the API, without a query, which must"
            " also be one of AUDIENCE"
        )
    issuers = [issuer for issuer in settings.issuers if resource in issuer.audience]
    if not issuers:
        raise InvalidMetadata(
            f"the resource is {resource}, but AUDIENCE is {', '.join(audiences)}, so the authorizer would"
            f" reject the tokens that clients get for it. Add {resource} to AUDIENCE, separated by a comma"
        )
    servers = [name for issuer in issuers for name in issuer.token_issuer if is_safe_url(name)]
    if not servers:
        raise InvalidMetadata(
            f"no TOKEN_ISSUER whose AUDIENCE has {resource} is a URL, so clients can't find it. Write"
            " resourceMetadata: disabled"
        )
    table = settings.routes.table("", "rest")
    scopes = [
        scope
        for scope in sorted(table.scopes if table else ())
        if any(issuer.allowed_scopes is None or scope in issuer.allowed_scopes for issuer in issuers)
    ]
    found = {"resource": resource, "authorization_servers": servers, "scopes_supported": scopes}
    # RFC 9728 section 3.2: what is empty is left out.
    return {name: value for name, value in {**known, **found}.items() if value}


if __name__ == "__main__":
    try:
        made = complete(json.loads(sys.argv[1]), Settings.from_environment(os.environ, sys.stdin.read()))
    except (InvalidMetadata, ConfigError) as error:  # also a setting that only CloudFormation knows
        sys.exit(f"resourceMetadata: {error}.")
    print(json.dumps(made))
