"""This file is what this deployment expects of a token, read from a mapping of variables."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from .bearer import normal_type
from .errors import ConfigError, InvalidToken
from .fetch import is_safe_url
from .routes import SCOPE, RouteTables, parse_routes

# RFC 7518 section 3.1, RFC 8037 and RFC 9864: only signatures that the issuer alone can make. Never HS*, for
# which the public key would be the secret, and never none.
ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519"),
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")  # alarms count lines of level ERROR
MAX_LEEWAY_SECONDS = 300

DEFAULT_ALGORITHMS = ("RS256",)
DEFAULT_TOKEN_TYPES = ("jwt", "at+jwt")
DEFAULT_SCOPE_CLAIMS = ("scope", "scp", "permissions")
DEFAULT_PRINCIPAL_CLAIMS = ("sub", "client_id", "azp")
DEFAULT_LEEWAY_SECONDS = 5
DEFAULT_LOG_LEVEL = "INFO"

# Variables of the deployment, and of an issuer: these may have a suffix, such as TOKEN_ISSUER__PARTNER. A new
# one needs a field of Issuer, a line in _read_issuer, one in serverless.yml, and one in .env.sample.
DEPLOYMENT_VARIABLES = ("LEEWAY_SECONDS", "LOG_LEVEL", "ROUTE_SCOPES")
REQUIRED_VARIABLES = ("JWKS_URI", "AUDIENCE", "TOKEN_ISSUER")
ISSUER_VARIABLES = (
    *REQUIRED_VARIABLES,
    "ALGORITHMS",
    "TOKEN_TYPES",
    "SCOPE_CLAIMS",
    "ALLOWED_SCOPES",
    "REQUIRED_CLAIMS",
    "PRINCIPAL_CLAIMS",
)
# What looks like one of them must be one of them: a misspelled restriction would be no restriction.
# Without `_` and `-`.
_BEGINNINGS_OF_SETTINGS = (
    *("JWKS", "AUDIENCE", "TOKENISSUER", "ALGORITHM", "TOKENTYPE", "SCOPECLAIM", "SCOPESCLAIM", "ALLOWSCOPE"),
    *("ALLOWEDSCOPE", "REQUIRECLAIM", "REQUIREDCLAIM", "PRINCIPALCLAIM", "PRINCIPALSCLAIM", "PRINCIPLECLAIM"),
    *("LEEWAY", "ROUTESCOPE", "ROUTESSCOPE"),
)


class Issuer(NamedTuple):
    """What is expected of the tokens of one issuer. Nothing of it is ever used for another issuer's."""

    jwks_uri: str
    """Where the issuer publishes its keys (RFC 7517)."""
    audience: tuple[str, ...]
    """A token is for us if its `aud` names one of these."""
    token_issuer: tuple[str, ...]
    """A token's `iss` is one of these, to the letter."""
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    """What a token may be signed with (RFC 7518 section 3.1)."""
    token_types: tuple[str, ...] = DEFAULT_TOKEN_TYPES
    """What a token's header may have as `typ`, in lower case."""
    scope_claims: tuple[str, ...] = DEFAULT_SCOPE_CLAIMS
    """The claims that grant scopes."""
    allowed_scopes: frozenset[str] | None = None
    """The scopes that this issuer may grant. None: all."""
    required_claims: tuple[tuple[str, str | None], ...] = ()
    """Claims that a token must have, and their values. None: any value."""
    principal_claims: tuple[str, ...] = DEFAULT_PRINCIPAL_CLAIMS
    """The claims that say who calls. The first that is there counts."""
    leeway_seconds: int = DEFAULT_LEEWAY_SECONDS
    """By how much the issuer's clock may differ from ours."""
    suffix: str = ""
    """What follows the names of its variables, such as `__PARTNER`."""


class Settings(NamedTuple):
    """The rules of this deployment. `from_environment` reads them, or reports everything that is wrong."""

    issuers: tuple[Issuer, ...]
    routes: RouteTables
    """Which scopes each route needs."""
    log_level: str = DEFAULT_LOG_LEVEL
    resource_metadata: str = ""
    """Where clients find the OAuth metadata of the API (RFC 9728), if it has any."""

    def issuer(self, unverified_iss: object) -> Issuer:
        """Return the issuer that a token claims to be from. Raises InvalidToken if it is not one of ours."""
        if unverified_iss is None:
            raise InvalidToken("iss is missing")
        for issuer in self.issuers:
            if unverified_iss in issuer.token_issuer:
                return issuer
        raise InvalidToken("iss is not in TOKEN_ISSUER")

    @property
    def has_several_issuers(self) -> bool:
        """Whether `sub` alone does not say who calls."""
        return sum(len(issuer.token_issuer) for issuer in self.issuers) > 1

    @staticmethod
    def from_environment(environment: Mapping[str, str], routes: str = "") -> "Settings":
        """Read the settings from a mapping such as `os.environ`. `routes` is the route table of the package.

        Raises ConfigError with one message that names each variable that is missing, wrong or unsafe.
        """
        values = {name: value.strip() for name, value in environment.items() if value.strip()}
        problems = _unknown_names(values)
        leeway = values.get("LEEWAY_SECONDS", str(DEFAULT_LEEWAY_SECONDS))
        if not re.fullmatch("[0-9]{1,3}", leeway) or int(leeway) > MAX_LEEWAY_SECONDS:
            problems.append(f"LEEWAY_SECONDS must be a whole number from 0 to {MAX_LEEWAY_SECONDS}")
            leeway = "0"
        issuers = []
        for suffix in _suffixes(values):
            variables = {name: values[name + suffix] for name in ISSUER_VARIABLES if name + suffix in values}
            issuers.append(_read_issuer(variables, suffix, int(leeway), problems))
        problems += _shared_names(issuers)
        log_level = values.get("LOG_LEVEL", DEFAULT_LOG_LEVEL).upper()
        if log_level not in LOG_LEVELS:
            problems.append(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}")
        tables = RouteTables({})
        try:
            if "ROUTE_SCOPES" in values:
                tables = parse_routes(values["ROUTE_SCOPES"], "ROUTE_SCOPES")
            else:
                tables = parse_routes(routes, "routes.txt")
        except ConfigError as error:
            problems.append(str(error))
        if problems:
            raise ConfigError("; ".join(problems))
        # Not a setting of the operator's: plugins/resource-metadata.cjs sets it.
        resource_metadata = values.get("RESOURCE_METADATA", "")
        return Settings(tuple(issuers), tables, log_level, resource_metadata)


def looks_like_a_setting(name: str) -> bool:
    """Tell whether a variable is a setting, or may be meant for one.

    (LOGLEVEL is something else to many tools.)
    """
    letters = name.upper().replace("_", "").replace("-", "")
    return letters.startswith(_BEGINNINGS_OF_SETTINGS) or name.startswith("LOG_LEVEL")


def _unknown_names(values: Mapping[str, str]) -> list[str]:
    problems = []
    for name in values:
        variable, _, suffix = name.partition("__")
        if not looks_like_a_setting(name) or name in (*DEPLOYMENT_VARIABLES, *ISSUER_VARIABLES):
            continue
        if not suffix or variable not in (*DEPLOYMENT_VARIABLES, *ISSUER_VARIABLES):
            problems.append(f"{name} is not a setting: check its spelling")
        elif variable in DEPLOYMENT_VARIABLES:
            problems.append(f"{name}: {variable} is the same for all issuers, and takes no suffix")
        elif f"TOKEN_ISSUER__{suffix}" not in values:
            problems.append(f"{name} is set, but TOKEN_ISSUER__{suffix} is not")
    return problems


def _suffixes(values: Mapping[str, str]) -> list[str]:
    return ["", *(name.removeprefix("TOKEN_ISSUER") for name in values if re.match("TOKEN_ISSUER__.", name))]


def _shared_names(issuers: list[Issuer]) -> list[str]:
    owners: dict[str, str] = {}
    problems = []
    for issuer in issuers:
        for name in issuer.token_issuer:
            owner = owners.setdefault(name, issuer.suffix)
            if owner != issuer.suffix:
                problems.append(f"TOKEN_ISSUER{issuer.suffix} repeats an issuer of TOKEN_ISSUER{owner}")
    return problems


def _read_issuer(values: dict[str, str], suffix: str, leeway: int, problems: list[str]) -> Issuer:
    """Return the issuer whose variables, without their suffix, are `values`.

    Problems are added to `problems`.
    """
    problems += _missing(values, suffix)

    def listed(
        name: str, default: tuple[str, ...], is_valid: Callable[[str], object] = bool, rule: str = ""
    ) -> tuple[str, ...]:
        if name not in values:
            return default
        items = tuple(dict.fromkeys(item.strip() for item in values[name].split(",") if item.strip()))
        if not items:
            problems.append(f"{name}{suffix} has no value")
        elif not all(map(is_valid, items)):
            problems.append(f"{name}{suffix} {rule}")
        return items

    def names(name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return listed(name, default, re.compile(r"\S+").fullmatch, "must be names, separated by commas")

    algorithms = listed(
        "ALGORITHMS",
        DEFAULT_ALGORITHMS,
        ALGORITHMS.__contains__,
        f"must be one or more of {', '.join(ALGORITHMS)}",
    )
    if "EdDSA" in algorithms:
        algorithms = (*algorithms, "Ed25519")  # the newer name of the same signatures
    allowed = listed("ALLOWED_SCOPES", (), SCOPE.fullmatch, "must be scopes, separated by commas")
    required = listed(
        "REQUIRED_CLAIMS",
        (),
        lambda item: re.fullmatch("[^=]+(=.+)?", item),
        "must be claims such as org_id=acme or email, separated by commas",
    )
    jwks_uri = values.get("JWKS_URI", "")
    if jwks_uri and not is_safe_url(jwks_uri):
        problems.append(f"JWKS_URI{suffix} must be an https:// URL (http:// for a loopback host only)")
    types = names("TOKEN_TYPES", DEFAULT_TOKEN_TYPES)
    return Issuer(
        jwks_uri=jwks_uri,
        audience=listed("AUDIENCE", ()),
        token_issuer=listed("TOKEN_ISSUER", ()),
        algorithms=algorithms,
        token_types=tuple(map(normal_type, types)),
        scope_claims=names("SCOPE_CLAIMS", DEFAULT_SCOPE_CLAIMS),
        allowed_scopes=frozenset(allowed) or None,
        required_claims=tuple(_required_claim(item) for item in required),
        principal_claims=names("PRINCIPAL_CLAIMS", DEFAULT_PRINCIPAL_CLAIMS),
        leeway_seconds=leeway,
        suffix=suffix,
    )


def _missing(values: dict[str, str], suffix: str) -> list[str]:
    """Return what is required but missing. A placeholder of .env.sample is removed from `values`."""
    problems = []
    has_issuer = "<" not in values.get("TOKEN_ISSUER", "<")
    for name in REQUIRED_VARIABLES:
        if "<" in values.get(name, ""):
            problems.append(f"{name}{suffix} is still {values.pop(name)}, as in .env.sample")
        # Discovery finds it before a deployment, once the issuer is known.
        elif name not in values and (name != "JWKS_URI" or has_issuer):
            problems.append(f"{name}{suffix} is not set")
    return problems


def _required_claim(item: str) -> tuple[str, str | None]:
    name, separator, value = (part.strip() for part in item.partition("="))
    return name, value if separator else None
