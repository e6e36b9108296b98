"""What a caller may invoke, by name: the cases that samples get wrong, and what a bad table says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from auth import ConfigError
from auth.events import PolicyDocument, policy_document
from auth.policy import PolicyTable
from auth.routes import METHODS, parse_routes
from tests.support.iam import evaluate

ROOT = Path(__file__).parents[2]
STAGE = "arn:aws:execute-api:us-east-1:123456789012:apiId/dev/"


def compiled(table: str) -> PolicyTable:
    routes = parse_routes(table).table("", "rest")
    assert routes
    return PolicyTable(routes)


def policy(table: str, *scopes: str, stage: str = STAGE) -> PolicyDocument:
    return policy_document(stage, *compiled(table).patterns(frozenset(scopes)))


def resources(document: PolicyDocument) -> dict[str, list[str]]:
    """What is allowed and denied, without the ARN of the stage."""
    return {
        statement["Effect"]: [resource.removeprefix(STAGE) for resource in statement["Resource"]]
        for statement in document["Statement"]
    }


def allowed(document: PolicyDocument, *requests: str) -> list[str]:
    return [request for request in requests if evaluate(document, STAGE + request) == "Allow"]


OWNER = """
GET /pets                  read:pets
GET /pets/{petId}          read:pets
GET /pets/{petId}/owner    read:owners
"""


def test_a_pet_is_granted_and_its_owner_is_not() -> None:
    document = policy(OWNER, "read:pets")

    assert resources(document) == {
        "Allow": ["GET/pets", "GET/pets/", "GET/pets/?*"],
        "Deny": ["GET/?*/?*/?*", "GET*//*"],
    }
    assert allowed(document, "GET/pets", "GET/pets/1", "GET/pets/*") == [
        "GET/pets",
        "GET/pets/1",
        "GET/pets/*",
    ]
    assert not allowed(document, "GET/pets/1/owner", "GET/pets/owner/owner", "GET/pets/1/owner/", "POST/pets")


def test_the_owner_is_granted_and_the_pet_is_not() -> None:
    document = policy(OWNER, "read:owners")

    assert resources(document)["Allow"] == ["GET/pets/?*/owner"]
    assert allowed(document, "GET/pets/1/owner", "GET/pets/*/owner", "GET/pets/a:b/owner") == [
        "GET/pets/1/owner",
        "GET/pets/*/owner",
        "GET/pets/a:b/owner",
    ]
    assert not allowed(document, "GET/pets", "GET/pets/1", "GET/pets/owner", "GET/pets/1/2/owner")


MINE = """
GET /pets/mine     own:pets
GET /pets/{petId}  read:pets
"""


def test_a_name_is_granted_and_the_parameter_beside_it_is_not() -> None:
    document = policy(MINE, "own:pets")

    assert resources(document) == {"Allow": ["GET/pets/mine", "GET/pets/mine/"]}
    assert not allowed(document, "GET/pets/1", "GET/pets/Mine", "GET/pets/mine2", "GET/pets/mine/1")


def test_a_parameter_is_granted_and_the_name_beside_it_is_not() -> None:
    document = policy(MINE, "read:pets")

    assert resources(document) == {
        "Allow": ["GET/pets/?*"],
        "Deny": ["GET/pets/mine", "GET/pets/mine/", "GET/?*/?*/?*", "GET*//*"],
    }
    assert allowed(document, "GET/pets/1", "GET/pets/mine2", "GET/pets/Mine", "GET/pets/%2F") == [
        "GET/pets/1",
        "GET/pets/mine2",
        "GET/pets/Mine",
        "GET/pets/%2F",
    ]


def test_a_slash_too_many_opens_nothing() -> None:
    """API Gateway takes no notice of one at the end when it picks a route; of `//`, who knows."""
    evasions = ("GET/pets/mine/", "GET/pets//mine", "GET/pets//mine/", "GET//pets/mine", "GET//pets//mine")

    assert not allowed(policy(MINE, "read:pets"), *evasions)
    assert not allowed(policy("GET /{proxy+}\nGET /pets/mine own:pets\nGET / root"), *evasions, "GET//")


def test_a_slash_at_the_end_of_a_granted_request_is_no_reason_to_refuse_it() -> None:
    document = policy("ANY /{proxy+}\nGET /admin admin")

    assert allowed(document, "GET/blog/", "GET/blog/2026/", "GET/admin/x/") == [
        "GET/blog/",
        "GET/blog/2026/",
        "GET/admin/x/",
    ]
    assert not allowed(document, "GET/admin", "GET/admin/")


def test_a_granted_name_is_granted_with_a_slash_at_the_end() -> None:
    document = policy("GET /pets read\nGET / root\nGET /pets/{id} one", "read", "root")

    assert allowed(document, "GET/pets/", "GET/", "GET//", "GET/pets//") == ["GET/pets/", "GET/"]


def test_where_all_is_granted_that_a_method_has_nothing_can_be_evaded() -> None:
    document = policy("GET /{proxy+} read\nPUT /{proxy+} write", "read")

    assert resources(document) == {"Allow": ["GET/?*"]}
    assert allowed(document, "GET/https://example.com//")


GREEDY = """
GET /files/{path+}       read:files
GET /files/secret        read:secret
GET /files/public/about  read:about
"""


def test_a_greedy_route_is_granted_and_the_names_in_it_are_not() -> None:
    document = policy(GREEDY, "read:files")

    assert resources(document)["Allow"] == ["GET/files/?*"]
    assert resources(document)["Deny"] == [
        *("GET/files/secret", "GET/files/secret/"),
        *("GET/files/public/about", "GET/files/public/about/"),
        "GET*//*",
    ]
    assert allowed(document, "GET/files/a", "GET/files/a/b/c", "GET/files/public", "GET/files/secret/a") == [
        "GET/files/a",
        "GET/files/a/b/c",
        "GET/files/public",
        "GET/files/secret/a",
    ]


def test_a_name_is_granted_and_the_greedy_route_around_it_is_not() -> None:
    document = policy(GREEDY, "read:secret", "read:about")

    assert resources(document) == {
        "Allow": [
            "GET/files/secret",
            "GET/files/secret/",
            "GET/files/public/about",
            "GET/files/public/about/",
        ]
    }


def test_a_greedy_route_below_a_parameter_begins_one_deeper() -> None:
    document = policy("GET /a/{x} one\nGET /a/{x+} more", "more")

    assert resources(document) == {"Allow": ["GET/a/?*/?*"], "Deny": ["GET*//*"]}


def test_a_greedy_route_that_others_always_go_before_adds_nothing() -> None:
    assert resources(policy("GET /{x} a\nGET /{x}/{y+} a\nGET /{z+} b", "b")) == {"Deny": ["*"]}


def test_a_verb_goes_before_any() -> None:
    table = "ANY /pets manage\nDELETE /pets delete"

    assert resources(policy(table, "manage"))["Allow"] == [
        f"{method}/pets{slash}" for method in METHODS if method != "DELETE" for slash in ("", "/")
    ]
    assert resources(policy(table, "delete")) == {"Allow": ["DELETE/pets", "DELETE/pets/"]}


def test_a_name_without_the_verb_leaves_the_request_to_the_parameter() -> None:
    document = policy("POST /pets/mine own\nGET /pets/{petId} read", "read")

    assert allowed(document, "GET/pets/mine", "POST/pets/mine") == ["GET/pets/mine"]


def test_the_root_is_a_route_of_its_own() -> None:
    table = "GET / read:root\nGET /{page} read:pages"

    assert resources(policy(table, "read:root")) == {"Allow": ["GET/"]}
    assert allowed(policy(table, "read:pages"), "GET/", "GET/a", "GET//") == ["GET/a"]


def test_what_is_deeper_than_a_route_is_refused_even_if_others_are_deeper() -> None:
    document = policy("GET /a/{x}\nGET /b/{x}/c/d")

    assert resources(document)["Deny"] == ["GET/a/?*/?*", "GET" + 5 * "/?*"]
    assert not allowed(document, "GET/a/1/2", "GET/a/1/2/3", "GET/a/1/2/3/4/5", "GET/b/1/2/c/d")


def test_what_is_deeper_than_a_route_is_refused_even_if_another_is_greedy() -> None:
    for stem in ("", "/c", "/c/d"):
        document = policy(f"GET /a/b/{{x}}\nGET /b{stem}/{{x+}}")

        assert resources(document) == {
            "Allow": ["GET/a/b/?*", f"GET/b{stem}/?*"],
            "Deny": ["GET/a/b/?*/?*"],
        }
        assert not allowed(document, "GET/a/b/1/2", "GET/a/b/1/b/3")


def test_of_what_is_denied_only_the_most_general_is_named() -> None:
    table = "GET /{p+} read\nGET /b/{x+} own\nGET /b/mine own secret\nGET /c/d/e/f own"

    assert resources(policy(table, "read")) == {
        "Allow": ["GET/?*"],
        "Deny": ["GET/b/?*", "GET/c/d/e/f", "GET/c/d/e/f/", "GET*//*"],
    }


def test_a_name_is_denied_by_itself_if_what_is_around_it_is_granted() -> None:
    table = "GET /{p+} read\nGET /b/{x+} own\nGET /b/mine own secret"

    assert resources(policy(table, "read", "own")) == {
        "Allow": ["GET/?*"],
        "Deny": ["GET/b/mine", "GET/b/mine/", "GET*//*"],
    }


def test_a_greedy_route_is_denied_below_a_parameter() -> None:
    table = "GET /a/{x} read\nGET /a/{x}/{y+} more\nGET /z/{p+} read"

    assert resources(policy(table, "read")) == {
        "Allow": ["GET/a/?*", "GET/z/?*"],
        "Deny": ["GET/a/?*/?*", "GET*//*"],
    }


def test_below_routes_that_are_granted_what_is_deeper_still_is_refused() -> None:
    one = policy("GET /a/{x}\nGET /a/{x}/b\nGET /z/1/2/3/4")
    two = policy("GET /{x}/b/{y}\nGET /{x}/b/d/c\nGET /z/1/2/3/4/5")

    assert resources(one)["Deny"] == ["GET/a/?*/?*/?*", "GET" + 6 * "/?*"]
    assert resources(two)["Deny"] == ["GET/?*/?*/b/?*", "GET/?*/b/?*/?*/?*", "GET" + 7 * "/?*"]


def test_what_stands_below_a_granted_pattern_needs_no_line_of_its_own() -> None:
    document = policy(OWNER, "read:pets", "read:owners")

    assert resources(document) == {
        "Allow": ["GET/pets", "GET/pets/", "GET/pets/?*"],
        "Deny": ["GET/?*/?*/?*/?*"],
    }


@pytest.mark.parametrize(
    "request_", ["GET/fish", "GET/pets/1/2", "DELETE/pets", "GET/", "get/pets", "GET/Pets"]
)
def test_a_route_that_is_not_in_the_table_is_refused(request_: str) -> None:
    table = "GET /pets\nGET /pets/{petId}\nPOST /pets"

    assert not allowed(policy(table), request_)


@pytest.mark.parametrize("scopes", [(), ("other",), ("READ:PETS",), ("read:pets create:pets",)])
def test_nothing_granted_is_an_explicit_deny_of_the_stage(scopes: tuple[str, ...]) -> None:
    document = policy("GET /pets read:pets", *scopes)

    assert document == {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [f"{STAGE}*"]}],
    }


def test_a_route_needs_all_of_its_scopes_and_they_may_come_in_any_order() -> None:
    table = "GET /pets b a b"

    assert allowed(policy(table, "a", "c", "b"), "GET/pets")
    assert not allowed(policy(table, "a", "c"), "GET/pets")


def test_a_route_between_two_that_are_granted_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError) as error:
        compiled("GET /{a} read\nGET /pets/{petId} admin\nGET /pets/mine read")

    assert str(error.value) == (
        "route table: no policy can allow GET /{a} (line 1) and GET /pets/mine (line 3) and deny"
        " GET /pets/{petId} (line 2), since the wildcard for a path parameter also matches /. Remove the"
        " scopes that only GET /pets/{petId} (line 2) needs, or change a path"
    )


def test_a_greedy_route_that_others_reach_only_far_behind_is_refused_too() -> None:
    """`1/x/2/x/y/3/4` looks like the first route to a wildcard, but is the second one's."""
    with pytest.raises(ConfigError, match=r"and deny GET /\{a\}/x/\{b\}/\{rest\+\} \(line 2\)"):
        compiled("GET /{a}/x/y/{b}/{rest+} read\nGET /{a}/x/{b}/{rest+} admin")


def test_of_many_routes_that_are_in_the_way_the_first_is_named() -> None:
    names = [f"GET /pets/{name} read" for name in "abcdefgh"]

    with pytest.raises(ConfigError, match=r"allow GET /\{a\} \(line 2\) and GET /pets/a \(line 3\) and deny"):
        compiled("\n".join(["GET /pets/{petId} admin", "GET /{a} read", *names]))


def test_a_route_in_the_midst_of_a_greedy_one_is_refused_too() -> None:
    with pytest.raises(ConfigError) as error:
        compiled("ANY /{proxy+}\nGET /pets/{petId} read:pets")

    assert "no policy can allow ANY /{proxy+} (line 1) and deny GET /pets/{petId} (line 2)," in str(
        error.value
    )


def test_the_same_table_is_fine_if_the_route_between_needs_no_more() -> None:
    table = "GET /{a} read\nGET /pets/{petId} admin\nGET /pets/mine read admin"

    assert allowed(policy(table, "read"), "GET/x", "GET/pets/1", "GET/pets/mine") == ["GET/x"]
    assert allowed(policy(table, "admin"), "GET/x", "GET/pets/1", "GET/pets/mine") == ["GET/pets/1"]


def test_a_path_that_just_fits_gives_a_resource_of_512_characters() -> None:
    stage = f"arn:aws-us-gov:execute-api:us-gov-east-1:123456789012:{'a' * 16}/{'s' * 128}/"
    assert len(stage) == 200
    name = "n" * (312 - len("GET/"))

    document = policy(f"GET /{name}", stage=stage)

    assert len(document["Statement"][0]["Resource"][0]) == 512
    with pytest.raises(ConfigError) as error:
        compiled(f"GET /pets\nGET /n{name} read")
    assert str(error.value) == (
        f"route table, line 2: the path is too long for a policy: 'GET /n{name} read'"
    )


def test_a_path_of_too_many_segments_leaves_no_room_to_deny_what_is_deeper() -> None:
    path = "/{a}" * 102

    assert resources(policy(f"GET {path}"))["Deny"] == ["GET" + 103 * "/?*"]
    with pytest.raises(ConfigError, match=r" \(line 1\) has too many parts for a policy$"):
        compiled(f"GET {path}/a")


def test_a_path_with_no_room_for_what_must_be_denied_is_refused() -> None:
    name = "n" * (312 - len("GET//?*/?*"))
    greedy = "GET /files/{path+}\n"
    assert resources(policy(f"{greedy}GET /{name}/{{x}}"))["Deny"] == [f"GET/{name}/?*/?*"]

    with pytest.raises(ConfigError) as error:
        compiled(f"{greedy}GET /n{name}/{{x}}")

    assert str(error.value).startswith("route table: the path of GET /nnn")
    assert str(error.value).endswith("{x} (line 2) is too long to deny what is deeper")


def test_a_denied_name_with_its_slash_fits_too() -> None:
    name = "n" * (312 - len("GET///"))
    table = "GET /a/{{x}} read\nGET /a/{name} own"

    fits = policy(table.format(name=name[1:]), "read")
    assert max(map(len, resources(fits)["Deny"])) == 312
    with pytest.raises(ConfigError, match="is too long to deny what is deeper"):
        compiled(table.format(name=name))


TOO_MANY = r"^route table: too many paths match the same requests$"


def test_a_table_is_not_searched_for_ever() -> None:
    """Each `a` may be a value too, so that there are very many ways to read one path as the other."""
    with pytest.raises(ConfigError, match=TOO_MANY):
        compiled(f"GET {'/{x}/a' * 15}\nGET {'/{x}' * 40} more")


def test_all_of_a_table_together_is_not_searched_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    table = "\n".join(f"GET /{name}/{{x}}" for name in "abcdefgh")
    compiled(table)

    monkeypatch.setattr("auth.policy.MAX_STEPS", 10)

    with pytest.raises(ConfigError, match=TOO_MANY):
        compiled(table)


def test_a_policy_is_the_same_in_each_process() -> None:
    """Sets have another order in each."""
    program = """if True:
        import json
        from auth.policy import PolicyTable
        from auth.routes import parse_routes
        table = "GET /{x} a\\nGET /p c\\nGET /q e\\nGET /{x}/q d\\nGET /{x}/r d\\nANY /r f\\nGET /p/z g"
        scopes = frozenset({"a", "d", "x", "y"})
        routes = parse_routes(table).table("", "rest")
        print(json.dumps(PolicyTable(routes).patterns(scopes)))
    """
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        for seed in ("1", "2", "3")
    ]

    assert len({run.stdout for run in runs}) == 1
    allowed, denied = json.loads(runs[0].stdout)
    assert allowed
    assert denied
