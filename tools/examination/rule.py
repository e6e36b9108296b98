"""A rule of the authorizer for a claim, as the doctor examines it.

A rule can be waived for a token, so that the others can be examined without it. If the token breaks it, its
`explain` says what the token has, and which settings may accept that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auth import Issuer

from .token_decision import Unverified
from .trial import Advice, Case


@dataclass(frozen=True)
class Broken:
    """A token that breaks at least one rule."""

    case: Case
    issuer: Issuer
    """Whose settings apply to it."""
    token: Unverified
    is_signed: bool
    """A key of the issuer signed it. Nothing of another token is looked up or recommended."""
    rules: frozenset[str]
    """The rules that it breaks."""

    def name(self, variable: str) -> str:
        return variable + self.issuer.suffix


@dataclass(frozen=True)
class Explanation:
    text: str
    """What the token says, and what the settings expect."""
    candidates: tuple[Advice, ...] = ()
    """Settings with which the authorizer may accept the claim."""
    otherwise: str = ""
    """What to do if none does."""


@dataclass(frozen=True)
class Rule:
    claim: str
    waive: Callable[[Unverified, Issuer], Mapping[str, Any]]
    """Returns fields of Issuer with which a token can't break the rule. Empty if there are none."""
    explain: Callable[[Broken], Explanation]
