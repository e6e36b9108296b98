"""This file is the log: one line of JSON for each decision, and for each failed fetch."""

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, InvalidToken, KeysUnavailable

if TYPE_CHECKING:
    from .authorizer import Decision

MAX_SCOPES = 20
MAX_KID_LENGTH = 64

log = logging.getLogger("auth")


class JsonLines(logging.Handler):
    """Prints each record as one line of ASCII JSON, so that nothing in a token can split or forge a line."""

    def emit(self, record: logging.LogRecord) -> None:
        line = {"level": record.levelname, "event": record.getMessage()}
        print(json.dumps(line | getattr(record, "details", {})), flush=True)


def set_up() -> None:
    """Print the records of this package. Lambda's own handler does not print them a second time."""
    log.addHandler(JsonLines())
    log.propagate = False


def log_policy(decision: "Decision", request_id: str | None) -> None:
    """Log a policy, and what explains a 403: the route that was asked for, and the token's scopes."""
    if not log.isEnabledFor(logging.INFO):
        return
    scopes, table, route = decision.claims.scopes, decision.table, decision.route
    details: dict[str, object] = {"subject": _pseudonym(decision)}
    reason = "granted"
    if table:
        details["scopes"] = sorted(scopes & table.scopes)[:MAX_SCOPES]
        if route is None:
            reason = "the route is not in the route table"
        else:
            details["route"] = route.key
            if missing := route.scopes - scopes:
                reason = f"missing scopes: {' '.join(sorted(missing))}"
    if decision.refusal:
        reason = f"refused_by_rule: {decision.refusal}"
    _log(logging.INFO, "policy", reason, request_id, details)


def log_invalid_token(refusal: InvalidToken, request_id: str | None) -> None:
    kid = {"kid": refusal.kid[:MAX_KID_LENGTH]} if refusal.kid else {}
    _log(logging.INFO, "unauthorized", str(refusal), request_id, kid)


def log_failure(error: KeysUnavailable | ConfigError, request_id: str | None) -> None:
    outcome = "keys_unavailable" if isinstance(error, KeysUnavailable) else "config_error"
    _log(logging.ERROR, outcome, str(error), request_id, {})


def _log(
    level: int, outcome: str, reason: str, request_id: str | None, details: Mapping[str, object]
) -> None:
    line: dict[str, Any] = {"outcome": outcome, "reason": reason, "request_id": request_id, **details}
    log.log(level, "decision", extra={"details": line})


def _pseudonym(decision: "Decision") -> str:
    """Return a short hash of who calls, which tells callers apart.

    It can be found out by trying candidates, so that a log with it remains personal data.
    """
    text = f"{decision.claims.issuer} {decision.claims.principal}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
