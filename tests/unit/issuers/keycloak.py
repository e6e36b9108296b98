"""Keycloak.

From the documentation; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    BOUND,
    CERTIFICATE,
    IN_AN_HOUR,
    NO_AUDIENCE,
    NOT_AN_AUDIENCE,
    NOT_SIGNED_BY_THE_KEY,
    NOT_THE_ISSUER,
    NOW,
    WRONG_ALGORITHM,
    Provider,
    Token,
    accepted,
    ed25519,
    is_another_token,
    lacks,
    other_rsa,
    rsa,
    without,
)

# https://www.keycloak.org/docs/latest/server_admin, and decoded ones in
# https://gist.github.com/phacman/bd288c7abac1d3fc1694b7e191e27e4c
KEYCLOAK_USER = {
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "auth_time": NOW - 60,
    "jti": "onrtac:6f0a5c1e",
    "iss": "https://keycloak.YOUR_DOMAIN/realms/YOUR_REALM",
    "aud": ["pets-api", "account"],
    "sub": "7d3b1c9e-5a2f-4f8d-8e6b-0c4a2f1d3b5e",
    "typ": "Bearer",
    "azp": "web",
    "sid": "1c0a4e2f",
    "acr": "1",
    "allowed-origins": ["https://acme.example"],
    "realm_access": {"roles": ["offline_access", "keeper"]},
    "resource_access": {
        "pets-api": {"roles": ["read:pets"]},
        "account": {"roles": ["manage-account", "view-profile"]},
    },
    "scope": "openid profile email",
    "email_verified": True,
    "preferred_username": "ana",
}
KEYCLOAK_MACHINE = without(KEYCLOAK_USER, "auth_time", "sid", "allowed-origins", "email_verified") | {
    "sub": "2e8c4f0a-9d1b-4c7e-a5f3-6b0d8e2c4a1f",
    "azp": "worker",
    "client_id": "worker",
    "scope": "pets:read",
    "preferred_username": "service-account-worker",
}
KEYCLOAK_SCOPES = ("openid", "profile", "email")
KEYCLOAK_ANA = "7d3b1c9e-5a2f-4f8d-8e6b-0c4a2f1d3b5e"
KEYCLOAK = Provider(
    "Keycloak",
    settings={
        "TOKEN_ISSUER": "https://keycloak.YOUR_DOMAIN/realms/YOUR_REALM",
        "AUDIENCE": "pets-api",
    },
    keys=[
        rsa("dG0Xw7pV", alg="RS256", use="sig", x5c=CERTIFICATE, x5t="jW5q", **{"x5t#S256": "Vq2b"}),
        other_rsa("m4ZtK9sL", alg="RSA-OAEP", use="enc", x5c=CERTIFICATE, x5t="Rk8s"),
    ],
    header={"alg": "RS256", "typ": "JWT", "kid": "dG0Xw7pV"},
    tokens=[
        Token(
            "user token with an audience mapper", KEYCLOAK_USER, accepted(*KEYCLOAK_SCOPES, by=KEYCLOAK_ANA)
        ),
        Token(
            "service account token with an audience mapper",
            KEYCLOAK_MACHINE,
            accepted("pets:read", by="2e8c4f0a-9d1b-4c7e-a5f3-6b0d8e2c4a1f"),
        ),
        Token(
            "user token without an audience mapper: aud is account",
            KEYCLOAK_USER | {"aud": "account"},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "service account token without an audience mapper: no aud",
            without(KEYCLOAK_MACHINE, "aud"),
            NO_AUDIENCE,
        ),
        Token(
            "service account token without aud, whose client is named like the API",
            without(KEYCLOAK_MACHINE, "aud") | {"client_id": "pets-api", "azp": "pets-api"},
            NO_AUDIENCE,
        ),
        Token(
            "user token without sub (before version 25, or without the basic scope)",
            without(KEYCLOAK_USER, "sub"),
            accepted(*KEYCLOAK_SCOPES, by="web", principal="azp"),
        ),
        Token(
            "service account token without sub: client_id before azp",
            without(KEYCLOAK_MACHINE, "sub"),
            accepted("pets:read", by="worker", principal="client_id"),
        ),
        Token(
            "lightweight token without an audience mapper",
            without(KEYCLOAK_USER, "sub", "aud", "realm_access", "resource_access", "preferred_username"),
            NO_AUDIENCE,
        ),
        Token(
            "lightweight token with an audience mapper",
            without(KEYCLOAK_USER, "sub", "realm_access", "resource_access", "preferred_username"),
            accepted(*KEYCLOAK_SCOPES, by="web", principal="azp"),
        ),
        Token(
            "user token with the header type at+jwt",
            KEYCLOAK_USER,
            accepted(*KEYCLOAK_SCOPES, by=KEYCLOAK_ANA),
            header={"alg": "RS256", "typ": "at+jwt", "kid": "dG0Xw7pV"},
        ),
        Token(
            "client roles, with the setting",
            KEYCLOAK_USER,
            accepted("read:pets", by=KEYCLOAK_ANA),
            settings={"SCOPE_CLAIMS": "resource_access.pets-api.roles"},
        ),
        Token(
            "client roles, limited by ALLOWED_SCOPES",
            KEYCLOAK_USER,
            accepted("read:pets", by=KEYCLOAK_ANA),
            settings={
                "SCOPE_CLAIMS": "resource_access.pets-api.roles",
                "ALLOWED_SCOPES": "read:pets,create:pets",
            },
        ),
        Token(
            "realm roles, with the setting",
            KEYCLOAK_USER,
            accepted("offline_access", "keeper", by=KEYCLOAK_ANA),
            settings={"SCOPE_CLAIMS": "realm_access.roles"},
        ),
        Token(
            "client scope that is named like a role, where roles decide",
            KEYCLOAK_MACHINE | {"scope": "keeper", "realm_access": {"roles": ["offline_access"]}},
            accepted("offline_access", by="2e8c4f0a-9d1b-4c7e-a5f3-6b0d8e2c4a1f"),
            settings={"SCOPE_CLAIMS": "realm_access.roles"},
        ),
        Token(
            "user token with the required role",
            KEYCLOAK_USER,
            accepted(*KEYCLOAK_SCOPES, by=KEYCLOAK_ANA),
            settings={"REQUIRED_CLAIMS": "realm_access.roles=keeper,email_verified=true"},
        ),
        Token(
            "user token without the required role",
            KEYCLOAK_USER | {"realm_access": {"roles": ["offline_access"]}},
            lacks("realm_access.roles"),
            settings={"REQUIRED_CLAIMS": "realm_access.roles=keeper,email_verified=true"},
        ),
        Token(
            "user token where two clients are required, which no azp can be",
            KEYCLOAK_USER,
            lacks("azp"),
            settings={"REQUIRED_CLAIMS": "azp=web,azp=mobile"},
        ),
        Token(
            "user token with both of two required roles, since a list can have both",
            KEYCLOAK_USER,
            accepted(*KEYCLOAK_SCOPES, by=KEYCLOAK_ANA),
            settings={"REQUIRED_CLAIMS": "realm_access.roles=keeper,realm_access.roles=offline_access"},
        ),
        Token(
            "one kid for a signing and an encryption key",
            KEYCLOAK_USER,
            accepted(*KEYCLOAK_SCOPES, by=KEYCLOAK_ANA),
            keys=[
                other_rsa("dG0Xw7pV", alg="RSA-OAEP", use="enc"),
                rsa("dG0Xw7pV", alg="RS256", use="sig"),
            ],
            pair="RSA",
        ),
        Token(
            "realm that uses EdDSA",
            KEYCLOAK_USER,
            accepted(*KEYCLOAK_SCOPES, by=KEYCLOAK_ANA),
            settings={"ALGORITHMS": "EdDSA"},
            header={"alg": "EdDSA", "typ": "JWT", "kid": "e1"},
            keys=[ed25519("e1", alg="EdDSA", use="sig"), other_rsa("dG0Xw7pV", alg="RS256", use="sig")],
        ),
        Token(
            "issuer URL of versions before 17",
            KEYCLOAK_USER | {"iss": "https://keycloak.YOUR_DOMAIN/auth/realms/YOUR_REALM"},
            NOT_THE_ISSUER,
        ),
        Token(
            "issuer with another host name",
            KEYCLOAK_USER | {"iss": "http://keycloak:8080/realms/YOUR_REALM"},
            NOT_THE_ISSUER,
        ),
        Token(
            "ID token of a client that is named like the API",
            KEYCLOAK_USER | {"typ": "ID", "aud": "pets-api", "azp": "pets-api"},
            is_another_token("typ"),
        ),
        Token(
            "refresh token, signed with a secret",
            KEYCLOAK_USER | {"typ": "Refresh", "aud": KEYCLOAK_USER["iss"]},
            WRONG_ALGORITHM,
            header={"alg": "HS512", "typ": "JWT", "kid": "h1"},
        ),
        Token(
            "refresh token, signed like an access token",
            KEYCLOAK_USER | {"typ": "Refresh"},
            is_another_token("typ"),
        ),
        Token("offline token", KEYCLOAK_USER | {"typ": "Offline"}, is_another_token("typ")),
        Token("logout token", KEYCLOAK_USER | {"typ": "Logout"}, is_another_token("typ")),
        Token("token bound to a certificate (mTLS)", KEYCLOAK_USER | {"cnf": {"x5t#S256": "hR2x"}}, BOUND),
        Token(
            "token bound to a key of the client (DPoP)",
            KEYCLOAK_USER | {"typ": "DPoP", "cnf": {"jkt": "hR2x"}},
            BOUND,
        ),
        Token(
            "signature by an unknown key under a known kid",
            KEYCLOAK_USER,
            NOT_SIGNED_BY_THE_KEY,
            pair="other RSA",
        ),
    ],
)
