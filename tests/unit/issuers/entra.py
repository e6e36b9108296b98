"""Microsoft Entra ID, and what came before and beside it.

From the documentation; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    BOUND,
    CERTIFICATE,
    IN_AN_HOUR,
    KEY_OF_ANOTHER_ISSUER,
    NOT_AN_AUDIENCE,
    NOT_THE_ISSUER,
    NOW,
    Provider,
    Rejected,
    Token,
    accepted,
    lacks,
    other_rsa,
    rsa,
    without,
)

# https://learn.microsoft.com/entra/identity-platform/access-tokens and .../access-token-claims-reference
ENTRA_DELEGATED = {
    "aud": "API_CLIENT_ID",
    "iss": "https://login.microsoftonline.com/TENANT_ID/v2.0",
    "iat": NOW,
    "nbf": NOW,
    "exp": IN_AN_HOUR,
    "aio": "AVQAq/8TAAAAMl3qKg==",
    "azp": "d9f1c2b0-5b9e-4a35-8b86-4f3d4f7f2a11",
    "azpacr": "0",
    "name": "Ana Example",
    "oid": "5d0f2a6c-9a43-4f6c-8d1e-0b4c6e1f7a90",
    "preferred_username": "ana@acme.example",
    "rh": "0.AAAA.",
    "scp": "Pets.Read Pets.Write",
    "sub": "Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0",
    "tid": "TENANT_ID",
    "uti": "2vC0nQ5fIUWmXoWqf0QxAA",
    "ver": "2.0",
}
ENTRA_APP_ONLY = without(ENTRA_DELEGATED, "name", "preferred_username", "scp") | {
    "azpacr": "1",
    "idtyp": "app",
    "oid": "1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08",
    "roles": ["Pets.Read.All"],
    "sub": "1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08",
}
ENTRA_ID_TOKEN = without(ENTRA_DELEGATED, "azp", "azpacr", "scp") | {
    "nonce": "6785a1c3",
    "roles": ["Pets.Read.All"],
}
ENTRA_V1_DELEGATED = {
    "aud": "api://API_CLIENT_ID",
    "iss": "https://sts.windows.net/TENANT_ID/",
    "iat": NOW,
    "nbf": NOW,
    "exp": IN_AN_HOUR,
    "acr": "1",
    "aio": "AXQAi/8IAAAAFm==",
    "amr": ["pwd"],
    "appid": "d9f1c2b0-5b9e-4a35-8b86-4f3d4f7f2a11",
    "appidacr": "0",
    "ipaddr": "203.0.113.7",
    "name": "Ana Example",
    "oid": "5d0f2a6c-9a43-4f6c-8d1e-0b4c6e1f7a90",
    "scp": "user_impersonation",
    "sub": "Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0",
    "tid": "TENANT_ID",
    "unique_name": "ana@acme.example",
    "upn": "ana@acme.example",
    "ver": "1.0",
}
ENTRA_V1_APP_ONLY = without(ENTRA_V1_DELEGATED, "amr", "ipaddr", "name", "scp", "unique_name", "upn") | {
    "appidacr": "1",
    "idtyp": "app",
    "roles": ["Pets.Read.All"],
    "sub": "1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08",
}
ENTRA_APP_SETTINGS = {"SCOPE_CLAIMS": "roles", "REQUIRED_CLAIMS": "azp,idtyp=app"}
ENTRA_ANY_ROLES = {"SCOPE_CLAIMS": "scp,roles"}
ENTRA_V1_SETTINGS = {
    "TOKEN_ISSUER": "https://sts.windows.net/TENANT_ID/",
    "AUDIENCE": "api://API_CLIENT_ID",
    "REQUIRED_CLAIMS": "appid",
}
ENTRA_V1_APP_SETTINGS = ENTRA_V1_SETTINGS | {"SCOPE_CLAIMS": "roles", "REQUIRED_CLAIMS": "appid,idtyp=app"}
ENTRA_V1_HEADER = {"alg": "RS256", "typ": "JWT", "kid": "Jr9xZmQ4", "x5t": "Jr9xZmQ4"}
ENTRA_V1_KEYS = [rsa("Jr9xZmQ4", use="sig", x5t="Jr9xZmQ4", x5c=CERTIFICATE)]
ENTRA_TWO_TENANTS = {
    "TOKEN_ISSUER": "https://login.microsoftonline.com/TENANT_ID/v2.0"
    ",https://login.microsoftonline.com/OTHER_TENANT_ID/v2.0"
}
# The keys document of all tenants: most keys are for the tenant of the token, some for personal accounts.
ENTRA_COMMON_KEYS = [
    rsa(
        "Jr9xZmQ4",
        use="sig",
        x5t="Jr9xZmQ4",
        x5c=CERTIFICATE,
        cloud_instance_name="microsoftonline.com",
        issuer="https://login.microsoftonline.com/{tenantid}/v2.0",
    ),
    other_rsa(
        "Pe5kWt2L",
        use="sig",
        x5t="Pe5kWt2L",
        x5c=CERTIFICATE,
        issuer="https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    ),
]
ENTRA = Provider(
    "Microsoft Entra ID",
    settings={
        "TOKEN_ISSUER": "https://login.microsoftonline.com/TENANT_ID/v2.0",
        "AUDIENCE": "API_CLIENT_ID",
        "REQUIRED_CLAIMS": "azp",
    },
    # No alg in the keys.
    keys=[
        rsa(
            "Jr9xZmQ4",
            use="sig",
            x5t="Jr9xZmQ4",
            x5c=CERTIFICATE,
            issuer="https://login.microsoftonline.com/TENANT_ID/v2.0",
        )
    ],
    header={"alg": "RS256", "typ": "JWT", "kid": "Jr9xZmQ4"},
    tokens=[
        Token(
            "v2 delegated token",
            ENTRA_DELEGATED,
            accepted("Pets.Read", "Pets.Write", by="Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0"),
        ),
        Token(
            "v2 delegated token with roles, without the setting: roles grant nothing",
            ENTRA_DELEGATED | {"scp": "Pets.Read", "roles": ["Pets.Admin"]},
            accepted("Pets.Read", by="Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0"),
        ),
        Token(
            "v2 delegated token with roles, with scp,roles: the user's roles count",
            ENTRA_DELEGATED | {"scp": "Pets.Read", "roles": ["Pets.Admin"]},
            accepted("Pets.Read", "Pets.Admin", by="Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0"),
            settings=ENTRA_ANY_ROLES,
        ),
        Token(
            "v2 delegated token with the role of an application, with the settings for applications",
            ENTRA_DELEGATED | {"scp": "access_as_user", "roles": ["Pets.Read.All"]},
            lacks("idtyp"),
            settings=ENTRA_APP_SETTINGS,
        ),
        Token(
            "v2 delegated token that says so (idtyp), with the settings for applications",
            ENTRA_DELEGATED | {"scp": "access_as_user", "roles": ["Pets.Read.All"], "idtyp": "user"},
            lacks("idtyp"),
            settings=ENTRA_APP_SETTINGS,
        ),
        Token(
            "v2 app-only token, without the setting",
            ENTRA_APP_ONLY,
            accepted(by="1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08"),
        ),
        Token(
            "v2 app-only token, with the setting",
            ENTRA_APP_ONLY,
            accepted("Pets.Read.All", by="1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08"),
            settings=ENTRA_APP_SETTINGS,
        ),
        Token(
            "v2 app-only token without roles",
            without(ENTRA_APP_ONLY, "roles"),
            accepted(by="1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08"),
            settings=ENTRA_APP_SETTINGS,
        ),
        Token(
            "ID token when client and API share a registration, without REQUIRED_CLAIMS",
            ENTRA_ID_TOKEN,
            accepted("Pets.Read.All", by="Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0"),
            settings=ENTRA_ANY_ROLES | {"REQUIRED_CLAIMS": ""},
        ),
        Token("ID token when client and API share a registration", ENTRA_ID_TOKEN, lacks("azp")),
        Token(
            "ID token when client and API share a registration, with scp,roles",
            ENTRA_ID_TOKEN,
            lacks("azp"),
            settings=ENTRA_ANY_ROLES,
        ),
        Token(
            "ID token when client and API share a registration, with the settings for applications",
            ENTRA_ID_TOKEN,
            lacks("azp"),
            settings=ENTRA_APP_SETTINGS,
        ),
        Token(
            "ID token of another client",
            ENTRA_ID_TOKEN | {"aud": "d9f1c2b0-5b9e-4a35-8b86-4f3d4f7f2a11"},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "v2 delegated token, with oid as the principal",
            ENTRA_DELEGATED,
            accepted("Pets.Read", "Pets.Write", by="5d0f2a6c-9a43-4f6c-8d1e-0b4c6e1f7a90", principal="oid"),
            settings={"PRINCIPAL_CLAIMS": "oid"},
        ),
        Token(
            "v1 delegated token",
            ENTRA_V1_DELEGATED,
            accepted("user_impersonation", by="Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0"),
            settings=ENTRA_V1_SETTINGS,
            header=ENTRA_V1_HEADER,
            keys=ENTRA_V1_KEYS,
        ),
        Token(
            "v1 ID token when client and API share a registration",
            without(ENTRA_V1_DELEGATED, "appid", "appidacr", "scp") | {"nonce": "6785a1c3"},
            lacks("appid"),
            settings=ENTRA_V1_SETTINGS,
            header=ENTRA_V1_HEADER,
            keys=ENTRA_V1_KEYS,
        ),
        Token(
            "v1 delegated token with the role of an application, with the settings for applications",
            ENTRA_V1_DELEGATED | {"roles": ["Pets.Read.All"]},
            lacks("idtyp"),
            settings=ENTRA_V1_APP_SETTINGS,
            header=ENTRA_V1_HEADER,
            keys=ENTRA_V1_KEYS,
        ),
        Token(
            "v1 app-only token, without the setting",
            ENTRA_V1_APP_ONLY,
            accepted(by="1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08"),
            settings=ENTRA_V1_SETTINGS,
            header=ENTRA_V1_HEADER,
            keys=ENTRA_V1_KEYS,
        ),
        Token(
            "v1 app-only token, with the setting",
            ENTRA_V1_APP_ONLY,
            accepted("Pets.Read.All", by="1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08"),
            settings=ENTRA_V1_APP_SETTINGS,
            header=ENTRA_V1_HEADER,
            keys=ENTRA_V1_KEYS,
        ),
        Token(
            "v1 managed identity token (xms_mirid from memory)",
            ENTRA_V1_APP_ONLY
            | {
                "appidacr": "2",
                "xms_mirid": "/subscriptions/0/resourcegroups/pets/providers/Microsoft.ManagedIdentity"
                "/userAssignedIdentities/worker",
            },
            accepted("Pets.Read.All", by="1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08"),
            settings=ENTRA_V1_APP_SETTINGS,
            header=ENTRA_V1_HEADER,
            keys=ENTRA_V1_KEYS,
        ),
        Token("v1 token under v2 settings", ENTRA_V1_DELEGATED, NOT_THE_ISSUER, header=ENTRA_V1_HEADER),
        Token(
            "v1 token with the v2 key set, whose keys name the v2 issuer",
            ENTRA_V1_DELEGATED,
            KEY_OF_ANOTHER_ISSUER,
            settings=ENTRA_V1_SETTINGS,
            header=ENTRA_V1_HEADER,
        ),
        Token(
            "two tenants: token of the first",
            ENTRA_DELEGATED,
            accepted(
                "Pets.Read",
                "Pets.Write",
                by="Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0",
                iss="https://login.microsoftonline.com/TENANT_ID/v2.0",
            ),
            settings=ENTRA_TWO_TENANTS,
            keys=ENTRA_COMMON_KEYS,
        ),
        Token(
            "two tenants: token of the second",
            ENTRA_DELEGATED
            | {"iss": "https://login.microsoftonline.com/OTHER_TENANT_ID/v2.0", "tid": "OTHER_TENANT_ID"},
            accepted(
                "Pets.Read",
                "Pets.Write",
                by="Zk3tR1sVq8uXw5yA7cE9gI2kM4oP6rT0",
                iss="https://login.microsoftonline.com/OTHER_TENANT_ID/v2.0",
            ),
            settings=ENTRA_TWO_TENANTS,
            keys=ENTRA_COMMON_KEYS,
        ),
        Token(
            "two tenants: token of a third",
            ENTRA_DELEGATED
            | {"iss": "https://login.microsoftonline.com/THIRD_TENANT_ID/v2.0", "tid": "THIRD_TENANT_ID"},
            NOT_THE_ISSUER,
            settings=ENTRA_TWO_TENANTS,
            keys=ENTRA_COMMON_KEYS,
        ),
        Token(
            "two tenants: one in iss, the other in tid",
            ENTRA_DELEGATED | {"tid": "OTHER_TENANT_ID"},
            KEY_OF_ANOTHER_ISSUER,
            settings=ENTRA_TWO_TENANTS,
            keys=ENTRA_COMMON_KEYS,
        ),
        Token(
            "token signed with the key for personal accounts",
            ENTRA_DELEGATED,
            KEY_OF_ANOTHER_ISSUER,
            header={"alg": "RS256", "typ": "JWT", "kid": "Pe5kWt2L"},
            keys=ENTRA_COMMON_KEYS,
            pair="other RSA",
        ),
        Token(
            "Microsoft Graph token",
            ENTRA_V1_DELEGATED | {"aud": "00000003-0000-0000-c000-000000000000", "scp": "User.Read"},
            NOT_AN_AUDIENCE,
            settings=ENTRA_V1_SETTINGS,
            header=ENTRA_V1_HEADER | {"nonce": "YrX0c2k7"},
            keys=ENTRA_V1_KEYS,
        ),
        Token(
            "token that is not valid yet",
            ENTRA_DELEGATED | {"nbf": NOW + 600},
            Rejected("not yet valid (nbf)"),
        ),
        Token("token bound to a key (PoP)", ENTRA_DELEGATED | {"cnf": {"kid": "NdWmvPQ0"}}, BOUND),
        Token(
            "Azure AD B2C token (from memory)",
            {
                "iss": "https://YOUR_TENANT.b2clogin.com/TENANT_ID/v2.0/",
                "exp": IN_AN_HOUR,
                "nbf": NOW,
                "iat": NOW,
                "aud": "API_CLIENT_ID",
                "oid": "5d0f2a6c-9a43-4f6c-8d1e-0b4c6e1f7a90",
                "sub": "5d0f2a6c-9a43-4f6c-8d1e-0b4c6e1f7a90",
                "tfp": "USER_FLOW",
                "scp": "pets.read",
                "azp": "d9f1c2b0-5b9e-4a35-8b86-4f3d4f7f2a11",
                "ver": "1.0",
            },
            accepted("pets.read", by="5d0f2a6c-9a43-4f6c-8d1e-0b4c6e1f7a90"),
            settings={
                "TOKEN_ISSUER": "https://YOUR_TENANT.b2clogin.com/TENANT_ID/v2.0/",
                "JWKS_URI": "https://YOUR_TENANT.b2clogin.com/YOUR_TENANT.onmicrosoft.com/USER_FLOW"
                "/discovery/v2.0/keys",
            },
            header={"alg": "RS256", "typ": "JWT", "kid": "X5eXk4xy"},
            keys=[rsa("X5eXk4xy", use="sig", nbf=1493763266)],
        ),
    ],
)
