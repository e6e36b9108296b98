"""No test reaches AWS or another host, and nothing of the developer's own world changes a result."""

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.checkout import clean_environment, copy_project, run
from tests.support.jwks_server import JwksServer, answer

ACCESS_KEY = "AKIAOFTHEDEVELOPER00"
ELSEWHERE = ("192.0.2.1", 443)  # an address for documentation (RFC 5737)

# These package, deploy and invoke the service, and send requests from the pytest process itself.
DEPLOY = "test_a_package_is_deployed_from_another_folder_with_the_settings_that_it_was_made_with"
SELECTION = (
    f"tests/integration/test_deploy_package.py::{DEPLOY}",
    "tests/integration/test_invoke.py::test_a_good_token_gets_a_policy_of_the_shape_that_the_tutorial_shows",
    "tests/unit/test_handler.py",
    "tests/unit/test_smoke.py",
)


@pytest.fixture
def outside() -> Iterator[JwksServer]:
    """The proxy, the AWS, the package index and the issuer of a developer. It records requests."""
    with closing(JwksServer(answer(b"", status="502 Bad Gateway"))) as server:
        yield server


@pytest.fixture
def environment(outside: JwksServer, tmp_path: Path) -> dict[str, str]:
    """The environment of that developer, with a home folder and all kinds of variables."""
    url = f"http://127.0.0.1:{outside.port}"
    home = tmp_path / "home"
    files = {
        ".aws/config": f"[default]\nendpoint_url = {url}\n[profile developer]\nendpoint_url = {url}\n",
        ".aws/credentials": f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = secret\n",
        ".netrc": "default login developer password secret\n",
        ".npmrc": f"registry={url}\n",
        ".config/pip/pip.conf": f"[global]\nindex-url = {url}\nuser = true\n",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)

    # A version manager's command, which finds Node in the home folder.
    shim = tmp_path / "shims/node"
    shim.parent.mkdir()
    shim.write_text(f"""#!/bin/sh\ntest "$HOME" = '{home}' && exec '{shutil.which("node")}' "$@"\n""")
    shim.chmod(0o755)

    nowhere = str(tmp_path / "no such file")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    aws = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), ACCESS_KEY)
    aws |= {"AWS_PROFILE": "developer", "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": url}
    authorizer = {"JWKS_URI": url, "AUDIENCE": "theirs", "TOKEN_ISSUER": url, "ROUTE_SCOPES": "GET /theirs"}
    authorizer |= {"LOG_LEVEL": "loud", "ALGORITHMS": "HS256", "LEEWAY_SECONDS": "never"}
    tools = {"PIP_USER": "1", "PIP_INDEX_URL": url, "NODE_OPTIONS": f"--require '{nowhere}'"}
    tls = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "NETRC"), nowhere)
    clean = clean_environment(home)
    tools["PATH"] = f"{shim.parent}{os.pathsep}{clean['PATH']}"
    return clean | dict.fromkeys(proxies, url) | aws | authorizer | tools | tls


@pytest.fixture
def project(environment: dict[str, str], tmp_path: Path) -> Path:
    """A copy of the project with the files that a developer may have in it."""
    project = copy_project(tmp_path)
    names = ("AWS_", "JWKS_", "AUDIENCE", "TOKEN_", "LOG_", "ALGORITHMS")
    lines = [f"{name}={value}\n" for name, value in environment.items() if name.startswith(names)]
    for name in (".env", ".env.dev", ".env.prod", ".env.local"):
        (project / name).write_text("".join(lines))
    return project


def test_the_tests_pass_in_the_world_of_a_developer_and_reach_nothing_of_it(
    project: Path, environment: dict[str, str], outside: JwksServer
) -> None:
    command = (".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *SELECTION)
    ran = run(project, *command, environment=environment)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^\d+ passed in", ran.stdout, re.MULTILINE), ran.stdout  # none skipped
    assert outside.requests == []
    assert ACCESS_KEY not in ran.stdout + ran.stderr


def test_the_emulator_rejects_all_credentials_but_those_of_the_tests(aws: str) -> None:
    developer = boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key="secret")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        developer.client("s3").list_buckets()

    assert boto3.client("s3").list_buckets()["Buckets"] == []


def connect() -> None:
    with socket.socket() as connection:
        connection.settimeout(1)
        connection.connect(ELSEWHERE)


def send() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as connection:
        connection.sendto(b"", ELSEWHERE)


@pytest.mark.parametrize("reach", [connect, send])
def test_a_test_that_tries_to_reach_another_host_fails(reach: Callable[[], None]) -> None:
    with pytest.raises(AssertionError, match=r"tried to reach 192\.0\.2\.1"):
        reach()


def test_no_name_but_localhost_can_be_looked_up() -> None:
    with pytest.raises(socket.gaierror, match=r"issuer\.example"):
        socket.getaddrinfo("issuer.example", 443)
    assert socket.getaddrinfo("localhost", 443)
