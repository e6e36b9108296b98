"""`npm run smoke -- --url URL --token TOKEN`: does the API accept and reject the requests that it should?

Without --url, the deployed --stage is tested. Without --token, a token is requested from SMOKE_TOKEN_URL with
SMOKE_CLIENT_ID and SMOKE_CLIENT_SECRET (OAuth 2.0 client credentials).
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import LocationValueError

from auth.fetch import is_loopback, is_safe_url
from tools import given_token

TIMEOUT = 30  # seconds; API Gateway itself gives up after 29

SAFE_URL = "an https:// URL (http:// for a loopback host only) without user name, password and fragment"


@dataclass(frozen=True)
class Check:
    """A request, and the status of the response to it."""

    what: str
    expected: int
    request: str
    """Method and path."""
    token: str | None


def checks(token: str, granted: str, refused: str) -> list[Check]:
    """Return the checks for a token that allows the request `granted`, and does not allow `refused`."""
    return [
        Check("no token", 401, granted, None),
        Check("a tampered token", 401, granted, tampered(token)),
        Check("a good token", 200, granted, token),
        Check("a route that needs another scope", 403, refused, token),
        Check("an unknown path", 404, "GET /no/such/path", token),
    ]


def tampered(token: str) -> str:
    """Return the token with another signature.

    The first character is replaced: unlike the last one, all of its bits are part of the signature.
    """
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"


def send(
    method: str, url: str, *, token: str | None = None, form: Mapping[str, str] | None = None
) -> requests.Response:
    """Send a request, and return the response. Raises requests.RequestException.

    Redirects are not followed. Requests to a loopback host use no proxy.
    """

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    host = urlsplit(url).hostname or ""
    try:
        return requests.request(
            method,
            url,
            data=form,
            auth=authorize,  # without any, `requests` would send the password that .netrc has for the host
            proxies={"no_proxy": host} if is_loopback(host) else None,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except LocationValueError as error:  # `requests` lets it through for a host name that is too long
        raise requests.exceptions.InvalidURL from error


def status(url: str, check: Check) -> int | str:
    """Return the status of the response, or the name of the error if there is no response."""
    method, path = check.request.split()
    try:
        return send(method, url.rstrip("/") + path, token=check.token).status_code
    except requests.RequestException as error:
        return type(error).__name__


def run(url: str, token: str, granted: str, refused: str) -> list[Check]:
    """Print a table of the expected and the actual results. Return the checks that failed."""
    results = [(check, status(url, check)) for check in checks(token, granted, refused)]
    print(url)
    for check, actual in results:
        verdict = "ok" if actual == check.expected else "WRONG"
        print(f"{verdict:<6} expected {check.expected}  got {actual}  {check.request:<18} {check.what}")
    return [check for check, actual in results if actual != check.expected]


def deployed_url(stage: str) -> str:
    """Return the URL of the API of a stage. Raises SystemExit if the stage is not deployed."""
    command = ["node_modules/.bin/sls", "info", "--verbose", "--stage", stage]
    info = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    found = re.search(r"ServiceEndpoint: (\S+)", info.stdout)
    if not found:
        raise SystemExit(f"{info.stdout}Stage {stage} has no API. Deploy it first, or pass --url.")
    return found[1]


def fresh_token(environment: Mapping[str, str]) -> str:
    """Request a token with the OAuth 2.0 client credentials grant (RFC 6749 section 4.4).

    Raises SystemExit with one line that says what to do. The line contains neither the client secret nor any
    text of the response.
    """
    names = ("SMOKE_TOKEN_URL", "SMOKE_CLIENT_ID", "SMOKE_CLIENT_SECRET")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise SystemExit(f"Pass a token with --token, or set {' and '.join(missing)} to get one.")
    url, client_id, secret = (environment[name] for name in names)
    if not is_safe_url(url):
        raise SystemExit(f"The client secret was not sent: SMOKE_TOKEN_URL must be {SAFE_URL}.")
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    # Auth0 requires the audience, Entra ID and Cognito the scope.
    for name in ("AUDIENCE", "SCOPE"):
        if environment.get(f"SMOKE_{name}"):
            form[name.lower()] = environment[f"SMOKE_{name}"]
    try:
        response = send("POST", url, form=form)
    except requests.RequestException as error:
        raise SystemExit(
            f"SMOKE_TOKEN_URL did not answer ({type(error).__name__}). Check the URL and the network, or pass"
            " a token with --token."
        ) from None
    if response.status_code != requests.codes.ok:
        check = "SMOKE_CLIENT_ID, SMOKE_CLIENT_SECRET, and SMOKE_AUDIENCE or SMOKE_SCOPE"
        if response.is_redirect:
            check = "the URL: redirects are not followed"
        raise SystemExit(
            f"SMOKE_TOKEN_URL answered with status {response.status_code} instead of a token. Check {check}."
        )
    token = _access_token(response)
    if token is None:
        raise SystemExit(
            "SMOKE_TOKEN_URL answered without an access_token. Set it to the token_endpoint that the issuer"
            " publishes at /.well-known/openid-configuration."
        )
    return token


def _access_token(response: requests.Response) -> str | None:
    """Return the access token in a response (RFC 6749 section 5.1), or None if there is no usable one."""
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    return token if isinstance(token, str) and _is_bearer_token(token) else None


def _is_bearer_token(text: str) -> bool:
    return re.fullmatch(r"[-A-Za-z0-9._~+/]+=*", text) is not None  # RFC 6750 section 2.1


def api_url(argument: str) -> str:
    """Return the argument. Raises ArgumentTypeError if a token must not be sent to this URL."""
    if not is_safe_url(argument):
        raise argparse.ArgumentTypeError(f"it must be {SAFE_URL}")
    return argument


def bearer_token(argument: str) -> str:
    """Return the token that the option names. Raises ArgumentTypeError if no request can carry it."""
    token = given_token(argument)
    if not _is_bearer_token(token):
        raise argparse.ArgumentTypeError("it is not an access token")
    return token


def request_line(argument: str) -> str:
    """Return the argument. Raises ArgumentTypeError if it is not a method and a path."""
    if not re.fullmatch(r"[A-Z]+ /\S*", argument):
        raise argparse.ArgumentTypeError(f"{argument!r} is not a METHOD and a path, such as 'GET /pets/1'")
    return argument


def main() -> int:
    parser = argparse.ArgumentParser(prog="npm run smoke --", description=__doc__)
    parser.add_argument("--url", type=api_url, help="the URL of the API, including its stage")
    parser.add_argument("--stage", default="dev", help="the deployed stage (default: dev)")
    parser.add_argument(
        "--token",
        type=bearer_token,
        help="a token with the scope read:pets and no other; - reads it from standard input",
    )
    for name, default, what in (
        ("granted", "GET /pets", "allows"),
        ("refused", "POST /pets", "does not allow"),
    ):
        text = f"METHOD and path of a request that the token {what} (default: '{default}')"
        parser.add_argument(f"--{name}", type=request_line, default=default, help=text)
    options = parser.parse_args()
    token = options.token or fresh_token(os.environ)
    url = options.url or deployed_url(options.stage)
    return int(bool(run(url, token, options.granted, options.refused)))


if __name__ == "__main__":
    sys.exit(main())
