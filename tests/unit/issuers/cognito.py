"""Amazon Cognito.

From the documentation; "from memory" says where that could not be looked up.
"""

from tests.unit.issuers.shapes import (
    ENCRYPTED,
    IN_AN_HOUR,
    JWE,
    NO_AUDIENCE,
    NOT_AN_AUDIENCE,
    NOT_THE_ISSUER,
    NOW,
    Provider,
    Rejected,
    Token,
    Unsigned,
    accepted,
    other_rsa,
    rsa,
    without,
)

# https://docs.aws.amazon.com/cognito/latest/developerguide/
#   amazon-cognito-user-pools-using-the-access-token.html
COGNITO_USER = {
    "sub": "b3d4c852-7061-70c9-9b1f-5f2d8c6e1a47",
    "cognito:groups": ["keepers"],
    "iss": "https://cognito-idp.eu-central-1.amazonaws.com/POOL_ID",
    "version": 2,
    "client_id": "CLIENT_ID",
    "origin_jti": "5b9f50a3-05da-454a-8b99-b79c2349de77",
    "event_id": "0ed5ad5c-7182-4ecf-ad2e-45d4b4e1f5b3",
    "token_use": "access",
    "scope": "openid pets-api/read",
    "auth_time": NOW - 60,
    "iat": NOW,
    "exp": IN_AN_HOUR,
    "jti": "8b4d1f5e-1d5e-4a41-8c2e-1f8a2b7f7b61",
    "username": "ana",
}
COGNITO_ID_TOKEN = {
    "sub": "b3d4c852-7061-70c9-9b1f-5f2d8c6e1a47",
    "cognito:groups": ["keepers"],
    "iss": "https://cognito-idp.eu-central-1.amazonaws.com/POOL_ID",
    "aud": "CLIENT_ID",
    "cognito:username": "ana",
    "email": "ana@acme.example",
    "token_use": "id",
    "auth_time": NOW - 60,
    "iat": NOW,
    "exp": IN_AN_HOUR,
}
COGNITO_POOLS_KEYS = [
    rsa("fCb4Zk1tQx8=", use="sig", alg="RS256"),
    other_rsa("Ub9pLh3sWn2=", use="sig", alg="RS256"),  # which signs the ID tokens
]
COGNITO = Provider(
    "Amazon Cognito",
    settings={
        "TOKEN_ISSUER": "https://cognito-idp.eu-central-1.amazonaws.com/POOL_ID",
        "AUDIENCE": "CLIENT_ID",
    },
    keys=COGNITO_POOLS_KEYS,
    header={"alg": "RS256", "kid": "fCb4Zk1tQx8="},
    tokens=[
        Token(
            "user token from the managed login: client_id instead of aud",
            COGNITO_USER,
            accepted("openid", "pets-api/read", by="b3d4c852-7061-70c9-9b1f-5f2d8c6e1a47"),
        ),
        Token(
            "user token from an SDK login: only Cognito's own scope",
            COGNITO_USER | {"scope": "aws.cognito.signin.user.admin"},
            accepted("aws.cognito.signin.user.admin", by="b3d4c852-7061-70c9-9b1f-5f2d8c6e1a47"),
        ),
        Token(
            "user token from an SDK login, with groups as scopes",
            COGNITO_USER | {"scope": "aws.cognito.signin.user.admin"},
            accepted("aws.cognito.signin.user.admin", "keepers", by="b3d4c852-7061-70c9-9b1f-5f2d8c6e1a47"),
            settings={"SCOPE_CLAIMS": "scope,cognito:groups"},
        ),
        Token(
            "machine token (client credentials)",
            without(COGNITO_USER, "cognito:groups", "username", "event_id", "origin_jti")
            | {"sub": "CLIENT_ID", "scope": "pets-api/read pets-api/write"},
            accepted("pets-api/read", "pets-api/write", by="CLIENT_ID"),
        ),
        Token(
            "token for a resource (RFC 8707): aud and client_id (from memory)",
            COGNITO_USER | {"aud": "https://api.acme.example"},
            accepted("openid", "pets-api/read", by="b3d4c852-7061-70c9-9b1f-5f2d8c6e1a47"),
            settings={"AUDIENCE": "https://api.acme.example"},
        ),
        Token(
            "token without a resource, when AUDIENCE is a resource",
            COGNITO_USER,
            Rejected("client_id is not in AUDIENCE"),
            settings={"AUDIENCE": "https://api.acme.example"},
        ),
        Token(
            "aud of another API beside a client_id in AUDIENCE",
            COGNITO_USER | {"aud": "https://another-api.acme.example"},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "token of another client of the pool",
            COGNITO_USER | {"client_id": "3k2j1h0g9f8e7d6c5b4a"},
            Rejected("client_id is not in AUDIENCE"),
        ),
        Token(
            "client_id is a list",
            COGNITO_USER | {"client_id": ["CLIENT_ID"]},
            Rejected("client_id is not in AUDIENCE"),
        ),
        Token(
            "aud is an empty list beside a client_id in AUDIENCE",
            COGNITO_USER | {"aud": []},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "ID token of the same client",
            COGNITO_ID_TOKEN,
            Rejected("token_use is not access: not an access token"),
            header={"alg": "RS256", "kid": "Ub9pLh3sWn2="},
            pair="other RSA",
        ),
        Token(
            "ID token without aud, but with client_id",
            without(COGNITO_ID_TOKEN, "aud") | {"client_id": "CLIENT_ID"},
            NO_AUDIENCE,
        ),
        Token(
            "token of another pool",
            COGNITO_USER | {"iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other00"},
            NOT_THE_ISSUER,
        ),
        Token(
            "identity pool token: RS512 and typ JWS (from memory)",
            {
                "sub": "eu-central-1:6b1c9c0e-1c1b-4d3f-8f53-3a3b2d9c1e57",
                "aud": "eu-central-1:IDENTITY_POOL",
                "amr": ["authenticated", "cognito-idp.eu-central-1.amazonaws.com/POOL_ID"],
                "iss": "https://cognito-identity.amazonaws.com",
                "exp": IN_AN_HOUR,
                "iat": NOW,
            },
            accepted(by="eu-central-1:6b1c9c0e-1c1b-4d3f-8f53-3a3b2d9c1e57"),
            settings={
                "TOKEN_ISSUER": "https://cognito-identity.amazonaws.com",
                "AUDIENCE": "eu-central-1:IDENTITY_POOL",
                "ALGORITHMS": "RS512",
                "TOKEN_TYPES": "JWS",
            },
            header={"alg": "RS512", "typ": "JWS", "kid": "eu-central-11"},
            keys=[rsa("eu-central-11", use="sig", alg="RS512")],
        ),
        Unsigned("refresh token: encrypted", JWE, ENCRYPTED),
    ],
)
