"""The order of a cold start, seen from within: a new interpreter says what it imports, and when."""

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.environment import environment
from tests.support.jwks_server import Behaviour, JwksServer, answer, silence
from tests.support.tokens import SigningKey, jwks, make_event, make_token

ROOT = Path(__file__).parents[2]

# Holds still when PyJWT is about to be imported, until the test says go on.
SPY = """
import gc, sys, threading, types

class Spy:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            print("imported in a thread:", name)
        if name == "jwt":
            print("importing jwt", flush=True)
            sys.stdin.readline()

sys.meta_path.insert(0, Spy())
sys.modules["rules"] = types.ModuleType("rules")  # whatever is in rules.py
import handler
print("collects garbage:", gc.isenabled(), "frozen:", gc.get_freeze_count() > 10_000)
print("keys held:", list(handler._key_stores().values())[0].fresh_key("key-1", "RS256") is not None)
"""

# Tells of each connection, and decides over the events of its input.
START = """
import json, sys, types

def tell(event, args):
    if event == "socket.connect":
        print("connects to", args[1][0], flush=True)

sys.addaudithook(tell)
sys.modules["rules"] = types.ModuleType("rules")
import handler
print("imported", flush=True)
for line in sys.stdin:
    handler.authorize(json.loads(line), None)
"""


def interpreter(program: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().rstrip()


def test_the_issuer_answers_while_pyjwt_is_imported_and_its_thread_imports_nothing(key: SigningKey) -> None:
    with closing(JwksServer(answer(jwks(key)))) as issuer:
        uri = issuer.url.replace("127.0.0.1", "localhost")
        with interpreter(SPY, **environment(JWKS_URI=uri)) as process:
            assert line_of(process) == "importing jwt"
            assert issuer.asked.wait(5)
            said, _ = process.communicate("go on\n", timeout=30)

    assert said.splitlines() == ["collects garbage: True frozen: True", "keys held: True"]


def test_the_first_request_does_not_fetch_again(key: SigningKey) -> None:
    with (
        closing(JwksServer(answer(jwks(key)))) as issuer,
        interpreter(START, **environment(JWKS_URI=issuer.url)) as process,
    ):
        said, _ = process.communicate(json.dumps(make_event(make_token(key))), timeout=30)

    *before, decision = said.splitlines()
    assert before == ["connects to 127.0.0.1", "imported"]
    assert json.loads(decision)["outcome"] == "policy"
    assert len(issuer.requests) == 1


def test_an_import_without_settings_opens_no_connection() -> None:
    with interpreter(START) as process:
        said, _ = process.communicate(timeout=30)

    assert said == "imported\n"


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (answer(b"", status="503 Service Unavailable"), "HTTP status 503"),
        (answer(b"null"), "not a JWKS: no list of keys"),
        (silence, "ReadTimeout (TimeoutError)"),
    ],
    ids=["is out of order", "answers rubbish", "says nothing"],
)
def test_the_import_says_once_that_an_issuer(behave: Behaviour, reason: str, key: SigningKey) -> None:
    event = json.dumps(make_event(make_token(key)))
    with (
        closing(JwksServer(behave)) as issuer,
        interpreter(START, **environment(JWKS_URI=issuer.url)) as process,
    ):
        assert line_of(process) == "connects to 127.0.0.1"
        assert json.loads(line_of(process)) == {
            "level": "ERROR",
            "event": "jwks_fetch_failed",
            "jwks_uri": issuer.url,
            "reason": reason,
            "stale_keys_from": "none",
            "stale_keys_expire_in_seconds": 0,
        }
        assert line_of(process) == "imported"

        issuer.behave = answer(jwks(key))
        time.sleep(1)  # until it is asked again
        said, _ = process.communicate(event, timeout=30)

    connects, decision = said.splitlines()
    assert connects == "connects to 127.0.0.1"
    assert json.loads(decision)["outcome"] == "policy"
