"""The memory of the test process after 30 virtual days, against that after 1 day."""

import os
import subprocess
from collections.abc import Iterator

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.stage.session import HarnessSession

DAYS = 30


def figures(_: Playwright, session: HarnessSession) -> Iterator[Figure]:
    with session.stage() as stage, session.host(stage) as host:
        item = stage.open(host.url("article_manual")).item()
        item.expect_loaded()
        sizes = []
        for _day in range(DAYS):
            for hour in range(24):
                stage.clock.advance("1h")
                item.change_page(f"Page {hour % 3 + 1}")
            sizes.append(_resident_mib())
    yield Figure(f"memory after {DAYS} days", sizes[-1], sizes[0], "after 1 day", 1.2, unit="MiB")


def _resident_mib() -> float:
    """What `ps` calls RSS, on Linux as on macOS."""
    answer = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return int(answer.stdout) / 1024
