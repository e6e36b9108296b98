"""No table was ever generated whose policies are not exact, nor one that was refused without need.

IAM and API Gateway are written anew for this, in tests/iam.py and tests/rest_api.py; IAM's matching is
held against moto's and the standard library's. `npm run fuzz` runs the same properties with many more
examples.

When can no policy be exact? A path value may hold characters that stand in no pattern (there are more of
them than a policy has room for), and a pattern that matches such a value matches whatever else of the same
length stands in its place, slashes included. So a policy that allows the requests `g` and `g2` allows `n` as
well, if `n` is `g`, and `g2` is `n`, with other text of the same length in place of such values: each Allow
that matches `g` matches `n`, and each Deny that matches `n` matches `g2`. Where no token may make such a `g`
and `g2` and not `n`, patterns with `?*` for each value are exact; so a table must be refused exactly if
`witness`, which tries all requests, finds the three.

The service refuses a few more: paths of some 300 characters or 100 segments, and paths that match the same
requests in thousands of ways. No table here has them.
"""

import json
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import pairwise, product

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import event as seen
from hypothesis import strategies as st
from moto.iam.access_control import IAMPolicy, PermissionResult

from auth import ConfigError
from auth.events import PolicyDocument, policy_document
from auth.policy import PolicyTable
from auth.routes import METHODS, parse_routes
from tests.support.iam import evaluate, matches
from tests.support.rest_api import RestRoute, picked

STAGE = "arn:aws:execute-api:us-east-1:123456789012:apiId/dev/"
SCOPES = ("r", "s", "t")
NAMES = ("a", "b", "mine")

thousands = settings(max_examples=20 * settings().max_examples)


# IAM, held against others.

arn_characters = st.sampled_from("ab/:-_*")
any_text = st.text(st.sampled_from("ab/:?*[]!-.%\n\u00fc ") | st.characters(), max_size=8)


@thousands
@given(st.text(st.sampled_from("ab/?*[]!") | st.characters(), max_size=8), any_text)
@example("?*/?*", "a//b")
def test_the_tests_iam_matches_as_the_standard_library_does(pattern: str, text: str) -> None:
    """fnmatch has brackets too, which are no wildcards to IAM."""
    assert matches(pattern, text) == fnmatchcase(text, pattern.replace("[", "[[]"))


@thousands
@given(
    st.lists(st.tuples(st.sampled_from(["Allow", "Deny"]), st.text(arn_characters, max_size=6)), max_size=4),
    st.text(arn_characters, max_size=6),
)
def test_the_tests_iam_decides_as_motos_does(statements: list[tuple[str, str]], text: str) -> None:
    """All but `?`, which moto hands to a regular expression as it is."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Action": "execute-api:Invoke", "Effect": effect, "Resource": [STAGE + pattern]}
            for effect, pattern in statements
        ],
    }
    moto = IAMPolicy({"policy_document": json.dumps(policy)})
    verdicts = {"Allow": PermissionResult.PERMITTED, "Deny": PermissionResult.DENIED}

    verdict = evaluate(policy, STAGE + text)

    theirs = moto.is_action_permitted("execute-api:Invoke", STAGE + text)
    assert theirs == (verdicts[verdict] if verdict else PermissionResult.NEUTRAL)


# What is generated.

methods = st.sampled_from(["GET", "GET", "GET", "POST", "ANY"])
parts = st.sampled_from([*NAMES, "{x}", "{x}"])
paths = st.builds(
    lambda stem, last: "/" + "/".join([*stem, *last]),
    st.lists(parts, max_size=4),
    st.sampled_from([[], [], [], ["{rest+}"]]),
)
scope_sets = st.frozensets(st.sampled_from(SCOPES), max_size=2)
tables = st.lists(
    st.builds(RestRoute, methods, paths, scope_sets),
    min_size=1,
    max_size=6,
    unique_by=lambda one: (one.method, one.path),
)
values = st.sampled_from(
    [*NAMES, "1", "*", "?", "?*", "a*", "%2F", "a%2Fb", "a:b", "a b", "\u00fc", "Mine", "mine.", "..", "{x}"]
) | st.text(st.characters(exclude_characters="/"), min_size=1, max_size=6)


def compiled(table: list[RestRoute]) -> PolicyTable:
    routes = parse_routes("\n".join(map(str, table))).table("", "rest")
    assert routes
    return PolicyTable(routes)


def policy_for(scopes: Iterable[str], policies: PolicyTable) -> PolicyDocument:
    return policy_document(STAGE, *policies.patterns(frozenset(scopes)))


def granted(endpoint: RestRoute | None, scopes: frozenset[str]) -> bool:
    return endpoint is not None and endpoint.scopes <= scopes


@st.composite
def requests(draw: st.DrawFn, table: list[RestRoute]) -> tuple[str, list[str]]:
    """A request for one of the endpoints, or near to one: with some other value, or more or less of it."""
    endpoint = draw(st.sampled_from(table))
    segments = [draw(values) if "{" in part else part for part in endpoint.parts]
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(segments)))
        segments[at : at + draw(st.integers(0, 1))] = draw(st.lists(values, max_size=2))
    method = endpoint.method if endpoint.method != "ANY" else draw(st.sampled_from(METHODS))
    return draw(st.sampled_from([method, method, method, "GET", "PATCH"])), segments


# The properties.


@thousands
@given(tables, scope_sets, st.data())
def test_a_request_is_allowed_exactly_if_its_route_is_granted(
    table: list[RestRoute], scopes: frozenset[str], data: st.DataObject
) -> None:
    try:
        routes = compiled(table)
    except ConfigError:
        seen("refused")
        assume(False)
    policy = policy_for(scopes, routes)
    longest = max((len(one.parts) for one in table if granted(one, scopes)), default=0)
    is_endless = any("+}" in one.path for one in table if granted(one, scopes))
    for _ in range(5):
        method, segments = data.draw(requests(table))
        endpoint = picked(table, method, segments)
        request = f"{method}/" + "/".join(segments)
        allowed = evaluate(policy, STAGE + request) == "Allow"
        if endpoint is not None:
            assert allowed == granted(endpoint, scopes), (request, policy)
        elif len(segments) > longest and not is_endless:
            assert not allowed, (request, policy)
        is_name = endpoint is not None and endpoint.parts and "{" not in endpoint.path
        if is_name and granted(endpoint, scopes):  # API Gateway ignores a slash at the end
            assert evaluate(policy, f"{STAGE}{request}/") == "Allow", (request, policy)
        # Whatever API Gateway makes of slashes that are too many, none of them opens a route.
        at = data.draw(st.integers(0, len(segments)))
        for sloppy in (f"{request}/", "/".join([method, *segments[:at], "", *segments[at:]])):
            if evaluate(policy, STAGE + sloppy) == "Allow" and endpoint is not None:
                assert granted(endpoint, scopes), (sloppy, policy)
        seen(
            f"{'no route' if endpoint is None else 'granted' if granted(endpoint, scopes) else 'not granted'}"
        )


FRESH = "~"  # stands in no name of a table, and so in no pattern


def blurred(segments: list[str]) -> Iterator[list[str]]:
    """Each way to put one value of the same length in place of some segments: itself is the first."""
    if not segments:
        yield []
        return
    for rest in blurred(segments[1:]):
        yield [segments[0], *rest]
    for length in range(1, len(segments) + 1):
        value = FRESH * len("/".join(segments[:length]))
        for rest in blurred(segments[length:]):
            yield [value, *rest]


def witness(table: list[RestRoute]) -> tuple[str, str, str] | None:
    """Requests `g`, `n`, `g2` as above, of which the token with the scopes for `g` and `g2` may not make `n`.

    Four segments are enough for paths of two: whatever is longer goes the way of these.
    """
    names = {part for one in table for part in one.parts if "{" not in part}
    for method in {one.method if one.method != "ANY" else "PUT" for one in table}:
        for length in range(1, 5):
            for behind in product([*names, FRESH], repeat=length):
                found = _witness(table, method, list(behind))
                if found:
                    return found
    return None


def _witness(table: list[RestRoute], method: str, behind: list[str]) -> tuple[str, str, str] | None:
    last = picked(table, method, behind)
    if last is None:
        return None
    for between in blurred(behind):
        middle = picked(table, method, between)
        if middle is None or middle.scopes <= last.scopes:
            continue
        for before in blurred(between):
            first = picked(table, method, before)
            if first is not None and not middle.scopes <= first.scopes | last.scopes:
                g, n, g2 = ("/".join([method, *one]) for one in (before, between, behind))
                return g, n, g2
    return None


small_tables = st.lists(
    st.builds(
        RestRoute,
        st.sampled_from(["GET", "GET", "GET", "ANY"]),
        st.sampled_from(
            ["/" + "/".join(p) for n in range(3) for p in product(["a", "b", "{x}"], repeat=n)]
            + ["/{rest+}", "/a/{rest+}", "/b/{rest+}", "/{x}/{rest+}"]
        ),
        st.frozensets(st.sampled_from(SCOPES), max_size=1),
    ),
    min_size=2,
    max_size=5,
    unique_by=lambda one: (one.method, one.path),
)


@settings(max_examples=4 * settings().max_examples)
@given(small_tables)
def test_a_table_is_refused_exactly_if_no_policy_is_right_for_some_token(table: list[RestRoute]) -> None:
    try:
        compiled(table)
        refusal = None
    except ConfigError as error:
        refusal = str(error)
    proof = witness(table)
    seen("compiled" if refusal is None else "refused")

    assert (refusal is None) == (proof is None)
    if refusal is not None and proof is not None:
        assert len(set(re.findall(r"\(line \d+\)", refusal))) >= 2
        for request, other in pairwise(proof):
            assert len(request) == len(other)
            assert matches(request.replace(FRESH, "?"), other)


@settings(max_examples=4 * settings().max_examples)
@given(tables, scope_sets)
def test_the_same_token_and_table_give_the_same_policy(
    table: list[RestRoute], scopes: frozenset[str]
) -> None:
    try:
        routes = compiled(table)
    except ConfigError:
        assume(False)
    policy = policy_for(scopes, routes)
    shuffled = sorted(scopes, key=hash)

    assert json.dumps(policy) == json.dumps(policy_for(shuffled, compiled(table)))


@pytest.mark.parametrize("method", METHODS)
def test_the_router_knows_each_method(method: str) -> None:
    assert picked([RestRoute("ANY", "/a", frozenset())], method, ["a"])
