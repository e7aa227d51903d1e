"""A machine whose programs are short scripts, for tests of the set-up.

These tests use neither the network nor the programs of the real machine.
"""

import os
import sys
import textwrap
from pathlib import Path

import pytest

from harness.base import resources
from harness.browser import find
from harness.commands import install

NPM_CI = """
    if [ "$1" = --version ]; then echo 11.0.0; exit; fi
    echo "$@" >> "$LOG"
    mkdir -p node_modules/powerbi-client/dist
    touch node_modules/powerbi-client/dist/powerbi.js
"""
"""The script of an npm that logs its arguments, and makes the one file of the packages that the harness looks for."""


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


def machine_in(folder: Path, environment: pytest.MonkeyPatch) -> Machine:
    """Return a machine in `folder`, without any program, and make the harness see this machine alone."""
    machine = Machine(folder)
    for empty in (machine.checkout / "harness", machine.home, machine.bin):
        empty.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (machine.checkout / name).write_text("{}")
    environment.setenv("PATH", str(machine.bin))
    environment.setenv("HOME", str(machine.home))
    environment.setenv("XDG_CACHE_HOME", str(machine.home / "cache"))
    environment.setenv("PLAYWRIGHT_BROWSERS_PATH", str(machine.playwright))
    environment.delenv("PBI_BROWSER", raising=False)
    environment.setattr(find, "_APPLICATION_FOLDERS", (machine.applications,))
    environment.setattr(resources, "_PACKAGE", machine.checkout / "harness")
    environment.setattr(install, "find_spec", lambda name: None)
    environment.setattr(sys, "executable", str(machine.python))
    environment.setattr(os, "geteuid", lambda: 1000)
    return machine
