"""WAKE-1 to WAKE-5: the tab was hidden or frozen, the machine asleep; what does the page do when its user comes back?"""

from collections.abc import Sequence
from datetime import timedelta

from harness.contract.observation import Observation, cut_short
from harness.contract.rule import Verdict, counted, failed, minutes, passed, rule, skipped
from harness.contract.scenarios import Scenarios

SOON = timedelta(seconds=5)
AFTERMATH = timedelta(seconds=10)
AWAKE = timedelta(seconds=60)


@rule(
    "WAKE-1",
    "must",
    basis='The article: "Add a listener to make sure token is updated after tab was inactive".',
)
def alive_after_being_frozen(scenarios: Scenarios) -> Verdict:
    """Tab hidden and frozen until past expiry: within 5 s of becoming visible again the item has a token that lives."""
    return _alive(
        scenarios,
        scenarios.frozen_past_expiry,
        "frozen",
        SOON,
        "Nothing looks at the token when the page resumes, or what looks does not renew.",
    )


def _alive(
    scenarios: Scenarios, sessions: Sequence[Observation], how: str, within: timedelta, likely_cause: str
) -> Verdict:
    """Whether all items have a token that lives so soon after the return from being frozen or asleep past expiry."""
    if cut := cut_short(*sessions):
        return skipped(cut)
    for observed in sessions:
        shown, began = observed.returns[0], observed.journal.of("tab", state=how)[0]
        slept = f"The tab was {how} from {observed.when(began)} to {observed.when(shown)}; {within.total_seconds():.0f} s later"
        items = observed.items_at(shown + within)
        if not items:
            return failed(f"{slept} nothing was embedded any more.", observed.journal.of("embed.gone"))
        for item in items:
            token = observed.current_token(item, shown + within)
            if not token or not token.outlives(shown + within):
                worked = token is None or token.expires is not None
                if item in scenarios.first.forgotten:
                    likely_cause = "The page does not keep this item alive when it is visible, either."
                had = f"{token.token}, which {'had expired' if worked else 'never worked'}" if token else "no token"
                return failed(
                    f"{slept} item {item} still had {had}.",
                    observed.journal.of("tab"),
                    likely_cause if worked else "What the page gives the item is no token that works there.",
                )
    observed = sessions[0]
    shown = observed.returns[0]
    fresh = [entry for entry in observed.journal.of("token.applied") if entry.at >= shown]
    seen = f"a new token was there at {observed.when(fresh[0])}" if fresh else "its token still lived"
    return passed(f"Shown at {observed.when(shown)} after being {how} past expiry; {seen}.", fresh)


@rule(
    "WAKE-2",
    "must",
    basis='The article: "Add a listener to make sure token is updated after tab was inactive"; Chromium: timers of a hidden tab run once a minute.',
)
def usable_after_two_hidden_lifetimes(scenarios: Scenarios) -> Verdict:
    """Tab hidden (timers throttled, not frozen) for 2 lifetimes: an interaction 5 s after return succeeds."""
    if cut := cut_short(*scenarios.hidden):
        return skipped(cut)
    asked = []
    for observed in scenarios.hidden:
        shown = observed.returns[-1]
        items = observed.items_at(shown + SOON)
        if not items:
            return failed(
                f"Shown at {observed.when(shown)} after two lifetimes hidden; nothing was embedded any more.",
                observed.journal.of("embed.gone"),
                "The page takes a long absence for the end of the session.",
            )
        used = [e for e in observed.journal.of("data.request") if e.at >= shown and e["item"] in items]
        if refused := [entry for entry in used if entry["state"] != "live"]:
            return failed(
                f"Shown at {observed.when(shown)} after two lifetimes hidden; the interaction at {observed.when(refused[0])} "
                f"carried a token that was {refused[0]['state']}.",
                refused,
            )
        if not used:
            return skipped(f"Nothing on the page could be used after the return at {observed.when(shown)}.")
        asked += used
    observed = scenarios.hidden[0]
    return passed(
        f"Shown at {observed.when(observed.returns[-1])} after two lifetimes hidden; "
        f"{counted(len(asked), 'data request')} succeeded.",
        asked,
    )


@rule(
    "WAKE-3",
    "should",
    basis="The article: the same check runs on visibilitychange, and renews only when the token is about to expire.",
)
def no_request_while_fresh(scenarios: Scenarios) -> Verdict:
    """Coming back to the tab while the token is still fresh asks for no new token."""
    returns = 0
    for observed in scenarios.hidden:
        for shown in observed.returns[:-1]:
            asked = observed.token_requests(shown, shown + AFTERMATH)
            if asked:
                return failed(
                    f"The user came back at {observed.when(shown)}, and the page asked for a token at "
                    f"{observed.when(asked[0])}, though its own lived for "
                    f"{minutes(observed.opened + observed.lifetime - shown)} more.",
                    asked,
                    "The visibilitychange listener renews without looking at the expiration.",
                )
            returns += 1
    if cut := cut_short(*scenarios.hidden):
        return skipped(cut)
    return passed(f"{returns} returns to a fresh token, no token request.")


@rule(
    "WAKE-4",
    "should",
    basis='The article: document.addEventListener("visibilitychange", …) with the same check.',
)
def renewed_on_visibility_change(scenarios: Scenarios) -> Verdict:
    """Refresh on visibility change: hidden shortly before the moment of renewal, shown after it and before the next
    timer tick: a renewal within 1 s of the return, or already in place."""
    healthy = scenarios.first
    if healthy.providers and not healthy.manual:
        return skipped("The item only has an accessTokenProvider: the service asks, the page has no moment of its own.")
    if cut := cut_short(*scenarios.healthy):
        return skipped(cut)
    if not any(healthy.renewed(item) for item in healthy.items):
        return skipped("The page renewed no token, so there is no moment at which it renews.")
    observed = scenarios.hidden_at_renewal_moment
    if cut := cut_short(observed):
        return skipped(cut)
    returns = scenarios.returns_at_renewal_moment
    if not returns:
        return skipped(scenarios.why_no_renewal_moment)
    last = returns[-1]
    if not observed.in_time(last.item, last):
        whose = f"item {last.item}'s" if last.item else "the"
        renewed = observed.renewed_since(last.item, last.shown, observed.ended)
        later = f"the renewal came at {observed.when(renewed)}" if renewed else "no renewal came"
        return failed(
            f"Hidden at {observed.when(last.hidden)}, shown at {observed.when(last.shown)} with {whose} margin crossed in between: "
            f"{later}.",
            observed.journal.of("tab"),
            "There is no visibilitychange listener, or it does not check the token.",
        )
    shown = returns[0].shown
    return passed(f"The margin was crossed while hidden; shown at {observed.when(shown)}, renewed within 1 s.")


@rule(
    "WAKE-5",
    "must",
    basis="The article: the check every 30 s and the one on visibilitychange compare the expiration with the wall clock.",
)
def alive_after_sleep(scenarios: Scenarios) -> Verdict:
    """Machine asleep past expiry (tab hidden; the wall clock goes on, timers stand still): within 60 s of waking the
    item has a token that lives."""
    return _alive(
        scenarios,
        scenarios.asleep_past_expiry,
        "asleep",
        AWAKE,
        "A timer that counts the token's life, instead of a look at the clock: it did not run while the machine slept.",
    )
