"""This file is what this deployment expects of a token, read from a mapping of variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import ConfigError
from .fetch import is_safe_url
from .policy import PolicyTable
from .routes import RouteTable, parse_routes

# RFC 7518 section 3.1 and RFC 8037: only signatures that the issuer alone can make. Never HS*, for which the
# public key would be the secret, and never none.
ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")  # alarms count lines of level ERROR
MAX_LEEWAY_SECONDS = 300


@dataclass(frozen=True)
class Settings:
    """The rules of this deployment. `from_environment` reads them, or reports everything that is wrong."""

    jwks_uri: str
    """Where the issuer publishes its keys (RFC 7517)."""
    audience: tuple[str, ...]
    """A token is for us if its `aud` names one of these."""
    token_issuer: str
    """A token's `iss` is this, to the letter."""
    algorithms: tuple[str, ...] = ("RS256",)
    """What a token may be signed with (RFC 7518 section 3.1)."""
    leeway_seconds: int = 5
    """By how much the issuer's clock may differ from ours."""
    routes: RouteTable | None = None
    """Which scopes each route needs. None: any valid token may invoke the whole stage."""
    policies: PolicyTable = field(default_factory=lambda: PolicyTable(None))
    """What `routes` mean for each set of scopes."""
    log_level: str = "INFO"

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "Settings":
        """Read the settings from a mapping such as `os.environ`.

        Raises ConfigError with one message that names each variable that is missing, wrong or unsafe.
        """
        values = {name: value.strip() for name, value in environment.items()}
        problems = _missing(values)
        jwks_uri = values.get("JWKS_URI", "")
        if jwks_uri and not is_safe_url(jwks_uri):
            problems.append("JWKS_URI must be an https:// URL (http:// for a loopback host only)")
        audience = _listed(values.get("AUDIENCE", ""))
        if values.get("AUDIENCE") and not audience:
            problems.append("AUDIENCE has no value")
        algorithms = _listed(values.get("ALGORITHMS", "RS256"))
        if not algorithms or not set(algorithms) <= set(ALGORITHMS):
            problems.append(f"ALGORITHMS must name some of {', '.join(ALGORITHMS)}")
        leeway = values.get("LEEWAY_SECONDS", "5")
        if not re.fullmatch("[0-9]{1,3}", leeway) or int(leeway) > MAX_LEEWAY_SECONDS:
            problems.append(f"LEEWAY_SECONDS must be a whole number from 0 to {MAX_LEEWAY_SECONDS}")
        log_level = values.get("LOG_LEVEL", "INFO").upper()
        if log_level not in LOG_LEVELS:
            problems.append(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}")
        routes, policies = None, PolicyTable(None)
        if "ROUTE_SCOPES" in environment:
            try:
                routes = parse_routes(environment["ROUTE_SCOPES"])
                policies = PolicyTable(routes)
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("; ".join(problems))
        return Settings(
            jwks_uri=jwks_uri,
            audience=audience,
            token_issuer=values["TOKEN_ISSUER"],
            algorithms=algorithms,
            leeway_seconds=int(leeway),
            routes=routes,
            policies=policies,
            log_level=log_level,
        )


def _missing(values: dict[str, str]) -> list[str]:
    """Return what is required but missing. A placeholder of .env.sample is removed from `values`."""
    problems = []
    for name in ("JWKS_URI", "AUDIENCE", "TOKEN_ISSUER"):
        if values.get(name, "").startswith("<"):
            problems.append(f"{name} is still {values.pop(name)}, as in .env.sample")
        elif not values.get(name):
            problems.append(f"{name} is not set")
    return problems


def _listed(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.strip() for item in value.split(",") if item.strip()))
