"""What the caller may invoke: one policy for the whole API, from the token alone.

API Gateway keeps the policy under the token and evaluates it for every later request. So it must be
right for each route, not only for the one that was asked for: it allows a request exactly if the
route that API Gateway picks for it is granted.

What makes that hard is that a wildcard in a policy also spans `/`: `GET/pets/*` matches
`GET/pets/1/owner`. What a granted route's pattern reaches beyond the route is denied again, and a
table for which that can't be done is refused when it is read.
"""

import re
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
# A Resource has at most 512 characters, of which the ARN up to the stage takes up to 200.
MAX_PATTERN_LENGTH = 312

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


# The segments of a path: a name, or `_ONE` for any one segment, or last `_MORE` for one or more.
Shape = tuple[str, ...]
_ONE = "{}"
_MORE = "{+}"


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


@dataclass(frozen=True)
class _Reach:
    """What the pattern of a granted route reaches although it belongs to another route."""

    owner: Route
    pattern: str
    fences: tuple[int, ...]
    """Which of the fences would keep it out already."""


@dataclass(frozen=True)
class _Fence:
    """A pattern for all that lies deeper than a granted route, whether or not the table has it."""

    pattern: str
    owners: frozenset[Route]
    """To whom the requests behind it belong: granted to none of them, the fence may stand."""


@dataclass(frozen=True)
class _Grant:
    """What a route puts into the policy, for one method, if it is granted."""

    route: Route
    pattern: str
    fences: tuple[_Fence, ...]
    reaches: tuple[_Reach, ...]


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
    if match is None:
        raise ConfigError("methodArn is not that of an API Gateway method")
    stage_arn = match[1]
    allowed, denied = _patterns(scopes, table) if table else (["*"], [])
    if not allowed:
        # To say nothing would be to allow, where the API has a resource policy (AWS, "How API
        # Gateway resource policies affect authorization workflow").
        denied = ["*"]
    statements = [
        _statement("Allow", stage_arn, allowed),
        _statement("Deny", stage_arn, denied),
    ]
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
    denied: dict[str, None] = {}  # a set that keeps the order of the table
    for grant in table.grants:
        if grant.route not in granted:
            continue
        allowed.append(grant.pattern)
        standing = {n for n, f in enumerate(grant.fences) if granted.isdisjoint(f.owners)}
        denied.update((grant.fences[n].pattern, None) for n in sorted(standing))
        denied.update(
            (reach.pattern, None)
            for reach in grant.reaches
            if reach.owner not in granted and standing.isdisjoint(reach.fences)
        )
    return allowed, list(denied)


def compile_routes(text: str) -> RouteTable:
    """Read ROUTE_SCOPES: one route a line, as method, path and the scopes that it needs.

    Raises ConfigError for a malformed table, and for one that no policy can express.
    """
    routes = _parse(text)
    trees = [_Tree(method, routes) for method in METHODS]
    grants = [grant for tree in trees for route in tree.routes for grant in tree.grants(route)]
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


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    route: Route | None = None
    greedy: Route | None = None
    is_reached: bool = False
    """Some route is picked for a request that ends here."""


class _Tree:
    """The requests of one method, and which route API Gateway picks for each.

    Requests are handled by their shape: `_ONE` is a value that no path in the table has.
    """

    def __init__(self, method: str, routes: Iterable[Route]) -> None:
        self._method = method
        # An exact method goes before ANY, whatever their order in the table.
        by_shape = {route.shape: route for route in routes if route.method == "ANY"}
        by_shape |= {route.shape: route for route in routes if route.method == method}
        self.routes = list(by_shape.values())
        # Whatever is longer than the longest route and one more is like that.
        self._depth = max((len(route.shape) for route in self.routes), default=0) + 1
        self._root = _Node()
        for route in self.routes:
            self._plant(route)

    def _plant(self, route: Route) -> None:
        is_greedy = route.shape[-1:] == (_MORE,)
        node = self._root
        for segment in route.shape[:-1] if is_greedy else route.shape:
            node = node.children.setdefault(segment, _Node())
        if not is_greedy:
            node.route = route
            node.is_reached = True
            return
        node.greedy = route
        for _ in range(len(route.shape) - 1, self._depth):
            node = node.children.setdefault(_ONE, _Node())
            node.is_reached = True

    def _picked(self, shape: Shape, node: _Node | None = None) -> Route | None:
        """Name before parameter before greedy parameter, from left to right."""
        node = node or self._root
        if not shape:
            return node.route
        for segment in {shape[0]: None, _ONE: None}:
            if child := node.children.get(segment):
                route = self._picked(shape[1:], child)
                if route is not None:
                    return route
        return node.greedy

    def _reached(self, pattern: Shape, node: _Node | None = None) -> Iterator[Shape]:
        """Yield the shapes of all requests that `pattern` matches, a wildcard in it spanning `/`."""
        node = node or self._root
        if not pattern:
            if node.is_reached:
                yield ()
            return
        head, rest = pattern[0], pattern[1:]
        if head != _ONE:
            for segment in (head, _ONE):
                if segment in node.children:
                    for tail in self._reached(rest, node.children[segment]):
                        yield (head, *tail)
            return
        for segment, child in node.children.items():
            for tail in self._reached(rest, child):
                yield (segment, *tail)
            for tail in self._reached(pattern, child):
                yield (segment, *tail)

    def _owners(self, pattern: Shape) -> dict[Shape, Route]:
        shapes = sorted(set(self._reached(pattern)), key=lambda shape: (len(shape), shape))
        owners = {shape: self._picked(shape) for shape in shapes}
        return {shape: route for shape, route in owners.items() if route is not None}

    def _text(self, shape: Shape) -> str:
        return f"{self._method}/" + "/".join(_WILDCARD if s == _ONE else s for s in shape)

    def _pattern(self, route: Route) -> Shape | None:
        """Return the shortest shape for which `route` is picked, if there is one."""
        if route.shape[-1:] != (_MORE,):
            return route.shape
        stem = route.shape[:-1]
        for length in range(1, self._depth - len(stem) + 1):
            shape = stem + length * (_ONE,)
            if self._picked(shape) is route:
                return shape
        return None

    def grants(self, route: Route) -> Iterator[_Grant]:
        """Yield what `route` puts into a policy: nothing if others are picked before it always."""
        pattern = self._pattern(route)
        if pattern is None:
            return
        owners = self._owners(pattern) if _ONE in pattern else {}
        fences = []
        behind = []
        if route.shape == pattern:
            for n, segment in enumerate(pattern):
                if segment == _ONE:
                    deeper = (*pattern[:n], _ONE, *pattern[n:])
                    owned = self._owners(deeper) if len(owners) > 1 else {}
                    fences.append(_Fence(self._text(deeper), frozenset(owned.values())))
                    behind.append(owned)
        reaches = []
        denied: set[Shape] = set()
        for shape, owner in owners.items():
            if owner is not route and not owner.scopes <= route.scopes and shape not in denied:
                also = self._owners(shape)
                self._refuse_collateral(route, owner, also.values())
                denied |= {other for other in also if also[other] is owner}
                within = tuple(n for n, owned in enumerate(behind) if shape in owned)
                reaches.append(_Reach(owner, self._text(shape), within))
        yield _Grant(route, self._text(pattern), tuple(fences), tuple(reaches))

    @staticmethod
    def _refuse_collateral(route: Route, owner: Route, others: Iterable[Route]) -> None:
        """Raise ConfigError if `owner` can't be denied without one that is granted with `route`."""
        for other in others:
            if not owner.scopes <= route.scopes | other.scopes:
                raise ConfigError(
                    f"ROUTE_SCOPES: no policy can allow {other} and not {owner} to a caller who may"
                    f" call {route}, since a wildcard for a path parameter also spans /."
                    f" Give {owner} no scopes that {other} lacks, or change one of the paths"
                )
