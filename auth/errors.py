"""This file is what can go wrong, and whose fault it is: handler.py has nothing else to tell apart."""


class InvalidToken(Exception):
    """The caller's fault: there is no token, or it is not valid. API Gateway answers 401.

    Its text is the reason. It is logged, so it must not contain any part of the token. The `kid` is the one
    exception, since it helps to find a missing key.
    """

    def __init__(self, reason: str, *, kid: str | None = None) -> None:
        super().__init__(reason)
        self.kid = kid


class KeysUnavailable(Exception):
    """The issuer's fault: its keys can't be fetched, and none that are cached will do.

    API Gateway answers 500.
    """


class ConfigError(Exception):
    """The operator's fault: a setting, or the event that reaches the function, is wrong.

    API Gateway answers 500.
    """
