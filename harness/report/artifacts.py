"""The files of a test: a screenshot and a trace, by pytest-playwright's options, and the journal of a failed test."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from playwright.sync_api import Error as PlaywrightError

from harness.base.journal import Entry
from harness.contract.recording import line_of, write_lines
from harness.stage.driver import Driver
from harness.stage.stage import Stage

LAST_ENTRIES = 30
"""Number of journal entries that the report of a failed test shows."""
LONGEST_VALUE_CHARACTERS = 80
"""Maximum length of a value in the journal entries of a report."""
SCREENSHOT_TIMEOUT_REAL_MS = 5000
"""Timeout of a screenshot. Playwright takes it in real milliseconds."""


@dataclass(frozen=True)
class Artifacts:
    """The files of one test: a screenshot, a trace and a journal.

    `folder` is pytest-playwright's folder for this test. `tracing`, `screenshot` and `full_page` are the values of
    pytest-playwright's options.
    """

    node: pytest.Item
    folder: Path
    tracing: str
    screenshot: str
    full_page: bool

    @classmethod
    def of(cls, request: pytest.FixtureRequest) -> "Artifacts":
        """Return the artifacts of the test that requests a fixture."""
        option = request.config.option
        folder = Path(request.getfixturevalue("output_path"))
        return cls(request.node, folder, option.tracing, option.screenshot, option.full_page_screenshot)

    @contextlib.contextmanager
    def kept(self, stage: Stage, context: BrowserContext) -> Iterator[None]:
        """Record a trace while the block runs the test, and then write the files of the test.

        `stage` has to be open until then.
        """
        if self.tracing != "off":
            context.tracing.start(title=self.node.name, screenshots=True, snapshots=True, sources=True)
        try:
            yield
        finally:
            with contextlib.suppress(PlaywrightError):  # a browser that is gone makes no screenshot and no trace
                self._write_trace(context)
                self._write_screenshot(stage)
            if self._failed:
                write_lines(self.folder / "journal.jsonl", [*map(line_of, Driver(stage).journal_without_tokens)])

    @property
    def _failed(self) -> bool:
        """True if the test failed or did not finish.

        pytest-playwright stores the report of the test's call in `rep_call`. A test without that report was
        interrupted, or failed in a fixture.
        """
        report = getattr(self.node, "rep_call", None)
        return report is None or bool(report.failed)

    def _write_trace(self, context: BrowserContext) -> None:
        if self.tracing == "on" or (self.tracing == "retain-on-failure" and self._failed):
            context.tracing.stop(path=self.folder / self._name("trace", ".zip"))
        elif self.tracing != "off":
            context.tracing.stop()

    def _write_screenshot(self, stage: Stage) -> None:
        if self.screenshot == "on" or (self.screenshot == "only-on-failure" and self._failed):
            outcome = "failed" if self._failed else "finished"
            path = self.folder / self._name(f"test-{outcome}", "-1.png")
            stage.page.screenshot(path=path, full_page=self.full_page, timeout=SCREENSHOT_TIMEOUT_REAL_MS)

    def _name(self, stem: str, end: str) -> str:
        """Return the name that pytest-playwright gives such a file, with "-pbi" if that name is taken.

        The name is taken if the test also uses a browser context of pytest-playwright.
        """
        return f"{stem}-pbi{end}" if "context" in self.node.fixturenames else f"{stem}{end}"  # type: ignore[attr-defined]


def last_entries(stage: Stage) -> str:
    """Return the last `LAST_ENTRIES` entries of a stage's journal, one per line, for the report of a failed test.

    Each line begins with the time since the page was opened. Entries about the wire protocol and about responses are
    left out, because they are many and say little about a failure.
    """
    entries = [entry for entry in stage.journal if entry.kind not in ("protocol", "response")][-LAST_ENTRIES:]
    return "\n".join(f"{stage.since_open(entry):>12}  {entry.kind:<15} {_data_of(entry)}" for entry in entries)


def _data_of(entry: Entry) -> str:
    return "  ".join(f"{name}={_shortened(value)}" for name, value in entry.data.items() if name != "request")


def _shortened(value: object) -> str:
    text = f"{value:%H:%M:%S}" if isinstance(value, datetime) else str(value)
    return text if len(text) <= LONGEST_VALUE_CHARACTERS else text[:LONGEST_VALUE_CHARACTERS] + "…"
