"""The project's own tests run the plugin as its users do, and again inside `pytester` (pyproject.toml)."""

import pytest

from harness.browser_path import find_browser


def pytest_report_header(config: pytest.Config) -> str:
    """Which browser the tests run in: most surprises begin there."""
    return f"browser: {find_browser(config.option.pbi_browser) or 'none found; run make setup'}"
