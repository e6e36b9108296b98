"""The order of a cold start, seen from within: a new interpreter says what it imports, and when."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.conftest import environment
from tests.gateway import Issuer
from tests.issuer import SigningKey, jwks

ROOT = Path(__file__).parents[1]

# Holds still when PyJWT is about to be imported, until the test says go on.
SPY = """
import gc, sys, threading

class Spy:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            print("imported in a thread:", name)
        if name == "jwt":
            print("importing jwt", flush=True)
            sys.stdin.readline()

sys.meta_path.insert(0, Spy())
import handler
print("collects garbage:", gc.isenabled(), "frozen:", gc.get_freeze_count() > 10_000)
print("keys held:", handler._service()[1].at_hand("key-1") is not None)
"""


def test_the_issuer_answers_while_pyjwt_is_imported_and_its_thread_imports_nothing(key: SigningKey) -> None:
    with closing(Issuer(jwks(key))) as issuer:
        process = subprocess.Popen(
            [sys.executable, "-c", SPY],
            cwd=ROOT,
            env=environment(JWKS_URI=issuer.url.replace("127.0.0.1", "localhost")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "importing jwt\n"
        assert issuer.asked.wait(5)
        said, _ = process.communicate("go on\n", timeout=30)

    assert said.splitlines() == ["collects garbage: True frozen: True", "keys held: True"]
