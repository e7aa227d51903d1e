"""Settings for the runs of the project's own tests."""

from collections.abc import Generator

import pytest

from harness.browser.find import find_browser


def pytest_report_header(config: pytest.Config) -> str:
    """Print the path of the browser at the start of a run."""
    return f"browser: {find_browser(config.option.pbi_browser) or 'none found; run make setup'}"


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Return one process more than pytest-xdist would start, because a test often waits.

    The Makefile allows at most four.
    """
    return (yield) + 1
