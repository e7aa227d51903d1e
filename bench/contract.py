"""The real time in which each built-in page is judged by all rules of the contract."""

from collections.abc import Iterator

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.clock import real_time
from harness.commands.verify import BUILT_IN
from harness.contract import RULES, PageUnderTest, Watch, judge
from harness.stage.session import HarnessSession

TARGET_S = 15.0


def figures(_: Playwright, session: HarnessSession) -> Iterator[Figure]:
    """Yield the figure of each built-in page."""
    for page in BUILT_IN:
        scenarios = Watch(session, PageUnderTest(page))
        began = real_time.seconds()
        for rule in RULES.values():
            judge(rule, scenarios)
        yield Figure(f"the contract for {page}", real_time.seconds() - began, TARGET_S, "the target", 1)
