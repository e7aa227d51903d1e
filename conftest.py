"""The project's own tests run the plugin as its users do, and again inside `pytester` (pyproject.toml)."""

import os

import pytest

from harness.browser_path import find_browser


def pytest_report_header(config: pytest.Config) -> str:
    """Which browser the tests run in: most surprises begin there."""
    return f"browser: {find_browser(config.option.pbi_browser) or 'none found; run make setup'}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: a browser's test waits now and then."""
    return (os.cpu_count() or 1) + 1
