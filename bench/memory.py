"""The memory of the test process after 30 virtual days, compared with its memory after 1 day."""

import os
import subprocess
from collections.abc import Iterator

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.stage.session import HarnessSession

DAYS = 30


def figures(_: Playwright, session: HarnessSession) -> Iterator[Figure]:
    """Yield the one figure."""
    with session.stage() as stage, session.host(stage) as host:
        item = stage.open(host.url("article_manual")).item()
        item.expect_loaded()
        sizes_mib = []
        for _day in range(DAYS):
            for hour in range(24):
                stage.clock.advance("1h")
                item.change_page(f"Page {hour % 3 + 1}")
            sizes_mib.append(_resident_mib())
    yield Figure(f"memory after {DAYS} days", sizes_mib[-1], sizes_mib[0], "after 1 day", 1.2, unit="MiB")


def _resident_mib() -> float:
    """Return the resident memory of this process in MiB. `ps` reports it in KiB, on Linux and on macOS."""
    answer = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return int(answer.stdout) / 1024
