"""This file is the route table: which scopes each route needs, and which route a request is for."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .errors import ConfigError

# What ANY stands for. A wildcard in its place would also match `/`.
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# AWS, "Resources" of a REST API: letters, digits and ._-: in a path part, or a variable in braces.
_NAME = re.compile(r"[A-Za-z0-9._:-]+")
_PARAMETER = re.compile(r"\{[A-Za-z0-9._:-]+\}")
_GREEDY = re.compile(r"\{[A-Za-z0-9._:-]+\+\}")

# RFC 6749 section 3.3: printable ASCII without space, quote and backslash.
SCOPE = re.compile(r"[!#-\[\]-~]+")

# A Resource of a policy has at most 512 characters (AWS, "Output from an API Gateway Lambda authorizer"): 200
# up to and including the stage (see events.py), and the rest for the pattern.
MAX_PATTERN_LENGTH = 312

# The segments of a path: a name, or ANY_VALUE for a parameter, or as the last one MORE_VALUES for a greedy
# one.
Shape = tuple[str, ...]
ANY_VALUE = "{}"
MORE_VALUES = "{+}"
WILDCARD = "?*"  # at least one character, since a path parameter is never empty; also slashes


@dataclass(frozen=True, eq=False)
class Route:
    """A line of the table: a caller who has all the `scopes` may call `method` on `path`."""

    line: int
    method: str
    path: str
    shape: Shape
    scopes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} (line {self.line})"

    @property
    def is_greedy(self) -> bool:
        return self.shape[-1:] == (MORE_VALUES,)


@dataclass(slots=True, eq=False)
class RouteTree:
    """The routes of one method that begin with some path: `route` ends there, `greedy` takes the rest."""

    children: dict[str, "RouteTree"] = field(default_factory=dict)
    route: Route | None = None
    greedy: Route | None = None

    def add(self, route: Route) -> None:
        node = self
        for segment in route.shape[:-1] if route.is_greedy else route.shape:
            node = node.children.setdefault(segment, RouteTree())
        if route.is_greedy:
            node.greedy = route
        else:
            node.route = route

    def steps(self) -> Iterator[tuple[str, "RouteTree"]]:
        """Yield what may follow: a name or ANY_VALUE, and the routes below it."""
        yield from self.children.items()
        if self.greedy or self is _ENDLESS:
            yield ANY_VALUE, _ENDLESS

    def pick(self, segments: Shape) -> Route | None:
        """Return the route for a request: a name before a parameter before a greedy parameter, from the left.

        API Gateway looks up method and path at once: where a name leads to no route of the method, it goes
        back to the parameter. Measured on AWS, github.com/ministackorg/ministack/pull/1423.
        """
        if not segments:
            return self.route
        for segment in {segments[0]: None, ANY_VALUE: None}:
            if child := self.children.get(segment):
                route = child.pick(segments[1:])
                if route is not None:
                    return route
        return self.greedy


_ENDLESS = RouteTree()  # what follows the first value of a greedy parameter: more values


class RouteTable:
    """All routes of an API, in the order of the table."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self.scopes = frozenset[str]().union(*(route.scopes for route in self.routes))
        self._trees: dict[str, RouteTree] = {method: RouteTree() for method in METHODS}
        # A route of the method itself replaces one for ANY, whatever their order in the table.
        for route in sorted(self.routes, key=lambda route: route.method != "ANY"):
            for method in METHODS if route.method == "ANY" else (route.method,):
                self._trees[method].add(route)

    def routes_of(self, method: str) -> list[Route]:
        """Return the routes of a method, and those of ANY for whose path it has none."""
        by_shape = {route.shape: route for route in self.routes if route.method == "ANY"}
        by_shape |= {route.shape: route for route in self.routes if route.method == method}
        return list(by_shape.values())

    def tree(self, method: str) -> RouteTree:
        return self._trees[method]

    def pick(self, method: str, path: str) -> Route | None:
        """Return the route that API Gateway picks for a path without its first slash.

        It ignores one at the end.
        """
        segments = tuple(path.removesuffix("/").split("/")) if path else ()
        return self._trees[method].pick(segments) if method in self._trees else None


def parse_routes(text: str) -> RouteTable:
    """Read a table of one route a line: method, path, and the scopes that it needs, all of them.

    Raises ConfigError with one message for all lines that are wrong.
    """
    routes: dict[tuple[str, Shape], Route] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            route = _route(number, line)
            same = routes.setdefault((route.method, route.shape), route)
            if same is not route:
                raise ValueError(f"duplicate of line {same.line}")
        except ValueError as problem:
            problems.append(f"ROUTE_SCOPES line {number}: {problem}: {line.strip()!r}")
    if not routes and not problems:
        problems.append("ROUTE_SCOPES is set, but has no route: every request would be denied")
    if problems:
        raise ConfigError("; ".join(problems))
    return RouteTable(routes.values())


def _route(number: int, line: str) -> Route:
    method, path, *scopes = [*line.split(), ""]
    if method.upper() not in (*METHODS, "ANY"):
        raise ValueError(f"the method must be ANY or one of {', '.join(METHODS)}")
    if not path.startswith("/"):
        raise ValueError("the method must be followed by a path that starts with /")
    parts = path[1:].split("/") if path != "/" else []
    shape = tuple(_segment(part, is_last=n == len(parts)) for n, part in enumerate(parts, 1))
    deeper = (len(shape) + 1) * (ANY_VALUE,)  # is denied where the route is granted
    if max(len(pattern(method, shape)), len(pattern(method, deeper))) > MAX_PATTERN_LENGTH:
        raise ValueError("the path is too long for a policy")
    needed = frozenset(scopes) - {""}
    if not all(SCOPE.fullmatch(scope) for scope in needed):
        raise ValueError("a scope is printable ASCII without quotes and backslashes")
    return Route(number, method.upper(), path, shape, needed)


def _segment(part: str, *, is_last: bool) -> str:
    if _NAME.fullmatch(part):
        return part
    if _PARAMETER.fullmatch(part):
        return ANY_VALUE
    if _GREEDY.fullmatch(part) and is_last:
        return MORE_VALUES
    raise ValueError(
        "each part of a path must be a name of letters, digits and ._-: or a {parameter};"
        " the last part may also be a {proxy+}"
    )


def pattern(method: str, shape: Shape) -> str:
    """Return what a policy says for the requests of a shape, behind the ARN of the stage."""
    return f"{method}/" + "/".join(WILDCARD if segment == ANY_VALUE else segment for segment in shape)
