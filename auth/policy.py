"""What the caller may invoke: one policy for the whole API, from the token alone.

API Gateway keeps the policy under the token and evaluates it for every later request. So it must be
right for each route, not only for the one that was asked for: it allows a request exactly if the
route that API Gateway picks for it is granted.

A path parameter becomes the wildcard `?*`, which spans `/` too. So the pattern of a route matches what
belongs to other routes, and that is denied again, as is all that no route is there for:

    GET /pets/{petId}         read:pets        GET/pets/?*             Allow
    GET /pets/mine            own:pets          |-- GET/pets/mine      Deny, unless own:pets
    GET /pets/{petId}/owner   read:owners       '-- GET/pets/?*/?*     Deny, unless read:owners
                                                     '-- GET/pets/?*/owner

Each line of the drawing is a *shape*: a path with `{}` for any value. A pattern matches its shape and
all that is drawn below it. So a shape may be denied if none of the routes at or below it is granted; and
one that is not granted must be, if it lies below one that is. Where a route that is not granted would lie
between two that are, no policy will do, and the table is refused when it is read.
"""

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

# How many ways there may be to read one path as another: no sane table comes near.
MAX_STATES = 20_000

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


@dataclass(frozen=True, eq=False)
class _Below:
    """A shape below that of a granted route."""

    patterns: list[str]
    owners: frozenset[Route]
    """The routes at or below it. It is denied if none of them is granted ..."""
    above: frozenset["_Below"]
    """... and none of these shapes, which lie between, is denied already."""


@dataclass(frozen=True, eq=False)
class _Grant:
    """What a route puts into the policy, for one method, if it is granted."""

    route: Route
    method: str
    pattern: str
    above: frozenset[Route]
    """The routes whose patterns match all of this one. If one of them is granted, nothing is to be said."""
    below: tuple[_Below, ...]


@dataclass(frozen=True)
class RouteTable:
    """ROUTE_SCOPES, compiled: what each route adds to the policy of a token that is granted it."""

    routes: tuple[Route, ...]
    grants: tuple[_Grant, ...]


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
    allowed = []
    denied: dict[str, None] = {}  # a set that keeps its order
    wild: set[str] = set()
    guarded: set[str] = set()
    for grant in table.grants:
        if grant.route not in granted:
            guarded.add(grant.method)
        elif grant.above.isdisjoint(granted):
            allowed.append(grant.pattern)
            if _WILDCARD in grant.pattern:
                wild.add(grant.method)
            refused = {below: None for below in grant.below if below.owners.isdisjoint(granted)}
            for below in refused:
                if below.above.isdisjoint(refused):
                    denied.update(dict.fromkeys(below.patterns))
    # Whether `//` in a path is the same as `/` to API Gateway is not known: it must not evade a Deny.
    denied.update((f"{method}*//*", None) for method in METHODS if method in wild & guarded)
    return allowed, list(denied)


def compile_routes(text: str) -> RouteTable:
    """Read ROUTE_SCOPES: one route a line, as method, path and the scopes that it needs.

    Raises ConfigError for a malformed table, and for one that no policy can express.
    """
    routes = _parse(text)
    grants = [grant for method in METHODS for grant in _Tree(method, routes).grants()]
    grants.sort(key=lambda grant: grant.route.line)
    return RouteTable(tuple(routes), tuple(grants))


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
    """A path of the table. The children of a greedy one are itself: it goes on for ever."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    route: Route | None = None


class _Tree:
    """The requests of one method by their shapes, and the route that API Gateway picks for each."""

    def __init__(self, method: str, routes: Iterable[Route]) -> None:
        self._method = method
        # An exact method goes before ANY, whatever their order in the table.
        by_shape = {route.shape: route for route in routes if route.method == "ANY"}
        by_shape |= {route.shape: route for route in routes if route.method == method}
        self._routes = list(by_shape.values())
        self._depth = max((len(route.shape) for route in self._routes), default=0)
        self._known: dict[Shape, dict[Shape, Route]] = {}
        self._root = _Node()
        for route in self._routes:
            node = self._root
            for segment in route.shape:
                node = node.children.setdefault(segment, _Node())
            node.route = route
            if route.shape[-1:] == (_MORE,):
                node.children[_MORE] = node

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
        greedy = node.children.get(_MORE)
        return greedy.route if greedy else None

    def _top(self, route: Route) -> Shape | None:
        """Return the shape that all requests of `route` lie at or below, if there are any."""
        if route.shape[-1:] != (_MORE,):
            return route.shape
        stem = route.shape[:-1]
        for length in range(1, self._depth - len(stem) + 2):
            shape = stem + length * (_ONE,)
            if self._picked(shape) is route:
                return shape
        return None  # others are picked before it, always

    def _below(self, top: Shape) -> dict[Shape, Route]:
        """Return the shapes of the requests at or below `top`, the general before the special."""
        if top not in self._known:
            shapes = self._reached(top) if _ONE in top else {top}
            picked = {shape: self._picked(shape) for shape in sorted(shapes, key=_generality)}
            self._known[top] = {shape: route for shape, route in picked.items() if route is not None}
        return self._known[top]

    def _reached(self, top: Shape) -> set[Shape]:
        """Walk the tree along the pattern of `top`, a value of which may be several segments.

        A greedy route goes on for ever, but what is longer than all paths and `top` is like what is not.
        """
        limit = self._depth + len(top)
        states: list[tuple[_Node, int, Shape]] = [(self._root, 0, ())]
        seen = set(states)
        while states:
            node, at, shape = states.pop()
            if at == len(top) or len(shape) == limit:
                continue
            for name, child in node.children.items():
                if top[at] == _ONE:
                    longer = (*shape, _ONE if name == _MORE else name)
                    following = [(child, at, longer), (child, at + 1, longer)]
                elif name in (top[at], _ONE, _MORE):
                    following = [(child, at + 1, (*shape, top[at]))]
                else:
                    continue
                states += [state for state in following if state not in seen]
                seen.update(following)
            if len(seen) > MAX_STATES:
                raise ConfigError("ROUTE_SCOPES: too many of its paths match the same requests")
        return {shape for _, at, shape in seen if at == len(top)}

    def _pattern(self, route: Route, shape: Shape) -> str:
        pattern = f"{self._method}/" + "/".join(_WILDCARD if s == _ONE else s for s in shape)
        if len(pattern) >= MAX_PATTERN_LENGTH:  # with the slash that may follow
            raise ConfigError(
                f"ROUTE_SCOPES line {route.line}: the path is too long for a policy: {route.path!r}"
            )
        return pattern

    def grants(self) -> Iterator[_Grant]:
        """Yield what each route puts into a policy."""
        tops = {route: top for route in self._routes if (top := self._top(route)) is not None}
        above: dict[Route, set[Route]] = {route: set() for route in tops}
        for route, top in tops.items():
            for shape, owner in self._below(top).items():
                if owner is not route and shape == tops[owner]:
                    above[owner].add(route)
        for route, top in tops.items():
            below = tuple(self._denials(route, top))
            yield _Grant(route, self._method, self._pattern(route, top), frozenset(above[route]), below)

    def _denials(self, route: Route, top: Shape) -> Iterator[_Below]:
        """Yield what lies below `top` and must or may be denied to a caller who is granted `route`."""
        others = {shape for shape, owner in self._below(top).items() if not owner.scopes <= route.scopes}
        above: defaultdict[Shape, set[_Below]] = defaultdict(set)
        settled: set[Shape] = set()
        for shape in sorted(others | self._fences(route, top), key=_generality):
            if shape in settled:
                continue
            requests = self._below(shape)
            owner = requests.get(shape)
            if owner is not None:
                _refuse_between(route, owner, requests.values())
                settled |= {s for s in requests if requests[s] is owner}
            owners = frozenset(requests.values())
            if any(other.scopes <= route.scopes for other in owners):
                continue  # it is granted, too
            patterns = [self._pattern(route, shape)]
            if shape[-1] != _ONE == top[-1]:
                # API Gateway takes no notice of a slash at the end: it must not evade a Deny.
                patterns.append(f"{patterns[0]}/")
            below = _Below(patterns, owners, frozenset(above[shape]))
            yield below
            for special in (*requests, *_deeper(shape)):
                above[special].add(below)

    def _fences(self, route: Route, top: Shape) -> set[Shape]:
        """Return shapes for what is deeper than `top`, whether or not the table has routes there."""
        fences: set[Shape] = set()
        # All that is deeper than a greedy route's is its own.
        frontier = {top} if top == route.shape else set()
        while frontier:
            deeper = {longer for shape in frontier for longer in _deeper(shape)}
            fences |= deeper
            frontier = {shape for shape in deeper if self._below(shape) and len(shape) <= self._depth}
        return fences


def _refuse_between(route: Route, between: Route, others: Iterable[Route]) -> None:
    """Raise ConfigError if `between` can't be denied to a caller who may call `route` and one of `others`."""
    for other in others:
        if not between.scopes <= route.scopes | other.scopes:
            raise ConfigError(
                f"ROUTE_SCOPES: no policy can allow {route} and {other} and refuse {between}, since the"
                f" wildcard for a path parameter also spans /. Let {between} need no scopes but those of"
                " the others, or change one of the paths"
            )


def _deeper(shape: Shape) -> set[Shape]:
    return {(*shape[:at], _ONE, *shape[at:]) for at, segment in enumerate(shape) if segment == _ONE}


def _generality(shape: Shape) -> tuple[int, int, Shape]:
    return len(shape), len(shape) - shape.count(_ONE), shape
