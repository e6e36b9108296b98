"""Other hosted identity platforms, in the order of the alphabet.

From the providers' documentation; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    BOUND,
    CERTIFICATE,
    IN_AN_HOUR,
    NO_AUDIENCE,
    NOT_AN_AUDIENCE,
    NOT_THE_ISSUER,
    NOW,
    OPAQUE,
    WRONG_ALGORITHM,
    Provider,
    Rejected,
    Token,
    Unsigned,
    accepted,
    is_another_token,
    lacks,
    other_rsa,
    p256,
    p384,
    rsa,
    without,
)

# https://clerk.com/docs/guides/sessions/session-tokens
CLERK_SESSION = {
    "v": 2,
    "iss": "https://clerk.YOUR_DOMAIN",
    "sub": "user_2hFqkLm8PzQxTnVb6YcW3sRdJ0a",
    "sid": "sess_2hFqkRb1UoXeGy7MtKw9ZpCvNs4",
    "sts": "active",
    "azp": "https://YOUR_DOMAIN",
    "iat": NOW,
    "nbf": NOW - 10,
    "exp": NOW + 60,
    "fva": [4, -1],
    "o": {"id": "org_2hFr", "slg": "acme", "rol": "keeper", "per": "read,manage"},
}
CLERK = Provider(
    "Clerk",
    settings={
        "TOKEN_ISSUER": "https://clerk.YOUR_DOMAIN",
        "AUDIENCE": "https://api.acme.example",
        "REQUIRED_CLAIMS": "sts=active",
    },
    keys=[rsa("ins_2hFqkA1b", use="sig", alg="RS256")],
    header={"alg": "RS256", "typ": "JWT", "kid": "ins_2hFqkA1b", "cat": "cl_B7d4PD111AAA"},
    tokens=[
        Token("default session token: no aud", CLERK_SESSION, NO_AUDIENCE),
        Token(
            "customized session token with aud",
            CLERK_SESSION | {"aud": "https://api.acme.example"},
            accepted(by="user_2hFqkLm8PzQxTnVb6YcW3sRdJ0a"),
        ),
        Token(
            "customized session token with aud and scope",
            CLERK_SESSION | {"aud": "https://api.acme.example", "scope": "read:pets"},
            accepted("read:pets", by="user_2hFqkLm8PzQxTnVb6YcW3sRdJ0a"),
        ),
        Token(
            "organization role as a scope, with the setting",
            CLERK_SESSION | {"aud": "https://api.acme.example"},
            accepted("keeper", by="user_2hFqkLm8PzQxTnVb6YcW3sRdJ0a"),
            settings={"SCOPE_CLAIMS": "scope,o.rol"},
        ),
        Token(
            "token of a pending session",
            CLERK_SESSION | {"aud": "https://api.acme.example", "sts": "pending"},
            lacks("sts"),
        ),
        Token(
            "session token whose azp looks like the audience",
            CLERK_SESSION | {"azp": "https://api.acme.example"},
            NO_AUDIENCE,
        ),
    ],
)

# https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/application-token/
# (from memory)
CLOUDFLARE_USER = {
    "aud": ["32eafc7626e737136d75fbb6a1a0a2b1"],
    "email": "ana@acme.example",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "nbf": NOW,
    "iss": "https://YOUR_TEAM.cloudflareaccess.com",
    "type": "app",
    "identity_nonce": "6ei69kawdKzMIAPF",
    "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
    "country": "US",
    "custom": {"groups": ["keepers"]},
}
CLOUDFLARE = Provider(
    "Cloudflare Access",
    settings={
        "TOKEN_ISSUER": "https://YOUR_TEAM.cloudflareaccess.com",
        "JWKS_URI": "https://YOUR_TEAM.cloudflareaccess.com/cdn-cgi/access/certs",
        "AUDIENCE": "32eafc7626e737136d75fbb6a1a0a2b1",
        "PRINCIPAL_CLAIMS": "sub,common_name",
        "SCOPE_CLAIMS": "custom.groups",
    },
    keys=[
        rsa("04b7d2c0c1e3", use="sig", alg="RS256"),
        other_rsa("3f1f0f6a9f0b", use="sig", alg="RS256"),
    ],
    header={"alg": "RS256", "kid": "04b7d2c0c1e3"},
    tokens=[
        Token(
            "user token: type is app",
            CLOUDFLARE_USER,
            accepted("keepers", by="7335d417-61da-459d-899c-0a01c76a2f94"),
        ),
        Token(
            "service token: sub is empty",
            without(CLOUDFLARE_USER, "email", "identity_nonce", "country", "custom")
            | {"sub": "", "common_name": "e367826f93b8d71185e03fe518aff3b4.access"},
            accepted(by="e367826f93b8d71185e03fe518aff3b4.access", principal="common_name"),
        ),
        Token(
            "service token, without PRINCIPAL_CLAIMS",
            CLOUDFLARE_USER | {"sub": "", "common_name": "e367826f93b8d71185e03fe518aff3b4.access"},
            Rejected("none of sub, client_id, azp names the caller"),
            settings={"PRINCIPAL_CLAIMS": ""},
        ),
        Token(
            "token of another application", CLOUDFLARE_USER | {"aud": ["4714c1358e65fe4b"]}, NOT_AN_AUDIENCE
        ),
    ],
)

# https://docs.descope.com/session-management; aud and the address as issuer are of a JWT template
# (https://docs.descope.com/session-validation/oidc-jwt-authorizers/aws-jwt-authorizer)
DESCOPE_SESSION = {
    "amr": ["email"],
    "aud": ["PROJECT_ID"],
    "drn": "DS",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "iss": "https://api.descope.com/PROJECT_ID",
    "permissions": ["read:pets"],
    "rexp": "2026-12-27T10:00:00Z",
    "roles": ["keeper"],
    "sub": "U2hFqkLm8PzQxTnVb6YcW3sRdJ0a",
}
DESCOPE = Provider(
    "Descope",
    settings={
        "TOKEN_ISSUER": "https://api.descope.com/PROJECT_ID",
        "AUDIENCE": "PROJECT_ID",
        "REQUIRED_CLAIMS": "drn=DS",
    },
    keys=[rsa("SK2hFqjT0b", use="sig", alg="RS256")],
    header={"alg": "RS256", "typ": "JWT", "kid": "SK2hFqjT0b"},
    tokens=[
        Token("session token", DESCOPE_SESSION, accepted("read:pets", by="U2hFqkLm8PzQxTnVb6YcW3sRdJ0a")),
        Token(
            "permissions within a tenant, with the setting",
            without(DESCOPE_SESSION, "permissions", "roles")
            | {"dct": "T2hFr", "tenants": {"T2hFr": {"permissions": ["read:pets"], "roles": []}}},
            accepted("read:pets", by="U2hFqkLm8PzQxTnVb6YcW3sRdJ0a"),
            settings={"SCOPE_CLAIMS": "permissions,tenants.T2hFr.permissions"},
        ),
        Token(
            "refresh token, signed with the same key",
            DESCOPE_SESSION | {"drn": "DSR"},
            is_another_token("drn"),
        ),
        Token("default session token: no aud", without(DESCOPE_SESSION, "aud"), NO_AUDIENCE),
        Token(
            "default session token: iss is the project ID",
            DESCOPE_SESSION | {"iss": "PROJECT_ID"},
            NOT_THE_ISSUER,
        ),
    ],
)

# https://docs.kinde.com/build/tokens/about-access-tokens/ and
# https://docs.kinde.com/machine-to-machine-applications/about-m2m/token-structure-and-claims-for-m2m-applications
KINDE_USER = {
    "aud": ["https://api.acme.example"],
    "azp": "d4d3c5b74e064badb9625a4aa6241bcc",
    "exp": IN_AN_HOUR,
    "feature_flags": {"theme": {"t": "s", "v": "pink"}},
    "iat": NOW,
    "iss": "https://YOUR_BUSINESS.kinde.com",
    "jti": "f95ed3e0-cc4d-40c4-b95a-9971729b0ae5",
    "org_code": "org_ba4a2311eb1",
    "permissions": ["read:pets"],
    "roles": [{"id": "0192", "key": "keeper", "name": "Keeper"}],
    "scp": ["openid", "profile", "email", "offline"],
    "sub": "kp_c3143a4b50ad43c88e541d9077681782",
}
KINDE = Provider(
    "Kinde",
    settings={"TOKEN_ISSUER": "https://YOUR_BUSINESS.kinde.com", "AUDIENCE": "https://api.acme.example"},
    keys=[rsa("a5:c0:23:1f", use="sig", alg="RS256")],
    header={"alg": "RS256", "typ": "JWT", "kid": "a5:c0:23:1f"},
    tokens=[
        Token(
            "user token: roles are objects and grant nothing",
            KINDE_USER,
            accepted(
                *("openid", "profile", "email", "offline", "read:pets"),
                by="kp_c3143a4b50ad43c88e541d9077681782",
            ),
            settings={"SCOPE_CLAIMS": "scope,scp,permissions,roles"},
        ),
        Token(
            "machine token: no sub, and scopes in two claims",
            without(KINDE_USER, "sub", "feature_flags", "org_code", "permissions", "roles")
            | {"gty": ["client_credentials"], "scope": "read:pets", "scp": ["read:pets"], "v": "2"},
            accepted("read:pets", by="d4d3c5b74e064badb9625a4aa6241bcc", principal="azp"),
        ),
        Token("token without an API: aud is an empty list", KINDE_USER | {"aud": []}, NOT_AN_AUDIENCE),
        Token("ID token", KINDE_USER | {"aud": [KINDE_USER["azp"]]}, NOT_AN_AUDIENCE),
    ],
)

# https://docs.logto.io/authorization/global-api-resources
LOGTO_USER = {
    "jti": "HkX2mPz9Qw4sTn7v",
    "sub": "uz2pn7b1qxkd",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "scope": "read:pets",
    "client_id": "l8r5n3t2q7wy",
    "iss": "https://YOUR_TENANT.logto.app/oidc",
    "aud": "https://api.acme.example",
}
LOGTO = Provider(
    "Logto",
    settings={
        "TOKEN_ISSUER": "https://YOUR_TENANT.logto.app/oidc",
        "AUDIENCE": "https://api.acme.example",
        "ALGORITHMS": "ES384",
    },
    keys=[p384("0h3Zr8qL", use="sig", alg="ES384")],
    header={"alg": "ES384", "typ": "at+jwt", "kid": "0h3Zr8qL"},
    tokens=[
        Token("user token for an API resource", LOGTO_USER, accepted("read:pets", by="uz2pn7b1qxkd")),
        Token(
            "user token for the API within an organization",
            LOGTO_USER | {"organization_id": "org_1"},
            accepted("read:pets", by="uz2pn7b1qxkd"),
            settings={"REQUIRED_CLAIMS": "organization_id=org_1"},
        ),
        Token(
            "organization token: its audience is the organization",
            LOGTO_USER | {"aud": "urn:logto:organization:org_1"},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "user token, without the setting ES384", LOGTO_USER, WRONG_ALGORITHM, settings={"ALGORITHMS": ""}
        ),
        Unsigned("token without a resource: opaque", "mF_9.B5f-4.1JqM-opaque.x", OPAQUE),
    ],
)

# https://docs.oracle.com/en/cloud/paas/identity-cloud (from memory)
ORACLE_USER = {
    "iss": "https://identity.oraclecloud.com/",
    "sub": "ana@acme.example",
    "sub_type": "user",
    "aud": "https://api.acme.example",
    "client_id": "1c5e8a0d4b7f4e0e9d3b",
    "tok_type": "AT",
    "scope": "pets.read",
    "tenant": "idcs-0123456789abcdef",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "jti": "11e9a0b1c2d3",
}
ORACLE = Provider(
    "Oracle Cloud identity domains",
    settings={
        "TOKEN_ISSUER": "https://identity.oraclecloud.com/",
        "JWKS_URI": "https://YOUR_DOMAIN.identity.oraclecloud.com/admin/v1/SigningCert/jwk",
        "AUDIENCE": "https://api.acme.example",
        "REQUIRED_CLAIMS": "tenant=idcs-0123456789abcdef,tok_type=AT",
    },
    keys=[
        rsa(
            "SIGNING_KEY",
            use=None,
            alg="RS256",
            key_ops=["wrapKey", "verify", "encrypt"],
            x5t="fKq7vZ1m",
            x5c=CERTIFICATE,
        )
    ],
    header={"alg": "RS256", "typ": "JWT", "kid": "SIGNING_KEY", "x5t": "fKq7vZ1m"},
    tokens=[
        Token("user token", ORACLE_USER, accepted("pets.read", by="ana@acme.example")),
        Token("ID token", ORACLE_USER | {"tok_type": "IT"}, is_another_token("tok_type")),
        Token(
            "token of another identity domain with the same iss",
            ORACLE_USER | {"tenant": "idcs-ffffffffffffffff"},
            lacks("tenant"),
        ),
    ],
)

# https://apidocs.pingidentity.com/pingone/platform/v1/api/#access-tokens (from memory)
PINGONE_USER = {
    "client_id": "1b7e5a0c-0a54-44a5-8e5d-3f2f9f4c2d10",
    "iss": "https://auth.pingone.eu/ENVIRONMENT_ID/as",
    "jti": "a9b6c2d1-7d6c-4d0e-8b0f-2c5f1e3d4b7a",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "aud": ["https://api.acme.example"],
    "scope": "pets:read",
    "sub": "6f8e2a14-2f3d-4f0a-9c47-8f1f7d5e3b21",
    "sid": "9d4e1f0a-3b8c-4f1d-a7b2-0c9e8d7f6a5b",
    "env": "ENVIRONMENT_ID",
    "org": "2c0e4f6a-8b1d-4e3f-9a5c-7d2f1b0e3c4d",
}
PINGONE = Provider(
    "PingOne",
    settings={
        "TOKEN_ISSUER": "https://auth.pingone.eu/ENVIRONMENT_ID/as",
        "AUDIENCE": "https://api.acme.example",
    },
    keys=[rsa("default", use="sig", x5t="dGhpcyBp", x5c=CERTIFICATE)],
    header={"alg": "RS256", "kid": "default"},
    tokens=[
        Token("user token", PINGONE_USER, accepted("pets:read", by="6f8e2a14-2f3d-4f0a-9c47-8f1f7d5e3b21")),
        Token(
            "worker token: no sub",
            without(PINGONE_USER, "sub", "sid"),
            accepted("pets:read", by="1b7e5a0c-0a54-44a5-8e5d-3f2f9f4c2d10", principal="client_id"),
        ),
        Token(
            "token for PingOne's own API", PINGONE_USER | {"aud": ["https://api.pingone.eu"]}, NOT_AN_AUDIENCE
        ),
    ],
)

# https://help.salesforce.com: "JWT-Based Access Tokens"; decoded ones in the tests of Salesforce's mobile SDK
SALESFORCE_USER = {
    "scp": "refresh_token web api",
    "aud": ["https://YOUR_DOMAIN.my.salesforce.com"],
    "sub": "uid:005Dn00000ABcde",
    "nbf": NOW - 15,
    "mty": "oauth",
    "sfi": "9f4d2c1b",
    "roles": [],
    "iss": "https://YOUR_DOMAIN.my.salesforce.com",
    "hsc": False,
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "client_id": "3MVG9Example",
}
SALESFORCE = Provider(
    "Salesforce",
    settings={
        "TOKEN_ISSUER": "https://YOUR_DOMAIN.my.salesforce.com",
        "AUDIENCE": "https://YOUR_DOMAIN.my.salesforce.com",
        "REQUIRED_CLAIMS": "client_id=3MVG9Example",
    },
    keys=[rsa("CORE_ATJWT.00DDn0.1725579420125", use="sig", alg="RS256")],
    header={
        "tnk": "core/prod/00DDn0",
        "ver": "1.0",
        "kid": "CORE_ATJWT.00DDn0.1725579420125",
        "tty": "sfdc-core-token",
        "typ": "JWT",
        "alg": "RS256",
    },
    tokens=[
        Token(
            "user token: the audience is the organization",
            SALESFORCE_USER,
            accepted("refresh_token", "web", "api", by="uid:005Dn00000ABcde"),
        ),
        Token("token of another client", SALESFORCE_USER | {"client_id": "3MVG9Other"}, lacks("client_id")),
        Unsigned("token of a client without JWT-based access tokens: opaque", "00DDn0!AQEAQK.opaque", OPAQUE),
    ],
)

# https://help.sap.com/docs/btp: "Tokens of the Authorization and Trust Management Service" (from memory)
SAP_USER = {
    "sub": "1f2e3d4c-5b6a-4798-8a9b-0c1d2e3f4a5b",
    "xs.user.attributes": {},
    "user_name": "ana@acme.example",
    "origin": "sap.default",
    "iss": "https://YOUR_SUBACCOUNT.authentication.eu10.hana.ondemand.com/oauth/token",
    "xs.system.attributes": {"xs.rolecollections": ["Keepers"]},
    "scope": ["openid", "pets!t1234.read"],
    "client_id": "sb-pets!t1234",
    "cid": "sb-pets!t1234",
    "azp": "sb-pets!t1234",
    "grant_type": "authorization_code",
    "rev_sig": "8f0a3c2d",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "zid": "3a1b5c7d-9e0f-4a2b-8c4d-6e8f0a1b2c3d",
    "aud": ["pets!t1234", "openid", "sb-pets!t1234"],
    "jti": "4f6a8b0c2d4e4f6a8b0c2d4e4f6a8b0c",
}
SAP_PEM = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"
SAP = Provider(
    "SAP BTP",
    settings={
        "TOKEN_ISSUER": "https://YOUR_SUBACCOUNT.authentication.eu10.hana.ondemand.com/oauth/token",
        "JWKS_URI": "https://YOUR_SUBACCOUNT.authentication.eu10.hana.ondemand.com/token_keys",
        "AUDIENCE": "pets!t1234",
        "REQUIRED_CLAIMS": "scope",
    },
    keys=[rsa("default-jwt-key-a3f1", use="sig", alg="RS256", value=SAP_PEM)],
    header={
        "alg": "RS256",
        "jku": "https://YOUR_SUBACCOUNT.authentication.eu10.hana.ondemand.com/token_keys",
        "kid": "default-jwt-key-a3f1",
        "typ": "JWT",
    },
    tokens=[
        Token(
            "user token: scope is a list, and the header has a jku",
            SAP_USER,
            accepted("openid", "pets!t1234.read", by="1f2e3d4c-5b6a-4798-8a9b-0c1d2e3f4a5b"),
        ),
        Token(
            "machine token",
            without(SAP_USER, "user_name", "origin", "xs.user.attributes")
            | {"sub": "sb-pets!t1234", "grant_type": "client_credentials", "scope": ["pets!t1234.read"]},
            accepted("pets!t1234.read", by="sb-pets!t1234"),
        ),
        Token(
            "token of a client that authenticates with a certificate",
            SAP_USER | {"cnf": {"x5t#S256": "fU-XoQlh"}},
            BOUND,
        ),
        Token(
            "refresh token: granted_scopes instead of scope",
            without(SAP_USER, "scope") | {"jti": "4f6a8b0c2d4e-r", "granted_scopes": ["pets!t1234.read"]},
            lacks("scope"),
        ),
        Token(
            "token for another application of the subaccount",
            SAP_USER | {"aud": ["zoo!t1234"]},
            NOT_AN_AUDIENCE,
        ),
    ],
)

# https://stytch.com/docs/api-reference/b2b/api/connected-apps/tokens/connected-app-access-token-object
STYTCH_MACHINE = {
    "iss": "stytch.com/PROJECT_ID",
    "sub": "m2m-client-live-5c7b1e90-2f4a-4d6c-8b1e-7a9f3d5c0b21",
    "aud": ["PROJECT_ID"],
    "iat": NOW,
    "nbf": NOW,
    "exp": IN_AN_HOUR,
    "scope": "read:pets",
}
STYTCH_SESSION = {  # from memory
    "iss": "stytch.com/PROJECT_ID",
    "sub": "user-live-0f4a1c6e-8d2b-4f6a-9c3e-1b5d7f9a2c4e",
    "aud": ["PROJECT_ID"],
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 300,
    "https://stytch.com/session": {"id": "session-live-1", "authentication_factors": [], "roles": ["keeper"]},
}
STYTCH = Provider(
    "Stytch",
    settings={
        "TOKEN_ISSUER": "stytch.com/PROJECT_ID",
        "JWKS_URI": "https://api.stytch.com/v1/sessions/jwks/PROJECT_ID",
        "AUDIENCE": "PROJECT_ID",
    },
    keys=[rsa("jwk-live-2d6a", use="sig", alg="RS256", key_ops=["verify"])],
    header={"alg": "RS256", "typ": "JWT", "kid": "jwk-live-2d6a"},
    tokens=[
        Token(
            "machine token: iss is not a URL",
            STYTCH_MACHINE,
            accepted("read:pets", by="m2m-client-live-5c7b1e90-2f4a-4d6c-8b1e-7a9f3d5c0b21"),
        ),
        Token(
            "session token",
            STYTCH_SESSION,
            accepted(by="user-live-0f4a1c6e-8d2b-4f6a-9c3e-1b5d7f9a2c4e"),
        ),
        Token(
            "session token with permissions in a custom claim",
            STYTCH_SESSION | {"permissions": ["read:pets"]},
            accepted("read:pets", by="user-live-0f4a1c6e-8d2b-4f6a-9c3e-1b5d7f9a2c4e"),
        ),
        Token(
            "token of another project",
            STYTCH_MACHINE | {"iss": "stytch.com/project-live-2"},
            NOT_THE_ISSUER,
        ),
    ],
)

# https://supabase.com/docs/guides/auth/jwt-fields
SUPABASE_USER = {
    "iss": "https://PROJECT_REF.supabase.co/auth/v1",
    "sub": "8f4a6c0e-2d5b-4f7a-9c1e-3b6d8f0a2c4e",
    "aud": "authenticated",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "email": "ana@acme.example",
    "phone": "",
    "app_metadata": {"provider": "email", "providers": ["email"], "roles": ["keeper"]},
    "user_metadata": {"roles": ["admin"]},
    "role": "authenticated",
    "aal": "aal1",
    "amr": [{"method": "password", "timestamp": NOW}],
    "session_id": "1b3d5f70-9a2c-4e6f-8b0d-2f4a6c8e0b1d",
    "is_anonymous": False,
}
SUPABASE = Provider(
    "Supabase",
    settings={
        "TOKEN_ISSUER": "https://PROJECT_REF.supabase.co/auth/v1",
        "AUDIENCE": "authenticated",
        "ALGORITHMS": "ES256",
        "SCOPE_CLAIMS": "app_metadata.roles",
        "REQUIRED_CLAIMS": "is_anonymous=false",
    },
    keys=[p256("b81269f1-21d8", use="sig", alg="ES256", key_ops=["verify"], ext=True)],
    header={"alg": "ES256", "typ": "JWT", "kid": "b81269f1-21d8"},
    tokens=[
        Token(
            "user token with roles in app_metadata",
            SUPABASE_USER,
            accepted("keeper", by="8f4a6c0e-2d5b-4f7a-9c1e-3b6d8f0a2c4e"),
        ),
        Token(
            "user token, without SCOPE_CLAIMS",
            SUPABASE_USER,
            accepted(by="8f4a6c0e-2d5b-4f7a-9c1e-3b6d8f0a2c4e"),
            settings={"SCOPE_CLAIMS": ""},
        ),
        Token("token of an anonymous sign-in", SUPABASE_USER | {"is_anonymous": True}, lacks("is_anonymous")),
        Token(
            "anon API key of a project with a shared secret",
            {"iss": "supabase", "ref": "PROJECT_REF", "role": "anon", "iat": NOW, "exp": IN_AN_HOUR},
            NOT_THE_ISSUER,
            header={"alg": "HS256", "typ": "JWT"},
            pair="RSA",
        ),
    ],
)

# https://workos.com/docs/reference/authkit/session-tokens; aud is of a JWT template
# (https://workos.com/docs/user-management/jwt-templates); the issuer from memory
WORKOS_USER = {
    "iss": "https://api.workos.com/user_management/CLIENT_ID",
    "sub": "user_01HBEQKA6K4QJAS93VPE39W1JT",
    "aud": "https://api.acme.example",
    "sid": "session_01HQSXZGF8FHF7A9ZZFCW4387R",
    "jti": "01HQSXZXPPFPKMDD32RKTFY6PV",
    "org_id": "org_01HRDMC6CM357W30QMHMQ96Q0S",
    "role": "member",
    "roles": ["member"],
    "permissions": ["read:pets"],
    "entitlements": ["audit-logs"],
    "exp": NOW + 300,
    "iat": NOW,
}
WORKOS = Provider(
    "WorkOS",
    settings={
        "TOKEN_ISSUER": "https://api.workos.com/user_management/CLIENT_ID",
        "JWKS_URI": "https://api.workos.com/sso/jwks/CLIENT_ID",
        "AUDIENCE": "https://api.acme.example",
    },
    keys=[rsa("sso_oidc_key_pair_01HB", use="sig", alg="RS256", x5c=CERTIFICATE, **{"x5t#S256": "ow3B"})],
    header={"alg": "RS256", "kid": "sso_oidc_key_pair_01HB"},
    tokens=[
        Token(
            "session token with aud from a JWT template",
            WORKOS_USER,
            accepted("read:pets", by="user_01HBEQKA6K4QJAS93VPE39W1JT"),
        ),
        Token("default session token: no aud", without(WORKOS_USER, "aud"), NO_AUDIENCE),
        Token(
            "roles as scopes, with the setting",
            WORKOS_USER,
            accepted("read:pets", "member", by="user_01HBEQKA6K4QJAS93VPE39W1JT"),
            settings={"SCOPE_CLAIMS": "permissions,roles"},
        ),
        Token(
            "user token of another organization",
            WORKOS_USER | {"org_id": "org_2"},
            lacks("org_id"),
            settings={"REQUIRED_CLAIMS": "org_id=org_01HRDMC6CM357W30QMHMQ96Q0S"},
        ),
    ],
)

PLATFORMS = (
    CLERK,
    CLOUDFLARE,
    DESCOPE,
    KINDE,
    LOGTO,
    ORACLE,
    PINGONE,
    SALESFORCE,
    SAP,
    STYTCH,
    SUPABASE,
    WORKOS,
)
