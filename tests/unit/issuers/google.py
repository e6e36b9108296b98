"""Google and Firebase.

From the documentation; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    IN_AN_HOUR,
    NOT_AN_AUDIENCE,
    NOT_THE_ISSUER,
    NOW,
    OPAQUE,
    Provider,
    Token,
    Unsigned,
    accepted,
    lacks,
    other_rsa,
    rsa,
    without,
)

# https://firebase.google.com/docs/auth/admin/verify-id-tokens
FIREBASE_USER = {
    "iss": "https://securetoken.google.com/PROJECT_ID",
    "aud": "PROJECT_ID",
    "auth_time": NOW - 60,
    "user_id": "kQ3nV8sXw2yZ5bC7dF9h",
    "sub": "kQ3nV8sXw2yZ5bC7dF9h",
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "email": "ana@acme.example",
    "email_verified": True,
    "firebase": {"identities": {"email": ["ana@acme.example"]}, "sign_in_provider": "password"},
}
FIREBASE = Provider(
    "Firebase",
    settings={
        "TOKEN_ISSUER": "https://securetoken.google.com/PROJECT_ID",
        "AUDIENCE": "PROJECT_ID",
        "SCOPE_CLAIMS": "roles",
    },
    keys=[
        rsa("a9c5e1f7", use="sig", alg="RS256"),
        other_rsa("b1d3f507", use="sig", alg="RS256"),
    ],
    header={"alg": "RS256", "typ": "JWT", "kid": "a9c5e1f7"},
    tokens=[
        Token(
            "ID token, the only kind that Firebase has", FIREBASE_USER, accepted(by="kQ3nV8sXw2yZ5bC7dF9h")
        ),
        Token(
            "ID token with roles in a custom claim",
            FIREBASE_USER | {"roles": ["keeper"]},
            accepted("keeper", by="kQ3nV8sXw2yZ5bC7dF9h"),
        ),
        Token(
            "ID token of a user with the required sign-in",
            FIREBASE_USER,
            accepted(by="kQ3nV8sXw2yZ5bC7dF9h"),
            settings={"REQUIRED_CLAIMS": "firebase.sign_in_provider=password,email_verified=true"},
        ),
        Token(
            "ID token of an anonymous user",
            without(FIREBASE_USER, "email", "email_verified")
            | {"firebase": {"identities": {}, "sign_in_provider": "anonymous"}},
            lacks("firebase.sign_in_provider"),
            settings={"REQUIRED_CLAIMS": "firebase.sign_in_provider=password,email_verified=true"},
        ),
        Token(
            "ID token of another project, signed with the same keys",
            FIREBASE_USER
            | {"iss": "https://securetoken.google.com/another-project", "aud": "another-project"},
            NOT_THE_ISSUER,
        ),
    ],
)

# https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
GOOGLE_USER = {
    "iss": "https://accounts.google.com",
    "azp": "CLIENT_ID.apps.googleusercontent.com",
    "aud": "CLIENT_ID.apps.googleusercontent.com",
    "sub": "110169484474386276334",
    "hd": "acme.example",
    "email": "ana@acme.example",
    "email_verified": True,
    "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
    "iat": NOW,
    "exp": IN_AN_HOUR,
}
# From memory: a service account may ask for an ID token with any audience.
GOOGLE_SERVICE_ACCOUNT = {
    "iss": "https://accounts.google.com",
    "azp": "103214890123456789012",
    "aud": "https://api.acme.example",
    "sub": "103214890123456789012",
    "email": "worker@PROJECT_ID.iam.gserviceaccount.com",
    "email_verified": True,
    "iat": NOW,
    "exp": IN_AN_HOUR,
}
GOOGLE_MACHINE_SETTINGS = {
    "AUDIENCE": "https://api.acme.example",
    "REQUIRED_CLAIMS": "email=worker@PROJECT_ID.iam.gserviceaccount.com,email_verified=true",
}
GOOGLE = Provider(
    "Google",
    settings={
        "TOKEN_ISSUER": "https://accounts.google.com,accounts.google.com",
        "AUDIENCE": "CLIENT_ID.apps.googleusercontent.com",
        "REQUIRED_CLAIMS": "hd=acme.example",
    },
    keys=[
        rsa("73e25f97", use="sig", alg="RS256"),
        other_rsa("c88d809f", use="sig", alg="RS256"),
    ],
    header={"alg": "RS256", "typ": "JWT", "kid": "73e25f97"},
    tokens=[
        Token(
            "user's ID token",
            GOOGLE_USER,
            accepted(by="110169484474386276334", iss="https://accounts.google.com"),
        ),
        Token(
            "user's ID token with the issuer's other spelling",
            GOOGLE_USER | {"iss": "accounts.google.com"},
            accepted(by="110169484474386276334", iss="accounts.google.com"),
        ),
        Token("ID token of a user outside the organization", without(GOOGLE_USER, "hd"), lacks("hd")),
        Token(
            "ID token for another client",
            GOOGLE_USER | {"aud": "2.apps.googleusercontent.com"},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "service account's ID token",
            GOOGLE_SERVICE_ACCOUNT,
            accepted(by="103214890123456789012", iss="https://accounts.google.com"),
            settings=GOOGLE_MACHINE_SETTINGS,
        ),
        Token(
            "another customer's service account with our audience",
            GOOGLE_SERVICE_ACCOUNT | {"sub": "1", "email": "me@a-stranger.iam.gserviceaccount.com"},
            lacks("email"),
            settings=GOOGLE_MACHINE_SETTINGS,
        ),
        Token(
            "another customer's service account with our audience, without REQUIRED_CLAIMS",
            GOOGLE_SERVICE_ACCOUNT | {"sub": "1", "email": "me@a-stranger.iam.gserviceaccount.com"},
            accepted(by="1", iss="https://accounts.google.com"),
            settings=GOOGLE_MACHINE_SETTINGS | {"REQUIRED_CLAIMS": ""},
        ),
        Token(
            "JWT signed by a service account itself (from memory)",
            {
                "iss": "worker@PROJECT_ID.iam.gserviceaccount.com",
                "sub": "worker@PROJECT_ID.iam.gserviceaccount.com",
                "aud": "https://api.acme.example",
                "iat": NOW,
                "exp": IN_AN_HOUR,
            },
            accepted(by="worker@PROJECT_ID.iam.gserviceaccount.com"),
            settings={
                "TOKEN_ISSUER": "worker@PROJECT_ID.iam.gserviceaccount.com",
                "JWKS_URI": "https://www.googleapis.com/service_accounts/v1/jwk"
                "/worker%40PROJECT_ID.iam.gserviceaccount.com",
                "AUDIENCE": "https://api.acme.example",
                "REQUIRED_CLAIMS": "",
            },
        ),
        Unsigned("access token: opaque", "ya29.a0AfB_byExample-opaque", OPAQUE),
    ],
)
