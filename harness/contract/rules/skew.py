"""SKEW-1: do LIFE-1 and LIFE-3 hold when the client's clock is wrong?"""

from collections.abc import Sequence

from harness.contract.observation import Observation, cut_short
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.rules.life import expiries_met, storm_in
from harness.contract.scenarios import Scenarios


@rule(
    "SKEW-1",
    "should",
    basis="The article compares the token's expiration with the client's own clock, which nobody keeps right.",
)
def clock_may_be_wrong(scenarios: Scenarios) -> Verdict:
    """The client's clock is 10 min slow, then 10 min fast against the service's: LIFE-1 and LIFE-3 still hold."""
    return judge_under(
        scenarios,
        scenarios.skewed,
        "The rest of a token's life is counted by the client's clock; count it by the server's (its Date header, or expires_in).",
    )


def judge_under(scenarios: Scenarios, sessions: Sequence[Observation], likely_cause: str) -> Verdict:
    first = scenarios.first
    if cut := cut_short(*scenarios.healthy):
        return skipped(cut)
    let_down = {entry["item"] for met in expiries_met(first) for entry in met} | {
        item for item in first.items if any(holding.expired_in_use for holding in first.applied_tokens(item)[:-1])
    }
    if let_down.issuperset(first.lasting):
        return skipped("Tokens expire in use even with a right clock (LIFE-1, LIFE-2).")
    already, signed_out = storm_in(first), ""
    for observed in sessions:
        if ended := _signed_out(scenarios, observed):
            signed_out = signed_out or f"{observed.heading}: {ended}"
            continue
        expired, raised = expiries_met(observed)
        if met := [entry for entry in (*expired, *raised) if entry["item"] not in let_down]:
            return failed(
                f"{observed.heading}: at {observed.when(met[0])} a data request carried an expired token.",
                met[:1],
                likely_cause,
            )
        storm = storm_in(observed)
        if storm and not already:
            return failed(f"{observed.heading}: {storm.message}", storm.evidence, likely_cause)
        if unusable := _not_loaded(observed):
            return failed(f"{observed.heading}: {unusable}", observed.journal.of("page.error")[:3], likely_cause)
        if cut := cut_short(observed):
            return skipped(cut)
    if signed_out:
        return skipped(signed_out)
    return passed(
        f"{len(sessions)} sessions ({'; '.join(observed.title for observed in sessions)}): nothing expired in use."
    )


def _signed_out(scenarios: Scenarios, observed: Observation) -> str:
    """Why a session at a later date says nothing of a page with a backend of its own: a sign-in with it may have ended by then.
    Empty if it says something."""
    first = scenarios.first
    if scenarios.page.url is None or observed.opened <= first.ended:
        return ""
    seen = f"the page went to {observed.landed}" if observed.moved and not first.moved else _not_loaded(observed)
    return seen and f"by {observed.opened:%Y-%m-%d} a sign-in may have ended: {seen.rstrip('.')}."


def _not_loaded(observed: Observation) -> str:
    """What kept the page from embedding here, though it embeds elsewhere; empty if it did embed."""
    if observed.stopped or observed.journal.of("item.event", event="loaded"):
        return ""
    return "nothing was embedded."
