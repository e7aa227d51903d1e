"""ZONE-1: do LIFE-1 and LIFE-3 hold in other time zones?"""

from harness.contract.rule import Verdict, rule
from harness.contract.rules.skew import judge_under
from harness.contract.scenarios import Scenarios


@rule(
    "ZONE-1",
    "must",
    basis="GenerateToken's expiration is UTC: 2018-07-29T17:58:19Z.",
)
def zone_does_not_matter(scenarios: Scenarios) -> Verdict:
    """Other time zones, and a daylight-saving change within the observed lifetimes: LIFE-1 and LIFE-3 still hold."""
    return judge_under(
        scenarios, scenarios.zones, "A time is written or read in local time on its way, or its Z is lost."
    )
