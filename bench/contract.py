"""The whole contract, for each page that `verify` judges when it is given none."""

from collections.abc import Iterator

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness import real_time
from harness.contract import RULES, PageUnderTest, Scenarios, judge
from harness.session import HarnessSession
from harness.verify import BUILT_IN

TARGET = 15.0


def figures(_: Playwright, session: HarnessSession) -> Iterator[Figure]:
    for page in BUILT_IN:
        scenarios = Scenarios(session, PageUnderTest(page))
        began = real_time.seconds()
        for rule in RULES.values():
            judge(rule, scenarios)
        yield Figure(f"the contract for {page}", real_time.seconds() - began, TARGET, "the target", 1)
