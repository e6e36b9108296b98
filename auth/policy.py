"""What the caller may invoke: one policy for the whole API, from the token alone.

API Gateway keeps the policy under the token and evaluates it for every later request. So it must be
right for each route, not only for the one that was asked for: it allows a request exactly if the
route that API Gateway picks for it is granted.

A path parameter becomes the wildcard `?*`, which spans `/` too. So the pattern of a route matches what
belongs to other routes. That is denied again, as is what no route is there for. For a token with read:pets:

    GET /pets/{petId}         read:pets       Allow  GET/pets/?*
    GET /pets/mine            own:pets        Deny     |-- GET/pets/mine
    GET /pets/{petId}/owner   read:owners     Deny     '-- GET/pets/?*/?*
                                                             '-- GET/pets/?*/owner

Each line on the right is a *shape*: a path with `{}` for any value. A pattern matches its shape and all that
is drawn below it. So a shape may be denied if no route at or below it is granted; and one whose own route is
not granted must be, if it lies below one that is granted. Where such a shape has granted ones below it, too,
no policy will do, and the table is refused when it is read.

What is deeper than all that is granted is denied at once (here `GET/?*/?*/?*`); and a shape below another
that is denied or allowed already is not named again.
"""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from .errors import ConfigError

# What ANY stands for. A wildcard in its place would span `/` too.
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# AWS, "Resources" of a REST API: letters, digits and ._-: in a path part, or a variable in braces.
_STATIC = re.compile(r"[A-Za-z0-9._:-]+")
_VARIABLE = re.compile(r"\{[A-Za-z0-9._:-]+\}")
_GREEDY = re.compile(r"\{[A-Za-z0-9._:-]+\+\}")
_SCOPE = re.compile(r"[!#-\[\]-~]+")  # RFC 6749 section 3.3

# Nothing of an ARN may be taken for a wildcard. Stages may be called `$default`.
_METHOD_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[A-Za-z0-9-]+:[A-Za-z0-9-]+/[A-Za-z0-9_$-]{1,128}/)"
    r"[A-Z]+/.*",
    re.ASCII | re.DOTALL,
)
# A Resource has at most 512 characters (AWS, "Output from an API Gateway Lambda authorizer"): up to the
# stage 200, if its name is as long as it may be, and the rest for the pattern.
MAX_STAGE_ARN_LENGTH = 200
MAX_PATTERN_LENGTH = 312

# How far to walk for a table before it counts as too entangled: no sane one comes near.
MAX_STEPS = 30_000

# The segments of a path: a name, or `_ONE` for any one segment, or last `_MORE` for one or more.
Shape = tuple[str, ...]
_ONE = "{}"
_MORE = "{+}"
_WILDCARD = "?*"  # at least one character: a path parameter is never empty


class Statement(TypedDict):
    """A statement of an IAM policy, in the only form that is needed here."""

    Action: Literal["execute-api:Invoke"]
    Effect: Literal["Allow", "Deny"]
    Resource: list[str]


class PolicyDocument(TypedDict):
    """An IAM policy."""

    Version: Literal["2012-10-17"]
    Statement: list[Statement]


@dataclass(frozen=True, eq=False)  # two lines are two routes, and compared as such in no time
class Route:
    """A line of the table: whoever has all the `scopes` may call `method` on `path`."""

    line: int
    method: str
    path: str
    shape: Shape
    scopes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} (line {self.line})"

    @property
    def is_greedy(self) -> bool:
        return self.shape[-1:] == (_MORE,)


@dataclass(frozen=True, eq=False)
class _Below:
    """A shape below that of a granted route."""

    depth: int
    patterns: list[str]
    owners: frozenset[Route]
    """The routes at or below it. It is denied if none of them is granted ..."""
    above: frozenset["_Below"]
    """... and none of these shapes, which lie between, is denied already."""


@dataclass(frozen=True, eq=False)
class _Grant:
    """What a route puts into the policy, for one method, if it is granted."""

    route: Route
    pattern: str
    depth: float
    """How many segments a request has: one of a greedy route may have any number."""
    above: frozenset[Route]
    """The routes whose patterns match all of this one. If one of them is granted, nothing is to be said."""
    below: tuple[_Below, ...]


@dataclass(frozen=True)
class RouteTable:
    """ROUTE_SCOPES, compiled: what each route adds to the policy of a token that is granted it."""

    routes: tuple[Route, ...]
    grants: dict[str, tuple[_Grant, ...]]
    """By method."""


def policy_document(method_arn: object, scopes: Collection[str], table: RouteTable | None) -> PolicyDocument:
    """Return the policy of a caller who has `scopes`, for the API and stage of `method_arn`.

    Raises ConfigError if `method_arn` is not one of API Gateway's.
    """
    match = _METHOD_ARN.fullmatch(method_arn) if isinstance(method_arn, str) else None
    if match is None or len(match[1]) > MAX_STAGE_ARN_LENGTH:
        raise ConfigError("methodArn is not that of an API Gateway method")
    allowed, denied = _patterns(scopes, table) if table else (["*"], [])
    if not allowed:
        # To say nothing would be to allow, where the API has a resource policy (AWS, "How API
        # Gateway resource policies affect authorization workflow").
        denied = ["*"]
    statements = [_statement("Allow", match[1], allowed), _statement("Deny", match[1], denied)]
    return {
        "Version": "2012-10-17",
        "Statement": [statement for statement in statements if statement["Resource"]],
    }


def _statement(effect: Literal["Allow", "Deny"], stage_arn: str, patterns: Iterable[str]) -> Statement:
    return {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": [stage_arn + pattern for pattern in patterns],
    }


def _patterns(scopes: Collection[str], table: RouteTable) -> tuple[list[str], list[str]]:
    """Return what to allow, and what of it to deny again."""
    granted = {route for route in table.routes if route.scopes.issubset(scopes)}
    allowed: list[str] = []
    denied: list[str] = []
    for method, grants in table.grants.items():
        given = [grant for grant in grants if grant.route in granted]
        tops = [grant for grant in given if grant.above.isdisjoint(granted)]
        allowed += [grant.pattern for grant in tops]
        if any(_WILDCARD in grant.pattern for grant in tops):
            deepest = max(grant.depth for grant in given)
            denied += dict.fromkeys(_denied(tops, granted, deepest))
            if deepest < math.inf:
                denied.append(_pattern(method, (int(deepest) + 1) * (_ONE,)))
            if len(given) < len(grants):
                # Whether `//` in a path is `/` to API Gateway is not known: it must not evade a Deny.
                denied.append(f"{method}*//*")
    return allowed, denied


def _denied(tops: list[_Grant], granted: set[Route], deepest: float) -> Iterator[str]:
    """Yield what lies below `tops` and belongs to others: the most general patterns that will do.

    What is deeper than the deepest route that is granted is denied at once, by `_patterns`.
    """
    for grant in tops:
        refused = {below: None for below in grant.below if below.owners.isdisjoint(granted)}
        for below in refused:
            if below.depth <= deepest and below.above.isdisjoint(refused):
                yield from below.patterns


def compile_routes(text: str) -> RouteTable:
    """Read ROUTE_SCOPES: one route a line, as method, path and the scopes that it needs.

    Raises ConfigError for a malformed table, and for one that no policy can express; also for one whose paths
    are so long, or match the same requests in so many ways, that nobody has written it by hand.
    """
    routes = _parse(text)
    return RouteTable(tuple(routes), {method: tuple(_Tree(method, routes).grants()) for method in METHODS})


def _parse(text: str) -> list[Route]:
    routes: dict[tuple[str, Shape], Route] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            route = _route(number, line)
            same = routes.setdefault((route.method, route.shape), route)
            if same is not route:
                raise ValueError(f"the route stands in line {same.line} already")
        except ValueError as problem:
            problems.append(f"ROUTE_SCOPES line {number}: {problem}: {line.strip()!r}")
    if not routes and not problems:
        problems.append("ROUTE_SCOPES is set, but names no route: every request would be refused")
    if problems:
        raise ConfigError("; ".join(problems))
    return list(routes.values())


def _route(number: int, line: str) -> Route:
    method, path, *scopes = [*line.split(), ""]
    if method.upper() not in (*METHODS, "ANY"):
        raise ValueError(f"the method must be ANY or one of {', '.join(METHODS)}")
    if not path.startswith("/"):
        raise ValueError("a path that starts with / must follow the method")
    parts = path[1:].split("/") if path != "/" else []
    shape = tuple(_segment(part, is_last=n == len(parts)) for n, part in enumerate(parts, 1))
    deeper = (len(shape) + 1) * (_ONE,)  # is denied where the route is granted
    if max(len(_pattern(method, shape)), len(_pattern(method, deeper))) > MAX_PATTERN_LENGTH:
        raise ValueError("the path is too long for a policy")
    needed = frozenset(scopes) - {""}
    if not all(_SCOPE.fullmatch(scope) for scope in needed):
        raise ValueError("a scope is printable ASCII without quotes and backslashes")
    return Route(number, method.upper(), path, shape, needed)


def _segment(part: str, *, is_last: bool) -> str:
    if _STATIC.fullmatch(part):
        return part
    if _VARIABLE.fullmatch(part):
        return _ONE
    if _GREEDY.fullmatch(part) and is_last:
        return _MORE
    raise ValueError(
        "a part of a path is a name of letters, digits and ._-: or a {parameter},"
        " and the last one may be a {proxy+}"
    )


@dataclass(slots=True, eq=False)
class _Node:
    """The beginning of a path: what may follow, the route that ends here, and the greedy one."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    route: Route | None = None
    greedy: Route | None = None


class _Tree:
    """The requests of one method by their shapes, and the route that API Gateway picks for each."""

    def __init__(self, method: str, routes: Iterable[Route]) -> None:
        self._method = method
        # An exact method goes before ANY, whatever their order in the table.
        by_shape = {route.shape: route for route in routes if route.method == "ANY"}
        by_shape |= {route.shape: route for route in routes if route.method == method}
        self._routes = list(by_shape.values())
        self._depth = max((len(route.shape) for route in self._routes), default=0)
        has_greedy = any(route.is_greedy for route in self._routes)
        self._limit = self._depth + 1 if has_greedy else self._depth
        self._root = _Node()
        endless = _Node()
        endless.children[_MORE] = endless
        for route in self._routes:
            node = self._root
            for segment in route.shape[:-1] if route.is_greedy else route.shape:
                node = node.children.setdefault(segment, _Node())
            if route.is_greedy:
                node.greedy = route
                node.children[_MORE] = endless
            else:
                node.route = route
        self._known: dict[Shape, dict[Shape, Route]] = {}
        self._ends: dict[Shape, set[tuple[_Node, Shape]]] = {(): {(self._root, ())}}
        self._steps = 0

    def _picked(self, shape: Shape, node: _Node | None = None) -> Route | None:
        """Return the route for a request: name before parameter before greedy parameter, from the left.

        API Gateway looks for method and path at once: where a name leads to no route for the method, it
        goes back to the parameter. Measured on AWS, github.com/ministackorg/ministack/pull/1423.
        """
        node = node or self._root
        if not shape:
            return node.route
        for segment in {shape[0]: None, _ONE: None}:
            if child := node.children.get(segment):
                route = self._picked(shape[1:], child)
                if route is not None:
                    return route
        return node.greedy

    def _top(self, route: Route) -> Shape | None:
        """Return the shape that all requests of `route` lie at or below, if there are any."""
        if not route.is_greedy:
            return route.shape
        stem = route.shape[:-1]
        for length in range(1, self._depth - len(stem) + 2):
            shape = stem + length * (_ONE,)
            if self._picked(shape) is route:
                return shape
        return None  # others are picked before it, always

    def _below(self, top: Shape) -> dict[Shape, Route]:
        """Return the shapes of the requests at or below `top`, and the route that is picked for each."""
        if top not in self._known:
            picked = {shape: self._picked(shape) for _, shape in self._ends_of(top)}
            self._known[top] = {shape: route for shape, route in picked.items() if route is not None}
        return self._known[top]

    def _ends_of(self, top: Shape) -> set[tuple[_Node, Shape]]:
        """Return where a walk along `top` may end, a value in it being one segment or more.

        A greedy route goes on for ever, but what is longer than all paths and `top` is like what is not.
        """
        if top in self._ends:
            return self._ends[top]
        starts = self._ends_of(top[:-1])
        segment = top[-1]
        ends: set[tuple[_Node, Shape]] = set()
        if segment != _ONE:
            for node, shape in starts:
                for name in (segment, _ONE, _MORE):
                    if name in node.children:
                        ends.add((node.children[name], (*shape, segment)))
        while segment == _ONE and starts:
            starts = {
                (child, (*shape, _ONE if name == _MORE else name))
                for node, shape in starts
                if len(shape) < self._depth + len(top)
                for name, child in node.children.items()
            }
            ends |= starts
        self._steps += len(ends)
        if self._steps > MAX_STEPS:
            raise ConfigError("ROUTE_SCOPES: too many of its paths match the same requests")
        self._ends[top] = ends
        return ends

    def grants(self) -> Iterator[_Grant]:
        """Yield what each route puts into a policy."""
        tops = {route: top for route in self._routes if (top := self._top(route)) is not None}
        above: dict[Route, set[Route]] = {route: set() for route in tops}
        for route, top in tops.items():
            for shape, owner in self._below(top).items():
                if owner is not route and shape == tops[owner]:
                    above[owner].add(route)
        for route, top in tops.items():
            below = tuple(self._denials(route, top)) if _ONE in top else ()
            depth = math.inf if route.is_greedy else len(top)
            yield _Grant(route, _pattern(self._method, top), depth, frozenset(above[route]), below)

    def _denials(self, route: Route, top: Shape) -> Iterator[_Below]:
        """Yield what lies below `top` and must or may be denied to a caller who is granted `route`."""
        shapes = {} if route.is_greedy else self._fences(top)  # deeper than a greedy one is its own
        for shape, requested in self._below(top).items():
            if not requested.scopes <= route.scopes:
                shapes[shape] = self._below(shape)
        above: defaultdict[Shape, set[_Below]] = defaultdict(set)
        settled: set[Shape] = set()
        for shape in sorted(shapes, key=_generality):
            if shape in settled:
                continue  # a more general one of the same route is denied already
            requests = shapes[shape]
            owners = frozenset(requests.values())
            owner = requests.get(shape)
            if owner is not None:
                _refuse_between(route, owner, owners)
                settled |= {special for special in requests if requests[special] is owner}
            if any(other.scopes <= route.scopes for other in owners):
                continue  # whoever is granted the route is granted that
            patterns = [_pattern(self._method, shape)]
            if shape[-1] != _ONE == top[-1]:
                # API Gateway takes no notice of a slash at the end: it must not evade a Deny.
                patterns.append(f"{patterns[0]}/")
            if len(patterns[-1]) > MAX_PATTERN_LENGTH:
                raise ConfigError(f"ROUTE_SCOPES: a policy has no room to deny what is deeper than {route}")
            below = _Below(len(shape), patterns, owners, frozenset(above[shape]))
            yield below
            for special in {*requests, *_deeper(shape)} & shapes.keys():
                above[special].add(below)

    def _fences(self, top: Shape) -> dict[Shape, dict[Shape, Route]]:
        """Return shapes for what is deeper than `top`, whether or not the table has routes there.

        And with each, the requests at or below it. Where there are none, it keeps out all the rest. What
        is deeper than the whole table needs none, but where a greedy route is granted (see `_patterns`).
        """
        longest = max(map(len, self._below(top)))  # beyond it, there are no requests
        fences: dict[Shape, dict[Shape, Route]] = {}
        frontier = {top}
        while frontier:
            deeper = {longer for shape in frontier for longer in _deeper(shape) if len(longer) <= self._limit}
            found = {shape: self._below(shape) if len(shape) <= longest else {} for shape in deeper}
            frontier = {shape for shape in deeper if found[shape]}
            fences |= found
        return fences


def _refuse_between(route: Route, between: Route, others: Iterable[Route]) -> None:
    """Raise ConfigError if `between` can't be denied to a caller who may call `route` and one of `others`."""
    allowed = [other for other in others if not between.scopes <= route.scopes | other.scopes]
    if allowed:
        other = min(allowed, key=lambda other: other.line)
        both = f"{route} and {other}" if other is not route else route
        raise ConfigError(
            f"ROUTE_SCOPES: no policy can allow {both} and refuse {between}, since the wildcard for a path"
            f" parameter also spans /. Do without the scopes that only {between} needs, or change one of the"
            " paths"
        )


def _pattern(method: str, shape: Shape) -> str:
    return f"{method}/" + "/".join(_WILDCARD if segment == _ONE else segment for segment in shape)


def _deeper(shape: Shape) -> set[Shape]:
    return {(*shape[:at], _ONE, *shape[at:]) for at, segment in enumerate(shape) if segment == _ONE}


def _generality(shape: Shape) -> tuple[int, int, Shape]:
    return len(shape), len(shape) - shape.count(_ONE), shape
