"""Runs of pytest inside a test, as a user starts them: a process of its own, with its own folder for temporary files."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.browser.find import find_browser

LIMIT = 300.0
"""Real seconds after which an inner run is given up."""
GONE_WITHIN = 30.0
"""Real seconds in which the processes of a run must have ended after it."""
OUTER = ("PYTEST_XDIST", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE")
"""Variables that are about the run that these tests are part of."""


class Runs:
    """Starts inner runs. `temporary` is empty again after each, and no process of theirs is left."""

    def __init__(self, pytester: pytest.Pytester, temporary: Path) -> None:
        self._pytester, self.temporary = pytester, temporary
        self.folder = pytester.path

    def conftest(self, source: str) -> None:
        self._pytester.makeconftest(source)

    def tests(self, source: str) -> Path:
        return self._pytester.makepyfile(test_it=source)

    def script(self, name: str, text: str) -> Path:
        """An executable text file."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, *options: str) -> pytest.RunResult:
        """Run pytest on the tests; they run in the order in which they are written unless `-p randomly` is among the options."""
        order = () if "randomly" in options else ("-p", "no:randomly")
        result = self._pytester.runpytest_subprocess(*order, *options, timeout=LIMIT)
        self.expect_nothing_left()
        return result

    def python(self, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program in the folder."""
        program = self._pytester.makepyfile(program=source)
        command = [sys.executable, program, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
        self.expect_nothing_left()
        return ended

    def files(self, folder: str = "test-results") -> list[str]:
        """What a run left in its folder for artifacts, as paths relative to it."""
        root = self.folder / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def expect_nothing_left(self) -> None:
        """No process of a run lives on, and no temporary folder of ours. (Playwright's own are its own.)"""
        until = time.monotonic() + GONE_WITHIN
        while left := [*self._processes(), *self.temporary.glob("*pbi-harness*"), *self.temporary.glob("*hromium*")]:
            assert time.monotonic() < until, f"left behind: {left}"
            time.sleep(0.05)

    def _processes(self) -> list[str]:
        """Whatever has the folder for temporary files on its command line: a browser with its profile, and its guard."""
        if not Path("/proc/self/cmdline").exists():
            found = subprocess.run(["pgrep", "-f", self.temporary], capture_output=True, text=True, check=False)
            return found.stdout.split()
        living = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has just ended
                if os.fsencode(self.temporary) in process.joinpath("cmdline").read_bytes():
                    living.append(process.name)
        return living


@contextmanager
def runs_of(pytester: pytest.Pytester, environment: pytest.MonkeyPatch, browser: Path | None) -> Iterator[Runs]:
    """`browser` is the one that the outer run was told to use."""
    for name in [name for name in os.environ if name.startswith(OUTER)]:
        environment.delenv(name)
    if found := find_browser(browser):  # an inner run has another home, where Playwright's browsers are not
        environment.setenv("PBI_BROWSER", str(found))
    temporary = Path(tempfile.mkdtemp(prefix="inner-"))
    environment.setenv("TMPDIR", str(temporary))
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n")
    try:
        yield Runs(pytester, temporary)
    finally:
        shutil.rmtree(temporary)


def sections(output: str) -> dict[str, list[str]]:
    """The failure sections of an output, by their titles: the lines of each, without what was captured."""
    found: dict[str, list[str]] = {}
    title = None
    for line in output.splitlines():
        if heading := re.fullmatch(r"_+ (.+?) _+", line):
            title = heading[1]
            found[title] = []
        elif re.fullmatch(r"=+ .+ =+", line) or re.fullmatch(r"-+ .+ -+", line):
            title = None
        elif title:
            found[title].append(line)
    return {title: [line for line in lines if line] for title, lines in found.items()}
