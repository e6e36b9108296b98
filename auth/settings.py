"""What this deployment expects of a token, read once from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from .errors import ConfigError
from .policy import RouteTable, compile_routes

# RFC 7518 section 3.1 and RFC 8037: only signatures that the issuer alone can make. Never HS*, whose
# key would be the public one, and never none.
ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")  # a higher one would silence the alarms
MAX_LEEWAY_SECONDS = 300


@dataclass(frozen=True)
class Settings:
    """The rules of this deployment. `from_environment` makes one, or says all that is wrong."""

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
    log_level: str = "INFO"

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "Settings":
        """Read the settings from `environment`, where `os.environ` has them.

        Raises ConfigError with one line for each variable that is missing, wrong or unsafe.
        """
        values = {name: value.strip() for name, value in environment.items()}
        problems = _missing(values)
        jwks_uri = values.get("JWKS_URI", "")
        if jwks_uri and not _is_safe_url(jwks_uri):
            problems.append("JWKS_URI must be an https:// URL (http:// for a loopback host only)")
        audience = _listed(values.get("AUDIENCE", ""))
        if values.get("AUDIENCE") and not audience:
            problems.append("AUDIENCE names no audience")
        algorithms = _listed(values.get("ALGORITHMS", "RS256"))
        if not algorithms or not set(algorithms) <= set(ALGORITHMS):
            problems.append(f"ALGORITHMS must name some of {', '.join(ALGORITHMS)}")
        leeway = values.get("LEEWAY_SECONDS", "5")
        if not re.fullmatch("[0-9]{1,3}", leeway) or int(leeway) > MAX_LEEWAY_SECONDS:
            problems.append(f"LEEWAY_SECONDS must be a whole number from 0 to {MAX_LEEWAY_SECONDS}")
        log_level = values.get("LOG_LEVEL", "INFO").upper()
        if log_level not in LOG_LEVELS:
            problems.append(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}")
        routes = None
        if "ROUTE_SCOPES" in environment:
            try:
                routes = compile_routes(environment["ROUTE_SCOPES"])
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
            log_level=log_level,
        )


def _missing(values: dict[str, str]) -> list[str]:
    """Say what is required and not there. What .env.sample says in its place is taken out of `values`."""
    problems = []
    for name in ("JWKS_URI", "AUDIENCE", "TOKEN_ISSUER"):
        if values.get(name, "").startswith("<"):
            problems.append(f"{name} is still {values.pop(name)}, as in .env.sample")
        elif not values.get(name):
            problems.append(f"{name} is not set")
    return problems


def _listed(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.strip() for item in value.split(",") if item.strip()))


def _is_safe_url(value: str) -> bool:
    """Keys that come without TLS may be anybody's, and a password in a URL ends up in the logs."""
    try:
        url = urlsplit(value)
        host = url.hostname or ""
        _ = url.port  # read to be checked
    except ValueError:
        return False
    return (
        value.isprintable()
        and " " not in value
        and "@" not in url.netloc
        and not url.fragment
        and ((url.scheme == "https" and host != "") or (url.scheme == "http" and _is_loopback(host)))
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False
