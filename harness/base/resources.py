"""Paths of the project's own files, in a checkout and in an installed wheel.

A checkout has the files at its top. A wheel has copies of them in the package's folder `_carried`, which pyproject.toml
fills (force-include). A checkout has no such folder.
"""

import hashlib
from functools import cache
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parents[1]


def _wheel_files() -> Path | None:
    """Return the folder of the wheel's copies, or None in a checkout."""
    folder = _PACKAGE / "_carried"
    return folder if folder.is_dir() else None


def _top() -> Path:
    """Return the folder that contains package.json and fixtures/."""
    return _wheel_files() or _PACKAGE.parent


def fixture_folders() -> list[Path]:
    """Return the folders of built-in host pages: `hosts`, and in a checkout also `broken`."""
    fixtures = _top() / "fixtures"
    return [fixtures / "hosts"] if _wheel_files() else [fixtures / "hosts", fixtures / "broken"]


@cache
def script(name: str) -> str:
    """Return the text of a script for the browser, given its path in the package: "stage/scripts/as_text.js".

    Raises `FileNotFoundError` if there is no such file.
    """
    return (_PACKAGE / name).read_text("utf-8").rstrip()


def npm_manifest() -> Path:
    """Return the folder that contains package.json and package-lock.json."""
    return _top()


def lock_hash() -> str:
    """Return the SHA-256 of package-lock.json in hexadecimal. Each change of the npm packages changes this hash."""
    return hashlib.sha256((npm_manifest() / "package-lock.json").read_bytes()).hexdigest()


def node_modules() -> Path:
    """Return the folder of the npm packages, which need not exist yet.

    In a checkout, the folder is the checkout's node_modules. An installed wheel uses the user's cache, with one folder
    per lock file.
    """
    if _wheel_files():
        return cache_folder() / lock_hash()[:16] / "node_modules"
    return _top() / "node_modules"


def cache_folder() -> Path:
    """Return the user's cache folder for this project, which need not exist yet."""
    return platformdirs.user_cache_path("pbi-harness")
