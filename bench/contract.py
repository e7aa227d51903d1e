"""The whole contract, for each page that `verify` judges when it is given none."""

from collections.abc import Iterator

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.clock import real_time
from harness.commands.verify import BUILT_IN
from harness.contract import RULES, PageUnderTest, Scenarios, judge
from harness.stage.session import HarnessSession

TARGET = 15.0


def figures(_: Playwright, session: HarnessSession) -> Iterator[Figure]:
    for page in BUILT_IN:
        scenarios = Scenarios(session, PageUnderTest(page))
        began = real_time.seconds()
        for rule in RULES.values():
            judge(rule, scenarios)
        yield Figure(f"the contract for {page}", real_time.seconds() - began, TARGET, "the target", 1)
