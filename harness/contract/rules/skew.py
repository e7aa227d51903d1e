"""SKEW-1: LIFE-1 and LIFE-3 hold when the client's clock is wrong."""

from harness.contract.observations import Observations
from harness.contract.rule import Verdict, rule
from harness.contract.rules.client_clock import judge_on_other_clocks


@rule(
    "SKEW-1",
    "should",
    requires=("healthy", "wrong_clocks"),
    source="The article compares the token's expiration with the client's own clock, and that clock may be wrong.",
)
def works_with_a_wrong_clock(seen: Observations) -> Verdict:
    """Require that LIFE-1 and LIFE-3 hold when the client's clock is 10 min slow, and when it is 10 min fast."""
    return judge_on_other_clocks(
        seen,
        seen.of("wrong_clocks"),
        "The page compares the token's expiration with the client's clock. Use the server's time instead: the "
        "response's `Date` header, or `expires_in`.",
    )
