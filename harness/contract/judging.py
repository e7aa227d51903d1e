"""Judge a page by a rule, where there is something to judge."""

from harness.contract.rule import Rule, Verdict
from harness.contract.scenarios import Scenarios

ALONE = {"EMB-1", "TYPE-1"}
"""The rules that say something of a page that embeds nothing."""


WITHOUT_RENEWALS = {"EMB-1", "TYPE-1", "LIFE-5", "WAKE-3", "PROV-3", "PROV-4", "CLEAN-1", "LEAK-1"}
"""The rules that do not rest on what a backend answers when."""

TIMELESS = "LEAK-1"
"""The rule whose findings are right whenever they were seen."""


def judge(rule: Rule, scenarios: Scenarios) -> Verdict:
    """The verdict of one rule on one page. A page that embeds nothing is judged by EMB-1 and TYPE-1 alone."""
    if rule.id not in ALONE and not scenarios.first.loaded:
        return Verdict("skipped", scenarios.first.stopped or "Nothing was embedded (EMB-1).")
    if rule.id not in WITHOUT_RENEWALS and (why := scenarios.real_clock):
        return Verdict("skipped", f"The backend's clock is real: {why}")
    verdict = rule.broken(rule.judge(scenarios))
    if verdict.is_finding and rule.id != TIMELESS and (call := scenarios.endless_call(verdict.evidence)):
        return Verdict("skipped", f"The clock could not wait for {call}, on which this rests: {verdict.message}")
    return verdict
