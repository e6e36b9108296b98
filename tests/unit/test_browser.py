"""What the tests of the page do on a machine without a browser."""

from pathlib import Path

import pytest

from tests.support import browser


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "APPLICATIONS", ())
    monkeypatch.setenv("PATH", "/nowhere")


def test_without_a_browser_the_tests_of_the_page_are_skipped_and_say_why(
    no_browser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="no Chromium or Chrome was found"):
        browser.browser_or_skip()


def test_in_ci_they_fail(no_browser: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="no Chromium or Chrome was found"):
        browser.browser_or_skip()


def test_ci_looks_for_the_same_browsers_before_it_installs_one() -> None:
    script = (Path(__file__).parents[2] / ".ci/run").read_text()

    assert f"type -P {' '.join(browser.COMMANDS)})" in script
