"""The refresh contract: rules, and the sessions that they observe. docs/contract.md has it in words."""

# The order of these imports is the order of judging: CLEAN-1 reads all sessions, so it comes last.
from harness.contract import embedding  # isort: skip
from harness.contract import life  # isort: skip
from harness.contract import wake  # isort: skip
from harness.contract import provider  # isort: skip
from harness.contract import clean  # isort: skip
from harness.contract.rule import RULES, Rule, Verdict
from harness.contract.scenarios import PageUnderTest, Scenarios

__all__ = [
    "RULES",
    "PageUnderTest",
    "Rule",
    "Scenarios",
    "Verdict",
    "clean",
    "embedding",
    "judge",
    "life",
    "provider",
    "wake",
]

ALONE = {"EMB-1", "TYPE-1"}
"""The rules that say something of a page that embeds nothing."""


def judge(rule: Rule, scenarios: Scenarios) -> Verdict:
    """The verdict of one rule on one page. A page that embeds nothing is judged by EMB-1 and TYPE-1 alone."""
    if rule.id not in ALONE and not embedding.loads(scenarios.healthy[0]):
        return Verdict("skipped", "Nothing was embedded (EMB-1).")
    return rule.broken(rule.judge(scenarios))
