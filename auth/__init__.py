"""A bearer token in, an IAM policy out. The files are the steps, from left to right:

event --> request --> token --> key --> claims --> rules -------> scopes --> policy --> answer
          events      bearer    keys    claims     custom_rules   routes     policy     events
                      not yet verified  verified

authorizer.py   the decision: calls the steps in order
events.py       what API Gateway asks, and how it wants to be answered
bearer.py       what the token claims before anyone verified it
keys.py         the key store: keeps an issuer's keys, and knows when to fetch them, or to read the backup
jwks.py         a JWKS: which of its keys are usable
fetch.py        the only network, except for the backup
backup.py       a copy of each JWKS in S3, for environments that start while the issuer is down
claims.py       what the token says once it is verified
custom_rules.py the functions of rules.py, the deployer's own: loads them, and checks what they return
read_only.py    the claims as these functions get them
routes.py       which scopes each route needs
policy.py       one policy for the whole API
challenge.py    what a 403 tells the client
settings.py     what this deployment expects of a token
logs.py         one line of JSON for each decision
errors.py       what can go wrong, and whose fault it is

auth.authorizer and auth.keys are not imported here: they need PyJWT and cryptography, whose import is the
slowest part of a cold start. handler.py starts to fetch the keys before that.
"""

from .errors import ConfigError, InvalidToken, KeysUnavailable
from .fetch import fetch, start_fetch
from .settings import Issuer, Settings

__all__ = [
    "ConfigError",
    "InvalidToken",
    "Issuer",
    "KeysUnavailable",
    "Settings",
    "fetch",
    "start_fetch",
]
