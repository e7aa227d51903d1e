"""The judgement that SKEW-1 and ZONE-1 share: LIFE-1 and LIFE-3 on a client with another clock or time zone."""

from collections.abc import Sequence

from harness.contract.observation import Observation, cut_short
from harness.contract.observations import Observations
from harness.contract.rule import Verdict, failed, passed, skipped
from harness.contract.rules.life import expiries_met, storm_in
from harness.contract.wording import counted

RENEWING_PAGES = "pages that renew at least one item in time when the client's clock is right"


def judge_on_other_clocks(seen: Observations, visits: Sequence[Observation], likely_cause: str) -> Verdict:
    """Return the verdict that LIFE-1 and LIFE-3 hold in these visits as they do with the right clock.

    Items whose tokens expire in use even in the healthy visit are not judged. `likely_cause` is the cause of any
    finding.
    """
    first = seen.first
    if cut := cut_short(*seen.healthy):
        return skipped(cut)
    already_expired = {entry["item"] for met in expiries_met(first) for entry in met} | {
        item for item in first.items if any(holding.expired_in_use for holding in first.applied_tokens(item)[:-1])
    }
    if not first.lasting:
        return skipped("No item stays on the page, so the page renews none.")
    if already_expired.issuperset(first.lasting):
        return skipped("The page's tokens expire in use even with the right clock (LIFE-1, LIFE-2).")
    healthy_storm, signed_out = storm_in(first), ""
    for observed in visits:
        if ended := _signed_out(seen, observed):
            signed_out = signed_out or f"{observed.heading}: {ended}"
            continue
        expired, raised = expiries_met(observed)
        if met := [entry for entry in (*expired, *raised) if entry["item"] not in already_expired]:
            return failed(
                f"{observed.heading}: at {observed.when(met[0])} a data request carried an expired token.",
                met[:1],
                likely_cause,
            )
        storm = storm_in(observed)
        if storm and not healthy_storm:
            return failed(f"{observed.heading}: {storm.message}", storm.evidence, likely_cause)
        if not_loaded := _not_loaded(observed):
            return failed(f"{observed.heading}: {not_loaded}", observed.journal.of("page.error")[:3], likely_cause)
        if cut := cut_short(observed):
            return skipped(cut)
    if signed_out:
        return skipped(signed_out)
    return passed(
        f"No token expired in use in {counted(len(visits), 'visit')} ({'; '.join(visit.title for visit in visits)})."
    )


def _signed_out(seen: Observations, observed: Observation) -> str:
    """Return why a visit at a later date cannot be judged: a sign-in with the page's backend may have ended by then.

    The text is empty if the visit can be judged. Only a page that is given by its URL has a backend that can sign a
    user out.
    """
    first = seen.first
    if seen.page.url is None or observed.opened <= first.ended:
        return ""
    sign = f"the page went to {observed.landed}" if observed.moved and not first.moved else _not_loaded(observed)
    return sign and f"by {observed.opened:%Y-%m-%d} a sign-in may have ended: {sign.rstrip('.')}."


def _not_loaded(observed: Observation) -> str:
    """Return "nothing was embedded." for a visit in which no item was loaded, and an empty text for any other."""
    if observed.stopped or observed.journal.of("item.event", event="loaded"):
        return ""
    return "nothing was embedded."
