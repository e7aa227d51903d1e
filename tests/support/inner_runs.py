"""Runs of pytest inside a test, as a user starts them.

Each is a new process, and has a new folder for temporary files.
"""

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

RUN_TIMEOUT_S = 300.0
"""Timeout of an inner run in real seconds."""
CLEANUP_TIMEOUT_S = 30.0
"""Real seconds after an inner run in which its processes must end and its temporary folders must be removed."""
OUTER_VARIABLES = ("PYTEST_XDIST", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE")
"""Beginnings of the names of variables that describe the outer run."""


class Runs:
    """Starts inner runs in `folder`.

    Each run has to leave no process behind, and to leave its folder for temporary files, `temporary`, empty.
    """

    def __init__(self, pytester: pytest.Pytester, temporary: Path) -> None:
        self._pytester, self.temporary = pytester, temporary
        self.folder = pytester.path

    def conftest(self, source: str) -> None:
        """Write the conftest.py of the inner runs."""
        self._pytester.makeconftest(source)

    def tests(self, source: str) -> Path:
        """Write the tests of the inner runs, and return their file, test_it.py."""
        return self._pytester.makepyfile(test_it=source)

    def script(self, name: str, text: str) -> Path:
        """Write an executable text file and return its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, *options: str) -> pytest.RunResult:
        """Run pytest on the tests and return its result.

        The tests run in the order in which they are written, unless `-p randomly` is among the options.
        """
        order = () if "randomly" in options else ("-p", "no:randomly")
        result = self._pytester.runpytest_subprocess(*order, *options, timeout=RUN_TIMEOUT_S)
        self.expect_nothing_left()
        return result

    def python(self, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program in the folder, and return the ended process."""
        program = self._pytester.makepyfile(program=source)
        command = [sys.executable, program, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
        self.expect_nothing_left()
        return ended

    def files(self, folder: str = "test-results") -> list[str]:
        """Return the files that a run left in `folder`, sorted, as paths relative to it."""
        root = self.folder / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def expect_nothing_left(self) -> None:
        """Wait until no process of a run and no temporary folder of the harness or the browser is left.

        Fails after `CLEANUP_TIMEOUT_S`. Playwright's own temporary folders may stay.
        """
        until = time.monotonic() + CLEANUP_TIMEOUT_S
        while left := [*self._processes(), *self.temporary.glob("*pbi-harness*"), *self.temporary.glob("*hromium*")]:
            assert time.monotonic() < until, f"left behind: {left}"
            time.sleep(0.05)

    def _processes(self) -> list[str]:
        """Return the ids of the browsers and guards of folders: their command line names the temporary folder."""
        if not Path("/proc/self/cmdline").exists():
            found = subprocess.run(["pgrep", "-f", self.temporary], capture_output=True, text=True, check=False)
            return found.stdout.split()
        living = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # the process has just ended
                if os.fsencode(self.temporary) in process.joinpath("cmdline").read_bytes():
                    living.append(process.name)
        return living


@contextmanager
def runs_of(pytester: pytest.Pytester, environment: pytest.MonkeyPatch, browser: Path | None) -> Iterator[Runs]:
    """Yield a `Runs` whose inner runs use `browser`, or the browser that the harness finds.

    Removes its temporary folder.
    """
    for name in [name for name in os.environ if name.startswith(OUTER_VARIABLES)]:
        environment.delenv(name)
    if found := find_browser(browser):  # an inner run has another home folder, without Playwright's browsers
        environment.setenv("PBI_BROWSER", str(found))
    temporary = Path(tempfile.mkdtemp(prefix="inner-"))
    environment.setenv("TMPDIR", str(temporary))
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n")
    try:
        yield Runs(pytester, temporary)
    finally:
        shutil.rmtree(temporary)


def sections(output: str) -> dict[str, list[str]]:
    """Return the failure sections of pytest's output: title -> lines that are not empty, without captured output."""
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
