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

`authorize` is in auth.authorizer and not here, as it brings PyJWT and cryptography: their import is the
slowest part of a cold start, and the keys are asked for before it.
"""

from .errors import ConfigError, InvalidToken, KeysUnavailable
from .jwks import KeyStore, begin_fetch
from .settings import Settings

__all__ = [
    "ConfigError",
    "InvalidToken",
    "KeyStore",
    "KeysUnavailable",
    "Settings",
    "begin_fetch",
]
