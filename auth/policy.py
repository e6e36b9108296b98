"""This file is one policy for the whole API, made from the token's scopes alone, for TOKEN authorizers.

API Gateway caches the policy under the token and evaluates it for every later request. So it must be right
for each route, not only for the one in the event: it allows a request exactly if the route that API Gateway
picks is granted.

A path parameter becomes the wildcard `?*`, which also matches `/`. So the pattern of a route matches requests
of other routes, too. These are denied again, as is what no route is there for. For a token with read:pets:

    GET /pets/{petId}         read:pets       Allow  GET/pets/?*
    GET /pets/mine            own:pets        Deny     |-- GET/pets/mine
    GET /pets/{petId}/owner   read:owners     Deny     '-- GET/pets/?*/?*
                                                             '-- GET/pets/?*/owner

Each line on the right is a *shape*: a path with `{}` for any value. The pattern of a shape matches the
requests of that shape, and those of all shapes drawn below it. A shape may be denied if no route at or below
it is granted. It must be denied if its own route is not granted and it is below a shape that is. A table in
which some token would need both a Deny for a shape and an Allow below it can't be expressed in a policy, and
is rejected when it is compiled.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from .errors import ConfigError
from .routes import ANY_VALUE, MAX_PATTERN_LENGTH, Route, RouteTable, RouteTree, Shape, pattern, with_slash

# The work that compiling a table may take. Tables that need more are not written by hand.
MAX_STEPS = 30_000
MAX_CACHED_POLICIES = 128


@lru_cache(maxsize=8)  # one for each API
def policies(table: RouteTable) -> "PolicyTable":
    """Return the policies of a table, which are compiled when they are needed for the first time."""
    return PolicyTable(table)


class PolicyTable:
    """What to allow and deny for each set of scopes: compiled from a route table, and cached.

    Raises ConfigError for a table that no policy can express.
    """

    def __init__(self, table: RouteTable) -> None:
        self._known_scopes = table.scopes
        self._methods = [_MethodPolicies(method, table) for method in table.trees]
        self._cached_patterns = lru_cache(MAX_CACHED_POLICIES)(self._patterns)

    def patterns(self, scopes: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what to allow a caller who has `scopes`, and what of it to deny again."""
        return self._cached_patterns(scopes & self._known_scopes)

    def _patterns(self, scopes: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        of_methods = [method.patterns(scopes) for method in self._methods]
        allowed = tuple(one for patterns, _ in of_methods for one in patterns)
        denied = tuple(one for _, patterns in of_methods for one in patterns)
        # To deny nothing would be to allow everything, where the API has a resource policy that allows it
        # (AWS, "How API Gateway resource policies affect authorization workflow").
        return (allowed, denied) if allowed else ((), ("*",))


@dataclass(frozen=True, eq=False)
class _Denial:
    """A shape below that of a granted route."""

    depth: int
    patterns: list[str]
    routes: frozenset[Route]
    """The routes at or below it. It is denied if none of them is granted ..."""
    above: frozenset["_Denial"]
    """... and none of these is denied, which lie between."""


class _Grant(NamedTuple):
    """What a granted route adds to a policy."""

    route: Route
    pattern: str
    depth: float
    """How many segments its requests have: for a greedy route, any number."""
    above: frozenset[Route]
    """The routes whose patterns match all of its requests. If one of them is granted, nothing is added."""
    denials: tuple[_Denial, ...]


class _MethodPolicies:
    """The requests of one method by their shapes, and what each route adds to a policy."""

    def __init__(self, method: str, table: RouteTable) -> None:
        self._method = method
        self._tree = table.trees[method]
        self._routes = table.routes_of(method)
        self._depth = max((len(route.shape) for route in self._routes), default=0)
        self._limit = self._depth + any(route.is_greedy for route in self._routes)
        self._requests: dict[Shape, dict[Shape, Route]] = {}
        self._ends: dict[Shape, set[tuple[RouteTree, Shape]]] = {(): {(self._tree, ())}}
        self._steps = 0
        self._grants = list(self._compile())

    def patterns(self, scopes: frozenset[str]) -> tuple[list[str], list[str]]:
        """Return what to allow a caller who has `scopes`, and what of it to deny again."""
        given = [grant for grant in self._grants if grant.route.scopes <= scopes]
        granted = {grant.route for grant in given}
        tops = [grant for grant in given if grant.above.isdisjoint(granted)]
        denied: list[str] = []
        if any("*" in grant.pattern for grant in tops):
            deepest = max(grant.depth for grant in given)
            for grant in tops:
                denials = {denial: None for denial in grant.denials if denial.routes.isdisjoint(granted)}
                for denial in denials:
                    # What is deeper than all that is granted is denied at once, below.
                    if denial.depth <= deepest and denials.keys().isdisjoint(denial.above):
                        denied += denial.patterns
            if deepest < math.inf:
                denied.append(pattern(self._method, (int(deepest) + 1) * (ANY_VALUE,)))
            if len(given) < len(self._grants):
                # Whether API Gateway reads `//` in a path as `/` is not known: it must not evade a Deny.
                denied.append(f"{self._method}*//*")
        return [one for grant in tops for one in with_slash(grant.pattern)], list(dict.fromkeys(denied))

    def _compile(self) -> Iterator[_Grant]:
        tops = {route: top for route in self._routes if (top := self._top(route)) is not None}
        above: dict[Route, set[Route]] = {route: set() for route in tops}
        for route, top in tops.items():
            for shape, other in self._requests_matched_by(top).items():
                if other is not route and shape == tops[other]:
                    above[other].add(route)
        for route, top in tops.items():
            if len(pattern(self._method, (len(top) + 1) * (ANY_VALUE,))) > MAX_PATTERN_LENGTH:
                raise ConfigError(f"route table: the path of {route} has too many parts for a policy")
            denials = tuple(self._denials(route, top)) if ANY_VALUE in top else ()
            depth = math.inf if route.is_greedy else len(top)
            yield _Grant(route, pattern(self._method, top), depth, frozenset(above[route]), denials)

    def _top(self, route: Route) -> Shape | None:
        """Return the shape that all requests of `route` lie at or below, if it ever gets a request."""
        if not route.is_greedy:
            return route.shape
        stem = route.shape[:-1]
        shapes = (stem + n * (ANY_VALUE,) for n in range(1, self._depth - len(stem) + 2))
        return next((shape for shape in shapes if self._tree.pick(shape) is route), None)

    def _requests_matched_by(self, top: Shape) -> dict[Shape, Route]:
        """Return the shapes of the requests at or below `top`, and the route that is picked for each."""
        if top not in self._requests:
            picked = {shape: self._tree.pick(shape) for _, shape in self._ends_of(top)}
            self._requests[top] = {shape: route for shape, route in picked.items() if route is not None}
        return self._requests[top]

    def _ends_of(self, top: Shape) -> set[tuple[RouteTree, Shape]]:
        """Return where a walk along `top` may end, in which a value is one segment or more.

        A greedy route has no end, but what is longer than all paths and `top` is treated like what is not.
        """
        if top in self._ends:
            return self._ends[top]
        starts = self._ends_of(top[:-1])
        ends: set[tuple[RouteTree, Shape]] = set()
        if top[-1] != ANY_VALUE:
            for node, shape in starts:
                for segment, child in node.steps():
                    if segment in (top[-1], ANY_VALUE):
                        ends.add((child, (*shape, top[-1])))
        while top[-1] == ANY_VALUE and starts:
            starts = {
                (child, (*shape, segment))
                for node, shape in starts
                if len(shape) < self._depth + len(top)
                for segment, child in node.steps()
            }
            ends |= starts
        self._steps += len(ends)
        if self._steps > MAX_STEPS:
            raise ConfigError("route table: too many paths match the same requests")
        self._ends[top] = ends
        return ends

    def _denials(self, route: Route, top: Shape) -> Iterator[_Denial]:
        """Yield what lies below `top` and must or may be denied to a caller who is granted `route`."""
        # What is deeper than a greedy route is its own.
        shapes = {} if route.is_greedy else self._deeper_than(top)
        for shape, requested in self._requests_matched_by(top).items():
            if not requested.scopes <= route.scopes:
                shapes[shape] = self._requests_matched_by(shape)
        above: defaultdict[Shape, set[_Denial]] = defaultdict(set)
        settled: set[Shape] = set()
        for shape in sorted(
            shapes, key=lambda shape: (len(shape), len(shape) - shape.count(ANY_VALUE), shape)
        ):
            if shape in settled:
                continue  # a more general shape of the same route is denied
            requests = shapes[shape]
            routes = frozenset(requests.values())
            own = requests.get(shape)
            if own is not None:
                _reject_if_between(route, own, routes)
                settled |= {special for special in requests if requests[special] is own}
            if any(other.scopes <= route.scopes for other in routes):
                continue  # a caller who is granted the route is granted that one, too
            patterns = [pattern(self._method, shape)]
            if shape[-1] != ANY_VALUE == top[-1]:
                # API Gateway ignores a slash at the end: it must not evade a Deny.
                patterns.append(f"{patterns[0]}/")
            if len(patterns[-1]) > MAX_PATTERN_LENGTH:
                raise ConfigError(f"route table: the path of {route} is too long to deny what is deeper")
            denial = _Denial(len(shape), patterns, routes, frozenset(above[shape]))
            yield denial
            for special in {*requests, *_one_deeper(shape)} & shapes.keys():
                above[special].add(denial)

    def _deeper_than(self, top: Shape) -> dict[Shape, dict[Shape, Route]]:
        """Return shapes for what is deeper than `top`, and the requests at or below each, if there are any.

        What is deeper than the whole table needs a shape only below a greedy route (see `patterns`).
        """
        longest = max(map(len, self._requests_matched_by(top)))
        found: dict[Shape, dict[Shape, Route]] = {}
        frontier = {top}
        while frontier:
            deeper = {shape for one in frontier for shape in _one_deeper(one) if len(shape) <= self._limit}
            requests = {
                shape: self._requests_matched_by(shape) if len(shape) <= longest else {} for shape in deeper
            }
            frontier = {shape for shape in deeper if requests[shape]}
            found |= requests
        return found


def _one_deeper(shape: Shape) -> set[Shape]:
    return {(*shape[:n], ANY_VALUE, *shape[n:]) for n, segment in enumerate(shape) if segment == ANY_VALUE}


def _reject_if_between(route: Route, between: Route, others: Iterable[Route]) -> None:
    """Raise ConfigError if `between` can't be denied to a caller who may call `route` and one of `others`."""
    allowed = [other for other in others if not between.scopes <= route.scopes | other.scopes]
    if allowed:
        other = min(allowed, key=lambda other: other.line)
        both = f"{route} and {other}" if other is not route else route
        raise ConfigError(
            f"route table: no policy can allow {both} and deny {between}, since the wildcard for a path"
            f" parameter also matches /. Remove the scopes that only {between} needs, or change a path"
        )
