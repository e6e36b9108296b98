"""Settings for some providers, tokens of theirs, and what they publish.

They are shaped as in the documentation of the providers. All names are made up.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.tokens import SigningKey, jwks

NOW = int(time.time())
TIMES = {"iat": NOW, "nbf": NOW, "exp": NOW + 3600}
API = "https://your-api-gateway"

ENTRA_ISSUER = "https://login.microsoftonline.com/TENANT/v2.0"
ENTRA_KEYS = "https://login.microsoftonline.com/TENANT/discovery/v2.0/keys"
ENTRA = {
    "TOKEN_ISSUER": ENTRA_ISSUER,
    "JWKS_URI": ENTRA_KEYS,
    "AUDIENCE": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
}
ENTRA_TOKEN = {
    "iss": ENTRA_ISSUER,
    "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "azp": "d9f1c2b0-5b9e-4a35-8b86-4f3d4f7f2a11",
    "oid": "1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08",
    "sub": "1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08",
    "tid": "TENANT",
    "ver": "2.0",
    **TIMES,
}
ENTRA_V1_ISSUER = "https://sts.windows.net/TENANT/"
ENTRA_V1_KEYS = "https://login.microsoftonline.com/TENANT/discovery/keys"
ENTRA_V1 = {
    "TOKEN_ISSUER": ENTRA_V1_ISSUER,
    "JWKS_URI": ENTRA_V1_KEYS,
    "AUDIENCE": "api://6e74172b-be56-4843-9ff4-e66a39bb12e3",
}
ENTRA_V1_TOKEN = {
    "iss": ENTRA_V1_ISSUER,
    "aud": "api://6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "appid": "d9f1c2b0-5b9e-4a35-8b86-4f3d4f7f2a11",
    "oid": "1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08",
    "sub": "1f4b7a92-6a0e-4a7e-b8cf-3d2f5e9a6c08",
    "tid": "TENANT",
    "ver": "1.0",
    **TIMES,
}
KEYCLOAK_ISSUER = "https://sso.example/realms/zoo"
KEYCLOAK = {"TOKEN_ISSUER": KEYCLOAK_ISSUER, "AUDIENCE": "pets-api"}
KEYCLOAK_TOKEN = {
    "iss": KEYCLOAK_ISSUER,
    "aud": ["pets-api", "account"],
    "sub": "f8c1e2d3-0a4b-4c5d-8e6f-7a8b9c0d1e2f",
    "typ": "Bearer",
    "azp": "pets-web",
    "scope": "openid email",
    "realm_access": {"roles": ["offline_access", "uma_authorization"]},
    **TIMES,
}
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITHUB_TOKEN = {
    "iss": GITHUB_ISSUER,
    "aud": API,
    "sub": "repo:acme/pets:ref:refs/heads/main",
    "ref": "refs/heads/main",
    "repository": "acme/pets",
    "repository_id": "123456789",
    "repository_owner": "acme",
    "repository_owner_id": "87654321",
    **TIMES,
}
GOOGLE = {
    "TOKEN_ISSUER": "https://accounts.google.com,accounts.google.com",
    "ROUTE_SCOPES": "GET /pets",
}
GOOGLE_TOKEN = {
    "iss": "https://accounts.google.com",
    "sub": "110169484474386276334",
    "email": "ana@acme.example",
    "email_verified": True,
    "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
    **TIMES,
}
COGNITO_ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab129faBb"
COGNITO_TOKEN = {
    "iss": COGNITO_ISSUER,
    "sub": "3e2d9c1f8b7a6e5d4c3b2a1908",
    "token_use": "access",
    "client_id": "3e2d9c1f8b7a6e5d4c3b2a1908",
    "scope": "pets-api/read",
    "version": 2,
    **TIMES,
}
AUTH0_ISSUER = "https://acme.eu.auth0.com/"
AUTH0 = {"TOKEN_ISSUER": AUTH0_ISSUER, "AUDIENCE": API}
AUTH0_TOKEN = {
    "iss": AUTH0_ISSUER,
    "aud": [API, f"{AUTH0_ISSUER}userinfo"],
    "sub": "auth0|1",
    "azp": "web",
    "scope": "openid read:pets",
    **TIMES,
}
PARTNER = {"TOKEN_ISSUER__PARTNER": "https://partner.example/", "AUDIENCE__PARTNER": API}


@dataclass(frozen=True)
class Site:
    """A discovery document, and a key set."""

    issuer: str
    jwks_uri: str
    jwk: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the key of the token, as it is published here."""
    has_key: bool = True
    """Whether that key is published here, and not another one."""
    place: str = ""
    """The URL above the document, if it is not the issuer's."""

    def pages(self, key: SigningKey, another_key: SigningKey) -> dict[str, bytes]:
        url = (self.place or self.issuer).rstrip("/") + "/.well-known/openid-configuration"
        return {
            url: json.dumps({"issuer": self.issuer, "jwks_uri": self.jwks_uri}).encode(),
            self.jwks_uri: jwks(key.jwk(**self.jwk) if self.has_key else another_key),
        }


ENTRA_SITE = Site(ENTRA_ISSUER, ENTRA_KEYS, {"alg": None, "issuer": ENTRA_ISSUER})
ENTRA_V1_SITE = Site(ENTRA_V1_ISSUER, ENTRA_V1_KEYS, {"alg": None})
KEYCLOAK_SITE = Site(KEYCLOAK_ISSUER, f"{KEYCLOAK_ISSUER}/protocol/openid-connect/certs")
GITHUB_SITE = Site(GITHUB_ISSUER, f"{GITHUB_ISSUER}/.well-known/jwks")
AUTH0_SITE = Site(AUTH0_ISSUER, f"{AUTH0_ISSUER}.well-known/jwks.json")
GOOGLE_SITE = Site("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs")
PARTNER_SITE = Site("https://partner.example/", "https://partner.example/jwks.json")


def web(sites: tuple[Site, ...], key: SigningKey, another_key: SigningKey) -> Callable[[str], bytes]:
    """Return a fetch that finds the pages of these sites, and nothing else."""
    pages = {url: body for site in sites for url, body in site.pages(key, another_key).items()}

    def fetch(url: str) -> bytes:
        if url not in pages:
            raise OSError("HTTP status 404")
        return pages[url]

    return fetch
