"""How checks run, and how a setting is tried before it is recommended.

A check finds faults in a case, and names settings that may correct each of them. Such a setting is
recommended only if the checks were run with it and found fewer faults. Later checks then run as if it were
written, so that everything that is wrong is reported at once, and each fault once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

from auth import ConfigError, Settings

from .discovery import Fetch

# What stands for itself in a .env file and in a shell, and is nothing to a terminal or a CI runner.
_PLAIN = re.compile(r"[A-Za-z0-9._~:/?&=@+%,-]{1,500}")


@dataclass(frozen=True)
class Setting:
    """A line of a settings file."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}"

    @property
    def is_plain(self) -> bool:
        """It can be copied as it stands, and holds no password."""
        return bool(_PLAIN.fullmatch(self.value)) and "@" not in urlsplit(self.value).netloc


@dataclass(frozen=True)
class Finding:
    """One thing that was examined. What is WRONG must not be deployed."""

    level: Literal["ok", "note", "WRONG"]
    subject: str
    text: str
    recommended: Setting | None = None


@dataclass(frozen=True)
class Fault:
    """Something wrong, and what may correct it."""

    subject: str
    text: str
    candidates: tuple[Setting, ...] = ()
    """Settings to try; the first one that helps is recommended."""
    advice: str = "Write"
    """What introduces the setting that is recommended."""
    otherwise: str = ""
    """What to do if none is."""
    placeholder: Setting | None = None
    """If none is, later checks assume this, so that they can run. It is not recommended."""

    def finding(self, recommended: Setting | None) -> Finding:
        instruction = f"{self.advice} {recommended}" if recommended else self.otherwise
        return Finding("WRONG", self.subject, f"{self.text} {instruction}".rstrip(), recommended)


@dataclass(frozen=True)
class Case:
    """What is examined, and the means to do it."""

    environment: Mapping[str, str]
    """That of the authorizer."""
    token: str | None
    fetch: Fetch
    now: float
    """The time in seconds, the same for all checks."""

    @cached_property
    def settings(self) -> Settings:
        """Raises ConfigError if they can't be read."""
        return Settings.from_environment(self.environment)

    @property
    def is_readable(self) -> bool:
        try:
            return bool(self.settings)
        except ConfigError:
            return False

    def with_setting(self, setting: Setting) -> "Case":
        return replace(self, environment={**self.environment, setting.name: setting.value})


Check = Callable[[Case], Iterable[Finding | Fault]]


def diagnose(case: Case, checks: Sequence[Check]) -> list[Finding]:
    """Run the checks in order. The first of them tells whether the settings can be read at all."""
    return list(_diagnose(case, checks))


def _diagnose(case: Case, checks: Sequence[Check]) -> Iterator[Finding]:
    recommended: set[str] = set()
    for number, check in enumerate(checks, start=1):
        reported: set[str] = set()
        while fault := next((fault for fault in _faults(check, case) if fault.text not in reported), None):
            reported.add(fault.text)
            setting = _first_that_helps(case, checks[:number], fault.candidates, recommended)
            yield fault.finding(setting)
            if setting:
                recommended.add(setting.name)
                if len(recommended) == 1:
                    yield Finding("note", "settings", "What follows assumes the settings recommended here.")
            if correction := setting or fault.placeholder:
                case = case.with_setting(correction)
        if not case.is_readable:
            yield Finding("note", "settings", "The rest can be examined only when these are corrected.")
            return
        for found in check(case):
            # What is only ok because of a recommendation would read like a contradiction.
            if isinstance(found, Finding) and not (reported and found.level == "ok"):
                yield found


def _first_that_helps(
    case: Case, checks: Sequence[Check], candidates: Iterable[Setting], recommended: set[str]
) -> Setting | None:
    """Return the first candidate that makes a check find fewer faults, and no earlier one more."""
    present = _counts(case, checks)
    for setting in candidates:
        # Two recommendations for one setting would contradict each other.
        is_allowed = setting.is_plain and setting.name not in recommended
        if is_allowed and _counts(case.with_setting(setting), checks) < present:
            return setting
    return None


def _counts(case: Case, checks: Sequence[Check]) -> list[int]:
    """Return the number of faults that each check finds, up to one that leaves the settings unreadable."""
    counts = []
    for check in checks:
        counts.append(len(_faults(check, case)))
        if not case.is_readable:
            break
    return counts


def _faults(check: Check, case: Case) -> list[Fault]:
    return [found for found in check(case) if isinstance(found, Fault)]
