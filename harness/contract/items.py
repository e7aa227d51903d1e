"""MULTI-1 and DROP-1: a page with several items, and one from which an item is removed."""

from datetime import datetime
from math import ceil

from harness.contract.embedding import first_line, loads
from harness.contract.observation import Observation, cut_short
from harness.contract.rule import Verdict, counted, failed, passed, rule, skipped
from harness.contract.scenarios import BRIEF_LIFETIMES, OBSERVED_LIFETIMES, RETURNS, Scenarios


@rule(
    "MULTI-1",
    "must",
    basis="The article: reports, dashboards and tiles all need an access token; powerbi.get(element) finds one of them.",
)
def all_items_live(scenarios: Scenarios) -> Verdict:
    """Every embedded item on the page is kept alive, not only the first."""
    first = scenarios.first
    known = loads(first)
    if len(first.there(first.opened + scenarios.lifetime / 2)) < 2:
        return skipped(_why_one(first))
    alive: set[str] = set()
    dead: dict[str, str] = {}
    for item in known:
        if ends := first.ends_in_use(item):
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


@rule(
    "DROP-1",
    "must",
    basis="powerbi-client: powerbi.reset(element) removes the embed; whatever renews it has to go with it.",
)
def removed_means_removed(scenarios: Scenarios) -> Verdict:
    """After an item is removed: no token request beyond what the remaining items need, over 2 lifetimes, and no
    errors."""
    observed = scenarios.removal
    if observed is None:
        return skipped(
            "There is no known way to remove an item: name what to click with --remove SELECTOR, or use an adapter."
        )
    if cut := cut_short(observed) if not observed.storm else "":
        return skipped(cut)
    removed = observed.removed
    if removed is None:
        return skipped("The session ended before the item could be removed.")
    left = len([item for item in loads(observed) if not observed.gone(item)])
    if left == len(loads(observed)):
        return skipped(f"What was done at {observed.when(removed)} removed no item; correct --remove or the adapter.")
    if errors := [entry for entry in observed.errors if entry.at >= removed]:
        return failed(
            f"An item was removed at {observed.when(removed)}; at {observed.when(errors[0])} the page threw "
            f"{first_line(errors[0]['text'])!r}.",
            errors[:3],
            "A timer or a request outlives the item and finds nothing to renew.",
        )
    asked = observed.token_requests(since=removed)
    allowed = _needed(scenarios.first, observed, removed, left)
    if len(asked) > allowed:
        return failed(
            f"An item was removed at {observed.when(removed)}, {left} remained; {counted(len(asked), 'token request')} in "
            f"{BRIEF_LIFETIMES} lifetimes and {RETURNS} returns to the tab after that, the first at {observed.when(asked[0])}, where "
            f"{allowed} would do.",
            asked[:5],
            "The timer or listener that renews is not removed with the item.",
        )
    if forgotten := observed.forgotten - scenarios.first.forgotten:
        return failed(
            f"An item was removed at {observed.when(removed)}; item {min(forgotten)}, which remained, was not renewed any more.",
            [entry for item in sorted(forgotten) for entry in observed.journal.of("token.expired", item=item)][:3],
            "What renews all items ends with the one that was removed.",
        )
    return passed(
        f"Removed at {observed.when(removed)}; {counted(len(asked), 'token request')} after that, for {counted(left, 'item')}."
    )


def _needed(healthy: Observation, observed: Observation, removed: datetime, left: int) -> int:
    """How many token requests the items that are left may make in the time that is watched: as many for each token that they
    took as the page makes otherwise. One more may be for an item that was just going."""
    if left == 0:
        return 0
    requests = len(healthy.token_requests())
    renewals = {holding.token for item in loads(healthy) for holding in healthy.renewed(item)}
    if not renewals:
        return ceil(BRIEF_LIFETIMES * requests / OBSERVED_LIFETIMES) + left
    taken = {holding.token for item in loads(observed) for holding in observed.holdings(item) if holding.at >= removed}
    return ceil(requests / len(renewals) * len(taken)) + 1
