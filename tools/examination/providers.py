"""What is known about providers: how their issuers and tokens are recognized, and what is peculiar to them.

The authorizer itself knows no provider. This is only for words and for settings to try.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

# Anybody can get a token of these issuers, and most of them let the caller choose the audience. For each, the
# claims that say whose a token is; the first ones are the safest, since names can be given away and reused.
_GOOGLE = ("hd", "azp", "sub", "email")
SHARED_ISSUERS: Mapping[str, tuple[str, ...]] = {
    "https://accounts.google.com": _GOOGLE,
    "accounts.google.com": _GOOGLE,
    "https://agent.buildkite.com": (*("organization_id", "pipeline_id", "organization_slug", "sub"),),
    "https://app.terraform.io": (
        *("terraform_organization_id", "terraform_workspace_id", "terraform_organization_name", "sub"),
    ),
    "https://gitlab.com": ("namespace_id", "project_id", "namespace_path", "project_path", "sub"),
    "https://token.actions.githubusercontent.com": (
        *("repository_owner_id", "repository_id", "repository_owner", "repository"),
        *("job_workflow_ref", "workflow_ref", "sub"),
    ),
}

# Claims that name the client that requested a token.
CLIENT_CLAIMS = ("appid", "azp", "cid", "client_id")

# Microsoft Entra ID, in all clouds: the hosts of v2 and v1 issuers.
_ENTRA_HOST = re.compile(r"(.+\.)?(microsoftonline\.(com|us|cn)|ciamlogin\.com|b2clogin\.com)")
_ENTRA_V1_HOST = re.compile(r"sts\.(windows\.net|chinacloudapi\.cn|microsoftonline\.us)")

# Microsoft Graph as an audience. Only Graph can verify such a token, whose signature is over another header.
_GRAPH = frozenset({"00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"})
FOR_GRAPH = (
    "It is for Microsoft Graph, which alone can verify it. Request a token with a scope of this API, such as"
    " api://<client id of the API>/.default."
)

# The clients of each Keycloak realm, which are in `aud` if the user has a role there.
_KEYCLOAK_CLIENTS = frozenset(
    {"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}
)
KEYCLOAK_AUDIENCE = (
    "In Keycloak, add a mapper of the type Audience to the client that requests the token, or to one of its"
    " client scopes: it writes the name of this API to aud."
)


def is_entra_v1(token_issuer: str) -> bool:
    return bool(_ENTRA_V1_HOST.fullmatch(_host(token_issuer)))


def is_entra(token_issuer: str) -> bool:
    return is_entra_v1(token_issuer) or bool(_ENTRA_HOST.fullmatch(_host(token_issuer)))


def is_other_version(iss: str, token_issuer: Collection[str]) -> bool:
    """Tell whether this is the issuer of Entra ID's v1 tokens, and v2 tokens of a tenant are expected."""
    tenant = iss.rstrip("/").rpartition("/")[2]
    return (
        is_entra_v1(iss)
        and not any(map(is_entra_v1, token_issuer))
        and any(is_entra(name) or tenant in name.split("/") for name in token_issuer)
    )


def is_entras(claims: Mapping[str, Any]) -> bool:
    """Tell whether a token is Entra ID's. An issuer may have a host of the customer's own."""
    return is_entra(str(claims.get("iss"))) or {"tid", "oid", "ver"} <= claims.keys()


def entra_client_claim(claims: Mapping[str, Any]) -> str:
    """Return the claim that Entra ID's access tokens have, and its ID tokens do not: who requested it.

    Of a token, the claims are needed that it has; of an issuer, only `iss`.
    """
    is_v1 = is_entra_v1(str(claims.get("iss"))) or ("appid" in claims and "azp" not in claims)
    return "appid" if is_v1 else "azp"


def is_keycloak(claims: Mapping[str, Any]) -> bool:
    roles = ("realm_access", "resource_access")
    return claims.get("typ") == "Bearer" or any(isinstance(claims.get(name), dict) for name in roles)


def is_keycloaks_own(audience: str) -> bool:
    return audience in _KEYCLOAK_CLIENTS


def is_graph(audience: str) -> bool:
    return audience.rstrip("/") in _GRAPH


def names_an_api(audience: str, claims: Mapping[str, Any]) -> bool:
    """Tell whether this member of `aud` may be an API of the operator's.

    An issuer that adds an endpoint of its own, such as Auth0's /userinfo, does not mean this API by it.
    """
    iss = str(claims.get("iss")).rstrip("/")
    is_issuers_own = audience == iss or audience.startswith(f"{iss}/")
    is_realms_own = is_keycloak(claims) and is_keycloaks_own(audience)
    return not (is_issuers_own or is_realms_own or is_graph(audience))


def _host(token_issuer: str) -> str:
    try:
        return urlsplit(token_issuer).hostname or ""
    except ValueError:
        return ""
