"""Find a browser: a full Chromium, Chrome or Edge. Playwright's headless shell has no tabs that could be hidden."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness.base.errors import SetupError, UsageError

# Chromium comes last: on Ubuntu its command can be a script that only asks the user to install a snap.
_COMMANDS = (
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge-stable",
    "microsoft-edge",
    "chromium",
    "chromium-browser",
)
_APPLICATION_FOLDERS = (Path("/Applications"), Path("~/Applications"))
"""The folders in which macOS has its applications."""
_APPLICATIONS = ("Google Chrome", "Microsoft Edge", "Chromium")
_VERSION_TIMEOUT_S = 20
"""Timeout of `PROGRAM --version` in real seconds."""


def find_browser(explicit: Path | None = None) -> Path | None:
    """Return the path of the browser to use, or None if there is none.

    The order is: `explicit` (the option `--pbi-browser`), the variable PBI_BROWSER, Playwright's own Chromium, then
    Chrome, Edge or Chromium on this system. A browser that the user did not name is used only if it answers
    `--version`.

    Raises `UsageError` if the user named a path that is not an executable file.
    """
    if explicit is not None:
        return _named(explicit, "--pbi-browser")
    if variable := os.environ.get("PBI_BROWSER"):
        return _named(Path(variable), "PBI_BROWSER")
    return next((path for path in _candidates() if version_of(path)), None)


def require_browser(explicit: Path | None = None) -> Path:
    """Return the path of the browser to use, found like that of `find_browser`.

    Raises `SetupError` if there is no browser, and `UsageError` if the user named a path that is not an executable file.
    """
    path = find_browser(explicit)
    if path is None:
        raise SetupError(
            "No browser was found; run 'pbi-harness setup', or name one with --pbi-browser PATH "
            "or the variable PBI_BROWSER."
        )
    return path


def version_of(program: Path) -> str | None:
    """Return the output of `program --version`, or None if the command fails.

    The command fails for a script that only asks the user to install the real program, and for a program that lacks a
    library.
    """
    try:
        answer = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def playwright_browsers() -> list[Path]:
    """Return the Chromium programs that Playwright has downloaded completely, newest first.

    The programs are searched in Playwright's cache folder: Playwright itself takes half a second to name its browser,
    and refuses to while its sync API is in use.
    """
    complete = [marker.parent for marker in _playwright_folder().glob("chromium-*/INSTALLATION_COMPLETE")]
    complete.sort(key=lambda folder: int(re.sub(r"\D", "", folder.name) or 0), reverse=True)
    return [
        program
        for folder in complete
        for pattern in ("chrome-linux*/chrome", "chrome-mac*/*.app/Contents/MacOS/*")
        for program in folder.glob(pattern)
        if os.access(program, os.X_OK)
    ]


def _named(path: Path, source: str) -> Path:
    """Return the absolute path of a browser that the user named in `source`.

    Raises `UsageError` if it is not executable.
    """
    path = path.expanduser().absolute()
    if not path.exists():
        problem = "does not exist"
    elif not path.is_file():
        problem = "is a folder"
    elif not os.access(path, os.X_OK):
        problem = "is not executable"
    else:
        return path
    raise UsageError(
        f"{source} names {path}, which {problem}. Give the path of an executable Chrome, Edge or Chromium, "
        f"or leave {source} out: then a browser is searched for."
    )


def _candidates() -> Iterator[Path]:
    """Yield the places where a browser may be, best first. The places in the application folders may not exist."""
    yield from playwright_browsers()
    for command in _COMMANDS:
        if found := shutil.which(command):
            yield Path(found).absolute()
    for folder in _APPLICATION_FOLDERS:
        for name in _APPLICATIONS:
            yield folder.expanduser() / f"{name}.app" / "Contents" / "MacOS" / name


def _playwright_folder() -> Path:
    """Return the folder in which Playwright keeps its browsers. Source: Playwright's server/registry/index.ts."""
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    package = find_spec("playwright")
    if chosen == "0" and package and package.origin:
        return Path(package.origin).parent / "driver" / "package" / ".local-browsers"
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"
