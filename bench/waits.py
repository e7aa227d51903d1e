"""24 virtual hours of pages for whose work, on other threads and in other processes, time has to wait; and what that costs a page
that does no such work."""

from collections.abc import Iterator
from unittest.mock import patch

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.clock import real_time
from harness.stage.session import HarnessSession

ROUNDS = 3
PAIRS = 5
TARGETS = {"worker_timer": 4.0, "database": 10.0, "event_stream": 30.0}
"""Host page -> real seconds that a virtual day may take. Each looks at its token every 30 s: by a worker's timer, by a read from
IndexedDB, beside an EventSource."""


def figures(_: Playwright, session: HarnessSession) -> Iterator[Figure]:
    for page, seconds in TARGETS.items():
        yield Figure(f"24 h of {page}", min(_day(session, page) for _ in range(ROUNDS)), seconds, "the target", 1)
    waiting, bare = [], []
    for _ in range(PAIRS):
        waiting.append(_day(session, "article_manual"))
        with patch("harness.clock.scripts.page_script", return_value=""):
            bare.append(_day(session, "article_manual"))
    yield Figure("24 h of article_manual", min(waiting), min(bare), "without the scripts that make time wait", 1.05)


def _day(session: HarnessSession, page: str) -> float:
    with session.stage() as stage, session.host(stage) as host:
        item = stage.open(host.url(page)).item()
        item.expect_loaded()
        began = real_time.seconds()
        stage.clock.advance("24h")
        took = real_time.seconds() - began
        assert len(item.renewals) >= 24, len(item.renewals)
        return took
