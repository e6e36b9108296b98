"""Which route a REST API of API Gateway picks for a request: written from what AWS documents and does.

From left to right, a name takes precedence over a `{parameter}`, and that over a `{proxy+}`; a method takes
precedence over ANY (AWS, "Set up a method request"). Method and path are matched together: if the best path
has no route for the method, the next best path is tried. That was measured on API Gateway:
github.com/ministackorg/ministack/pull/1423 (a proxy) and github.com/floci-io/floci/pull/3399 (a parameter).
"""

from collections.abc import Iterable
from dataclasses import dataclass

NAME, PARAMETER, GREEDY = range(3)


@dataclass(frozen=True)
class RestRoute:
    """A line of the route table, as a test wrote it."""

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


def picked(routes: Iterable[RestRoute], method: str, segments: list[str]) -> RestRoute | None:
    """Return the route that API Gateway picks for a request, or None. No segment is empty."""
    serving = [route for route in routes if route.serves(method, segments)]
    return min(serving, key=lambda route: (route.ranks, route.method == "ANY"), default=None)
