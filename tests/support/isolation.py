"""Keeps the developer's own settings, credentials and network out of the tests.

The pytest process gets an environment made from nothing, like the one that `tests.support.checkout` makes
for the tools that a test runs. A developer's `AWS_PROFILE`, `HTTP_PROXY`, `LOG_LEVEL` or `~/.netrc` changes
no result.
"""

import os
import socket
import sys
from ipaddress import ip_address
from typing import Any

# The environment that pytest was started in. Only installing what the tests need may use it: see wheels.py.
CALLER = dict(os.environ)

# What is left of it: how to find programs, and how to run the tests.
KEPT = ("PATH", "TMPDIR", "CI")
KEPT_PREFIXES = ("PYTEST_", "COV")

# Nothing listens on this port, so a request to AWS that a test did not plan fails at once.
NO_AWS = "http://127.0.0.1:9"

ACCESS_KEY = "test"

AWS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",  # the name that boto3 reads
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": NO_AWS,
}


def isolate_this_process() -> None:
    """Replace the environment of this process, and let it connect to nothing but loopback addresses."""
    kept = {name: value for name, value in CALLER.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    os.environ.clear()
    os.environ.update(kept | AWS)
    os.environ["HOME"] = os.devnull  # no ~/.aws, no ~/.netrc
    os.environ["no_proxy"] = "127.0.0.1,localhost"  # nor the proxy of macOS's system settings
    sys.addaudithook(_refuse_other_hosts)


def _refuse_other_hosts(event: str, arguments: tuple[Any, ...]) -> None:
    """Fail a name lookup as without a network, and a connection aloud (Python, "Audit events table")."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if not _is_loopback(arguments[0]):
            raise socket.gaierror(socket.EAI_NONAME, f"no test may look up {arguments[0]}")
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]  # a tuple, or the path of a Unix socket
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}, which is not a loopback address")


def _is_loopback(host: str | bytes | None) -> bool:
    if not host:
        return True  # any address of this machine, to listen on
    name = host.decode() if isinstance(host, bytes) else host
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
