"""Other identity servers that people run themselves, in the order of the alphabet.

From their documentation and source; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    BOUND,
    CERTIFICATE,
    ENCRYPTED,
    IN_AN_HOUR,
    JWE,
    NO_AUDIENCE,
    NOT_AN_AUDIENCE,
    NOT_THE_ISSUER,
    NOW,
    WRONG_ALGORITHM,
    WRONG_TYPE,
    Provider,
    Rejected,
    Token,
    Unsigned,
    accepted,
    ed25519,
    is_another_token,
    lacks,
    other_rsa,
    p256,
    rsa,
    without,
)

# https://github.com/IdentityServer/IdentityServer3/issues/3616 and
# https://github.com/DuendeArchive/IdentityServer4/issues/812; which claims name the user is from memory
ADFS_USER = {
    "aud": "microsoft:identityserver:https://api.acme.example",
    "iss": "http://adfs.YOUR_DOMAIN/adfs/services/trust",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "apptype": "Public",
    "appid": "5d0f2a6c-9a43-4f6c-8d1e-0b4c6e1f7a90",
    "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "auth_time": "2026-11-27T10:00:00.000Z",
    "ver": "1.0",
    "scp": "pets.read openid",
    "upn": "ana@YOUR_DOMAIN",
}
ADFS = Provider(
    "AD FS",
    settings={
        "TOKEN_ISSUER": "http://adfs.YOUR_DOMAIN/adfs/services/trust",
        "JWKS_URI": "https://adfs.YOUR_DOMAIN/adfs/discovery/keys",
        "AUDIENCE": "microsoft:identityserver:https://api.acme.example",
        "PRINCIPAL_CLAIMS": "sub,upn,appid",
    },
    keys=[rsa("uB7kVmQ2x9", use="sig", alg="RS256", x5t="uB7kVmQ2x9", x5c=CERTIFICATE)],
    header={"typ": "JWT", "alg": "RS256", "x5t": "uB7kVmQ2x9"},
    tokens=[
        Token(
            "user token: x5t instead of kid",
            ADFS_USER,
            accepted("pets.read", "openid", by="ana@YOUR_DOMAIN", principal="upn"),
        ),
        Token(
            "user token without sub, without PRINCIPAL_CLAIMS",
            ADFS_USER,
            Rejected("none of sub, client_id, azp names the caller"),
            settings={"PRINCIPAL_CLAIMS": ""},
        ),
        Token(
            "user token with sub and kid (since 2019)",
            ADFS_USER | {"sub": "mXb2Qk8T"},
            accepted("pets.read", "openid", by="mXb2Qk8T"),
            header={"typ": "JWT", "alg": "RS256", "x5t": "uB7kVmQ2x9", "kid": "uB7kVmQ2x9"},
        ),
        Token(
            "x5t of a certificate that is not published",
            ADFS_USER,
            Rejected("the issuer has no key with this kid and alg"),
            header={"typ": "JWT", "alg": "RS256", "x5t": "expired"},
        ),
        Token(
            "ID token",
            ADFS_USER | {"iss": "https://adfs.YOUR_DOMAIN/adfs", "aud": ADFS_USER["appid"]},
            NOT_THE_ISSUER,
        ),
    ],
)

# https://github.com/goauthentik/authentik: authentik/providers/oauth2/id_token.py
AUTHENTIK_USER = {
    "iss": "https://authentik.YOUR_DOMAIN/application/o/pets/",
    "sub": "4b1f6d9e0c8a2f5b7d3e1a6c",
    "aud": "CLIENT_ID",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "auth_time": NOW - 60,
    "acr": "goauthentik.io/providers/oauth2/default",
    "amr": ["pwd"],
    "sid": "7c3f5b9d",
    "groups": ["keepers"],
    "azp": "CLIENT_ID",
    "uid": "kP4xV8sQ",
}
AUTHENTIK = Provider(
    "authentik",
    settings={
        "TOKEN_ISSUER": "https://authentik.YOUR_DOMAIN/application/o/pets/",
        "AUDIENCE": "CLIENT_ID",
        "SCOPE_CLAIMS": "scope,groups",
        "REQUIRED_CLAIMS": "azp",
    },
    keys=[rsa("1f6b3d8a", alg="RS256", use="sig", x5c=CERTIFICATE, x5t="c3Bv", **{"x5t#S256": "a1Zt"})],
    header={"alg": "RS256", "kid": "1f6b3d8a", "typ": "JWT"},
    tokens=[
        Token("user token", AUTHENTIK_USER, accepted("keepers", by="4b1f6d9e0c8a2f5b7d3e1a6c")),
        Token("ID token: no azp", without(AUTHENTIK_USER, "azp", "uid"), lacks("azp")),
        Token(
            "token of another application: another issuer",
            AUTHENTIK_USER
            | {"iss": "https://authentik.YOUR_DOMAIN/application/o/zoo/", "aud": "OTHER", "azp": "OTHER"},
            NOT_THE_ISSUER,
        ),
        Token(
            "provider that uses ES256",
            AUTHENTIK_USER,
            accepted("keepers", by="4b1f6d9e0c8a2f5b7d3e1a6c"),
            settings={"ALGORITHMS": "ES256"},
            header={"alg": "ES256", "kid": "9d2c", "typ": "JWT"},
            keys=[p256("9d2c", alg="ES256", use="sig")],
        ),
        Token(
            "provider without a signing key: HS256",
            AUTHENTIK_USER,
            WRONG_ALGORITHM,
            header={"alg": "HS256", "typ": "JWT"},
        ),
        Unsigned("provider with an encryption key", JWE, ENCRYPTED),
    ],
)

# https://casdoor.org/docs/token/overview (from memory)
CASDOOR_USER = {
    "owner": "acme",
    "name": "ana",
    "id": "0f4a1c6e-8d2b-4f6a",
    "tokenType": "access-token",
    "scope": "read:pets",
    "iss": "https://casdoor.YOUR_DOMAIN",
    "sub": "0f4a1c6e-8d2b-4f6a",
    "aud": ["CLIENT_ID"],
    "exp": IN_AN_HOUR,
    "nbf": NOW,
    "iat": NOW,
    "jti": "admin/7c3f5b9d",
}
CASDOOR = Provider(
    "Casdoor",
    settings={
        "TOKEN_ISSUER": "https://casdoor.YOUR_DOMAIN",
        "AUDIENCE": "CLIENT_ID",
    },
    keys=[rsa("cert-built-in", use="sig", alg="RS256", x5c=CERTIFICATE, x5t="bW9y")],
    header={"alg": "RS256", "kid": "cert-built-in", "typ": "JWT"},
    tokens=[
        Token("user token", CASDOOR_USER, accepted("read:pets", by="0f4a1c6e-8d2b-4f6a")),
        Token("refresh token", CASDOOR_USER | {"tokenType": "refresh-token"}, is_another_token("tokenType")),
    ],
)

# https://curity.io/resources/learn/jwt-access-token (from memory); a decoded one in Curity's own samples
CURITY_USER = {
    "jti": "adf9f0fc-3d38-402e-af52-187506190886",
    "delegationId": "cd231bba-ffa7-4c0e-ab5c-69b350fab979",
    "exp": IN_AN_HOUR,
    "nbf": NOW,
    "scope": "openid pets",
    "iss": "https://login.YOUR_DOMAIN/oauth/v2/oauth-anonymous",
    "sub": "55ace8f2473cc2848c17d460326122db",
    "aud": "https://api.acme.example",
    "iat": NOW,
    "purpose": "access_token",
}
CURITY = Provider(
    "Curity",
    settings={
        "TOKEN_ISSUER": "https://login.YOUR_DOMAIN/oauth/v2/oauth-anonymous",
        "AUDIENCE": "https://api.acme.example",
        "ALGORITHMS": "PS256",
        "REQUIRED_CLAIMS": "purpose=access_token",
    },
    keys=[rsa("-382315124", use="sig", alg="PS256", x5t="NPxj", key_ops=["verify"])],
    header={"kid": "-382315124", "x5t": "NPxj", "alg": "PS256"},
    tokens=[
        Token("user token", CURITY_USER, accepted("openid", "pets", by="55ace8f2473cc2848c17d460326122db")),
        Token(
            "ID token of a client that is named like the API",
            CURITY_USER | {"purpose": "id"},
            is_another_token("purpose"),
        ),
        Token(
            "profile that uses EdDSA",
            CURITY_USER,
            accepted("openid", "pets", by="55ace8f2473cc2848c17d460326122db"),
            settings={"ALGORITHMS": "EdDSA"},
            header={"kid": "-1", "alg": "EdDSA"},
            keys=[ed25519("-1", use="sig", alg="EdDSA")],
        ),
        Token(
            "profile that uses Ed25519 in key and token",
            CURITY_USER,
            accepted("openid", "pets", by="55ace8f2473cc2848c17d460326122db"),
            settings={"ALGORITHMS": "EdDSA"},
            header={"kid": "-1", "alg": "Ed25519"},
            keys=[ed25519("-1", use="sig", alg="Ed25519")],
        ),
        Token(
            "profile that uses Ed25519 in the key and EdDSA in the token",
            CURITY_USER,
            accepted("openid", "pets", by="55ace8f2473cc2848c17d460326122db"),
            settings={"ALGORITHMS": "EdDSA"},
            header={"kid": "-1", "alg": "EdDSA"},
            keys=[ed25519("-1", use="sig", alg="Ed25519")],
        ),
    ],
)

# https://dexidp.io/docs/configuration/tokens (from memory): access tokens have the shape of ID tokens
DEX_USER = {
    "iss": "https://dex.YOUR_DOMAIN",
    "sub": "CiQwOGE4Njg0Yi1kYjg4LTRiNzMSBWxvY2Fs",
    "aud": "CLIENT_ID",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "at_hash": "d2wNvJz8kRj3b9a5V0c6Zg",
    "email": "ana@acme.example",
    "email_verified": True,
    "groups": ["keepers"],
    "name": "ana",
}
DEX = Provider(
    "Dex",
    settings={
        "TOKEN_ISSUER": "https://dex.YOUR_DOMAIN",
        "AUDIENCE": "CLIENT_ID",
        "SCOPE_CLAIMS": "groups",
    },
    keys=[rsa("8f1b2c3d", use="sig", alg="RS256"), other_rsa("7e0a1b2c", use="sig", alg="RS256")],
    header={"alg": "RS256", "kid": "8f1b2c3d"},
    tokens=[
        Token("user token", DEX_USER, accepted("keepers", by="CiQwOGE4Njg0Yi1kYjg4LTRiNzMSBWxvY2Fs")),
        Token(
            "cross-client token: two audiences",
            DEX_USER | {"aud": ["CLIENT_ID", "other"], "azp": "other"},
            accepted("keepers", by="CiQwOGE4Njg0Yi1kYjg4LTRiNzMSBWxvY2Fs"),
        ),
        Token("token of another client", DEX_USER | {"aud": "other"}, NOT_AN_AUDIENCE),
    ],
)

# https://django-rest-framework-simplejwt.readthedocs.io (from memory)
SIMPLEJWT_USER = {
    "token_type": "access",
    "exp": NOW + 300,
    "iat": NOW,
    "jti": "b0f4a9c1d2e3",
    "user_id": "42",
    "aud": "pets-api",
    "iss": "https://www.YOUR_DOMAIN",
}
SIMPLEJWT = Provider(
    "Django SimpleJWT",
    settings={
        "TOKEN_ISSUER": "https://www.YOUR_DOMAIN",
        "JWKS_URI": "https://www.YOUR_DOMAIN/jwks.json",
        "AUDIENCE": "pets-api",
        "PRINCIPAL_CLAIMS": "user_id",
    },
    # The tokens name no key, so that there can be only one.
    keys=[rsa(None, use="sig", alg="RS256")],
    header={"alg": "RS256", "typ": "JWT"},
    tokens=[
        Token("user token: no kid and no sub", SIMPLEJWT_USER, accepted(by="42", principal="user_id")),
        Token("refresh token", SIMPLEJWT_USER | {"token_type": "refresh"}, is_another_token("token_type")),
        Token(
            "user token whose user_id is a number",
            SIMPLEJWT_USER | {"user_id": 42},
            Rejected("none of user_id names the caller"),
        ),
        Token(
            "user token without kid, when there are two keys",
            SIMPLEJWT_USER,
            Rejected("the token has no kid, and the issuer has no single key that verifies it"),
            keys=[rsa(None, use="sig", alg="RS256"), other_rsa("new", use="sig", alg="RS256")],
        ),
    ],
)

# https://docs.duendesoftware.com/identityserver/tokens (from memory)
DUENDE_USER = {
    "iss": "https://login.YOUR_DOMAIN",
    "nbf": NOW,
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "aud": "pets",
    "scope": ["openid", "pets.read"],
    "amr": ["pwd"],
    "client_id": "web",
    "sub": "88421113",
    "auth_time": NOW - 60,
    "idp": "local",
    "sid": "9D1E",
    "jti": "2F7C",
}
DUENDE = Provider(
    "Duende IdentityServer",
    settings={"TOKEN_ISSUER": "https://login.YOUR_DOMAIN", "AUDIENCE": "pets"},
    keys=[rsa("F1B2C3D4", use="sig", alg="RS256")],
    header={"alg": "RS256", "kid": "F1B2C3D4", "typ": "at+jwt"},
    tokens=[
        Token("user token: scope is a list", DUENDE_USER, accepted("openid", "pets.read", by="88421113")),
        Token(
            "machine token: no sub",
            without(DUENDE_USER, "sub", "amr", "auth_time", "idp", "sid") | {"scope": ["pets.read"]},
            accepted("pets.read", by="web", principal="client_id"),
        ),
        Token(
            "token without an API resource: no aud",
            without(DUENDE_USER, "aud"),
            NO_AUDIENCE,
        ),
        Token(
            "ID token",
            without(DUENDE_USER, "scope") | {"aud": "web"},
            NOT_AN_AUDIENCE,
            header={"alg": "RS256", "kid": "F1B2C3D4", "typ": "JWT"},
        ),
        Token(
            "logout token",
            DUENDE_USER | {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
            WRONG_TYPE,
            header={"alg": "RS256", "kid": "F1B2C3D4", "typ": "logout+jwt"},
        ),
        Token(
            "logout token with the header type JWT",
            DUENDE_USER | {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
            Rejected("events: a security event, not an access token"),
            header={"alg": "RS256", "kid": "F1B2C3D4", "typ": "JWT"},
        ),
        Token("token bound to a certificate (mTLS)", DUENDE_USER | {"cnf": {"x5t#S256": "bwcK"}}, BOUND),
    ],
)

# https://backstage.forgerock.com/docs/am: client-based tokens (from memory); decoded ones in public code
PINGAM_USER = {
    "sub": "85acdba7-9c66-4bf2-a1a8-852c871ad9df",
    "cts": "OAUTH2_STATELESS_GRANT",
    "auth_level": 0,
    "auditTrackingId": "10d43ba9-75cf-44c1-a787-d0efe6bf1891-97250",
    "subname": "85acdba7-9c66-4bf2-a1a8-852c871ad9df",
    "iss": "https://am.YOUR_DOMAIN:443/am/oauth2/alpha",
    "tokenName": "access_token",
    "token_type": "Bearer",
    "authGrantId": "jQKncup5eKWsTje0TV6ECcdJpyE",
    "client_id": "CLIENT_ID",
    "aud": "CLIENT_ID",
    "nbf": NOW,
    "grant_type": "authorization_code",
    "scope": ["openid", "pets.read"],
    "auth_time": NOW - 60,
    "realm": "/alpha",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "expires_in": 3600,
    "jti": "An0zjo6gD-yfnE_WNmLkVBqynV0",
}
PINGAM_HEADER = {"typ": "JWT", "zip": "NONE", "kid": "wU3ifIIaLOUAReRB/FG6eM1P1QM=", "alg": "RS256"}
PINGAM = Provider(
    "PingAM (ForgeRock)",
    settings={
        "TOKEN_ISSUER": "https://am.YOUR_DOMAIN:443/am/oauth2/alpha",
        "AUDIENCE": "CLIENT_ID",
    },
    keys=[
        rsa("wU3ifIIaLOUAReRB/FG6eM1P1QM=", use="sig", alg="RS256", x5t="5eOfy1Nn2MMIKVRRkq0OgFAw348"),
        # The same key as for RS256, for another algorithm.
        rsa("wU3ifIIaLOUAReRB/FG6eM1P1QM=", use="sig", alg="RS512", x5t="5eOfy1Nn2MMIKVRRkq0OgFAw348"),
        other_rsa("DkKMPE7hFVEn77WWhVuzaoFp4O8=", use="enc", alg="RSA-OAEP-256"),
    ],
    header=PINGAM_HEADER,
    tokens=[
        Token(
            "user token: zip in the header",
            PINGAM_USER,
            accepted("openid", "pets.read", by="85acdba7-9c66-4bf2-a1a8-852c871ad9df"),
        ),
        Token(
            "ID token of the same client",
            without(PINGAM_USER, "scope", "token_type") | {"tokenName": "id_token", "azp": "CLIENT_ID"},
            is_another_token("tokenName"),
        ),
        Token("refresh token", PINGAM_USER | {"tokenName": "refresh_token"}, is_another_token("tokenName")),
    ],
)

# https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/tokens
FUSIONAUTH_USER = {
    "aud": "APPLICATION_ID",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "iss": "acme.example",
    "sub": "00000000-0000-0000-0000-111111111111",
    "jti": "2e2271d7-3057-4bfd-99ab-34af48e84567",
    "authenticationType": "PASSWORD",
    "email": "ana@acme.example",
    "email_verified": True,
    "applicationId": "APPLICATION_ID",
    "scope": "offline_access openid",
    "roles": ["keeper"],
    "auth_time": NOW - 60,
    "tid": "d7d09513-a3f5-401c-9685-34ab6c552453",
}
FUSIONAUTH = Provider(
    "FusionAuth",
    settings={
        "TOKEN_ISSUER": "acme.example",
        "JWKS_URI": "https://fusionauth.YOUR_DOMAIN/.well-known/jwks.json",
        "AUDIENCE": "APPLICATION_ID",
        "SCOPE_CLAIMS": "scope,roles",
        "REQUIRED_CLAIMS": "scope",
    },
    keys=[
        rsa("Xoq7kK3eIXryYmi5", use="sig", alg="RS256", x5c=CERTIFICATE, x5t="Xoq7"),
        p256("n0tUsedYet", use="sig", alg="ES256"),
    ],
    header={"alg": "RS256", "typ": "JWT", "gty": ["authorization_code"], "kid": "Xoq7kK3eIXryYmi5"},
    tokens=[
        Token(
            "user token: iss is not a URL",
            FUSIONAUTH_USER,
            accepted("offline_access", "openid", "keeper", by="00000000-0000-0000-0000-111111111111"),
        ),
        Token("ID token of the same application", without(FUSIONAUTH_USER, "scope"), lacks("scope")),
        Token(
            "application that uses HS256, the default",
            FUSIONAUTH_USER,
            WRONG_ALGORITHM,
            header={"alg": "HS256", "typ": "JWT"},
        ),
    ],
)

# https://documentation.openiddict.com/configuration/encryption-and-signing-credentials (from memory)
OPENIDDICT_MACHINE = {
    "iss": "https://login.YOUR_DOMAIN/",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "jti": "b8f0c1d2",
    "sub": "worker",
    "oi_prst": "worker",
    "client_id": "worker",
    "oi_tkn_id": "7f1e",
    "aud": "pets-api",
    "scope": "pets.read",
}
OPENIDDICT = Provider(
    "OpenIddict",
    settings={"TOKEN_ISSUER": "https://login.YOUR_DOMAIN/", "AUDIENCE": "pets-api"},
    keys=[rsa("A1B2C3", use="sig", alg="RS256", x5t="ocLD", x5c=CERTIFICATE)],
    header={"alg": "RS256", "kid": "A1B2C3", "x5t": "ocLD", "typ": "at+jwt"},
    tokens=[
        Token("machine token", OPENIDDICT_MACHINE, accepted("pets.read", by="worker")),
        Token(
            "machine token with the header type application/at+jwt",
            OPENIDDICT_MACHINE,
            accepted("pets.read", by="worker"),
            header={"alg": "RS256", "kid": "A1B2C3", "typ": "application/at+jwt"},
        ),
        Unsigned("encrypted token, the default", JWE, ENCRYPTED),
    ],
)

# https://flask-jwt-extended.readthedocs.io (from memory)
FLASK_USER = {
    "fresh": False,
    "iat": NOW,
    "jti": "5f1c7e9a",
    "type": "access",
    "sub": "ana",
    "nbf": NOW,
    "csrf": "d3b07384",
    "exp": NOW + 900,
    "aud": "pets-api",
    "iss": "https://www.YOUR_DOMAIN",
}
FLASK = Provider(
    "Flask-JWT-Extended",
    settings={
        "TOKEN_ISSUER": "https://www.YOUR_DOMAIN",
        "JWKS_URI": "https://www.YOUR_DOMAIN/jwks.json",
        "AUDIENCE": "pets-api",
    },
    keys=[rsa("1", use="sig", alg="RS256")],
    header={"alg": "RS256", "typ": "JWT", "kid": "1"},
    tokens=[
        Token("user token", FLASK_USER, accepted(by="ana")),
        Token("refresh token", FLASK_USER | {"type": "refresh"}, is_another_token("type")),
    ],
)

# https://www.ory.com/docs/oauth2-oidc/jwt-access-token (from memory)
ORY_MACHINE = {
    "aud": ["https://api.acme.example"],
    "client_id": "9d2f",
    "exp": IN_AN_HOUR,
    "ext": {},
    "iat": NOW,
    "iss": "https://YOUR_PROJECT.projects.oryapis.com",
    "jti": "f2d4",
    "nbf": NOW,
    "scp": ["read:pets"],
    "sub": "9d2f",
}
ORY = Provider(
    "Ory Hydra",
    settings={
        "TOKEN_ISSUER": "https://YOUR_PROJECT.projects.oryapis.com",
        "AUDIENCE": "https://api.acme.example",
    },
    keys=[rsa("a1d7", use="sig", alg="RS256"), other_rsa("b2e8", use="sig", alg="RS256")],
    header={"alg": "RS256", "kid": "a1d7", "typ": "JWT"},
    tokens=[
        Token("machine token", ORY_MACHINE, accepted("read:pets", by="9d2f")),
        Token("token without an audience: aud is an empty list", ORY_MACHINE | {"aud": []}, NOT_AN_AUDIENCE),
    ],
)

# https://docs.pingidentity.com/pingfederate: JSON token management (from memory)
PINGFEDERATE_USER = {
    "scope": "pets.read",
    "client_id": "web",
    "iss": "https://sso.YOUR_DOMAIN",
    "aud": "https://api.acme.example",
    "sub": "ana",
    "exp": IN_AN_HOUR,
}
PINGFEDERATE = Provider(
    "PingFederate",
    settings={"TOKEN_ISSUER": "https://sso.YOUR_DOMAIN", "AUDIENCE": "https://api.acme.example"},
    keys=[rsa("k1", use="sig", alg="RS256", x5t="azF4")],
    header={"alg": "RS256", "kid": "k1", "pi.atm": "2"},
    tokens=[
        Token("user token: no iat and no typ", PINGFEDERATE_USER, accepted("pets.read", by="ana")),
        Token(
            "token of an access token manager without iss and aud",
            without(PINGFEDERATE_USER, "iss", "aud"),
            Rejected("iss is missing"),
        ),
    ],
)

# https://docs.spring.io/spring-authorization-server (from memory)
SPRING_USER = {
    "sub": "ana",
    "aud": "web",
    "nbf": NOW,
    "scope": ["openid", "pets.read"],
    "iss": "https://login.YOUR_DOMAIN",
    "exp": NOW + 300,
    "iat": NOW,
    "jti": "0c4e",
}
SPRING = Provider(
    "Spring Authorization Server",
    settings={
        "TOKEN_ISSUER": "https://login.YOUR_DOMAIN",
        "AUDIENCE": "web",
        "REQUIRED_CLAIMS": "scope",
    },
    keys=[rsa("7b2a1f0e-4d3c")],  # no use, no alg
    header={"kid": "7b2a1f0e-4d3c", "alg": "RS256"},
    tokens=[
        Token(
            "user token: the audience is the client", SPRING_USER, accepted("openid", "pets.read", by="ana")
        ),
        Token("ID token: no scope", without(SPRING_USER, "scope") | {"azp": "web"}, lacks("scope")),
    ],
)

# https://zitadel.com/docs/apis/openidoauth/claims
ZITADEL_USER = {
    "iss": "https://YOUR_INSTANCE.zitadel.cloud",
    "sub": "163840776835432705",
    "aud": ["170086824411201793@pets", "170086363054473473@pets", "PROJECT_ID"],
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "nbf": NOW,
    "client_id": "170086824411201793@pets",
    "jti": "V2_240000000000000000-at_240000000000000001",
    "urn:zitadel:iam:org:project:roles": {
        "keeper": {"178204173316174381": "acme.zitadel.cloud"},
        "visitor": {},
    },
}
ZITADEL = Provider(
    "ZITADEL",
    settings={
        "TOKEN_ISSUER": "https://YOUR_INSTANCE.zitadel.cloud",
        "AUDIENCE": "PROJECT_ID",
        "SCOPE_CLAIMS": "scope,urn:zitadel:iam:org:project:roles",
        "REQUIRED_CLAIMS": "jti",
    },
    keys=[rsa("240000000000000002", use="sig", alg="RS256")],
    header={"alg": "RS256", "kid": "240000000000000002", "typ": "JWT"},
    tokens=[
        Token(
            "user token: roles are an object",
            ZITADEL_USER,
            accepted("keeper", by="163840776835432705"),
        ),
        Token(
            "user token, without SCOPE_CLAIMS",
            ZITADEL_USER,
            accepted(by="163840776835432705"),
            settings={"SCOPE_CLAIMS": ""},
        ),
        Token(
            "ID token: same audience, no jti",
            without(ZITADEL_USER, "jti", "nbf") | {"azp": "170086824411201793@pets", "at_hash": "x"},
            lacks("jti"),
        ),
    ],
)

SERVERS = (
    *(ADFS, AUTHENTIK, CASDOOR, CURITY, DEX, DUENDE, FLASK, FUSIONAUTH, OPENIDDICT, ORY, PINGAM),
    *(PINGFEDERATE, SIMPLEJWT, SPRING, ZITADEL),
)
