"""An authorizer with a key store of its own, which asks a JWKS server, and a clock that a test moves."""

from dataclasses import dataclass, field
from typing import Any

from auth import InvalidToken, Issuer, KeysUnavailable, Settings
from auth.authorizer import decide
from auth.fetch import fetch
from auth.keys import KeyStore
from auth.routes import parse_routes
from tests.support.jwks_server import JwksServer, answer
from tests.support.tokens import AUDIENCE, ISSUER, SigningKey, jwks, make_event

# In seconds.
MINUTE = 60
DAY = 24 * 3600


@dataclass
class Clock:
    """A wall clock that stands still until it is moved."""

    now: float = 1_000_000_000

    def __call__(self) -> float:
        return self.now


@dataclass
class Authorizer:
    """Decides over tokens as the deployed function does, with the status that API Gateway would answer."""

    issuer: JwksServer
    algorithms: tuple[str, ...] = ("RS256",)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        issuer = Issuer(self.issuer.url, (AUDIENCE,), (ISSUER,), self.algorithms)
        self.settings = Settings((issuer,), parse_routes("*"))
        self.keys = KeyStore(self.issuer.url, self.algorithms, fetch=fetch, clock=self.clock)

    @property
    def fetches(self) -> int:
        return len(self.issuer.requests)

    def publish(self, *keys: SigningKey | dict[str, Any]) -> None:
        """Let the issuer publish these keys from now on."""
        self.issuer.behave = answer(jwks(*keys))

    def status(self, token: str) -> int:
        """Return the status for a token: 200, 401, or 500 if there are no keys."""
        try:
            decide(make_event(token), self.settings, {self.settings.issuers[0]: self.keys})
        except InvalidToken:
            return 401
        except KeysUnavailable:
            return 500
        return 200
