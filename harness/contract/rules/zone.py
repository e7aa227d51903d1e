"""ZONE-1: LIFE-1 and LIFE-3 hold in every time zone."""

from harness.contract.fragments import CHECKED_ANSWER
from harness.contract.observations import Observations
from harness.contract.rule import Verdict, rule
from harness.contract.rules.client_clock import RENEWING_PAGES, judge_on_other_clocks


@rule(
    "ZONE-1",
    "must",
    requires=("healthy", "time_zones"),
    source="GenerateToken's expiration is in UTC: 2018-07-29T17:58:19Z.",
    applies_to=RENEWING_PAGES,
    why="The page works for its developers and fails for users of another time zone, or for everybody in the night"
    " in which summer time begins or ends.",
    wrong="""
        async function fetchToken() {
          const response = await fetch(TOKEN_URL, { cache: "no-store" });
          const { token, expiration } = await response.json();
          const local = expiration.replace("Z", ""); // Without its Z, the text means local time.
          const remaining = Date.parse(local) - Date.parse(response.headers.get("Date"));
          return { token, expires: Date.now() + remaining };
        }
    """,
    right=CHECKED_ANSWER,
)
def works_in_every_time_zone(seen: Observations) -> Verdict:
    """Require that LIFE-1 and LIFE-3 hold in other time zones and across the beginning and the end of summer time."""
    return judge_on_other_clocks(
        seen,
        seen.of("time_zones"),
        "The page or its backend writes or reads a time in local time, or drops the Z at its end. Keep every time in "
        "UTC.",
    )
