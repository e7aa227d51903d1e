"""What a test leaves behind: screenshot and trace by pytest-playwright's options, and the journal of a test that failed."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext
from playwright.sync_api import Error as PlaywrightError

from harness.base.journal import Entry
from harness.stage.stage import Stage

LAST_ENTRIES = 30
LONGEST_VALUE = 80
SCREENSHOT_PATIENCE_MS = 5000


@dataclass(frozen=True)
class Artifacts:
    """The files of one test. `folder` is pytest-playwright's for this test; its options say what is wanted."""

    node: pytest.Item
    folder: Path
    tracing: str
    screenshot: str
    full_page: bool

    @classmethod
    def of(cls, request: pytest.FixtureRequest) -> "Artifacts":
        option = request.config.option
        folder = Path(request.getfixturevalue("output_path"))
        return cls(request.node, folder, option.tracing, option.screenshot, option.full_page_screenshot)

    @contextlib.contextmanager
    def kept(self, stage: Stage, context: BrowserContext) -> Iterator[None]:
        """Within the block the test runs; after it, and before the stage ends, its files are written."""
        if self.tracing != "off":
            context.tracing.start(title=self.node.name, screenshots=True, snapshots=True, sources=True)
        try:
            yield
        finally:
            with contextlib.suppress(PlaywrightError):  # of a browser that is gone there is no picture and no trace
                self._write_trace(context)
                self._write_screenshot(stage)
            if self._failed:
                self._write(self.folder / "journal.jsonl", "\n".join(map(as_json, stage.journal)) + "\n")

    @property
    def _failed(self) -> bool:
        """Set by pytest-playwright. A test without a call report was interrupted, or failed before its call."""
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
            stage.page.screenshot(path=path, full_page=self.full_page, timeout=SCREENSHOT_PATIENCE_MS)

    def _name(self, stem: str, end: str) -> str:
        """pytest-playwright's own name; another one where the test also holds a page of pytest-playwright's."""
        return f"{stem}-pbi{end}" if "context" in self.node.fixturenames else f"{stem}{end}"  # type: ignore[attr-defined]

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def as_json(entry: Entry) -> str:
    """An entry as one line of JSON; instants in ISO 8601."""
    fields: dict[str, Any] = {"at": entry.at, "kind": entry.kind, **entry.data}
    return json.dumps(fields, default=lambda value: value.isoformat() if hasattr(value, "isoformat") else str(value))


def last_entries(stage: Stage) -> str:
    """The end of a journal for a failure report, a line each, with times since the page was opened; without the wire."""
    entries = [entry for entry in stage.journal if entry.kind not in ("protocol", "response")][-LAST_ENTRIES:]
    return "\n".join(f"{stage.since_open(entry):>12}  {entry.kind:<15} {_in_short(entry)}" for entry in entries)


def _in_short(entry: Entry) -> str:
    return "  ".join(f"{name}={_shown(value)}" for name, value in entry.data.items() if name != "request")


def _shown(value: object) -> str:
    text = f"{value:%H:%M:%S}" if isinstance(value, datetime) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
