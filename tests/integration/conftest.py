"""Fixtures of the tests that deploy."""

import os
from collections.abc import Iterator

import pytest

from tests.support.ministack import ministack
from tests.support.packages import cannot_run


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an emulated AWS that is empty, which boto3 uses in this process for as long."""
    with ministack(tmp_path_factory.mktemp("ministack")) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield url


@pytest.fixture(scope="session")
def runtime() -> None:
    """A Python that can run the packages. Without one, the test is skipped on a laptop and fails on CI."""
    if reason := cannot_run():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
