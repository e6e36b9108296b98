"""This file is what plugins/issuer-variables.cjs runs: which variables the authorizer needs, beside its own.

Standard input is a JSON object: the authorizer's environment in serverless.yml. Standard output is another:

variables     those to add: the settings in the environment that serverless.yml does not pass on, such as
              TOKEN_ISSUER__PARTNER, and each JWKS_URI that discovery finds
found         a line for each JWKS_URI that discovery finds
reasons       why others are not found, by the name of the variable
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from auth.fetch import fetch
from auth.settings import looks_like_a_setting

from .discovery import Fetch, discover_missing
from .untrusted_text import quoted


def complete(function: Mapping[str, Any], environment: Mapping[str, str], fetch: Fetch) -> dict[str, Any]:
    """Return what to add to the environment of a function, as described above.

    CloudFormation fills in the values of `function` that are not strings.
    """
    passed_on = {
        name: value
        for name, value in environment.items()
        # Also what only looks like a setting: the authorizer's own code rejects it.
        if name not in function and value.strip() and looks_like_a_setting(name)
    }
    known = {name: value for name, value in function.items() if isinstance(value, str)}
    # Whatever a JWKS_URI among the others will be, it is set.
    known |= {name: "..." for name in function if name.startswith("JWKS_URI") and name not in known}
    found, errors = discover_missing(known | passed_on, fetch)
    return {
        "variables": passed_on | found,
        "found": [f"{name} found by discovery: {quoted(uri)}" for name, uri in found.items()],
        "reasons": {name: str(error) for name, error in errors.items()},
    }


if __name__ == "__main__":
    print(json.dumps(complete(json.load(sys.stdin), os.environ, fetch)))
