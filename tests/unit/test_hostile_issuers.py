"""Whatever the issuer's endpoint does: known keys hold, callers hardly wait, and no bad key is used.

Each row of a table completes the name of a test. Time is moved, not waited for, except where an endpoint
hangs, and all of these do so at the same time.
"""

import gzip
import logging
import re
import socket
import threading
import time
import traceback
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from auth import InvalidToken, KeysUnavailable
from auth.fetch import fetch, start_fetch
from auth.keys import STALE_KEYS_EXPIRE_AFTER, KeyStore
from tests.support.authorizer import MINUTE, Authorizer
from tests.support.certificates import certify
from tests.support.jwks_server import Behaviour, Gate, JwksServer, answer, endless, head, raw, reset, silence
from tests.support.tokens import (
    SigningKey,
    b64,
    b64_uint,
    jwks,
    token,
    token_with_kid,
    token_with_unknown_kid,
)

# Outages: an endpoint that ..., and the reason that is logged.


REDIRECT = "302 Found"
BOMB = gzip.compress(bytes(64_000_000))


def redirect_to_localhost(connection: socket.socket) -> None:
    location = f"http://localhost:{connection.getsockname()[1]}/moved.json"
    answer(b"", f"Location: {location}", status=REDIRECT)(connection)


OUTAGES: dict[str, tuple[Behaviour, str]] = {
    "is down": (silence, "ConnectionError (ConnectionRefusedError)"),
    "resets": (reset, "ConnectionError (ConnectionResetError)"),
    "hangs up": (raw(b""), "ConnectionError (RemoteDisconnected)"),
    "does not speak HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "ConnectionError (BadStatusLine)"),
    "answers 403": (answer(b"{}", status="403 Forbidden"), "HTTP status 403"),
    "answers 404": (answer(b"{}", status="404 Not Found"), "HTTP status 404"),
    "answers 429": (answer(b"{}", "Retry-After: 9", status="429 Slow Down"), "HTTP status 429"),
    "answers 500": (answer(b"{}", status="500 Internal Server Error"), "HTTP status 500"),
    "answers 503": (answer(b"{}", status="503 Authorizer Unavailable"), "HTTP status 503"),
    "answers no content": (raw(head(status="204 No Content")), "HTTP status 204"),
    "answers HTML": (answer(b"<!doctype html><title>Maintenance</title>"), "not JSON"),
    "answers half of a JSON": (answer(b'{"keys": [{"kid"'), "not JSON"),
    "answers what is no UTF-8": (answer(b'{"keys": "\xff"}'), "not JSON"),
    "answers nothing": (answer(b""), "not JSON"),
    "answers deeply nested JSON": (answer(b'{"keys":' + 70_000 * b"["), "not JSON"),
    "answers a number of 100,000 digits": (answer(100_000 * b"9"), "not JSON"),
    "answers null": (answer(b"null"), "not a JWKS: no list of keys"),
    "answers a list": (answer(b"[]"), "not a JWKS: no list of keys"),
    "answers an error": (answer(b'{"error": "try later"}'), "not a JWKS: no list of keys"),
    "answers keys that are no list": (answer(b'{"keys": {}}'), "not a JWKS: no list of keys"),
    "has no keys": (answer(b'{"keys": []}'), "no usable key"),
    "has no usable keys": (answer(b'{"keys": [7, null, "key", {}, {"kid": "key-1"}]}'), "no usable key"),
    "has 10,000 keys": (answer(b'{"keys": [' + 9_999 * b"{}," + b"{}]}"), "more than 300 keys"),
    "is cut off": (
        raw(head("Content-Length: 1000") + b'{"keys": []}'),
        "ChunkedEncodingError (IncompleteRead)",
    ),
    "is cut off between chunks": (
        raw(head("Transfer-Encoding: chunked") + b'c\r\n{"keys": []}\r\n'),
        "ChunkedEncodingError (ValueError)",
    ),
    "sends a gzip bomb": (answer(BOMB, "Content-Encoding: gzip"), "the answer is compressed"),
    "sends a gzip bomb that is not called one": (answer(BOMB), "not JSON"),
    "sends 64 MB": (
        endless(head("Content-Length: 64000000"), 10_000 * b" "),
        "the answer has more than 150000 bytes",
    ),
    "never ends": (endless(head(), 10_000 * b" "), "the answer has more than 150000 bytes"),
    "never ends its headers": (endless(head()[:-2], b"X: y\r\n"), "ConnectionError (HTTPException)"),
    "has an endless header": (endless(head()[:-2], 1_000 * b"X"), "ConnectionError (LineTooLong)"),
    "redirects to the same host": (
        answer(b"", "Location: /moved.json", status=REDIRECT),
        "HTTP status 302",
    ),
    "redirects to another host": (redirect_to_localhost, "HTTP status 302"),
    "redirects to itself": (answer(b"", "Location: /jwks.json", status="308 Moved"), "HTTP status 308"),
    "redirects nowhere": (answer(b"", "Location: http://[::/", status=REDIRECT), "HTTP status 302"),
    "redirects with a gzip bomb": (
        answer(BOMB, "Location: /moved.json", "Content-Encoding: gzip", status=REDIRECT),
        "HTTP status 302",
    ),
    "redirects and never ends": (
        endless(head("Location: /moved.json", status=REDIRECT), 10_000 * b" "),
        "HTTP status 302",
    ),
}


@dataclass(frozen=True)
class Outage:
    """What goes wrong with an endpoint, when it is told to."""

    kind: str
    endpoint: JwksServer

    @property
    def reason(self) -> str:
        return OUTAGES[self.kind][1]

    def begin(self) -> None:
        if self.kind == "is down":
            self.endpoint.close()
        self.endpoint.behave = OUTAGES[self.kind][0]

    def end(self, *keys: SigningKey) -> None:
        self.endpoint.behave = answer(jwks(*keys))
        if self.kind == "is down":
            self.endpoint.start()


@pytest.fixture(params=OUTAGES)
def outage(request: pytest.FixtureRequest, cold: Authorizer, stranger: SigningKey) -> Outage:
    # Whoever follows a redirect takes a stranger's key for the issuer's.
    cold.issuer.behave_at["/moved.json"] = answer(jwks(stranger))
    return Outage(request.param, cold.issuer)


def test_known_keys_hold_for_a_day_if_an_endpoint(
    outage: Outage, warm: Authorizer, key: SigningKey, new_key: SigningKey, logged: list[dict[str, Any]]
) -> None:
    fetched_at = warm.clock.now
    outage.begin()
    warm.clock.now += 10 * MINUTE
    for _ in range(100):
        assert warm.status(token(key)) == 200
        warm.clock.now += 0.01
    assert 1 <= len(logged) <= 2
    assert warm.status(token_with_unknown_kid()) == 500

    warm.clock.now = fetched_at + STALE_KEYS_EXPIRE_AFTER - 1
    assert warm.status(token(key)) == 200
    warm.clock.now = fetched_at + STALE_KEYS_EXPIRE_AFTER
    assert warm.status(token(key)) == 500

    outage.end(key, new_key)
    warm.clock.now += 30
    assert warm.status(token(key)) == 200
    assert warm.status(token(new_key)) == 200
    assert warm.status(token_with_unknown_kid()) == 401
    assert {line["reason"] for line in logged} == {outage.reason}


def test_a_cold_start_waits_as_long_as_it_must_and_no_longer_if_an_endpoint(
    outage: Outage, cold: Authorizer, key: SigningKey, logged: list[dict[str, Any]]
) -> None:
    outage.begin()
    for _ in range(100):
        assert cold.status(token(key)) == 500
        cold.clock.now += 0.02
    assert 1 <= len(logged) <= 3

    outage.end(key)
    cold.clock.now += 2
    assert cold.status(token(key)) == 200


# Endpoints that hang


def stop_after(octets: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.sendall(octets)
        silence(connection)

    return behave


HANGS: dict[str, Behaviour] = {
    "says nothing": silence,
    "says nothing after its headers": stop_after(head()),
    "stops in its body": stop_after(head("Content-Length: 100") + b'{"keys": ['),
    "drips its status": endless(b"HTTP/1.1 20", b"0", pause=0.2),
    "drips a header": endless(head()[:-2] + b"X: ", b"y", pause=0.2),
    "drips headers": endless(head()[:-2], b"X: y\r\n", pause=0.2),
    "drips a body": endless(head("Content-Length: 10000"), b" ", pause=0.2),
    "drips chunks": endless(head("Transfer-Encoding: chunked"), b"1\r\n \r\n", pause=0.2),
    "drips the size of a chunk": endless(head("Transfer-Encoding: chunked") + b"1;", b"x", pause=0.2),
    "says Continue over and over": endless(b"", head(status="100 Continue"), pause=0.02),
}


@dataclass(frozen=True)
class Calls:
    """What some calls one after the other came to."""

    statuses: set[int]
    seconds: float


@pytest.fixture(scope="module")
def hung(key: SigningKey) -> dict[str, dict[str, Calls]]:
    """What the first call and the next 20 cost with each hang, warm and cold, all at the same time."""

    def call(service: Authorizer, times: int) -> Calls:
        start = time.monotonic()
        statuses = {service.status(token(key)) for _ in range(times)}
        return Calls(statuses, time.monotonic() - start)

    def measure(kind: str) -> dict[str, Calls]:
        with closing(JwksServer(answer(jwks(key)))) as endpoint:
            warm, cold = Authorizer(endpoint), Authorizer(endpoint)
            assert warm.status(token(key)) == 200
            warm.clock.now += 10 * MINUTE
            endpoint.behave = HANGS[kind]
            with ThreadPoolExecutor(2) as threads:
                firsts = list(threads.map(call, [warm, cold], [1, 1]))
            return {
                "warm, first": firsts[0],
                "warm, next": call(warm, 20),
                "cold, first": firsts[1],
                "cold, next": call(cold, 20),
            }

    with ThreadPoolExecutor(len(HANGS)) as threads:
        return dict(zip(HANGS, threads.map(measure, HANGS), strict=True))


@pytest.mark.parametrize("kind", HANGS)
def test_one_caller_waits_for_three_seconds_and_the_next_ones_do_not_if_an_endpoint(
    hung: dict[str, dict[str, Calls]], kind: str
) -> None:
    calls = hung[kind]

    assert calls["warm, first"].statuses == {200}
    assert calls["warm, first"].seconds < 3.5
    assert calls["warm, next"].statuses == {200}
    assert calls["warm, next"].seconds < 20 * 0.1
    assert calls["cold, first"].statuses == {500}
    assert calls["cold, first"].seconds < 3.5
    assert calls["cold, next"].statuses == {500}
    assert calls["cold, next"].seconds < 20 * 0.1


@pytest.mark.parametrize("kind", ["says nothing", "says nothing after its headers", "stops in its body"])
def test_a_silence_of_a_second_and_a_half_is_the_end_if_an_endpoint(
    hung: dict[str, dict[str, Calls]], kind: str
) -> None:
    assert 1.4 < hung[kind]["cold, first"].seconds < 2.9


def wait_until_no_thread_fetches() -> None:
    give_up_at = time.monotonic() + 2
    while any("download" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_fetch_that_is_over_leaves_no_thread_behind(hung: dict[str, dict[str, Calls]]) -> None:
    wait_until_no_thread_fetches()


def test_a_fetch_is_over_after_three_seconds_wherever_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, released = socket.getaddrinfo, threading.Event()

    def hanging_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "hangs.example":
            assert released.wait(10)
        return look_up("127.0.0.1", *args, **kwargs)

    def failure(uri: str) -> tuple[str, float]:
        start = time.monotonic()
        with pytest.raises(OSError, match=r".+") as error:
            fetch(uri)
        return str(error.value), time.monotonic() - start

    monkeypatch.setattr(socket, "getaddrinfo", hanging_look_up)
    drip = endless(head()[:-2] + b"X: ", b"y", pause=0.2)
    with closing(JwksServer(drip)) as endpoint, socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{endpoint.port}")
        full_port = full.getsockname()[1]
        uris = [
            f"http://hangs.example:{endpoint.port}/",
            "https://behind.a.proxy.example/",
            f"http://127.0.0.1:{full_port}/",
        ]
        # What is beyond the backlog gets no answer to its SYN.
        with socket.create_connection(("127.0.0.1", full_port)), ThreadPoolExecutor(3) as threads:
            name, tunnel, connect = threads.map(failure, uris)
        released.set()
        wait_until_no_thread_fetches()

    assert name[0] == "no answer within 3 s"
    assert name[1] < 3.5
    assert endpoint.requests[0].startswith("CONNECT behind.a.proxy.example:443 ")
    assert 2.9 < tunnel[1] < 3.5
    assert connect[0] == "ConnectTimeout (TimeoutError)"
    assert connect[1] < 2.5


# One fetch


def test_the_request_asks_for_json_that_is_not_compressed(cold: Authorizer, key: SigningKey) -> None:
    cold.status(token(key))
    [request] = cold.issuer.requests

    assert request.startswith("GET /jwks.json HTTP/1.1\r\n")
    assert "\r\nAccept: application/jwk-set+json, application/json\r\n" in request
    assert "\r\nAccept-Encoding: identity\r\n" in request


@pytest.mark.parametrize(
    "header",
    [
        *("Content-Type: text/html", "Set-Cookie: a=b"),
        *(
            f"Content-Encoding: {none}"
            for none in ("identity", "Identity", "", "none", "utf-8", "aws-chunked,", "aws-chunked, none")
        ),
    ],
)
def test_an_answer_is_taken_whatever_else_its_headers_say(
    cold: Authorizer, key: SigningKey, header: str
) -> None:
    cold.issuer.behave = answer(jwks(key), header)

    assert cold.status(token(key)) == 200


@pytest.mark.parametrize(
    "encoding", ["gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "compress", "identity, gzip", "unknown"]
)
def test_a_compressed_answer_is_rejected_unread(cold: Authorizer, key: SigningKey, encoding: str) -> None:
    cold.issuer.behave = answer(jwks(key), f"Content-Encoding: {encoding}")

    with pytest.raises(OSError, match=r"^the answer is compressed$"):
        fetch(cold.issuer.url)


def test_a_started_fetch_says_when_it_is_done(cold: Authorizer, key: SigningKey) -> None:
    cold.issuer.behave = gate = Gate(answer(jwks(key)))
    started = start_fetch(cold.issuer.url)
    assert cold.issuer.asked.wait(5)
    assert not started.is_done()

    gate.open.set()
    assert started.result() == jwks(key)


def test_an_answer_in_chunks_or_without_a_length_is_taken(cold: Authorizer, key: SigningKey) -> None:
    body = jwks(key)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:100], body[100:], b""))

    for octets in (head("Transfer-Encoding: chunked") + chunks, head() + body):
        cold.issuer.behave = raw(octets)
        assert fetch(cold.issuer.url) == body


@pytest.mark.parametrize(("size", "status"), [(150_000, 200), (150_001, 500)])
@pytest.mark.parametrize("way", ["with a length", "without a length"])
def test_an_answer_has_at_most_150000_bytes(
    cold: Authorizer, key: SigningKey, size: int, status: int, way: str
) -> None:
    body = jwks(key).ljust(size)
    cold.issuer.behave = answer(body) if way == "with a length" else raw(head() + body)

    assert cold.status(token(key)) == status


@pytest.mark.parametrize(
    "kind",
    [
        "sends 64 MB",
        "never ends",
        "sends a gzip bomb",
        "never ends its headers",
        "redirects with a gzip bomb",
        "redirects and never ends",
    ],
)
def test_memory_is_not_filled_by_an_endpoint_that(kind: str) -> None:
    behave, reason = OUTAGES[kind]
    with closing(JwksServer(behave)) as endpoint:
        tracemalloc.start()
        try:
            with pytest.raises(OSError, match=re.escape(reason)):
                fetch(endpoint.url)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak < 2_000_000


def test_a_password_of_netrc_is_not_sent(
    cold: Authorizer, key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert cold.status(token(key)) == 200
    assert "Authorization" not in cold.issuer.requests[0]


PROXY_PASSWORD = "Proxy-Authorization: Basic " + b64encode(b"user:secret").decode()


def test_the_environments_proxy_is_used_with_its_password(
    cold: Authorizer, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:secret@127.0.0.1:{cold.issuer.port}")
    monkeypatch.setenv("no_proxy", "elsewhere.example")

    assert fetch("http://issuer.example/jwks.json") == jwks(key)
    [request] = cold.issuer.requests
    assert request.startswith("GET http://issuer.example/jwks.json HTTP/1.1\r\n")
    assert PROXY_PASSWORD in request


def test_a_host_that_needs_no_proxy_is_asked_itself(
    cold: Authorizer, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "issuer.example")

    with pytest.raises(OSError, match=r"^ConnectionError \(gaierror\)$"):
        fetch("http://issuer.example:9/jwks.json")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_loopback_host_is_asked_itself_whatever_proxy_is_set(
    cold: Authorizer, key: SigningKey, monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv(variable, "http://127.0.0.1:9")

    assert fetch(cold.issuer.url.replace("127.0.0.1", host)) == jwks(key)


@pytest.mark.parametrize(
    "proxy",
    ["http://user:secret@127.0.0.1:PORT", "http://user:secret@127.0.0.1:9", "http://user:secret @:1:2"],
    ids=["that refuses", "that is down", "that is malformed"],
)
def test_the_password_of_a_proxy_is_not_logged(
    cold: Authorizer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    proxy: str,
    logged: list[Any],
) -> None:
    cold.issuer.behave = answer(b"", status="407 user:secret")
    monkeypatch.setenv("https_proxy", proxy.replace("PORT", str(cold.issuer.port)))
    keys = KeyStore("https://issuer.example/jwks.json", ("RS256",), fetch=fetch)
    with caplog.at_level(logging.DEBUG), pytest.raises(KeysUnavailable) as error:
        keys.get_key("key-1", "RS256")

    assert len(logged) == 1
    assert "secret" not in repr(logged) + caplog.text + "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("trusted", [True, False])
def test_an_issuer_behind_tls_and_a_proxy_is_asked_if_its_certificate_holds(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    context, authority = certify(tmp_path)
    asked = []

    def tunnel(connection: socket.socket) -> None:
        connection.sendall(head(status="200 Connection established"))
        with context.wrap_socket(connection, server_side=True) as issuer:
            asked.append(issuer.recv(10_000).decode())
            answer(jwks(key))(issuer)

    with closing(JwksServer(tunnel)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:secret@127.0.0.1:{proxy.port}")
        if trusted:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
            assert fetch("https://issuer.example/jwks.json") == jwks(key)
            assert PROXY_PASSWORD in proxy.requests[0]
            assert "secret" not in asked[0]
            assert "Proxy" not in asked[0]
        else:
            with pytest.raises(OSError, match=r"^SSLError \(SSLCertVerificationError\)$"):
                fetch("https://issuer.example/jwks.json")
            assert asked == []


# Hostile sets


ALGORITHMS = ("RS256", "ES256", "EdDSA")

# Their exponents and sizes are not those of a real key, but look like it.
MODULUS_8192 = (1 << 8191) + 1
MODULUS_8193 = (1 << 8192) + 1


@cache
def bad_key(alg: str, bits: int = 2048) -> SigningKey:
    return SigningKey.generate("bad", alg, bits=bits)


def bad_jwk(of: str = "RS256", /, **changes: Any) -> Callable[[], list[Any]]:
    return lambda: [bad_key(of).jwk(**changes)]


UNUSABLE: dict[str, Callable[[], list[Any]]] = {
    "has the kid and the algorithm of another key": lambda: [
        bad_key("RS256").jwk(),
        bad_key("RS256", 3072).jwk(),
    ],
    "has the kid of another key, and says no algorithm": lambda: [
        bad_key("RS256").jwk(alg=None),
        bad_key("RS256", 3072).jwk(),
    ],
    "is published as a private key, too": lambda: [
        bad_key("RS256").jwk(),
        private_jwk(bad_key("RS256")) | {"kid": "another", "use": "enc"},
    ],
    "is for encryption": bad_jwk(use="enc"),
    "is for nothing": bad_jwk(use=""),
    "has a list for use": bad_jwk(use=["sig"]),
    "is to sign only": bad_jwk(key_ops=["sign"]),
    "has a text for key_ops": bad_jwk(key_ops="verify"),
    "has a number for key_ops": bad_jwk(key_ops=7),
    "has an object for key_ops": bad_jwk(key_ops={"verify": True}),
    "is symmetric": lambda: [{"kid": "bad", "kty": "oct", "k": b64(bytes(32)), "alg": "HS256"}],
    "is symmetric and says RS256": lambda: [
        {"kid": "bad", "kty": "oct", "k": b64(bytes(32)), "alg": "RS256"}
    ],
    "is symmetric and says nothing": lambda: [{"kid": "bad", "kty": "oct", "k": b64(bytes(32))}],
    "is RSA of 1024 bits": lambda: [bad_key("RS256", 1024).jwk()],
    "is RSA of 2047 bits": lambda: [bad_key("RS256", 2047).jwk()],
    "is RSA of 8193 bits": bad_jwk(n=b64_uint(MODULUS_8193)),
    "is RSA of 800,000 bits": bad_jwk(n=b64(100_000 * b"\xff")),
    "has an even modulus": bad_jwk(n=b64_uint(2**2048 - 2)),
    "has an exponent of 1": bad_jwk(e=b64_uint(1)),
    "has an exponent of 0": bad_jwk(e=b64_uint(0)),
    "has an even exponent": bad_jwk(e=b64_uint(65538)),
    "has an exponent beyond its modulus": bad_jwk(e=b64(257 * b"\xff")),
    "has a number for a modulus": bad_jwk(n=12345),
    "has a list for a modulus": bad_jwk(n=["AQAB"]),
    "has an empty modulus": bad_jwk(n=""),
    "has no modulus": bad_jwk(n=None),
    "has a modulus that is no base64url": bad_jwk(n="ü"),
    "is a point off the curve": bad_jwk("ES256", y=b64(bytes(31) + b"\1")),
    "is the point at nowhere": bad_jwk("ES256", x=b64(bytes(32)), y=b64(bytes(32))),
    "is on an unknown curve": bad_jwk("ES256", crv="P-257"),
    "is on a curve for key agreement": bad_jwk("EdDSA", crv="X25519"),
    "is a private RSA key": lambda: [private_jwk(bad_key("RS256"))],
    "is a private EC key": lambda: [private_jwk(bad_key("ES256"))],
    "is a private Ed25519 key": lambda: [private_jwk(bad_key("EdDSA"))],
    "has a number for a kid": bad_jwk(kid=7),
    "has a list for a kid": bad_jwk(kid=["bad"]),
    "is for an algorithm that is not allowed": bad_jwk(alg="RS512"),
    "is for an algorithm that is not allowed, though it does not say so": bad_jwk("ES384", alg=None),
    "is for another algorithm than its kind": bad_jwk(alg="ES256"),
    "has no algorithm that is known": bad_jwk(alg="RS1"),
    "has a list for an algorithm": bad_jwk(alg=["RS256"]),
    "has a number for an algorithm": bad_jwk(alg=256),
    "is of an unknown kind": bad_jwk(kty="DSA"),
    "has a list for a kind": bad_jwk(kty=["RSA"]),
    "has no kind": bad_jwk(kty=None),
    "is empty": lambda: [{}],
    "is null": lambda: [None],
    "is a text": lambda: ["bad"],
    "is a list": lambda: [[["kid", "bad"]]],
}


def private_jwk(key: SigningKey) -> dict[str, Any]:
    if isinstance(key.private, rsa.RSAPrivateKey):
        numbers = key.private.private_numbers()
        parts = {"d": numbers.d, "p": numbers.p, "q": numbers.q}
        parts |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
        return key.jwk(**{name: b64_uint(part) for name, part in parts.items()})
    if isinstance(key.private, ec.EllipticCurvePrivateKey):
        return key.jwk(d=b64(key.private.private_numbers().private_value.to_bytes(32)))
    return key.jwk(d=b64(key.private.private_bytes_raw()))


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_key_is_skipped_and_the_others_are_used_if_it(cold: Authorizer, key: SigningKey, kind: str) -> None:
    service = Authorizer(cold.issuer, ALGORITHMS)
    service.publish(*UNUSABLE[kind](), key)

    assert service.status(token(key)) == 200
    for alg in ALGORITHMS:
        with pytest.raises(InvalidToken, match="the issuer has no key with this kid and alg"):
            service.keys.get_key("bad", alg)


@pytest.mark.parametrize("kind", UNUSABLE)
def test_keys_in_hand_are_not_replaced_by_a_key_that(warm: Authorizer, key: SigningKey, kind: str) -> None:
    warm.publish(*UNUSABLE[kind]())
    warm.clock.now += 10 * MINUTE

    assert warm.status(token(key)) == 200
    assert warm.status(token_with_kid("bad")) == 500


@pytest.mark.parametrize(
    "changes",
    [
        {"use": None},
        {"alg": None},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"]},
        {"x5c": ["rubbish"], "x5t": "rubbish", "x5u": "http://127.0.0.1:9/"},
        {"nbf": 1, "exp": 1, "iss": ["rubbish"]},
    ],
    ids=str,
)
def test_a_key_is_used_that_has(cold: Authorizer, key: SigningKey, changes: dict[str, Any]) -> None:
    cold.publish(key.jwk(**changes))

    assert cold.status(token(key)) == 200


@pytest.mark.parametrize(
    "changes", [{"n": b64_uint(MODULUS_8192)}, {"e": b64_uint(3)}], ids=["8192 bits", "an exponent of 3"]
)
def test_an_rsa_key_is_not_skipped_that_has(
    cold: Authorizer, key: SigningKey, changes: dict[str, Any]
) -> None:
    cold.publish(key.jwk(**changes))

    assert cold.keys.get_key("key-1", "RS256").alg == "RS256"


@pytest.mark.parametrize(("number", "status"), [(300, 200), (301, 500)])
def test_a_set_has_at_most_300_keys(cold: Authorizer, key: SigningKey, number: int, status: int) -> None:
    cold.publish(key, *[{} for _ in range(number - 1)])

    assert cold.status(token(key)) == status


@pytest.mark.parametrize(("size", "status"), [(100_000, 200), (1_000_000, 500)])
def test_a_kid_is_as_long_as_the_set_may_be(
    cold: Authorizer, key: SigningKey, size: int, status: int
) -> None:
    cold.publish(key, key.jwk(kid=size * "k"))

    assert cold.status(token(key)) == status
