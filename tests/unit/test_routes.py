"""The route table: what a line may say, and which route a request is for."""

import pytest

from auth import ConfigError
from auth.routes import parse_routes

PART = (
    "each part of a path must be a name of letters, digits and ._-: or a {parameter};"
    " the last part may also be a"
)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("FETCH /pets", "the method must be ANY or one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("/pets GET", "the method must be ANY or"),
        ("* /pets", "the method must be ANY or"),
        ("GET", "the method must be followed by a path that starts with /"),
        ("GET pets", "the method must be followed by a path that starts with /"),
        ("GET read:pets", "the method must be followed by a path that starts with /"),
        ("GET /pets/", "each part of a path must be a name"),
        ("GET //", "each part of a path must be a name"),
        ("GET /pets//1", "each part of a path must be a name"),
        ("GET /pets/*", f"{PART} {{proxy+}}: "),
        ("GET /pets/{petId", "each part of a path must be a name"),
        ("GET /pets/{}", "each part of a path must be a name"),
        ("GET /pets/{+}", "each part of a path must be a name"),
        ("GET /pets/a{petId}", "each part of a path must be a name"),
        ("GET /{proxy+}/pets", "each part of a path must be a name"),
        ("GET /p\u00e9ts", "each part of a path must be a name"),
        ("GET /${stage}", "each part of a path must be a name"),
        ('GET /pets "read:pets"', "a scope is printable ASCII without quotes and backslashes"),
        ("GET /pets read:p\u00e9ts", "a scope is printable ASCII"),
        ("GET /pets read\\pets", "a scope is printable ASCII"),
        ("GET /other/{id} again", "duplicate of line 2"),
        ("get /other/{other} again", "duplicate of line 2"),
    ],
)
def test_a_malformed_line_is_named_and_quoted(line: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_routes(f"# the table\nGET /other/{{id}}\n\n  {line}\nGET /more")

    assert str(error.value).startswith(f"ROUTE_SCOPES line 4: {complaint}")
    assert str(error.value).endswith(f": {line!r}")


def test_all_malformed_lines_are_named_in_one_message() -> None:
    with pytest.raises(ConfigError) as error:
        parse_routes("FETCH /pets\nGET pets\nGET /pets")

    assert str(error.value) == (
        "ROUTE_SCOPES line 1: the method must be ANY or one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT:"
        " 'FETCH /pets'; ROUTE_SCOPES line 2: the method must be followed by a path that starts with /:"
        " 'GET pets'"
    )


@pytest.mark.parametrize("table", ["", " \n", "# GET /pets\n"])
def test_a_table_without_a_route_is_refused(table: str) -> None:
    with pytest.raises(ConfigError, match=r"^ROUTE_SCOPES is set, but has no route: every request would"):
        parse_routes(table)


@pytest.mark.parametrize(
    "table",
    [
        "GET /pets/{petId} read:pets",
        "\r\n get\t/pets/{anything}   read:pets  \r\n",
        "# pets\nGet /pets/{pet.Id-1_x:y} read:pets read:pets\n   # end",
    ],
)
def test_white_space_comments_and_case_of_the_method_do_not_matter(table: str) -> None:
    (route,) = parse_routes(table).routes

    assert (route.method, route.shape, route.scopes) == ("GET", ("pets", "{}"), frozenset({"read:pets"}))


TABLE = parse_routes("""
GET  /                    root
GET  /pets                list
ANY  /pets                any
GET  /pets/{petId}        one
GET  /pets/mine/toys      toys
ANY  /files/{path+}       files
""")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "", "root"),
        ("GET", "pets", "list"),
        ("GET", "pets/", "list"),
        ("POST", "pets", "any"),
        ("GET", "pets/1", "one"),
        ("GET", "pets/mine", "one"),
        ("GET", "pets/mine/toys", "toys"),
        ("HEAD", "files/a/b/c", "files"),
        ("POST", "pets/1", None),
        ("GET", "pets/1/toys", None),
        ("GET", "files", None),
        ("TRACE", "pets", None),
    ],
)
def test_a_request_is_for_the_route_that_api_gateway_picks(method: str, path: str, scope: str | None) -> None:
    route = TABLE.pick(method, path)

    assert (route.scopes if route else None) == ({scope} if scope else None)


def test_a_route_is_named_by_method_path_and_line() -> None:
    assert [str(route) for route in parse_routes("GET /{x} a\n\nany /{z+} b").routes] == [
        "GET /{x} (line 1)",
        "ANY /{z+} (line 3)",
    ]


def test_a_table_knows_the_scopes_of_all_its_routes() -> None:
    assert TABLE.scopes == {"root", "list", "any", "one", "toys", "files"}
