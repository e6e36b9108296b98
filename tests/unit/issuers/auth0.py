"""Auth0.

From the documentation; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    BOUND,
    CERTIFICATE,
    ENCRYPTED,
    IN_AN_HOUR,
    JWE,
    NOT_AN_AUDIENCE,
    NOT_SIGNED_BY_THE_KEY,
    NOT_THE_ISSUER,
    NOW,
    WRONG_ALGORITHM,
    Provider,
    Rejected,
    Token,
    Unsigned,
    accepted,
    lacks,
    other_rsa,
    rsa,
    without,
)

# https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
AUTH0_USER = {
    "iss": "https://YOUR_TENANT.eu.auth0.com/",
    "sub": "auth0|6761f0b2c4d9a8e3b5174f02",
    "aud": ["https://api.acme.example", "https://YOUR_TENANT.eu.auth0.com/userinfo"],
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "scope": "openid profile read:pets",
    "azp": "Vn3cQ8sLw0yTk5uRj1eXb7aGd2hMf9Zp",
}
AUTH0_MACHINE = {
    "iss": "https://YOUR_TENANT.eu.auth0.com/",
    "sub": "Hq4mZt7LxC1vBn9KsPd3WyGf6JrEa0Uo@clients",
    "aud": "https://api.acme.example",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "scope": "read:pets",
    "gty": "client-credentials",
    "azp": "Hq4mZt7LxC1vBn9KsPd3WyGf6JrEa0Uo",
}
AUTH0 = Provider(
    "Auth0",
    settings={"TOKEN_ISSUER": "https://YOUR_TENANT.eu.auth0.com/", "AUDIENCE": "https://api.acme.example"},
    keys=[
        rsa("xR7-vPz0", use="sig", alg="RS256", x5t="eGdq2aN0", x5c=CERTIFICATE),
        other_rsa("mB2-kLw9", use="sig", alg="RS256", x5t="Zk81sQ3e", x5c=CERTIFICATE),
    ],
    header={"alg": "RS256", "typ": "JWT", "kid": "xR7-vPz0"},
    tokens=[
        Token(
            "user token with openid: userinfo is a second audience",
            AUTH0_USER,
            accepted("openid", "profile", "read:pets", by="auth0|6761f0b2c4d9a8e3b5174f02"),
        ),
        Token(
            "machine token (client credentials)",
            AUTH0_MACHINE,
            accepted("read:pets", by="Hq4mZt7LxC1vBn9KsPd3WyGf6JrEa0Uo@clients"),
        ),
        Token(
            "user token with permissions (RBAC)",
            AUTH0_USER | {"scope": "openid", "permissions": ["read:pets", "create:pets"]},
            accepted("openid", "read:pets", "create:pets", by="auth0|6761f0b2c4d9a8e3b5174f02"),
        ),
        Token(
            "machine token with permissions and without scope",
            without(AUTH0_MACHINE, "scope") | {"permissions": ["read:pets"]},
            accepted("read:pets", by="Hq4mZt7LxC1vBn9KsPd3WyGf6JrEa0Uo@clients"),
        ),
        Token(
            "RFC 9068 profile: at+jwt, and client_id instead of azp",
            without(AUTH0_USER, "azp")
            | {"client_id": "Vn3cQ8sLw0yTk5uRj1eXb7aGd2hMf9Zp", "jti": "zTgY6cHk", "permissions": []},
            accepted("openid", "profile", "read:pets", by="auth0|6761f0b2c4d9a8e3b5174f02"),
            header={"alg": "RS256", "typ": "at+jwt", "kid": "xR7-vPz0"},
        ),
        Token(
            "user token of the required organization",
            AUTH0_USER | {"org_id": "org_9ybsU1dN2dKfDkBi", "org_name": "acme"},
            accepted("openid", "profile", "read:pets", by="auth0|6761f0b2c4d9a8e3b5174f02"),
            settings={"REQUIRED_CLAIMS": "org_id=org_9ybsU1dN2dKfDkBi"},
        ),
        Token(
            "user token of another organization",
            AUTH0_USER | {"org_id": "org_0000000000000000"},
            lacks("org_id"),
            settings={"REQUIRED_CLAIMS": "org_id=org_9ybsU1dN2dKfDkBi"},
        ),
        Token(
            "user token without an organization",
            AUTH0_USER,
            lacks("org_id"),
            settings={"REQUIRED_CLAIMS": "org_id=org_9ybsU1dN2dKfDkBi"},
        ),
        Token(
            "namespaced roles claim, without the setting",
            AUTH0_USER | {"scope": "openid", "https://acme.example/roles": ["keeper"]},
            accepted("openid", by="auth0|6761f0b2c4d9a8e3b5174f02"),
        ),
        Token(
            "namespaced roles claim, with the setting",
            AUTH0_USER | {"scope": "openid", "https://acme.example/roles": ["keeper"]},
            accepted("openid", "keeper", by="auth0|6761f0b2c4d9a8e3b5174f02"),
            settings={"SCOPE_CLAIMS": "scope,permissions,https://acme.example/roles"},
        ),
        Token(
            "two domains: issued by the custom domain",
            AUTH0_USER | {"iss": "https://login.acme.example/"},
            accepted(
                "openid",
                "profile",
                "read:pets",
                by="auth0|6761f0b2c4d9a8e3b5174f02",
                iss="https://login.acme.example/",
            ),
            settings={"TOKEN_ISSUER": "https://login.acme.example/,https://YOUR_TENANT.eu.auth0.com/"},
        ),
        Token(
            "two domains: issued by the tenant's own domain",
            AUTH0_USER,
            accepted(
                "openid",
                "profile",
                "read:pets",
                by="auth0|6761f0b2c4d9a8e3b5174f02",
                iss="https://YOUR_TENANT.eu.auth0.com/",
            ),
            settings={"TOKEN_ISSUER": "https://login.acme.example/,https://YOUR_TENANT.eu.auth0.com/"},
        ),
        Token(
            "issued by a custom domain that is not set",
            AUTH0_USER | {"iss": "https://login.acme.example/"},
            NOT_THE_ISSUER,
        ),
        Token(
            "API that uses PS256",
            AUTH0_USER,
            accepted("openid", "profile", "read:pets", by="auth0|6761f0b2c4d9a8e3b5174f02"),
            settings={"ALGORITHMS": "PS256"},
            header={"alg": "PS256", "typ": "JWT", "kid": "xR7-vPz0"},
            keys=[rsa("xR7-vPz0", use="sig", alg="PS256")],
        ),
        Token(
            "API that uses HS256",
            AUTH0_USER,
            WRONG_ALGORITHM,
            header={"alg": "HS256", "typ": "JWT"},
        ),
        Token(
            "ID token: its audience is the client",
            AUTH0_USER | {"aud": AUTH0_USER["azp"]},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "token for the Management API",
            AUTH0_MACHINE | {"aud": "https://YOUR_TENANT.eu.auth0.com/api/v2/"},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "token of another tenant",
            AUTH0_USER | {"iss": "https://somebody-else.eu.auth0.com/"},
            NOT_THE_ISSUER,
        ),
        Token("expired token", AUTH0_USER | {"exp": NOW - 60}, Rejected("expired")),
        Token(
            "signature by an unknown key under a known kid",
            AUTH0_USER,
            NOT_SIGNED_BY_THE_KEY,
            pair="other RSA",
        ),
        Token("token bound to a key of the client (DPoP)", AUTH0_USER | {"cnf": {"jkt": "0ZcOCORZ"}}, BOUND),
        Token(
            "token bound to a certificate (mTLS)", AUTH0_MACHINE | {"cnf": {"x5t#S256": "bwcK0esc"}}, BOUND
        ),
        Unsigned("encrypted token, from a login without an audience", JWE, ENCRYPTED),
    ],
)
