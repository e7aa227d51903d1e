"""Judge a page by one rule, unless the rule cannot say anything about this page."""

from harness.contract import discovery
from harness.contract.observations import Observations, Visited
from harness.contract.rule import Rule, Verdict, skipped


def judge(rule: Rule, visited: Visited) -> Verdict:
    """Return the verdict of one rule on a page that is watched, or was recorded.

    The verdict is `skipped` in three cases. The page embeds nothing, and the rule needs an item. The page's backend
    uses real time, and the rule needs renewals. A finding may come from a browser call that the clock could not wait
    for.
    """
    seen = Observations(visited, rule.requires)
    if rule.needs_items and not seen.first.loaded:
        return skipped(seen.first.stopped or "Nothing was embedded (EMB-1).")
    if rule.needs_renewals and (why := _real_clock(visited)):
        return skipped(f"The page's backend uses real time, so its renewals cannot be judged: {why}")
    verdict = rule.graded(rule.judge(seen))
    if verdict.is_finding and not rule.timeless and (call := seen.endless_call(verdict.evidence)):
        return skipped(f"The clock could not wait for {call}, so this finding may be wrong: {verdict.message}")
    return verdict


def _real_clock(visited: Visited) -> str:
    """Return the sign that the page's backend uses real time; empty if the healthy visits show none."""
    return discovery.real_clock(visited.visits("healthy")) if visited.page.has_own_backend else ""
