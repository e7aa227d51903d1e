"""The command `pbi-harness setup`."""

import pytest
from support.machine import NPM_CI, Machine

from harness import cli


def test_setup_reports_the_browser_and_the_npm_packages(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.program("npm", NPM_CI)
    browser = machine.program("my-browser")
    assert cli.main(["setup", "--pbi-browser", str(browser)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Browser: {browser}",
        f"npm packages: npm ci in {machine.checkout} (takes seconds; timeout 5 min)",
        f"npm packages: {machine.checkout / 'node_modules'}",
    ]
