"""The route table: what a line may say, and which route a request is for."""

import pytest

from auth import ConfigError
from auth.routes import METHODS, RouteTable, parse_routes


def table_of(text: str) -> RouteTable:
    table = parse_routes(text).table("", "rest")
    assert table
    return table


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

    assert str(error.value).startswith(f"route table, line 4: {complaint}")
    assert str(error.value).endswith(f": {line!r}")


def test_all_malformed_lines_are_named_in_one_message() -> None:
    with pytest.raises(ConfigError) as error:
        parse_routes("FETCH /pets\nGET pets\nGET /pets")

    assert str(error.value) == (
        "route table, line 1: the method must be ANY or one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT:"
        " 'FETCH /pets'; route table, line 2: the method must be followed by a path that starts with /:"
        " 'GET pets'"
    )


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_table_is_an_error_and_does_not_grant_everything(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^there is no route table: write scopes on the endpoints"):
        parse_routes(text)


@pytest.mark.parametrize("text", ["# GET /pets\n", "[rest]\n", "[rest]\n[http]\n# $default"])
def test_a_table_without_a_route_is_rejected(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^route table, there are no routes: every request"):
        parse_routes(text)


def test_an_asterisk_alone_grants_everything() -> None:
    assert parse_routes(" *\n").table("any", "rest") is None
    with pytest.raises(ConfigError, match="the method must be ANY or one of"):
        parse_routes("*\nGET /pets")


SECTIONS = """
[rest]
GET /pets read:pets

[http]
$default admin
GET /pets http:pets

[websocket]
$connect chat:join

[abc123]
GET /orders read:orders
"""


@pytest.mark.parametrize(
    ("api_id", "kind", "key", "scope"),
    [
        ("x", "rest", ("GET", "/pets"), "read:pets"),
        ("x", "http", ("GET", "/pets"), "http:pets"),
        ("x", "http", ("$default", ""), "admin"),
        ("x", "rest", ("$default", ""), None),
        ("x", "websocket", ("$connect", ""), "chat:join"),
        ("abc123", "rest", ("GET", "/orders"), "read:orders"),
        ("abc123", "http", ("GET", "/orders"), "read:orders"),
        ("abc123", "rest", ("GET", "/pets"), None),
        ("x", "rest", ("GET", "/orders"), None),
    ],
)
def test_an_api_has_a_table_of_its_own_or_that_of_its_kind(
    api_id: str, kind: str, key: tuple[str, str], scope: str | None
) -> None:
    table = parse_routes(SECTIONS).table(api_id, kind)
    assert table
    route = table.find(*key)

    assert (route.scopes if route else None) == ({scope} if scope else None)


def test_an_api_without_a_table_is_an_error() -> None:
    with pytest.raises(
        ConfigError, match=r"^the route table has no section \[http\], and none for this API$"
    ):
        parse_routes("[rest]\nGET /pets").table("x", "http")


def test_a_table_without_sections_is_for_all_apis() -> None:
    tables = parse_routes("GET /pets")

    assert tables.table("x", "rest") is tables.table("y", "http") is not None


@pytest.mark.parametrize("text", ["[rest]\nGET /a\n[rest]\nGET /b", "GET /a\n[rest]\nGET /b"])
def test_a_section_comes_once_and_before_all_routes(text: str) -> None:
    with pytest.raises(ConfigError, match=r"line \d: a section must come once, and before all routes"):
        parse_routes(text)


@pytest.mark.parametrize("line", ["$disconnect x", "$Default", "$", "$connect$"])
def test_a_route_key_without_a_path_is_default_or_connect(line: str) -> None:
    with pytest.raises(ConfigError, match=r"must be \$default or \$connect"):
        parse_routes(line)


@pytest.mark.parametrize(
    ("method", "template", "scope"),
    [
        ("GET", "/", "root"),
        ("GET", "/pets", "list"),
        ("POST", "/pets", "any"),
        ("ANY", "/pets", "any"),
        ("GET", "/pets/{petId}", "one"),
        ("GET", "/pets/{anything}", "one"),
        ("PATCH", "/files/{proxy+}", "files"),
        ("GET", "/files/{proxy}", None),
        ("GET", "/pets/1", None),
        ("POST", "/pets/{petId}", None),
        ("", "", None),
    ],
)
def test_a_route_is_found_by_what_api_gateway_calls_it(method: str, template: str, scope: str | None) -> None:
    route = TABLE.find(method, template)

    assert (route.scopes if route else None) == ({scope} if scope else None)


@pytest.mark.parametrize(
    ("line", "patterns"),
    [
        ("GET /", ["GET/"]),
        ("GET /pets", ["GET/pets", "GET/pets/"]),
        ("GET /pets/{id}", ["GET/pets/?*"]),
        ("GET /pets/{id}/toys", ["GET/pets/?*/toys"]),
        ("GET /files/{proxy+}", ["GET/files/?*"]),
        ("GET /{proxy+}", ["GET/?*"]),
        ("ANY /x/{y}", [f"{method}/x/?*" for method in METHODS]),
        ("$default", ["*"]),
        ("$connect", ["$connect"]),
    ],
)
def test_a_route_has_patterns_that_match_all_of_its_requests(line: str, patterns: list[str]) -> None:
    (route,) = table_of(line).routes

    assert list(route.patterns()) == patterns


@pytest.mark.parametrize(
    "table",
    [
        "GET /pets/{petId} read:pets",
        "\r\n get\t/pets/{anything}   read:pets  \r\n",
        "# pets\nGet /pets/{pet.Id-1_x:y} read:pets read:pets\n   # end",
    ],
)
def test_white_space_comments_and_case_of_the_method_do_not_matter(table: str) -> None:
    (route,) = table_of(table).routes

    assert (route.method, route.shape, route.scopes) == ("GET", ("pets", "{}"), frozenset({"read:pets"}))


TABLE = table_of("""
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
    assert [str(route) for route in table_of("GET /{x} a\n\nany /{z+} b").routes] == [
        "GET /{x} (line 1)",
        "ANY /{z+} (line 3)",
    ]


def test_a_table_knows_the_scopes_of_all_its_routes() -> None:
    assert TABLE.scopes == {"root", "list", "any", "one", "toys", "files"}
