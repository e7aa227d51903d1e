"""The search for a browser: its order, and browsers that the user names or that do not start."""

import sys
from pathlib import Path

import pytest
from support.machine import Machine

from harness.base.errors import UsageError
from harness.browser.find import find_browser

PROGRAM = "Chromium.app/Contents/MacOS/Chromium"


def test_browser_named_by_option_comes_before_one_named_by_variable_and_one_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.program("chromium")
    variable, option = machine.program("by-variable"), machine.program("by-option")
    monkeypatch.setenv("PBI_BROWSER", str(variable))
    assert find_browser() == variable
    assert find_browser(option) == option


def test_empty_variable_pbi_browser_is_ignored(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBI_BROWSER", "")
    assert find_browser() is None


@pytest.mark.parametrize("source", ["--pbi-browser", "PBI_BROWSER"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [("nothing", "does not exist"), ("a-folder", "is a folder"), ("a-text", "is not executable")],
)
def test_named_browser_that_is_not_an_executable_file_is_wrong_usage(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, source: str, name: str, problem: str
) -> None:
    (machine.home / "a-folder").mkdir()
    (machine.home / "a-text").touch()
    path = machine.home / name
    explicit = path if source == "--pbi-browser" else None
    if explicit is None:
        monkeypatch.setenv("PBI_BROWSER", str(path))
    with pytest.raises(UsageError) as raised:
        find_browser(explicit)
    assert str(raised.value) == (
        f"{source} names {path}, which {problem}. Give the path of an executable Chrome, Edge or Chromium, "
        f"or leave {source} out: then a browser is searched for."
    )


def test_tilde_in_a_browser_path_is_the_home_folder(machine: Machine) -> None:
    program = machine.program(machine.home / "chrome")
    assert find_browser(Path("~/chrome")) == program


def test_browsers_are_found_in_the_documented_order(machine: Machine) -> None:
    expected = [
        machine.playwright_chromium(1200),
        machine.playwright_chromium(999),
        *(machine.program(name) for name in ("google-chrome", "microsoft-edge", "chromium", "chromium-browser")),
        machine.program(machine.applications / PROGRAM),
    ]
    found = []
    while browser := find_browser():
        found.append(browser)
        browser.unlink()
    assert found == expected


def test_browser_that_does_not_start_or_is_incomplete_is_skipped(machine: Machine) -> None:
    machine.playwright_chromium(1300, "echo 'libnss3.so: cannot open shared object file' >&2; exit 127")
    unfinished = machine.playwright_chromium(1400)
    (unfinished.parent.parent / "INSTALLATION_COMPLETE").unlink()
    shell = machine.playwright / "chromium_headless_shell-1500"
    machine.program(shell / "chrome-linux64" / "chrome")
    (shell / "INSTALLATION_COMPLETE").touch()
    machine.program("chromium", "echo 'chromium requires a snap' >&2; exit 1")
    assert find_browser() is None


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has another default folder: ~/Library/Caches")
def test_playwrights_browser_is_found_in_its_default_folder(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program = machine.playwright_chromium(1200)
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.playwright.parent))
    assert find_browser() == program
