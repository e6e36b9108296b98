"""The copy of a JWKS in S3: what it holds, which copies are usable, and how S3 is asked for them.

S3 is a server on 127.0.0.1 that answers as a test wants. That the real requests are understood is tested
against moto's S3, in tests/integration/test_key_backup.py.
"""

import hashlib
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate
from typing import Any

import boto3
import pytest

from auth import Issuer, KeysUnavailable, backup
from auth.backup import MAX_COPY_BYTES, Backup, StoredCopy, back_up, make_copy, parse_copy
from auth.fetch import Started, start, start_fetch
from tests.support.authorizer import Clock
from tests.support.jwks_server import Behaviour, JwksServer, answer, endless, head, raw, reset, silence
from tests.support.tokens import AUDIENCE, ISSUER, SigningKey, jwks

URI = "https://issuer.example/jwks.json"
NOW = 1_800_000_000.5
HOUR = 3600
RS256 = ("RS256",)


def copy_of(body: bytes, **changes: Any) -> bytes:
    """Return a copy, made by hand. A change to None removes a member."""
    copy = {"jwks_uri": URI, "fetched_at": int(NOW), "jwks": json.loads(body)} | changes
    return json.dumps({name: value for name, value in copy.items() if value is not None}).encode()


def age(content: bytes, last_modified: float = NOW) -> float:
    """Return the age of a copy in seconds."""
    return NOW - parse_copy(StoredCopy(content, last_modified), URI, RS256, NOW)[1]


# The content


def test_a_copy_says_what_it_is_a_copy_of_and_when_it_was_made(key: SigningKey) -> None:
    copy = json.loads(make_copy(URI, jwks(key), NOW, RS256))

    assert copy == {"jwks_uri": URI, "fetched_at": int(NOW), "jwks": json.loads(jwks(key))}


def test_the_keys_of_a_copy_are_those_of_the_answer(key: SigningKey, new_key: SigningKey) -> None:
    content = make_copy(URI, jwks(key, new_key), NOW, RS256)
    keys, fetched_at = parse_copy(StoredCopy(content, NOW), URI, RS256, NOW)

    assert {kid for kid, _ in keys.by_kid} == {"key-1", "key-2"}
    assert fetched_at == int(NOW)


@pytest.mark.parametrize(
    "body", [b"", b"rubbish", b"null", b"{}", b'{"keys": []}', b'{"keys": [{"kty": 7}]}']
)
def test_no_copy_is_made_of_an_answer_that_the_key_store_would_not_use(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not JSON|not a JWKS|no usable key"):
        make_copy(URI, body, NOW, RS256)


def test_the_usable_keys_are_those_for_the_algorithms_of_the_issuer(key: SigningKey) -> None:
    with pytest.raises(ValueError, match="no usable key"):
        make_copy(URI, jwks(key), NOW, ("ES256",))
    with pytest.raises(ValueError, match="no usable key"):
        parse_copy(StoredCopy(make_copy(URI, jwks(key), NOW, RS256), NOW), URI, ("ES256",), NOW)


def test_no_copy_is_made_that_could_not_be_read(key: SigningKey) -> None:
    """Of a JWKS of 150,000 bytes, which is the most that is fetched, there is one."""
    largest = json.dumps(json.loads(jwks(key)) | {"x": "é" * 74_000}, ensure_ascii=False).encode()
    make_copy(URI, largest, NOW, RS256)

    with pytest.raises(ValueError, match="more than 500000 bytes"):
        make_copy(URI, jwks(key.jwk(x="x" * MAX_COPY_BYTES)), NOW, RS256)


def test_a_jwks_that_is_nested_as_deeply_as_python_can_read_is_copied_or_refused(key: SigningKey) -> None:
    def is_copied(depth: int) -> bool:
        body = jwks(key)[:-1] + b', "x": ' + b"[" * depth + b"]" * depth + b"}"
        try:
            content = make_copy(URI, body, NOW, RS256)
        except ValueError:
            return False
        return age(content) < 1

    copied, refused = 1, 60_000
    while refused - copied > 1:
        middle = (copied + refused) // 2
        copied, refused = (middle, refused) if is_copied(middle) else (copied, middle)

    assert [is_copied(depth) for depth in range(refused, refused + 10)] == 10 * [False]


# Which copies are usable


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"jwks_uri"',
    ],
)
def test_a_broken_copy_is_not_usable(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"not JSON|not a copy"):
        age(content)


@pytest.mark.parametrize(
    "changes",
    [
        {"jwks_uri": "https://another.example/jwks.json"},
        {"jwks_uri": None},
        {"jwks_uri": [URI]},
        {"fetched_at": None},
        {"fetched_at": str(int(NOW))},
        {"fetched_at": True},
        {"fetched_at": NOW},
        {"fetched_at": float("nan")},
        {"fetched_at": float("inf")},
        {"fetched_at": 10**400},
        {"jwks": None},
        {"jwks": []},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "key-1", "alg": "HS256"}]}},
        {"more": "x" * MAX_COPY_BYTES},
    ],
    ids=str,
)
def test_a_copy_is_not_usable_with(changes: dict[str, Any], key: SigningKey) -> None:
    assert age(copy_of(jwks(key))) < 1
    with pytest.raises(ValueError, match=r"not a|no usable key|the copy"):
        age(copy_of(jwks(key), **changes))


def test_a_copy_of_just_the_largest_size_is_usable(key: SigningKey) -> None:
    content = copy_of(jwks(key))
    content += b" " * (MAX_COPY_BYTES - len(content))

    assert age(content) < 1
    with pytest.raises(ValueError, match="bytes"):
        age(content + b" ")


# Its age


def test_the_age_of_a_copy_counts_from_the_earlier_of_the_writers_time_and_s3s(key: SigningKey) -> None:
    fetched_at = int(NOW) - HOUR

    assert age(copy_of(jwks(key), fetched_at=fetched_at), NOW) == NOW - fetched_at
    assert age(copy_of(jwks(key)), NOW - 2 * HOUR) == 2 * HOUR
    assert age(copy_of(jwks(key), fetched_at=-HOUR), NOW) == NOW + HOUR


def test_a_copy_of_up_to_five_minutes_in_the_future_is_usable(key: SigningKey) -> None:
    assert age(copy_of(jwks(key), fetched_at=int(NOW) + 300), NOW + 300) == NOW - int(NOW) - 300
    assert age(copy_of(jwks(key), fetched_at=int(NOW) + 300), NOW - HOUR) == HOUR


@pytest.mark.parametrize(("writers", "s3s"), [(301, 0), (0, 301), (301, 301), (301, -HOUR), (-HOUR, 301)])
def test_a_copy_of_more_than_five_minutes_in_the_future_is_not_usable(
    key: SigningKey, writers: int, s3s: int
) -> None:
    with pytest.raises(ValueError, match="future"):
        age(copy_of(jwks(key), fetched_at=int(NOW) + writers), NOW + s3s)


# The function that makes copies


def an_issuer(uri: str, *algorithms: str) -> Issuer:
    return Issuer(uri, (AUDIENCE,), (ISSUER,), algorithms or RS256)


def answers(body: bytes | OSError) -> Started[bytes]:
    def give(_: float) -> bytes:
        if isinstance(body, OSError):
            raise body
        return body

    return start(give, 5)


@pytest.fixture
def written() -> dict[str, bytes]:
    return {}


def test_each_good_answer_is_copied_with_the_time_when_the_issuer_was_asked(
    key: SigningKey, written: dict[str, bytes]
) -> None:
    times = iter([NOW, NOW + 100])
    back_up([an_issuer(URI)], lambda _: answers(jwks(key)), written.__setitem__, lambda: next(times))

    assert written == {URI: make_copy(URI, jwks(key), NOW, RS256)}


def test_an_answer_that_has_not_changed_is_copied_again(key: SigningKey, written: dict[str, bytes]) -> None:
    clock = Clock(NOW)
    for _ in range(2):
        back_up([an_issuer(URI)], lambda _: answers(jwks(key)), written.__setitem__, clock)
        clock.now += 300

    assert json.loads(written[URI])["fetched_at"] == int(NOW) + 300


@pytest.mark.parametrize("bad", [OSError("down"), b"rubbish", b'{"keys": []}'], ids=str)
def test_a_bad_answer_of_one_issuer_is_not_copied_and_stops_no_other(
    key: SigningKey, written: dict[str, bytes], bad: bytes | OSError, logged: list[dict[str, Any]]
) -> None:
    bodies = {"https://a/": bad, "https://b/": jwks(key), "https://c/": bad}
    with pytest.raises(KeysUnavailable, match="no backup of https://a/, https://c/"):
        back_up(map(an_issuer, bodies), lambda uri: answers(bodies[uri]), written.__setitem__)

    assert list(written) == ["https://b/"]
    assert [(line["event"], line["jwks_uri"]) for line in logged] == [
        ("key_backup_failed", "https://a/"),
        ("key_backup_failed", "https://c/"),
    ]


def test_a_copy_that_cannot_be_written_stops_no_other(key: SigningKey, written: dict[str, bytes]) -> None:
    def write(uri: str, content: bytes) -> None:
        if uri == "https://a/":
            raise OSError("S3 answered AccessDenied")
        written[uri] = content

    with pytest.raises(KeysUnavailable, match="no backup of https://a/:"):
        back_up(map(an_issuer, ("https://a/", "https://b/")), lambda _: answers(jwks(key)), write)
    assert list(written) == ["https://b/"]


def test_all_issuers_are_asked_before_anybody_waits(key: SigningKey, written: dict[str, bytes]) -> None:
    asked: list[str] = []

    def start_all(uri: str) -> Started[bytes]:
        asked.append(uri)
        assert not written
        return answers(jwks(key))

    uris = ["https://a/", "https://b/", "https://c/"]
    back_up(map(an_issuer, uris), start_all, written.__setitem__)

    assert (asked, list(written)) == (uris, uris)


# S3


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[JwksServer]:
    """Answers the requests to S3. To begin with, it accepts everything and has nothing."""
    with closing(JwksServer(answer(b""))) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url.rpartition("/")[0])
        backup._client.cache_clear()
        yield server
        backup._client.cache_clear()


BUCKET = Backup("bucket", "123456789012")
OBJECT = f"/bucket/jwks/{hashlib.sha256(URI.encode()).hexdigest()}.json"


def an_object(content: bytes, last_modified: float = NOW) -> Behaviour:
    return answer(content, f"Last-Modified: {formatdate(last_modified, usegmt=True)}")


def accept(connection: socket.socket) -> None:
    """Takes the content of a request, which is sent after the server has agreed to take it."""
    connection.sendall(head(status="100 Continue"))
    assert b"copy" in connection.recv(1000)
    answer(b"", 'ETag: "1"')(connection)


def test_a_copy_is_read_with_the_time_when_s3_received_it(s3: JwksServer) -> None:
    s3.behave = an_object(b"copy")

    assert BUCKET.read(URI) == (b"copy", int(NOW))
    (request,) = s3.requests
    assert request.startswith(f"GET {OBJECT} HTTP/1.1\r\n")


def test_each_request_names_the_owner_of_the_bucket(s3: JwksServer) -> None:
    s3.behave = an_object(b"copy")
    BUCKET.read(URI)
    s3.behave = accept
    BUCKET.write(URI, b"copy")

    assert [request.split()[:2] for request in s3.requests] == [["GET", OBJECT], ["PUT", OBJECT]]
    for request in s3.requests:
        assert "x-amz-expected-bucket-owner: 123456789012" in request.lower().splitlines()


def test_no_more_is_read_of_an_oversized_copy_than_shows_that_it_is_one(s3: JwksServer) -> None:
    s3.behave = an_object(b" " * 3_000_000)

    assert len(BUCKET.read(URI).body) == MAX_COPY_BYTES + 1


DENIED = b"<Error><Code>AccessDenied</Code><Message>secret</Message></Error>"

TROUBLE: dict[str, tuple[Behaviour, str]] = {
    "denies access": (answer(DENIED, status="403 Forbidden"), "S3 answered AccessDenied"),
    "is out of order": (answer(b"", status="503 Slow Down"), "S3 answered 503"),
    "resets the connection": (reset, r"ConnectionClosedError \(.*\)"),
    "says nothing": (silence, r"ReadTimeoutError \(TimeoutError\)"),
    "never stops to answer": (
        endless(head("Content-Length: 400000"), b" ", pause=0.1),
        "no answer within 2.5 s",
    ),
    "stops in the middle": (raw(head("Content-Length: 100") + b"{"), r"\w+Error \(\w+\)|S3 answered"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_s3_is_asked_once_and_the_reason_is_given_where_it(s3: JwksServer, trouble: str) -> None:
    s3.behave, reason = TROUBLE[trouble]

    with pytest.raises(OSError, match=f"^({reason})$"):
        BUCKET.read(URI)
    assert len(s3.requests) == 1


def test_a_copy_that_s3_does_not_accept_is_an_error(s3: JwksServer) -> None:
    s3.behave = answer(DENIED, status="403 Forbidden")

    with pytest.raises(OSError, match=r"^S3 answered AccessDenied$"):
        BUCKET.write(URI, b"copy")
    assert len(s3.requests) == 1


def test_a_refused_connection_is_an_os_error(s3: JwksServer) -> None:
    s3.close()

    with pytest.raises(OSError, match=r"EndpointConnectionError"):
        BUCKET.read(URI)
    s3.start()


def test_where_there_is_no_client_there_is_no_backup(s3: JwksServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # of another test, which did not read this variable

    with pytest.raises(OSError, match="ProfileNotFound"):
        BUCKET.read(URI)
    assert s3.requests == []


def test_a_copy_comes_back_as_it_was_written(key: SigningKey) -> None:
    """What is fetched over HTTP and copied gives the same keys."""
    objects: dict[str, bytes] = {}
    with closing(JwksServer(answer(jwks(key)))) as issuer:
        back_up([an_issuer(issuer.url)], start_fetch, objects.__setitem__, lambda: NOW)
        keys, _ = parse_copy(StoredCopy(objects[issuer.url], NOW), issuer.url, RS256, NOW)

    assert keys.find("key-1", "RS256") is not None
