"""What the functions of rules.py may return, and what happens if they return anything else.

docs/rules.md has examples of rules, which are tested here as they stand there.
"""

import functools
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from auth import ConfigError, InvalidToken, Settings
from auth.authorizer import Decision, decide
from auth.custom_rules import NO_RULES, RESERVED_NAMES, Results, Rules, apply_rules, load_rules
from auth.keys import KeyStore
from tests.support.deployed import deployed
from tests.support.environment import environment
from tests.support.iam import evaluate
from tests.support.tokens import SigningKey, good_claims, jwks, make_event, make_token
from tests.unit.test_events import STAGE, connect, http_1, http_2, rest_request

TABLE = "GET /pets read:pets\nGET /pets/{petId} read:pets\nPOST /pets create:pets\n$connect read:pets"
SECRET = "alice@example.com"  # a claim's value, which no log line may have
KEY_VALUE = "the-value-of-an-api-key"


class Api:
    """The decision for each kind of event, with the rules of a test."""

    def __init__(self, key: SigningKey, **variables: str) -> None:
        self.key = key
        self.settings = Settings.from_environment(environment(ROUTE_SCOPES=TABLE) | variables)
        self.keys = {
            issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=lambda _: jwks(key))
            for issuer in self.settings.issuers
        }

    def decide(self, kind: str, rules: Rules = NO_RULES, **claims: Any) -> Decision:
        token = make_token(self.key, good_claims(**claims))
        headers = {"headers": {"authorization": f"Bearer {token}"}, "multiValueHeaders": None}
        event = make_event(token) if kind == "TOKEN" else EVENTS[kind]() | headers
        return decide(event, self.settings, self.keys, rules)


EVENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "REST": rest_request,
    "HTTP 1.0": http_1,
    "HTTP 2.0": http_2,
    "WebSocket": connect,
}
each_kind = pytest.mark.parametrize("kind", ["TOKEN", *EVENTS])


@pytest.fixture
def api(key: SigningKey) -> Api:
    return Api(key)


def effects(decision: Decision) -> set[str]:
    return {statement["Effect"] for statement in decision.response["policyDocument"]["Statement"]}


# What a rule may do


@each_kind
def test_without_rules_nothing_is_added(api: Api, kind: str) -> None:
    decision = api.decide(kind)

    assert decision == api.decide(kind, Rules(refuse=lambda _: None))
    assert "usageIdentifierKey" not in decision.response
    assert decision.refusal is None


@each_kind
def test_a_refusal_is_a_policy_that_denies_everything(api: Api, kind: str) -> None:
    def refuse(claims: Mapping[str, Any]) -> str | None:
        return None if claims.get("org_id") == "acme" else "not of the organization acme"

    refused = api.decide(kind, Rules(refuse=refuse), org_id="other")
    (statement,) = refused.response["policyDocument"]["Statement"]

    assert (statement["Effect"], statement["Resource"][0].endswith("/*")) == ("Deny", True)
    assert len(statement["Resource"]) == 1
    assert refused.refusal == "not of the organization acme"
    assert effects(api.decide(kind, Rules(refuse=refuse), org_id="acme")) >= {"Allow"}


def test_a_token_that_is_refused_gets_nothing_from_the_other_rules(api: Api) -> None:
    def fail(claims: object) -> object:
        raise AssertionError("called")

    response = api.decide("TOKEN", Rules(lambda _: "no", fail, fail, fail)).response

    assert response["context"] == {"scope": "read:pets"}


def test_a_refusal_holds_where_any_valid_token_may_invoke_everything(key: SigningKey) -> None:
    decision = Api(key, ROUTE_SCOPES="*").decide("TOKEN", Rules(refuse=lambda _: "no"))

    assert effects(decision) == {"Deny"}


@each_kind
def test_scopes_are_granted_beside_those_of_the_token(api: Api, kind: str) -> None:
    rules = Rules(scopes=lambda claims: (role for role in claims["roles"]))

    assert effects(api.decide(kind, scope="")) == {"Deny"}
    granted = api.decide(kind, rules, scope="openid", roles=["read:pets", "read:pets"])
    assert "Allow" in effects(granted)
    assert granted.response["context"]["scope"] == "openid read:pets"
    assert granted.claims.scopes == {"openid", "read:pets"}


@pytest.mark.parametrize("scopes", [[], (), set(), {"read:pets": 1}.keys(), iter(["read:pets"])])
def test_scopes_are_any_iterable(scopes: Any) -> None:
    assert apply_rules(Rules(scopes=lambda _: scopes), {}).scopes <= {"read:pets"}


def test_scopes_do_not_exceed_what_the_issuer_may_grant(key: SigningKey) -> None:
    api = Api(key, ALLOWED_SCOPES="read:pets,list:pets")
    decision = api.decide("TOKEN", Rules(scopes=lambda _: ["create:pets", "list:pets"]))

    assert decision.response["context"]["scope"] == "list:pets read:pets"
    arn = f"{STAGE}POST/pets"
    assert evaluate(decision.response["policyDocument"], arn) != "Allow"


@each_kind
def test_the_context_reaches_the_backend_beside_the_scope(api: Api, kind: str) -> None:
    added = {"tenant": "Bäckerei 7", "seats": 3, "share": 0.5, "is_trial": False, "none": ""}
    response = api.decide(kind, Rules(context=lambda _: added)).response

    context = {name: value for name, value in response["context"].items() if name != "exp"}
    assert context == added | {"scope": "read:pets"}
    assert all(type(value) in (str, int, float, bool) for value in response["context"].values())
    assert ("exp" in response["context"]) == (kind == "WebSocket")


@each_kind
def test_a_usage_plan_key_is_answered_where_the_kind_of_api_knows_it(api: Api, kind: str) -> None:
    response = api.decide(kind, Rules(usage_plan_key=lambda _: KEY_VALUE)).response

    assert response.get("usageIdentifierKey") == (None if "HTTP" in kind else KEY_VALUE)
    assert KEY_VALUE not in json.dumps(response["context"])


@each_kind
def test_a_caller_may_have_no_key(api: Api, kind: str) -> None:
    assert "usageIdentifierKey" not in api.decide(kind, Rules(usage_plan_key=lambda _: None)).response


@pytest.mark.parametrize("length", [20, 128])
def test_a_key_has_20_to_128_characters(length: int) -> None:
    assert apply_rules(Rules(usage_plan_key=lambda _: length * "k"), {}).usage_plan_key == length * "k"


def test_2_kilobytes_may_be_added(api: Api) -> None:
    assert len(json.dumps({"x": 2040 * "x"})) == 2049
    assert apply_rules(Rules(context=lambda _: {"x": 2039 * "x"}), {}).context == {"x": 2039 * "x"}
    assert apply_rules(Rules(scopes=lambda _: [2047 * "x"]), {}).scopes == {2047 * "x"}
    with pytest.raises(ConfigError, match="context returned too much"):
        apply_rules(Rules(scopes=lambda _: ["x"], context=lambda _: {"x": 2039 * "x"}), {})


# Claims


def test_rules_get_all_claims_of_a_verified_token(api: Api) -> None:
    seen: list[Any] = []
    claims = good_claims(nested={"list": [{"a": 1}], "text": "x"})
    api.decide("TOKEN", Rules(refuse=seen.append), **claims)

    assert seen == [claims]
    assert type(json.loads(json.dumps(seen[0]))) is dict


def test_rules_are_not_called_for_a_token_that_is_not_valid(api: Api) -> None:
    seen: list[Any] = []
    with pytest.raises(InvalidToken):
        api.decide("TOKEN", Rules(seen.append, seen.append, seen.append, seen.append), exp=1)

    assert seen == []


CHANGES: list[Callable[[Any], object]] = [
    lambda claims: claims.update(sub="bob"),
    lambda claims: claims.pop("sub"),
    lambda claims: claims.popitem(),
    lambda claims: claims.setdefault("x", 1),
    lambda claims: claims.clear(),
    lambda claims: claims.__setitem__("sub", "bob"),
    lambda claims: claims.__delitem__("sub"),
    lambda claims: claims.__ior__({"sub": "bob"}),
    lambda claims: claims["realm_access"].update(roles=["admin"]),
    lambda claims: claims["realm_access"].__setitem__("roles", ["admin"]),
    lambda claims: claims["realm_access"]["roles"].append("admin"),
    lambda claims: claims["realm_access"]["roles"].extend(["admin"]),
    lambda claims: claims["realm_access"]["roles"].insert(0, "admin"),
    lambda claims: claims["realm_access"]["roles"].__iadd__(["admin"]),
    lambda claims: claims["realm_access"]["roles"].__imul__(2),
    lambda claims: claims["realm_access"]["roles"].__setitem__(0, "admin"),
    lambda claims: claims["realm_access"]["roles"].__delitem__(0),
    lambda claims: claims["realm_access"]["roles"].remove("user"),
    lambda claims: claims["realm_access"]["roles"].pop(),
    lambda claims: claims["realm_access"]["roles"].clear(),
    lambda claims: claims["realm_access"]["roles"].sort(),
    lambda claims: claims["realm_access"]["roles"].reverse(),
    lambda claims: claims["list"][0][0]["a"].append("admin"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_claim_at_any_depth_is_an_error(change: Callable[[Any], object]) -> None:
    claims = {"sub": "alice", "realm_access": {"roles": ["user"]}, "list": [[{"a": []}]]}
    before = json.dumps(claims)
    with pytest.raises(ConfigError, match="rule_failed: scopes raised TypeError"):
        apply_rules(Rules(scopes=change), claims)

    assert json.dumps(claims) == before


def test_claims_may_be_nested_deeper_than_the_stack_of_python() -> None:
    deep: list[Any] = []
    for _ in range(20_000):
        deep = [deep]

    assert apply_rules(Rules(refuse=lambda claims: claims["x"]), {"x": "no", "deep": deep}).refusal == "no"
    while deep:  # not all at once, which would be recursive
        deep = deep.pop()


# What a rule may not do


def raise_(error: BaseException) -> Any:
    raise error


def broken_generator() -> Iterator[str]:
    yield "read:pets"
    raise LookupError(SECRET)


class BrokenMapping(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        raise LookupError(SECRET)

    def __iter__(self) -> Iterator[str]:
        yield SECRET

    def __len__(self) -> int:
        return 1


def calls_another_function(_: object) -> dict[str, Any]:
    def another_function() -> dict[str, Any]:
        return {"tenant": None}

    return another_function()


FAILURES: list[tuple[str, Any, str]] = [
    ("refuse", lambda _: True, "refuse returned a value of the type bool;"),
    ("refuse", lambda _: False, "refuse returned a value of the type bool;"),
    ("refuse", lambda _: [SECRET], "refuse returned a value of the type list;"),
    ("refuse", lambda _: SECRET.encode(), "refuse returned a value of the type bytes;"),
    ("refuse", lambda _: "", "refuse returned a reason of 0 characters"),
    ("refuse", lambda _: 201 * "x", "refuse returned a reason of 201 characters"),
    ("refuse", lambda _: float("nan"), "refuse returned a value of the type float;"),
    ("refuse", lambda claims: claims["no such claim"], "refuse raised KeyError"),
    ("refuse", lambda: None, "refuse raised TypeError"),
    ("refuse", lambda _: sys.exit(SECRET), "refuse raised SystemExit"),
    ("scopes", lambda _: None, "scopes returned None;"),
    ("scopes", lambda _: "read:pets", "scopes returned a value of the type str;"),
    ("scopes", lambda _: b"read:pets", "scopes returned a value of the type int in the list;"),
    ("scopes", lambda _: 7, "scopes returned a value of the type int;"),
    ("scopes", lambda _: [None], "scopes returned None in the list;"),
    ("scopes", lambda _: [SECRET, ["x"]], "scopes returned a value of the type list in the list;"),
    ("scopes", lambda _: [f"{SECRET} {SECRET}"], "scopes returned what is not a scope"),
    ("scopes", lambda _: [""], "scopes returned what is not a scope"),
    ("scopes", lambda _: ["\n"], "scopes returned what is not a scope"),
    ("scopes", lambda _: [f'{SECRET}"'], "scopes returned what is not a scope"),
    ("scopes", lambda _: [3000 * "x"], "scopes returned more than 2048 bytes of scopes"),
    ("scopes", lambda _: iter(lambda: "x", "y"), "scopes returned more than 10000 scopes"),
    ("scopes", lambda _: broken_generator(), "scopes raised LookupError"),
    ("context", lambda _: None, "context returned None;"),
    ("context", lambda _: [("a", SECRET)], "context returned a value of the type list;"),
    ("context", lambda _: SECRET, "context returned a value of the type str;"),
    ("context", lambda _: {"tenant": None}, "context returned None for 'tenant';"),
    ("context", lambda _: {"tenant": [SECRET]}, "context returned a value of the type list for 'tenant';"),
    ("context", lambda _: {"tenant": {}}, "context returned a value of the type dict for 'tenant';"),
    ("context", lambda claims: {"t": claims["nested"]}, "context returned a value of the type dict for 't';"),
    ("context", lambda claims: {"t": claims["list"]}, "context returned a value of the type list for 't';"),
    ("context", lambda _: {"tenant": b""}, "context returned a value of the type bytes for 'tenant';"),
    ("context", lambda _: {"n": float("nan")}, "context returned a number that is not finite for 'n';"),
    ("context", lambda _: {"n": -float("inf")}, "context returned a number that is not finite for 'n';"),
    ("context", lambda _: {"n": 10**400}, "context returned a number that is not finite for 'n';"),
    ("context", lambda _: {"t": "a\nb"}, "context returned a string with characters that are not printable"),
    (
        "context",
        lambda _: {"t": "\ud800"},
        "context returned a string with characters that are not printable",
    ),
    ("context", lambda _: {7: SECRET}, "context returned a name that is no printable string"),
    ("context", lambda _: {"": SECRET}, "context returned a name that is no printable string"),
    ("context", lambda _: {f"{SECRET}\n": 1}, "context returned a name that is no printable string"),
    ("context", lambda _: {"x": 1, "tenant": None}, "context returned None for 'tenant';"),
    ("context", calls_another_function, "context returned None for 'tenant';"),
    ("context", lambda claims: {claims["sub"]: None}, "context returned None for a name that its code does"),
    (
        "context",
        lambda claims: {f"x-{claims['sub']}": None},
        "context returned None for a name that its code",
    ),
    (
        "context",
        functools.partial(lambda _, __: {"t": None}, 1),
        "context returned None for a name that its code does",
    ),
    ("context", lambda _: {"x": 3000 * "x"}, "context returned too much"),
    ("context", lambda _: BrokenMapping(), "context raised LookupError"),
    *(
        (
            "context",
            lambda _, name=name: {name: SECRET},
            f"context returned the name {name}, which is reserved",
        )
        for name in sorted(RESERVED_NAMES)
    ),
    ("usage_plan_key", lambda _: 7, "usage_plan_key returned a value of the type int;"),
    ("usage_plan_key", lambda _: b"x" * 20, "usage_plan_key returned a value of the type bytes;"),
    ("usage_plan_key", lambda _: SECRET, "usage_plan_key returned a string of 17 characters"),
    ("usage_plan_key", lambda _: 129 * "x", "usage_plan_key returned a string of 129 characters"),
    ("usage_plan_key", lambda _: 30 * "\n", "usage_plan_key returned a string of 30 characters"),
    *((name, lambda _: raise_(ValueError(SECRET)), f"{name} raised ValueError") for name in Rules._fields),
]


@pytest.fixture(scope="module")
def secret_token(key: SigningKey) -> str:
    return make_token(key, good_claims(sub=SECRET, list=[SECRET, ""], nested={"email": SECRET}))


@pytest.mark.parametrize(("name", "rule", "text"), FAILURES)
def test_a_rule_that_fails_is_a_500_with_one_log_line_without_a_claim(
    key: SigningKey, secret_token: str, name: str, rule: Any, text: str
) -> None:
    with deployed(key) as service:
        service.use_rules(Rules(**{name: rule}))
        invocation = service.invoke(make_event(secret_token))

    assert invocation.response is None
    assert type(invocation.error) is ConfigError
    assert invocation.error.__suppress_context__
    (line,) = invocation.log
    assert (line["level"], line["outcome"]) == ("ERROR", "config_error")
    assert line["reason"] == str(invocation.error)
    assert line["reason"].startswith(f"rule_failed: {text}")
    for said in (json.dumps(line), invocation.errors):
        assert "alice" not in said
        assert secret_token not in said


@each_kind
@pytest.mark.parametrize("name", Rules._fields)
def test_a_rule_that_fails_is_never_a_policy_for_any_kind_of_event(api: Api, kind: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"rule_failed: {name} raised ZeroDivisionError"):
        api.decide(kind, Rules(**{name: lambda _: 1 // 0}))


def test_a_refusal_is_logged_with_its_reason(key: SigningKey) -> None:
    with deployed(key) as service:
        service.use_rules(Rules(refuse=lambda _: "not of\nacme"))
        invocation = service.invoke(make_event(make_token(key)))

    (line,) = invocation.log
    assert (line["outcome"], line["reason"]) == ("policy", "refused_by_rule: not of\nacme")
    assert (line["route"], line["scopes"]) == ("GET /pets", ["read:pets"])


# rules.py

Load = Callable[[str], Rules]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a rules.py with this content."""
    monkeypatch.syspath_prepend(tmp_path)
    # What was there before is restored at the end, whatever is loaded meanwhile.
    monkeypatch.setitem(sys.modules, "rules", ModuleType("rules"))

    def load_file(content: str) -> Rules:
        (tmp_path / "rules.py").write_text(content)
        monkeypatch.delitem(sys.modules, "rules", raising=False)
        importlib.invalidate_caches()
        return load_rules()

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return load_file


def test_each_rule_is_optional(load: Load) -> None:
    rules = load("def refuse(claims): return 'no'\ncontext = lambda claims: {}")

    assert (rules.scopes, rules.usage_plan_key) == (None, None)
    assert apply_rules(rules, {}) == Results("no")
    assert load("") == NO_RULES


def test_what_is_imported_private_a_class_or_a_constant_is_no_misspelled_rule(load: Load) -> None:
    rules = load(
        """
from __future__ import annotations
import re, os.path
from functools import cache, partial
from os.path import join
from math import floor
from typing import Any, NewType
from collections.abc import Mapping

Claims = Mapping[str, Any]
Tenant = NewType("Tenant", str)
KEYS = {"acme": 1}
SCOPES_OF_ROLES: dict[str, list[str]] = {}

class Customer: pass

def _helper(claims): ...
"""
    )

    assert rules == NO_RULES


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("def refuses(claims): ...", "refuses"),
        ("def scope(claims): ...", "scope"),
        ("def usage_plan_keys(claims): ...", "usage_plan_keys"),
        ("def Refuse(claims): ...", "Refuse"),
        ("REFUSE = 'no'", "REFUSE"),
        ("refused = lambda claims: 'no'", "refused"),
        ("import functools\n@functools.cache\ndef refused(claims): ...", "refused"),
        ("import functools\nrefused = functools.partial(print, 1)", "refused"),
        ("from functools import cache as refused", "refused"),
        ("allowed_tenants = ['acme']", "allowed_tenants"),
    ],
)
def test_a_public_name_that_is_no_rule_is_an_error(load: Load, content: str, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(content)

    assert str(caught.value) == (
        f"rules.py: {name} is not one of refuse, scopes, context, usage_plan_key. Correct its name. If it is"
        " not a rule, let its name begin with an underscore"
    )


@pytest.mark.parametrize("name", Rules._fields)
def test_a_rule_must_be_a_function(load: Load, name: str) -> None:
    with pytest.raises(ConfigError, match=f"^rules.py: {name} must be a function$"):
        load(f"{name} = None")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("import json\n\nimport no_such_module", "ModuleNotFoundError (rules.py, line 3)"),
        ("\ndef refuse(claims) return", "SyntaxError (rules.py, line 2)"),
        ("def f(): return 1 / 0\n\n\nf()", "ZeroDivisionError (rules.py, line 1)"),
        ("import sys\nsys.exit(7)", "SystemExit (rules.py, line 2)"),
        ("\n\nraise ValueError('" + SECRET + "')", "ValueError (rules.py, line 3)"),
    ],
)
def test_a_file_that_cannot_be_imported_is_an_error_with_its_line(
    load: Load, content: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(content)

    assert str(caught.value) == f"rules.py can't be imported: {reason}"


def test_a_file_that_is_missing_is_an_error_and_not_a_service_without_rules(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not (Path(path) / "handler.py").exists()])
    monkeypatch.delitem(sys.modules, "rules")
    (tmp_path / "rules.py").unlink()
    importlib.invalidate_caches()

    with pytest.raises(ConfigError, match=r"^rules\.py can't be imported: ModuleNotFoundError$"):
        load_rules()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("def refuses(claims): ...", "rules.py: refuses is not one of "),
        ("import no_such_module", "rules.py can't be imported: ModuleNotFoundError (rules.py, line 1)"),
    ],
)
def test_a_wrong_file_makes_each_invocation_fail(
    key: SigningKey, load: Load, content: str, reason: str
) -> None:
    with deployed(key) as service:
        with pytest.raises(ConfigError):
            load(content)
        sys.modules.pop("rules", None)
        service.start_cold()
        for _ in range(2):
            invocation = service.invoke(make_event(make_token(key)))

            assert (invocation.response, type(invocation.error)) == (None, ConfigError)
            (line,) = invocation.log
            assert line["outcome"] == "config_error"
            assert line["reason"].startswith(reason)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("    return claims['x']", 3),
        ("    return _helper(claims)\n\ndef _helper(claims):\n    return claims['x']", 6),
        ("    import json\n    return json.loads(claims)", 4),
        ("    yield 'read:pets'\n    raise ValueError(claims)", 4),
    ],
)
def test_the_line_of_an_exception_is_the_last_one_in_rules_py(load: Load, body: str, line: int) -> None:
    rules = load(f"\ndef scopes(claims):\n{body}\n")
    with pytest.raises(ConfigError, match=rf"^rule_failed: scopes raised \w+ \(rules\.py, line {line}\)$"):
        apply_rules(rules, {"sub": SECRET})


def test_rules_py_is_read_once_for_many_tokens(key: SigningKey, load: Load, tmp_path: Path) -> None:
    rules = load("def refuse(claims): return 'no'")
    with deployed(key) as service:
        service.use_rules(rules)
        outcomes = [service.invoke(make_event(make_token(key))).log[0]["reason"] for _ in range(2)]
        (tmp_path / "rules.py").write_text("")

    assert outcomes == 2 * ["refused_by_rule: no"]
