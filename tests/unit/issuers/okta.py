"""Okta.

From the documentation; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    BOUND,
    IN_AN_HOUR,
    NOT_AN_AUDIENCE,
    NOT_THE_ISSUER,
    NOW,
    WRONG_TYPE,
    Provider,
    Token,
    accepted,
    other_rsa,
    rsa,
    without,
)

# https://developer.okta.com/docs/reference/api/oidc/#access-token, and a decoded one in
# https://groups.google.com/g/rabbitmq-users/c/O3GdCKf8soM
OKTA_USER = {
    "ver": 1,
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "iss": "https://YOUR_ORG.okta.com/oauth2/default",
    "aud": "api://default",
    "sub": "ana@acme.example",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "cid": "0oa8x1kq2bT3cD4eF5d7",
    "uid": "00u8x1kq9zY8xW7vU5d7",
    "auth_time": NOW - 60,
    "scp": ["openid", "pets:read"],
}
OKTA = Provider(
    "Okta",
    settings={"TOKEN_ISSUER": "https://YOUR_ORG.okta.com/oauth2/default", "AUDIENCE": "api://default"},
    keys=[
        rsa("GRw3qX8sVt1n", use="sig", alg="RS256"),
        other_rsa("FJA0HGNtsuuda", use="sig", alg="RS256"),
    ],
    header={"alg": "RS256", "kid": "GRw3qX8sVt1n"},
    tokens=[
        Token(
            "user token of a custom authorization server: no typ, and scp is a list",
            OKTA_USER,
            accepted("openid", "pets:read", by="ana@acme.example"),
        ),
        Token(
            "machine token: sub is the client",
            without(OKTA_USER, "uid", "auth_time") | {"sub": "0oa8x1kq2bT3cD4eF5d7", "scp": ["pets:read"]},
            accepted("pets:read", by="0oa8x1kq2bT3cD4eF5d7"),
        ),
        Token(
            "groups claim, with the setting",
            OKTA_USER | {"groups": ["Everyone", "keepers"]},
            accepted("openid", "pets:read", "Everyone", "keepers", by="ana@acme.example"),
            settings={"SCOPE_CLAIMS": "scp,groups"},
        ),
        Token(
            "two domains: issued by the custom domain",
            OKTA_USER | {"iss": "https://login.acme.example/oauth2/default"},
            accepted(
                *("openid", "pets:read"),
                by="ana@acme.example",
                iss="https://login.acme.example/oauth2/default",
            ),
            settings={
                "TOKEN_ISSUER": "https://YOUR_ORG.okta.com/oauth2/default"
                ",https://login.acme.example/oauth2/default"
            },
        ),
        Token(
            "token of the org authorization server",
            OKTA_USER | {"iss": "https://YOUR_ORG.okta.com", "aud": "https://YOUR_ORG.okta.com"},
            NOT_THE_ISSUER,
            header={"alg": "RS256", "typ": "application/okta-internal-at+jwt", "kid": "GRw3qX8sVt1n"},
        ),
        Token(
            "token of the org authorization server, when it is set as the issuer",
            OKTA_USER | {"iss": "https://YOUR_ORG.okta.com", "aud": "https://YOUR_ORG.okta.com"},
            WRONG_TYPE,
            settings={"TOKEN_ISSUER": "https://YOUR_ORG.okta.com", "AUDIENCE": "https://YOUR_ORG.okta.com"},
            header={"alg": "RS256", "typ": "application/okta-internal-at+jwt", "kid": "GRw3qX8sVt1n"},
        ),
        Token("ID token", OKTA_USER | {"aud": OKTA_USER["cid"], "amr": ["pwd"]}, NOT_AN_AUDIENCE),
        Token("token bound to a key of the client (DPoP)", OKTA_USER | {"cnf": {"jkt": "Yx0Zf4wq"}}, BOUND),
    ],
)
