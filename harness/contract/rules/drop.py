"""DROP-1: does the renewal of an item end when the item is removed?"""

from datetime import datetime
from math import ceil

from harness.contract.observation import Observation, cut_short
from harness.contract.rule import Verdict, counted, failed, first_line, passed, rule, skipped
from harness.contract.scenarios import BRIEF_LIFETIMES, OBSERVED_LIFETIMES, RETURNS, Scenarios


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
    left = len([item for item in observed.loaded if not observed.gone(item)])
    if left == len(observed.loaded):
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
    renewals = {holding.token for item in healthy.loaded for holding in healthy.renewed(item)}
    if not renewals:
        return ceil(BRIEF_LIFETIMES * requests / OBSERVED_LIFETIMES) + left
    taken = {
        holding.token for item in observed.loaded for holding in observed.applied_tokens(item) if holding.at >= removed
    }
    return ceil(requests / len(renewals) * len(taken)) + 1
