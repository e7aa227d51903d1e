"""The project's own tests run the plugin as its users do, and again inside `pytester` (pyproject.toml)."""

from collections.abc import Generator

import pytest

from harness.browser.find import find_browser


def pytest_report_header(config: pytest.Config) -> str:
    """Which browser the tests run in: most surprises begin there."""
    return f"browser: {find_browser(config.option.pbi_browser) or 'none found; run make setup'}"


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One process more than there are processors (the Makefile allows four at most): a browser's test waits now and then."""
    return (yield) + 1
