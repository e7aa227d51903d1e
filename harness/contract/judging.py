"""Judge a page by one rule, unless the rule cannot say anything about this page."""

from harness.contract.rule import Rule, Verdict, skipped
from harness.contract.scenarios import Scenarios

RULES_WITHOUT_ITEMS = {"EMB-1", "TYPE-1"}
"""The rules that can judge a page that embeds nothing."""

RULES_WITHOUT_RENEWALS = {"EMB-1", "TYPE-1", "LIFE-5", "WAKE-3", "PROV-3", "PROV-4", "CLEAN-1", "LEAK-1"}
"""The rules that do not need a backend that renews tokens in virtual time."""

RULE_WITHOUT_TIME = "LEAK-1"
"""The rule whose findings hold even if the clock missed a pending call: a leaked token has leaked at any time."""


def judge(rule: Rule, scenarios: Scenarios) -> Verdict:
    """Return the verdict of one rule on the page of these scenarios.

    The verdict is `skipped` in three cases. The page embeds nothing, and the rule needs an item. The page's backend
    uses real time, and the rule needs renewals. A finding may come from a browser call that the clock could not wait
    for.
    """
    if rule.id not in RULES_WITHOUT_ITEMS and not scenarios.first.loaded:
        return skipped(scenarios.first.stopped or "Nothing was embedded (EMB-1).")
    if rule.id not in RULES_WITHOUT_RENEWALS and (why := scenarios.real_clock):
        return skipped(f"The page's backend uses real time, so its renewals cannot be judged: {why}")
    verdict = rule.graded(rule.judge(scenarios))
    if verdict.is_finding and rule.id != RULE_WITHOUT_TIME and (call := scenarios.endless_call(verdict.evidence)):
        return skipped(f"The clock could not wait for {call}, so this finding may be wrong: {verdict.message}")
    return verdict
