"""`npm run smoke -- --url URL --token TOKEN`: does the API let in whom it should, and nobody else?

Without --url, it is the deployed --stage. Without --token, a fresh one is asked for at SMOKE_TOKEN_URL, as
SMOKE_CLIENT_ID with SMOKE_CLIENT_SECRET (OAuth 2.0 client credentials).
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from tools import given_token

TIMEOUT = 30  # seconds; API Gateway gives up after 29


@dataclass(frozen=True)
class Check:
    what: str
    expected: int
    request: str
    """Method and path."""
    token: str | None


def checks(token: str, granted: str, refused: str) -> list[Check]:
    """`token` grants the request `granted`, and does not grant `refused`."""
    return [
        Check("no token", 401, granted, None),
        Check("a tampered token", 401, granted, tampered(token)),
        Check("a good token", 200, granted, token),
        Check("a route that needs another scope", 403, refused, token),
        Check("an unknown path", 404, "GET /no/such/path", token),
    ]


def tampered(token: str) -> str:
    """Return the token with another signature: its first character, all bits of which count."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"


def status(url: str, check: Check) -> int | str:
    """Return the status of the answer, or why there is none."""
    method, path = check.request.split()

    def authorized(request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Without an `auth`, `requests` would send the password that .netrc has for this host."""
        if check.token:
            request.headers["Authorization"] = f"Bearer {check.token}"
        return request

    try:
        answer = requests.request(
            method, url.rstrip("/") + path, auth=authorized, timeout=TIMEOUT, allow_redirects=False
        )
    except requests.RequestException as error:
        return type(error).__name__
    return answer.status_code


def run(url: str, token: str, granted: str, refused: str) -> list[Check]:
    """Print a table of what was expected and what came. Return the checks for which they differ."""
    results = [(check, status(url, check)) for check in checks(token, granted, refused)]
    print(url)
    for check, came in results:
        verdict = "ok" if came == check.expected else "WRONG"
        print(f"{verdict:<6} expected {check.expected}  came {came}  {check.request:<18} {check.what}")
    return [check for check, came in results if came != check.expected]


def deployed_url(stage: str) -> str:
    command = ["node_modules/.bin/sls", "info", "--verbose", "--stage", stage]
    info = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    found = re.search(r"ServiceEndpoint: (\S+)", info.stdout)
    if not found:
        raise SystemExit(f"{info.stdout}There is no API of stage {stage}: deploy it, or say --url.")
    return found[1]


def fresh_token(environment: Mapping[str, str]) -> str:
    """Get a token by OAuth 2.0 client credentials (RFC 6749 section 4.4)."""
    names = ("SMOKE_TOKEN_URL", "SMOKE_CLIENT_ID", "SMOKE_CLIENT_SECRET")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise SystemExit(f"Say --token, or set {' and '.join(missing)} to get one.")
    url, client_id, secret = (environment[name] for name in names)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    # Auth0 wants to know the audience, Entra ID and Cognito the scope.
    for name in ("AUDIENCE", "SCOPE"):
        if environment.get(f"SMOKE_{name}"):
            form[name.lower()] = environment[f"SMOKE_{name}"]
    answer = requests.post(url, data=form, timeout=TIMEOUT, allow_redirects=False)
    if answer.status_code != requests.codes.ok:
        raise SystemExit(f"{url} answered {answer.status_code} instead of a token.")
    return str(answer.json()["access_token"])


def request_line(argument: str) -> str:
    """Return the argument. Raises what argparse makes a message of, if it is no METHOD and path."""
    if not re.fullmatch(r"[A-Z]+ /\S*", argument):
        raise argparse.ArgumentTypeError(f"{argument!r} is no METHOD and path, such as 'GET /pets/1'")
    return argument


def main() -> int:
    parser = argparse.ArgumentParser(prog="npm run smoke --", description=__doc__)
    parser.add_argument("--url", help="the API, with its stage")
    parser.add_argument("--stage", default="dev", help="the deployed stage, dev if not given")
    parser.add_argument(
        "--token", type=given_token, help="a token for read:pets alone; -: read it from stdin"
    )
    for name, default, what in (("granted", "GET /pets", "may"), ("refused", "POST /pets", "may not")):
        text = f"METHOD and path of what the token {what} call ('{default}')"
        parser.add_argument(f"--{name}", type=request_line, default=default, help=text)
    options = parser.parse_args()
    token = options.token or fresh_token(os.environ)
    url = options.url or deployed_url(options.stage)
    return int(bool(run(url, token, options.granted, options.refused)))


if __name__ == "__main__":
    sys.exit(main())
