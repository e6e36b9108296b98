"""MiniStack: an AWS on 127.0.0.1 that deploys a stack, runs its functions and serves its API, without Docker.

It has a Python of its own, without the libraries of the authorizer. The functions run in it, so a library
that is missing in the package is missing there, too. test_deployed.py says where MiniStack differs from AWS.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import boto3

from tests.support.isolation import AWS, CALLER
from tests.support.sharing import locked

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements/ministack.txt"
ACCOUNT = "123456789012"

# It ends with its standard input, that is, also if the tests are killed.
START = """
import os, signal, sys, threading
from ministack.app import main

def end():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end, daemon=True).start()
main()
"""


def ministack_python() -> Path:
    """Return the Python that has MiniStack. It is made once for each requirements/ministack.txt.

    As for `npm run setup`, the packages come from the package index of the developer's own environment.
    """
    folder = ROOT / ".venv/ministack"
    python, record = folder / "bin/python", folder / "installed"
    wanted = f"{sys.version} {sha256(REQUIREMENTS.read_bytes()).hexdigest()}"
    with locked(ROOT / ".venv/ministack.lock"):
        if not record.exists() or record.read_text() != wanted:
            make = (sys.executable, "-I", "-m", "venv", "--clear", folder)
            install = ("node", "scripts/pip.js", folder, "--require-hashes", "-r", REQUIREMENTS)
            for command in (make, install):
                if subprocess.run(command, cwd=ROOT, env=CALLER, check=False).returncode:
                    raise RuntimeError("MiniStack could not be installed: see above.")
            record.write_text(wanted)
    return python


@contextmanager
def ministack(home: Path) -> Iterator[str]:
    """Run an AWS that is empty, with a home folder of its own, and yield its URL. It writes its log there.

    It accepts the credentials of the tests and no others.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AUTH": "true",  # check signatures
        **{name: value for name, value in AWS.items() if name != "AWS_ENDPOINT_URL"},
    }
    command = (ministack_python(), "-c", START)
    with (
        (home / "ministack.log").open("w") as log,
        subprocess.Popen(
            command, cwd=home, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        ) as process,
    ):
        deadline = time.monotonic() + 60
        while not _accepts_connections(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((home / "ministack.log").read_text())
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


def _accepts_connections(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def api_url(endpoint: str, api_id: str, stage: str) -> str:
    """Return the URL at which MiniStack serves an API."""
    return f"{endpoint}/_aws/execute-api/{api_id}/{stage}"


def remaining_resources() -> list[str]:
    """Return the names of all that is deployed, of whichever stack."""
    cloudformation, s3, functions = boto3.client("cloudformation"), boto3.client("s3"), boto3.client("lambda")
    iam, gateway = boto3.client("iam"), boto3.client("apigateway")
    logs, alarms = boto3.client("logs"), boto3.client("cloudwatch")
    return [
        *(stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]),
        *(bucket["Name"] for bucket in s3.list_buckets()["Buckets"]),
        *(function["FunctionName"] for function in functions.list_functions()["Functions"]),
        *(role["RoleName"] for role in iam.list_roles()["Roles"]),
        *(api["name"] for api in gateway.get_rest_apis()["items"]),
        *(group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]),
        *(alarm["AlarmName"] for alarm in alarms.describe_alarms()["MetricAlarms"]),
    ]
