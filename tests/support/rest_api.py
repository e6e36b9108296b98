"""A REST API of API Gateway, as far as which route it picks: written from what AWS says and does.

A name goes before a `{parameter}`, and that before a `{proxy+}`, from the left to the right; a method
before ANY (AWS, "Set up a method request"). Method and path are looked up together: if the best path has
no route for the method, the next best one has. That was measured on API Gateway:
github.com/ministackorg/ministack/pull/1423 (a proxy) and github.com/floci-io/floci/pull/3399 (a parameter).
"""

from collections.abc import Iterable
from dataclasses import dataclass

NAME, PARAMETER, GREEDY = range(3)


@dataclass(frozen=True)
class Endpoint:
    """A line of the table, as the test wrote it."""

    method: str
    path: str
    scopes: frozenset[str]

    @property
    def parts(self) -> list[str]:
        return [part for part in self.path.split("/") if part]

    @property
    def ranks(self) -> list[int]:
        return [GREEDY if "+}" in part else PARAMETER if "{" in part else NAME for part in self.parts]

    def serves(self, method: str, segments: list[str]) -> bool:
        if self.method not in (method, "ANY"):
            return False
        if GREEDY in self.ranks:
            if len(segments) < len(self.parts):
                return False
        elif len(segments) != len(self.parts):
            return False
        return all(
            rank != NAME or part == segment
            for rank, part, segment in zip(self.ranks, self.parts, segments, strict=False)
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path} {' '.join(sorted(self.scopes))}"


def picked(endpoints: Iterable[Endpoint], method: str, segments: list[str]) -> Endpoint | None:
    """The endpoint that gets a request, if one does. No segment is empty."""
    serving = [endpoint for endpoint in endpoints if endpoint.serves(method, segments)]
    return min(serving, key=lambda one: (one.ranks, one.method == "ANY"), default=None)
