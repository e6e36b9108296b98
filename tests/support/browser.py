"""A browser that is installed on this machine, and tests that run in it."""

import os
import shutil
from pathlib import Path

import pytest

# As .ci/run looks for them.
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = ("Google Chrome", "Chromium")  # of macOS


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome, or None."""
    applications = [f"/Applications/{name}.app/Contents/MacOS/{name}" for name in APPLICATIONS]
    found = [*map(shutil.which, COMMANDS), *(path for path in applications if Path(path).exists())]
    return next(filter(None, found), None)


def browser_or_skip() -> str:
    """Return the path of a browser. Without one, fail the test in CI, and skip it elsewhere."""
    found = find_browser()
    if found:
        return found
    reason = "no Chromium or Chrome was found: the page to try the API on is not tested"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
