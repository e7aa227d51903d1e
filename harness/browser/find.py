"""Find a browser: full Chromium, Chrome or Edge (Playwright's headless shell has no tabs that could be hidden)."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from harness.base.errors import UsageError

# Chromium comes last: on Ubuntu its command can be a stand-in that asks for a snap.
_COMMANDS = (
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge-stable",
    "microsoft-edge",
    "chromium",
    "chromium-browser",
)
_APPLICATION_FOLDERS = (Path("/Applications"), Path("~/Applications"))
_APPLICATIONS = ("Google Chrome", "Microsoft Edge", "Chromium")


def find_browser(explicit: Path | None = None) -> Path | None:
    """The browser to use, or None if there is none.

    In this order: `explicit` (the option `--pbi-browser`), the variable PBI_BROWSER, Playwright's own Chromium, Chrome,
    Edge or Chromium on this system. One that was not named is passed over unless it answers `--version`.

    Raises `UsageError` if the one that was named is no program.
    """
    if explicit is not None:
        return _named(explicit, "--pbi-browser")
    if variable := os.environ.get("PBI_BROWSER"):
        return _named(Path(variable), "PBI_BROWSER")
    return next((path for path in _candidates() if version_of(path)), None)


def version_of(program: Path) -> str | None:
    """What `program --version` answers, or None if it cannot be run (a stand-in, or a library is missing)."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def playwright_browsers() -> list[Path]:
    """Playwright's own Chromiums that were downloaded completely, newest first.

    Looked up in its cache folder, because asking Playwright takes half a second and is refused while it is in use.
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
    """`path`, if it is a program; `source` is where the user wrote it."""
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
        f"{source} names {path}, which {problem}: give the path of the program of Chrome, Edge or Chromium, "
        "or leave it out and one is looked for."
    )


def _candidates() -> Iterator[Path]:
    yield from playwright_browsers()
    for command in _COMMANDS:
        if found := shutil.which(command):
            yield Path(found).absolute()
    for folder in _APPLICATION_FOLDERS:
        for name in _APPLICATIONS:
            yield folder.expanduser() / f"{name}.app" / "Contents" / "MacOS" / name


def _playwright_folder() -> Path:
    """Where Playwright keeps its browsers: the rules are those of its own registry."""
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    package = find_spec("playwright")
    if chosen == "0" and package and package.origin:
        return Path(package.origin).parent / "driver" / "package" / ".local-browsers"
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"
