"""DROP-1: the renewal of an item ends when the item is removed."""

from datetime import datetime
from math import ceil

from harness.contract.measures import BRIEF_LIFETIMES, OBSERVED_LIFETIMES, RETURNS
from harness.contract.observation import Observation, cut_short
from harness.contract.observations import Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.wording import counted, first_line


@rule(
    "DROP-1",
    "must",
    requires=("removal",),
    source="powerbi-client: powerbi.reset(element) removes the item, so the timers and listeners that renew it have to "
    "end as well.",
    applies_to="pages of which the harness knows how to remove an item: `--remove SELECTOR`, or `remove(item)` of an "
    "adapter",
    why="A single-page app that is open all day leaves a timer behind for each report that the user has closed. "
    "Each of these timers requests tokens and throws errors.",
    wrong="""
        function keepAlive() {
          setInterval(check, 30_000);
          document.addEventListener("visibilitychange", check);
        }

        function remove() {
          powerbi.reset(element);
        }
    """,
    right="""
        let timer;

        function keepAlive() {
          timer = setInterval(check, 30_000);
          document.addEventListener("visibilitychange", check);
        }

        function remove() {
          powerbi.reset(element);
          clearInterval(timer);
          document.removeEventListener("visibilitychange", check);
        }
    """,
)
def renewal_ends_with_the_item(seen: Observations) -> Verdict:
    """Require that the removal of an item leaves neither requests nor errors behind.

    For 2.2 lifetimes after the removal the page sends no more token requests than the remaining items need, throws
    nothing, and renews the remaining items.
    """
    if not seen.page.can_remove:
        return skipped(
            "The harness does not know how to remove an item. Name the element to click with --remove SELECTOR, or "
            "use an adapter with remove(item)."
        )
    (observed,) = seen.of("removal")
    if cut := cut_short(observed) if not observed.storm else "":
        return skipped(cut)
    removed = observed.removed
    if removed is None:
        return skipped("The visit ended before the item could be removed.")
    remaining = len([item for item in observed.loaded if not observed.gone(item)])
    if remaining == len(observed.loaded):
        return skipped(
            f"The removal at {observed.when(removed)} removed no item. Correct --remove, or remove(item) of the "
            "adapter."
        )
    if errors := [entry for entry in observed.errors if entry.at >= removed]:
        return failed(
            f"An item was removed at {observed.when(removed)}; at {observed.when(errors[0])} the page threw "
            f"{first_line(errors[0]['text'])!r}.",
            errors[:3],
            "A timer or a request outlives the item and finds nothing to renew. End the timer and ignore late answers "
            "when the item is removed.",
        )
    requests = observed.token_requests(since=removed)
    allowed = _allowed_requests(seen.first, observed, removed, remaining)
    if len(requests) > allowed:
        return failed(
            f"An item was removed at {observed.when(removed)}, {remaining} remained. In the {BRIEF_LIFETIMES} "
            f"lifetimes and {RETURNS} returns to the tab after that the page sent "
            f"{counted(len(requests), 'token request')}, the first at {observed.when(requests[0])}; {allowed} would "
            "be enough.",
            requests[:5],
            "The timer or listener that renews the item is still active. Clear the timer and remove the listener when "
            "the item is removed.",
        )
    if forgotten := observed.forgotten - seen.first.forgotten:
        return failed(
            f"An item was removed at {observed.when(removed)}; item {min(forgotten)} remained and was not renewed "
            "after that.",
            [entry for item in sorted(forgotten) for entry in observed.journal.of("token.expired", item=item)][:3],
            "The removal of one item ends the timer that renews all items. Give each item a timer of its own, or keep "
            "the timer until the last item is removed.",
        )
    return passed(
        f"An item was removed at {observed.when(removed)}; after that {counted(len(requests), 'token request')} for "
        f"{counted(remaining, 'remaining item')}."
    )


def _allowed_requests(healthy: Observation, observed: Observation, removed: datetime, remaining: int) -> int:
    """Return the number of token requests that the remaining items may cause after the removal.

    Each token that they take may cost as many requests as in the healthy visit. One more request may have been in
    flight for the removed item.
    """
    if remaining == 0:
        return 0
    requests = len(healthy.token_requests())
    renewals = {holding.token for item in healthy.loaded for holding in healthy.renewed(item)}
    if not renewals:
        return ceil(BRIEF_LIFETIMES * requests / OBSERVED_LIFETIMES) + remaining
    taken = {
        holding.token for item in observed.loaded for holding in observed.applied_tokens(item) if holding.at >= removed
    }
    return ceil(requests / len(renewals) * len(taken)) + 1
