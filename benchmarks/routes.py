"""How long it takes to read a table of a thousand routes, and to decide for one of them.

`npm run bench`. The paths are those of a public API. A decision does not depend on their number.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from auth import Settings
from auth.authorizer import decide
from auth.keys import KeyStore
from benchmarks.policy import microseconds
from tests.support.environment import environment
from tests.support.tokens import SigningKey, good_claims, jwks, make_token

PUBLIC_API = Path(__file__).parents[1] / "tests/support/public_api_routes.txt"
STAGE_ARN = "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/prod/"
READING_TARGET = 10.0  # milliseconds, at a cold start
DECISION_TARGET = 1.0  # milliseconds


def table_text(routes: int) -> str:
    """Return a table of so many routes, each with a scope for its method and its first word."""
    lines = []
    for key in PUBLIC_API.read_text().splitlines()[1 : routes + 1]:
        method, path = key.split()
        lines.append(f"{key} {method.lower()}:{path.split('/')[1] or 'root'}")
    return "\n".join(lines)


READ_ONCE = """
import sys, time
from auth.routes import parse_routes
text = sys.stdin.read()
start = time.process_time()
parse_routes(text)
print(time.process_time() - start)
"""


def milliseconds_to_read(table: str) -> float:
    """Return the median of reading a table once in a new process, as a cold start does."""
    command = [sys.executable, "-c", READ_ONCE]
    times = [
        float(subprocess.run(command, input=table, capture_output=True, text=True, check=True).stdout)
        for _ in range(11)
    ]
    return median(times) * 1e3


def rest_event(route_key: str, token: str) -> dict[str, Any]:
    """Return the event of a REQUEST authorizer of a REST API."""
    method, path = route_key.split()
    headers = {"Host": "api.example", "Accept": "*/*", "Authorization": f"Bearer {token}"}
    return {
        "type": "REQUEST",
        "methodArn": f"{STAGE_ARN}{method}{path}",
        "resource": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {"resourcePath": path, "httpMethod": method},
    }


def main() -> None:
    key = SigningKey.generate("A1iH9mGRrb9dZAzgB7lJ7")
    print("Decisions of a REQUEST authorizer, medians")
    print()
    print("| routes | read     | granted | refused |")
    print("| -----: | -------: | ------: | ------: |")
    for routes in (10, 100, 1000):
        text = table_text(routes)
        *_, last = text.splitlines()
        method, path, scope = last.split()
        settings = Settings.from_environment(environment(ROUTE_SCOPES=text))
        keys = {
            issuer: KeyStore(issuer.jwks_uri, issuer.algorithms, fetch=lambda _: jwks(key))
            for issuer in settings.issuers
        }
        times = [
            microseconds(
                partial(
                    decide,
                    rest_event(f"{method} {path}", make_token(key, good_claims(scope=scopes))),
                    settings,
                    keys,
                ),
                1001,
            )
            for scopes in (scope, "another")
        ]
        reading = milliseconds_to_read(text)
        print(f"| {routes:6} | {reading:5.2f} ms | {times[0]:4.0f} us | {times[1]:4.0f} us |")
    print()
    print(
        f"Targets for 1,000 routes: read in {READING_TARGET:g} ms at a cold start,"
        f" decided in {DECISION_TARGET:g} ms"
    )


if __name__ == "__main__":
    main()
