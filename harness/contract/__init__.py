"""The refresh contract: rules, and the sessions that they observe. docs/contract.md has it in words."""

# The order of these imports is the order of judging: CLEAN-1 and LEAK-1 read all sessions, so they come last.
from harness.contract import embedding  # isort: skip
from harness.contract import life  # isort: skip
from harness.contract import wake  # isort: skip
from harness.contract import provider  # isort: skip
from harness.contract import outages  # isort: skip
from harness.contract import surroundings  # isort: skip
from harness.contract import items  # isort: skip
from harness.contract import clean  # isort: skip
from harness.contract.adapter import Adapter
from harness.contract.page import PageUnderTest, TokenUrl
from harness.contract.rule import RULES, Rule, Verdict
from harness.contract.scenarios import Scenarios

__all__ = [
    "RULES",
    "Adapter",
    "PageUnderTest",
    "RefreshContract",
    "Rule",
    "Scenarios",
    "TokenUrl",
    "Verdict",
    "clean",
    "embedding",
    "items",
    "judge",
    "life",
    "outages",
    "provider",
    "surroundings",
    "wake",
]

ALONE = {"EMB-1", "TYPE-1"}
"""The rules that say something of a page that embeds nothing."""


WITHOUT_RENEWALS = {"EMB-1", "TYPE-1", "LIFE-5", "WAKE-3", "PROV-3", "PROV-4", "CLEAN-1", "LEAK-1"}
"""The rules that do not rest on what a backend answers when."""

TIMELESS = "LEAK-1"
"""The rule whose findings are right whenever they were seen."""


def judge(rule: Rule, scenarios: Scenarios) -> Verdict:
    """The verdict of one rule on one page. A page that embeds nothing is judged by EMB-1 and TYPE-1 alone."""
    if rule.id not in ALONE and not embedding.loads(scenarios.first):
        return Verdict("skipped", scenarios.first.stopped or "Nothing was embedded (EMB-1).")
    if rule.id not in WITHOUT_RENEWALS and (why := scenarios.real_clock):
        return Verdict("skipped", f"The backend's clock is real: {why}")
    verdict = rule.broken(rule.judge(scenarios))
    if verdict.is_finding and rule.id != TIMELESS and (call := scenarios.lost_to_the_clock(verdict.evidence)):
        return Verdict("skipped", f"The clock could not wait for {call}, on which this rests: {verdict.message}")
    return verdict


from harness.contract.suite import RefreshContract  # noqa: E402 (it judges, so it comes after)
