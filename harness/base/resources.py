"""Where the project's own files lie: at the top of a checkout, or in the copy that an installed wheel carries."""

import hashlib
from functools import cache
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parents[1]


def _carried() -> Path | None:
    """The folder that only an installed wheel has (pyproject.toml, force-include)."""
    folder = _PACKAGE / "_carried"
    return folder if folder.is_dir() else None


def _top() -> Path:
    return _carried() or _PACKAGE.parent


def fixture_folders() -> list[Path]:
    """The folders of built-in host pages: `hosts`, and in a checkout `broken` too."""
    fixtures = _top() / "fixtures"
    return [fixtures / "hosts"] if _carried() else [fixtures / "hosts", fixtures / "broken"]


@cache
def script(name: str) -> str:
    """The text of a script that pages run, by its place in the package: "clock/scripts/hold.js"."""
    return (_PACKAGE / name).read_text("utf-8").rstrip()


def npm_manifest() -> Path:
    """The folder with package.json and package-lock.json."""
    return _top()


def lock_hash() -> str:
    """A fingerprint of package-lock.json: changes exactly when other npm packages are wanted."""
    return hashlib.sha256((npm_manifest() / "package-lock.json").read_bytes()).hexdigest()


def node_modules() -> Path:
    """The folder of npm packages, there or not: in the checkout, or in the user's cache with one for each lock file."""
    if _carried():
        return cache_folder() / lock_hash()[:16] / "node_modules"
    return _top() / "node_modules"


def cache_folder() -> Path:
    """The user's cache folder of this project, there or not."""
    return platformdirs.user_cache_path("pbi-harness")
