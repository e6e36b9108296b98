"""Your own rules. This file is yours: no upgrade of this project changes it.

A rule is a function that gets the claims of a token and returns what they mean for your API. The token's
signature, expiry, issuer and audience have been verified. There are four rules, and each is optional:

    refuse(claims)          why the token is refused, or None       403 for the whole API
    scopes(claims)          a list of scopes that it grants         in addition to those in its SCOPE_CLAIMS
    context(claims)         a dict of strings, numbers, booleans    for the backend
    usage_plan_key(claims)  the value of an API key, or None        for usage plans

To use an example, remove the `# ` from its lines. To try it, run `npm start`. Then, in another terminal, send
a token with the claims that the rule reads:

    TOKEN=$(npm run -s token -- --claim org_id=acme)
    curl -i http://127.0.0.1:3000/local/pets -H "Authorization: Bearer $TOKEN"

A rule must depend on the claims alone, because API Gateway caches the answer: no clock, no network, no random
numbers. The claims can't be changed. Read them with `.get`: a rule that raises an exception makes the request
fail, with a 500 or a 503. The name of any other function must begin with an underscore.

Tests of your rules are in tests/unit/test_rules.py. docs/rules.md says what happens to what a rule returns.
"""

import os  # for the stage, which the last example reads

# def refuse(claims):
#     """Accept only tokens of one organization (Auth0's org_id)."""
#     return None if claims.get("org_id") == "acme" else "not of the organization acme"


# SCOPES_OF_ROLES = {"keeper": ["read:pets", "create:pets"], "visitor": ["read:pets"]}
#
# def scopes(claims):
#     """Grant what a user's roles in a Keycloak realm allow."""
#     roles = (claims.get("realm_access") or {}).get("roles") or []
#     return [scope for role in roles for scope in SCOPES_OF_ROLES.get(role, [])]


# SCOPES_OF_APP_ROLES = {"Pets.Read.All": ["Pets.Read"], "Pets.ReadWrite.All": ["Pets.Read", "Pets.Write"]}
#
# def scopes(claims):
#     """Grant what an application's roles in Entra ID allow, if it acts for itself.
#
#     A token for a user contains the scopes of its client (scp). An ID token contains roles, too, but no azp.
#     """
#     is_for_an_application = "azp" in claims and "scp" not in claims
#     roles = (claims.get("roles") or []) if is_for_an_application else []
#     return [scope for role in roles for scope in SCOPES_OF_APP_ROLES.get(role, [])]


# def context(claims):
#     """Tell the backend who calls. A value can't be None, so a claim that may be missing needs a default."""
#     return {"tenant": claims.get("tenant") or "", "email": claims.get("email") or ""}


# STAGE = os.environ.get("STAGE", "local")  # docs/rules.md says how it is set, and what usage plans need
#
# def usage_plan_key(claims):
#     """Give each tenant its own key, and so its own quota."""
#     tenant = claims.get("tenant")
#     return f"usage-plan-key-of-{STAGE}-{tenant}" if tenant else None
