"""This file is the deployer's own rules: it loads the functions of rules.py, and checks what they return.

They are somebody else's code over claims that differ from token to token. Whatever goes wrong in them is a
ConfigError, and never an Allow. Its text is logged, so it has no part of a claim: no value that a function
returned, and not the message of an exception.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from traceback import walk_tb
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, TypeVar

from .errors import ConfigError
from .read_only import read_only
from .routes import SCOPE

MODULE = "rules"
FILE = "rules.py"

MAX_REASON_LENGTH = 200
MAX_RETURNED_SCOPES = 10_000  # with duplicates; a generator may never end
MAX_ADDED_BYTES = 2048  # of the context and the scopes together
# API Gateway's own limits for the value of an API key (AWS, "API Gateway API key file format").
KEY_LENGTHS = range(20, 129)

# The names of the context that are taken: by this project, by API Gateway ("Output from an API Gateway Lambda
# authorizer"), and by what access logs say about the authorizer (resources/access-logs.yml).
RESERVED_NAMES = frozenset(
    {
        *("scope", "iss", "exp", "principal", "challenge"),
        *("principalId", "claims", "integrationLatency"),
        *("requestId", "status", "error", "latency", "integrationStatus"),
    }
)

Rule = Callable[[Mapping[str, Any]], object]
Context = dict[str, str | int | float | bool]
Result = TypeVar("Result")


class Rules(NamedTuple):
    """The functions of rules.py. Each gets the verified claims of a token. None: it is not defined."""

    refuse: Rule | None = None
    """Returns why the token is refused, or None."""
    scopes: Rule | None = None
    """Returns scopes that the token grants, beside those in its SCOPE_CLAIMS."""
    context: Rule | None = None
    """Returns what the backend is told, beside `scope`."""
    usage_plan_key: Rule | None = None
    """Returns the value of the API key whose usage plan applies to the caller, or None."""


NO_RULES = Rules()


class Results(NamedTuple):
    """What the rules say about a token."""

    refusal: str | None = None
    """Why it is refused."""
    scopes: frozenset[str] = frozenset()
    context: Context = {}  # noqa: RUF012 - nobody changes it
    usage_plan_key: str | None = None


NO_RESULTS = Results()


def load_rules() -> Rules:
    """Import rules.py, which must be importable as `rules`, and return its functions.

    Raises ConfigError if it can't be imported, or defines a public name that is not a rule: a misspelled rule
    would not be applied. Constants in capitals, classes and what is imported are allowed.
    """
    try:
        module = import_module(MODULE)
    except BaseException as error:  # noqa: BLE001 - SystemExit would end the Lambda environment
        raise ConfigError(f"{FILE} can't be imported: {_what_was_raised(error)}") from None
    names = ", ".join(Rules._fields)
    for name, value in vars(module).items():
        if name in Rules._fields and not callable(value):
            raise ConfigError(f"{FILE}: {name} must be a function")
        if _may_be_a_misspelled_rule(name, value):
            raise ConfigError(
                f"{FILE}: {name} is not one of {names}. Correct its name. If it is not a rule, let its name"
                " begin with an underscore"
            )
    return Rules(**{name: getattr(module, name, None) for name in Rules._fields})


def apply_rules(
    rules: Rules, claims: Mapping[str, Any], allowed_scopes: frozenset[str] | None = None
) -> Results:
    """Return what the rules say about a token with these verified `claims`.

    `allowed_scopes` are ALLOWED_SCOPES of its issuer: what an issuer may grant at most. That limits `scopes`,
    too, which would otherwise let somebody else's issuer grant anything by writing a role into its tokens.
    Scopes that it lacks are left out. If the token is refused, the other functions are not called.

    Raises ConfigError if a function raises an exception, or returns what can't be used.
    """
    if rules == NO_RULES:
        return NO_RESULTS
    view = read_only(claims)
    refusal = _call("refuse", rules.refuse, view, _reason) if rules.refuse else None
    if refusal is not None:
        return Results(refusal)
    scopes = _call("scopes", rules.scopes, view, _scopes) if rules.scopes else frozenset[str]()
    context: Context = {}
    if rule := rules.context:
        free = MAX_ADDED_BYTES - _size_of_scopes(scopes)
        context = _call("context", rule, view, lambda value: _context(value, rule, free))
    key = _call("usage_plan_key", rules.usage_plan_key, view, _key) if rules.usage_plan_key else None
    return Results(None, scopes if allowed_scopes is None else scopes & allowed_scopes, context, key)


class _Unusable(Exception):
    """What a function returned. The text continues `context returned ...`."""


def _call(name: str, rule: Rule, claims: Mapping[str, Any], check: Callable[[object], Result]) -> Result:
    """Call a function of rules.py, and return what `check` makes of its answer."""
    try:
        return check(rule(claims))  # an iterator may raise in `check`
    except _Unusable as unusable:
        raise ConfigError(f"rule_failed: {name} returned {unusable}") from None
    except BaseException as error:  # noqa: BLE001 - SystemExit would end the Lambda environment
        raise ConfigError(f"rule_failed: {name} raised {_what_was_raised(error)}") from None


def _reason(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _Unusable(f"{_type(value)}; return None, or the reason as a string")
    if not 0 < len(value) <= MAX_REASON_LENGTH:
        raise _Unusable(f"a reason of {len(value)} characters; 1 to {MAX_REASON_LENGTH} are possible")
    return value


def _scopes(value: object) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise _Unusable(f"{_type(value)}; return a list of scopes")
    scopes: set[str] = set()
    for number, scope in enumerate(value):
        if number == MAX_RETURNED_SCOPES:
            raise _Unusable(f"more than {MAX_RETURNED_SCOPES} scopes")
        if not isinstance(scope, str):
            raise _Unusable(f"{_type(scope)} in the list; each scope must be a string")
        if not SCOPE.fullmatch(scope):
            raise _Unusable("what is not a scope: scopes are ASCII without spaces, quotes and backslashes")
        scopes.add(scope)
    if _size_of_scopes(scopes) > MAX_ADDED_BYTES:
        raise _Unusable(f"more than {MAX_ADDED_BYTES} bytes of scopes")
    return frozenset(scopes)


def _size_of_scopes(scopes: Iterable[str]) -> int:
    return sum(len(scope) + 1 for scope in scopes)  # they are separated by spaces


def _context(value: object, rule: Rule, free: int) -> Context:
    """Return a context that each kind of API can pass on: a value that is no scalar makes a REST API fail."""
    if not isinstance(value, Mapping):
        raise _Unusable(f"{_type(value)}; return a dict")
    context = dict(value)
    for name, one in context.items():
        if type(name) is not str or not name or not name.isprintable():
            raise _Unusable("a name that is no printable string")
        if name in RESERVED_NAMES:
            raise _Unusable(f"the name {name}, which is reserved; choose another one")
        if problem := _problem(one):
            raise _Unusable(f"{problem} for {_shown(name, rule)}; leave it out, or return a string")
    if len(json.dumps(context, ensure_ascii=False).encode()) > free:
        raise _Unusable(f"too much: with the scopes of `scopes`, more than {MAX_ADDED_BYTES} bytes")
    return context


def _problem(value: object) -> str:
    """Return what is wrong with a value of the context, or nothing."""
    if type(value) is str:
        return "" if value.isprintable() else "a string with characters that are not printable"
    if type(value) in (int, float):
        # A comparison with NaN is false.
        return "" if abs(value) <= sys.float_info.max else "a number that is not finite"  # type: ignore[arg-type]
    return "" if type(value) is bool else _type(value)


def _key(value: object) -> str | None:
    if value is None:
        return None
    if type(value) is not str:
        raise _Unusable(f"{_type(value)}; return None, or the value of an API key")
    if len(value) not in KEY_LENGTHS or not value.isprintable():
        raise _Unusable(
            f"a string of {len(value)} characters; the value of an API key has {KEY_LENGTHS[0]} to"
            f" {KEY_LENGTHS[-1]} printable ones"
        )
    return value


def _may_be_a_misspelled_rule(name: str, value: object) -> bool:
    """Tell whether a name of rules.py is neither a rule nor certainly something else."""
    if name.startswith("_") or name in Rules._fields or isinstance(value, ModuleType | type):
        return False
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return value.__module__ == MODULE or value.__name__ != name  # others are imported
    if type(value).__module__ == "__future__":
        return False
    return not name[0].isupper() or name.lower() in Rules._fields


def _what_was_raised(error: BaseException) -> str:
    """Return the type of an exception, and the line of rules.py in which it was raised, if that is known."""
    lines = [
        line
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename.rpartition("/")[2] == FILE
    ]
    if not lines and isinstance(error, SyntaxError) and error.lineno:
        lines = [error.lineno]
    return type(error).__name__ + (f" ({FILE}, line {lines[-1]})" if lines else "")


def _type(value: object) -> str:
    if value is None:
        return "None"
    kind = next((one for one in (dict, list) if isinstance(value, one)), type(value))  # claims are subclasses
    return f"a value of the type {kind.__name__}"


def _shown(name: str, rule: Rule) -> str:
    """Return a name of the context as it may be logged: if it is in the code, it is not from a claim."""
    code = getattr(rule, "__code__", None)
    return repr(name) if code and name in _literals(code) else "a name that its code does not have literally"


def _literals(code: CodeType) -> Iterator[object]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _literals(constant)
        elif isinstance(constant, tuple):  # such as the names of a dict
            yield from constant
        else:
            yield constant
