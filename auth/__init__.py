"""A bearer token in, an IAM policy out.

event --> bearer --> jwks --> claims --> policy --> response
unverified  keys     verified   allowed

authorizer.py   the decision, in order
bearer.py       what the event claims, before anyone verified it
jwks.py         the issuer's keys: the only network
claims.py       what the token says once it holds
policy.py       what the caller may invoke
settings.py     what this deployment expects of a token
errors.py       what can go wrong, by whose fault
"""

from .authorizer import Response, authorize
from .errors import ConfigError, InvalidToken, KeysUnavailable
from .jwks import KeyStore
from .settings import Settings

__all__ = [
    "ConfigError",
    "InvalidToken",
    "KeyStore",
    "KeysUnavailable",
    "Response",
    "Settings",
    "authorize",
]
