"""MULTI-1: on a page with several items, is each of them renewed?"""

from harness.contract.observation import Observation, cut_short
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.scenarios import OBSERVED_LIFETIMES, Scenarios


@rule(
    "MULTI-1",
    "must",
    basis="The article: reports, dashboards and tiles all need an access token; powerbi.get(element) finds one of them.",
)
def all_items_live(scenarios: Scenarios) -> Verdict:
    """Every embedded item on the page is kept alive, not only the first."""
    first = scenarios.first
    known = first.loaded
    if len(first.items_at(first.opened + scenarios.lifetime / 2)) < 2:
        return skipped(_why_one(first))
    alive: set[str] = set()
    dead: dict[str, str] = {}
    for item in known:
        if ends := first.expiries_in_use(item):
            dead[item] = f"item {item}'s token expired at {first.when(ends[0])} and had not been renewed"
        else:
            alive.add(item)
    if dead and alive:
        return failed(
            f"Of {len(known)} items {len(alive)} {'was' if len(alive) == 1 else 'were'} kept alive; {'; '.join(dead.values())}.",
            [e for item in dead for e in first.journal.of("token.expired", item=item)][:5],
            "One embed is looked up, kept in one variable, or given the token; the others are forgotten.",
        )
    if dead:
        return skipped("No item was kept alive, the first no more than the others (LIFE-1, LIFE-2).")
    if cut := cut_short(first):
        return skipped(cut)
    return passed(f"All {len(known)} items were kept alive over {OBSERVED_LIFETIMES} lifetimes.")


def _why_one(first: Observation) -> str:
    if first.chosen is not None:
        return "One item was chosen to be judged."
    if first.not_emulated:
        return f"There is one item on the page that can be judged: the fake Power BI has no {first.not_emulated}."
    if len(first.items) > 1:
        return "There is never more than one item on the page for long: they take turns, or come late."
    return "There is one item on the page."
