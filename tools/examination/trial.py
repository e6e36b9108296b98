"""How checks run, and how settings are tried before they are recommended.

A check finds faults in a case, and names settings that may correct each of them. They are recommended only if
the checks were run with them and found fewer faults. Later checks then run as if they were written, so that
everything that is wrong is reported at once, and each fault once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal
from urllib.parse import urlsplit

from auth import ConfigError, Issuer, Settings
from auth.custom_rules import NO_RULES, Rules
from tools.discovery import PLAIN, DiscoveryError, Fetch, discover_missing


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
        return bool(PLAIN.fullmatch(self.value)) and "@" not in urlsplit(self.value).netloc


@dataclass(frozen=True)
class Advice:
    """Settings that help only together, and the words that introduce them."""

    settings: tuple[Setting, ...]
    words: str = "Write"
    instead_of: str = ""
    """A variable that they replace."""

    def __str__(self) -> str:
        """Return words that the one setting ends, or that are followed by a line for each of several."""
        if len(self.settings) == 1:
            return f"{self.words} {self.settings[0]}"
        return f"{self.words} these lines, which belong together:"


def write(name: str, value: str, words: str = "Write") -> Advice:
    """Return the advice to write one setting."""
    return Advice((Setting(name, value),), words)


@dataclass(frozen=True)
class Finding:
    """One thing that was examined. What is WRONG must not be deployed."""

    level: Literal["ok", "note", "WRONG"]
    subject: str
    text: str
    recommended: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something wrong, and what may correct it."""

    subject: str
    text: str
    candidates: tuple[Advice, ...] = ()
    """What to try; the first one that helps is recommended."""
    otherwise: str = ""
    """What to do if none does."""
    placeholder: Setting | None = None
    """If none does, later checks assume this, so that they can run. It is not recommended."""

    def finding(self, advice: Advice | None) -> Finding:
        text = f"{self.text} {advice or self.otherwise}".rstrip()
        return Finding("WRONG", self.subject, text, advice.settings if advice else ())


@dataclass(frozen=True)
class Case:
    """What is examined, and the means to do it."""

    environment: Mapping[str, str]
    """That of the authorizer. A JWKS_URI that is not set is found by discovery, as it is for a deployment."""
    token: str | None
    fetch: Fetch
    now: float
    """The time in seconds, the same for all checks."""
    rules: Rules = NO_RULES

    @cached_property
    def discovered(self) -> tuple[dict[str, str], dict[str, DiscoveryError]]:
        """The JWKS_URI variables that discovery finds, and why it does not find others."""
        return discover_missing(self.environment, self.fetch)

    @cached_property
    def settings(self) -> Settings:
        """Raises ConfigError if they can't be read."""
        return Settings.from_environment({**self.environment, **self.discovered[0]})

    @property
    def is_readable(self) -> bool:
        try:
            return bool(self.settings)
        except ConfigError:
            return False

    def issuer(self, suffix: str) -> Issuer | None:
        """Return the issuer whose variables have this suffix. None if it can't be read."""
        if not self.is_readable:
            return None
        return next((issuer for issuer in self.settings.issuers if issuer.suffix == suffix), None)

    def with_settings(self, *settings: Setting, without: str = "") -> "Case":
        environment = {name: value for name, value in self.environment.items() if name != without}
        return replace(self, environment={**environment, **{one.name: one.value for one in settings}})


Check = Callable[[Case], Iterable[Finding | Fault]]


def each_issuer(check: Callable[[Case, Issuer], Iterable[Finding | Fault]]) -> Check:
    """Return a check of all issuers, from the check of one."""

    def check_all(case: Case) -> Iterator[Finding | Fault]:
        for issuer in case.settings.issuers:
            yield from check(case, issuer)

    return check_all


def diagnose(case: Case, checks: Sequence[Check]) -> list[Finding]:
    """Run the checks in order. The first of them tells whether the settings can be read at all."""
    return list(_diagnose(case, checks))


def _diagnose(case: Case, checks: Sequence[Check]) -> Iterator[Finding]:
    recommended: set[str] = set()
    for number, check in enumerate(checks, start=1):
        reported: dict[str, str] = {}
        while fault := next((fault for fault in _faults(check, case) if fault.text not in reported), None):
            reported[fault.text] = _whose(fault)
            advice = _first_that_helps(case, checks[:number], fault.candidates, recommended)
            yield fault.finding(advice)
            if advice:
                if not recommended:
                    yield Finding("note", "settings", "What follows assumes the settings recommended here.")
                recommended |= {setting.name for setting in advice.settings}
                case = case.with_settings(*advice.settings, without=advice.instead_of)
            elif fault.placeholder:
                case = case.with_settings(fault.placeholder)
        if not case.is_readable:
            yield Finding("note", "settings", "The rest can be examined only when these are corrected.")
            return
        for found in check(case):
            # What is only ok because of a recommendation would read like a contradiction.
            if isinstance(found, Finding) and not (
                found.level == "ok" and _whose(found) in reported.values()
            ):
                yield found


def _whose(found: Finding | Fault) -> str:
    """Return what a check found something out about: the suffix of an issuer, or nothing else."""
    return found.subject.partition("__")[2]


def _first_that_helps(
    case: Case, checks: Sequence[Check], candidates: Iterable[Advice], recommended: set[str]
) -> Advice | None:
    """Return the first candidate that makes a check find fewer faults, and no earlier one more."""
    present = _counts(case, checks)
    for advice in candidates:
        # Two recommendations for one setting would contradict each other.
        is_allowed = all(one.is_plain and one.name not in recommended for one in advice.settings)
        changed = case.with_settings(*advice.settings, without=advice.instead_of)
        if is_allowed and _counts(changed, checks) < present:
            return advice
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
