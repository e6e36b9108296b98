"""What can go wrong, by whose fault: that is all that handler.py has to tell apart."""


class InvalidToken(Exception):
    """The caller's fault: there is no token, or it does not hold. API Gateway answers 401.

    Its text is the reason, in words of ours: it is logged, so no part of a token may stand in it.
    Of what the token says, only the `kid` is logged, where that helps to find a lost key.
    """

    def __init__(self, reason: str, *, kid: str | None = None) -> None:
        super().__init__(reason)
        self.kid = kid


class KeysUnavailable(Exception):
    """The issuer's fault: its keys can't be had, and none are held. API Gateway answers 500."""


class ConfigError(Exception):
    """The operator's fault: a setting, or what invokes the function, is wrong. Answers 500."""
