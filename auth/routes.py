"""This file is the route table: which scopes each route needs, and which route a request is for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from .errors import ConfigError

# What ANY stands for. A wildcard in its place would also match `/`.
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# RFC 6749 section 3.3: printable ASCII without space, quote and backslash.
SCOPE = re.compile(r"[!#-\[\]-~]+")

# AWS, "Resources" of a REST API: letters, digits and ._-: in a path part, or a variable in braces.
_PART = r"(?:[A-Za-z0-9._:-]+|\{[A-Za-z0-9._:-]+\})"
_PATH = re.compile(rf"/|(?:/{_PART})+|(?:/{_PART})*/\{{[A-Za-z0-9._:-]+\+\}}")
_PARAMETER = re.compile(r"\{[^}+]+")
_SECTION = re.compile(r"\[([A-Za-z0-9_-]+)\]")

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
    """A line of the table: a caller who has all the `scopes` may call `method` on `path`.

    `$default` of an HTTP API and `$connect` of a WebSocket API are methods without a path.
    """

    line: int
    method: str
    path: str
    scopes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.key} (line {self.line})"

    @property
    def key(self) -> str:
        """What API Gateway calls a route key, such as `GET /pets/{petId}`."""
        return f"{self.method} {self.path}".rstrip()

    @cached_property
    def shape(self) -> Shape:
        return tuple(_PARAMETER.sub("{", self.path).split("/")[1:]) if self.path not in ("/", "") else ()

    @property
    def is_greedy(self) -> bool:
        return self.shape[-1:] == (MORE_VALUES,)

    def patterns(self) -> Iterator[str]:
        """Yield what a policy says for all requests of this route, behind the ARN of the stage."""
        if self.method == "$default":
            yield "*"
        elif not self.path:
            yield self.method
        for method in METHODS if self.method == "ANY" else (self.method,) if self.path else ():
            exact = pattern(method, (*self.shape[:-1], ANY_VALUE) if self.is_greedy else self.shape)
            yield from with_slash(exact)


class RouteTree:
    """The routes of one method that begin with some path: `route` ends there, `greedy` takes the rest."""

    def __init__(self) -> None:
        self.children: dict[str, RouteTree] = {}
        self.route: Route | None = None
        self.greedy: Route | None = None

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

    def __init__(self, routes: Mapping[str, Route]) -> None:
        """`routes` are by their keys, with `{}` for each parameter."""
        self.routes = tuple(routes.values())
        self._by_key = routes

    @cached_property
    def scopes(self) -> frozenset[str]:
        return frozenset[str]().union(*(route.scopes for route in self.routes))

    def find(self, method: str, path: str) -> Route | None:
        """Return the route that API Gateway has picked for a request, by its method and template."""
        template = _PARAMETER.sub("{", path)
        return self._by_key.get(f"{method} {template}".rstrip()) or self._by_key.get(f"ANY {template}")

    def pick(self, method: str, path: str) -> Route | None:
        """Return the route that API Gateway picks for a path without its first slash.

        It ignores one at the end.
        """
        segments = tuple(path.removesuffix("/").split("/")) if path else ()
        return self.trees[method].pick(segments) if method in self.trees else None

    def routes_of(self, method: str) -> list[Route]:
        """Return the routes of a method, and those of ANY for whose path it has none."""
        by_shape = {route.shape: route for route in self.routes if route.method == "ANY"}
        by_shape |= {route.shape: route for route in self.routes if route.method == method}
        return list(by_shape.values())

    @cached_property
    def trees(self) -> dict[str, RouteTree]:
        """By method."""
        trees = {method: RouteTree() for method in METHODS}
        for method, tree in trees.items():
            for route in self.routes_of(method):
                tree.add(route)
        return trees


class RouteTables:
    """The tables of all APIs: by kind (`rest`, `http`, `websocket`), or by id, or one for all."""

    def __init__(self, sections: Mapping[str, RouteTable | None]) -> None:
        """The name of a table for all is empty. One that is None grants everything to any valid token."""
        self.sections = sections

    def table(self, api_id: str, kind: str) -> RouteTable | None:
        """Return the table of an API, or None if any valid token may invoke everything.

        Raises ConfigError if there is no table for this API.
        """
        for name in (api_id, kind, ""):
            if name in self.sections:
                return self.sections[name]
        raise ConfigError(f"the route table has no section [{kind}], and none for this API")


def parse_routes(text: str, name: str = "route table") -> RouteTables:
    """Read a table of one route a line: its route key, and the scopes that it needs, all of them.

    `[rest]`, `[http]`, `[websocket]` and `[API_ID]` begin the sections of APIs. Without sections it is one
    table for all. Raises ConfigError with one message for all lines that are wrong.
    """
    if not text.strip():
        raise ConfigError(
            "there is no route table: write scopes on the endpoints of serverless.yml, or set ROUTE_SCOPES"
            " (ROUTE_SCOPES=* allows everything to any valid token)"
        )
    if text.strip() == "*":
        return RouteTables({"": None})
    sections: dict[str, dict[str, Route]] = {}
    section, problems = "", []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if match := _SECTION.fullmatch(line):
                section = match[1]
                if "" in sections or section in sections:
                    raise ValueError("a section must come once, and before all routes")
                sections[section] = {}
            else:
                _add(sections.setdefault(section, {}), *_route(number, line))
        except ValueError as problem:
            problems.append(f"line {number}: {problem}: {line!r}")
    if not any(sections.values()) and not problems:
        problems.append("there are no routes: every request would be denied")
    if problems:
        raise ConfigError("; ".join(f"{name}, {problem}" for problem in problems))
    return RouteTables({name: RouteTable(routes) for name, routes in sections.items()})


def _add(routes: dict[str, Route], key: str, route: Route) -> None:
    same = routes.setdefault(key, route)
    if same is not route:
        raise ValueError(f"duplicate of line {same.line}")


def _route(number: int, line: str) -> tuple[str, Route]:
    method, *rest = line.split()
    path = ""
    if not method.startswith("$"):
        method = method.upper()
        path, *rest = rest or [""]
        _check(method, path)
    elif method not in ("$default", "$connect"):
        raise ValueError("a route key without a path must be $default or $connect")
    for scope in rest:
        if not SCOPE.fullmatch(scope):
            raise ValueError("a scope is printable ASCII without quotes and backslashes")
    template = _PARAMETER.sub("{", path)
    if len(max(METHODS, key=len) if method == "ANY" else method) + len(template) > MAX_PATTERN_LENGTH:
        raise ValueError("the path is too long for a policy")
    return f"{method} {template}".rstrip(), Route(number, method, path, frozenset(rest))


def _check(method: str, path: str) -> None:
    if method != "ANY" and method not in METHODS:
        raise ValueError(f"the method must be ANY or one of {', '.join(METHODS)}")
    if not path.startswith("/"):
        raise ValueError("the method must be followed by a path that starts with /")
    if not _PATH.fullmatch(path):
        raise ValueError(
            "each part of a path must be a name of letters, digits and ._-: or a {parameter};"
            " the last part may also be a {proxy+}"
        )


def pattern(method: str, shape: Shape) -> str:
    """Return what a policy says for the requests of a shape, behind the ARN of the stage."""
    return f"{method}/" + "/".join(WILDCARD if segment == ANY_VALUE else segment for segment in shape)


def with_slash(exact: str) -> tuple[str, ...]:
    """Return a pattern, and one with a slash at the end, which API Gateway ignores.

    A wildcard may match too much.
    """
    is_exact = "*" not in exact and not exact.endswith("/") and len(exact) < MAX_PATTERN_LENGTH
    return (exact, f"{exact}/") if is_exact else (exact,)
