"""Checks of the files that a command shall write, before it does its work."""

import os
from pathlib import Path

from harness.base.errors import UsageError


def expect_writable(option: str, name: str | Path | None) -> None:
    """Raise `UsageError` if the file that `option` names cannot be written. None is no file."""
    if name is None:
        return
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} names {path}, whose folder does not exist. Make the folder, or name another file.")
    if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"{option} names {path}, which cannot be written. Name another file.")
