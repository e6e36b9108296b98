"""Fixtures of the tests that deploy."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.checkout import ROOT


@pytest.fixture(scope="module")
def aws(clean: dict[str, str]) -> Iterator[str]:
    """The URL of an emulated AWS that is empty, which boto3 uses in this process for as long."""
    command = [sys.executable, "-m", "tests.support.emulator"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=clean, stdin=pipe, stdout=pipe, text=True) as emulator:
        assert emulator.stdout
        url = emulator.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", url)
            yield url
        # It ends with its standard input, which is closed here.
