"""SKEW-1: LIFE-1 and LIFE-3 hold when the client's clock is wrong."""

from harness.contract.fragments import CHECKED_ANSWER
from harness.contract.observations import Observations
from harness.contract.rule import Verdict, rule
from harness.contract.rules.client_clock import RENEWING_PAGES, judge_on_other_clocks


@rule(
    "SKEW-1",
    "should",
    requires=("healthy", "wrong_clocks"),
    source="The article compares the token's expiration with the client's own clock, and that clock may be wrong.",
    applies_to=RENEWING_PAGES,
    why="The clock of many a laptop is some minutes wrong. On a slow clock the page renews when the token has "
    "already expired; on a fast one it renews too often.",
    wrong="""
        async function fetchToken() {
          const response = await fetch(TOKEN_URL, { cache: "no-store" });
          const { token, expiration } = await response.json();
          // The checks compare this with Date.now(), the client's clock.
          return { token, expires: Date.parse(expiration) };
        }
    """,
    right=CHECKED_ANSWER,
)
def works_with_a_wrong_clock(seen: Observations) -> Verdict:
    """Require that LIFE-1 and LIFE-3 hold when the client's clock is 10 min slow, and when it is 10 min fast."""
    return judge_on_other_clocks(
        seen,
        seen.of("wrong_clocks"),
        "The page compares the token's expiration with the client's clock. Use the server's time instead: the "
        "response's `Date` header, or `expires_in`.",
    )
