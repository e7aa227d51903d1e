"""The real time that 24 virtual hours take if the clock has to wait for work on other threads and in other processes.

A last figure shows what the scripts that make the clock wait cost a page without such work.
"""

from collections.abc import Iterator
from unittest.mock import patch

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.clock import real_time
from harness.stage.session import HarnessSession

ROUNDS = 3
PAIRS = 5
TARGETS_S = {"worker_timer": 4.0, "database": 10.0, "event_stream": 30.0}
"""Host page -> the real seconds that a virtual day may take.

Each page checks its token every 30 s: `worker_timer` with the timer of a worker, `database` with a read from IndexedDB,
and `event_stream` while an EventSource is open.
"""


def figures(_: Playwright, session: HarnessSession) -> Iterator[Figure]:
    """Yield a figure for each page of `TARGETS_S`, and the figure of a page without such work."""
    for page, target_s in TARGETS_S.items():
        yield Figure(f"24 h of {page}", min(_day(session, page) for _ in range(ROUNDS)), target_s, "the target", 1)
    with_scripts_s, without_s = [], []
    for _ in range(PAIRS):
        with_scripts_s.append(_day(session, "article_manual"))
        with patch("harness.clock.scripts.page_script", return_value=""):
            without_s.append(_day(session, "article_manual"))
    yield Figure(
        "24 h of article_manual",
        min(with_scripts_s),
        min(without_s),
        "without the scripts that make the clock wait",
        1.05,
    )


def _day(session: HarnessSession, page: str) -> float:
    """Return the real seconds that 24 virtual hours of a host page take."""
    with session.stage() as stage, session.host(stage) as host:
        item = stage.open(host.url(page)).item()
        item.expect_loaded()
        began = real_time.seconds()
        stage.clock.advance("24h")
        took_s = real_time.seconds() - began
        assert len(item.renewals) >= 24, len(item.renewals)
        return took_s
