"""WAKE-1 to WAKE-5: the page renews its token when the user returns to the tab, or the machine wakes up."""

from collections.abc import Sequence
from datetime import timedelta

from harness.contract.observation import Observation, cut_short
from harness.contract.observations import Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.wording import counted, minutes

SOON = timedelta(seconds=5)
"""Time after the return to the tab in which the page has to renew an expired token (WAKE-1, WAKE-2)."""
RETURN_WATCHED = timedelta(seconds=10)
"""Time after the return to the tab in which a token request belongs to the return (WAKE-3)."""
SOON_AFTER_SLEEP = timedelta(seconds=60)
"""Time after the wake-up of the machine in which the page has to renew an expired token (WAKE-5)."""


@rule(
    "WAKE-1",
    "must",
    requires=("frozen_past_expiry",),
    source='The article: "Add a listener to make sure token is updated after tab was inactive".',
    why="The user comes back to a tab that the browser had frozen, and the first click ends in an error.",
    wrong="""
        function keepAlive() {
          let timer = setInterval(check, 30_000);
          document.addEventListener("visibilitychange", () => {
            clearInterval(timer);
            // The first check comes 30 s after the return.
            if (!document.hidden) timer = setInterval(check, 30_000);
          });
        }
    """,
    right="""
        function keepAlive() {
          let timer = setInterval(check, 30_000);
          document.addEventListener("visibilitychange", () => {
            clearInterval(timer);
            timer = setInterval(check, 30_000);
            check();
          });
        }
    """,
)
def valid_token_soon_after_being_frozen(seen: Observations) -> Verdict:
    """Require that the item has a valid token within 5 s of the return to a tab that was frozen past the expiry."""
    return _valid_token_after(
        seen,
        seen.of("frozen_past_expiry"),
        "frozen",
        SOON,
        "The page does not check its token when it resumes, or checks it and does not renew. Check it on "
        "visibilitychange: the timers of a frozen tab do not run.",
    )


def _valid_token_after(
    seen: Observations, visits: Sequence[Observation], how: str, within: timedelta, likely_cause: str
) -> Verdict:
    """Return the verdict that every item has a valid token soon after a tab was frozen or asleep past the expiry.

    `how` is the state of the tab, "frozen" or "asleep". `within` is the time from its return to the check of the token.
    """
    if cut := cut_short(*visits):
        return skipped(cut)
    for observed in visits:
        shown, began = observed.returns[0], observed.journal.of("tab", state=how)[0]
        span = f"from {observed.when(began)} to {observed.when(shown)}"
        away = f"The tab was {how} {span}; {within.total_seconds():.0f} s later"
        items = observed.items_at(shown + within)
        if not items:
            return failed(f"{away} the page had no item.", observed.journal.of("embed.gone"))
        for item in items:
            token = observed.current_token(item, shown + within)
            if not token or not token.outlives(shown + within):
                worked = token is None or token.expires is not None
                if item in seen.first.forgotten:
                    likely_cause = (
                        "The page does not renew this item while it is visible, either. Renew every item that the "
                        "page has embedded."
                    )
                had = f"{token.token}, which {'had expired' if worked else 'was never valid'}" if token else "no token"
                return failed(
                    f"{away} item {item} still had {had}.",
                    observed.journal.of("tab"),
                    likely_cause
                    if worked
                    else "The page gives the item a text that is no token for it. Pass the bare token to "
                    "setAccessToken.",
                )
    observed = visits[0]
    shown = observed.returns[0]
    fresh = [entry for entry in observed.journal.of("token.applied") if entry.at >= shown]
    then = f"a new token was applied at {observed.when(fresh[0])}" if fresh else "its token was still valid"
    return passed(f"The tab was shown at {observed.when(shown)} after it was {how} past the expiry; {then}.", fresh)


@rule(
    "WAKE-2",
    "must",
    requires=("hidden",),
    source='The article: "Add a listener to make sure token is updated after tab was inactive". Chromium: the timers '
    "of a hidden tab run once a minute.",
    why="The user comes back from a long meeting, and the first click ends in an error.",
    wrong="""
        function keepAlive() {
          setInterval(() => document.hidden || check(), 60_000);
        }
    """,
    right="""
        function keepAlive() {
          setInterval(check, 60_000);
          document.addEventListener("visibilitychange", () => document.hidden || check());
        }
    """,
)
def usable_after_two_lifetimes_hidden(seen: Observations) -> Verdict:
    """Require that an interaction succeeds 5 s after the return to a tab that was hidden for two lifetimes.

    The hidden tab is not frozen: the browser throttles its timers.
    """
    if cut := cut_short(*seen.of("hidden")):
        return skipped(cut)
    succeeded = []
    for observed in seen.of("hidden"):
        shown = observed.returns[-1]
        returned = f"The tab was shown at {observed.when(shown)} after two lifetimes hidden"
        items = observed.items_at(shown + SOON)
        if not items:
            return failed(
                f"{returned}; the page had no item.",
                observed.journal.of("embed.gone"),
                "The page removes its item after a long absence. Keep the item and renew its token: the user's "
                "session has not ended.",
            )
        used = [e for e in observed.journal.of("data.request") if e.at >= shown and e["item"] in items]
        if refused := [entry for entry in used if entry["state"] != "live"]:
            had = "an expired" if refused[0]["state"] == "expired" else "an unusable"
            return failed(f"{returned}; the interaction at {observed.when(refused[0])} carried {had} token.", refused)
        if not used:
            return skipped(
                f"No item of the page could be used after the tab was shown at {observed.when(shown)}, so no data "
                "request shows whether its token is valid."
            )
        succeeded += used
    observed = seen.of("hidden")[0]
    return passed(
        f"The tab was shown at {observed.when(observed.returns[-1])} after two lifetimes hidden; "
        f"{counted(len(succeeded), 'data request')} succeeded.",
        succeeded,
    )


@rule(
    "WAKE-3",
    "should",
    requires=("hidden",),
    needs_renewals=False,
    source="The article: the same check runs on visibilitychange, and renews only when the token is about to expire.",
    why="A user who switches tabs often causes hundreds of token requests a day. Power BI and Entra ID throttle an"
    " app that sends too many.",
    wrong="""
        function keepAlive() {
          setInterval(check, 30_000);
          document.addEventListener("visibilitychange", () => document.hidden || renew());
        }
    """,
    right="""
        function keepAlive() {
          setInterval(check, 30_000);
          document.addEventListener("visibilitychange", () => document.hidden || check());
        }
    """,
)
def no_token_request_while_the_token_is_fresh(seen: Observations) -> Verdict:
    """Require that a return to the tab causes no token request while the token is fresh."""
    returns = 0
    for observed in seen.of("hidden"):
        for shown in observed.returns[:-1]:
            requests = observed.token_requests(shown, shown + RETURN_WATCHED)
            if requests:
                return failed(
                    f"The user returned to the tab at {observed.when(shown)}, and the page sent a token request at "
                    f"{observed.when(requests[0])}, although its token was valid for another "
                    f"{minutes(observed.opened + observed.lifetime - shown)}.",
                    requests,
                    "The visibilitychange listener renews without a check. Compare the expiration first: a user who "
                    "switches tabs often causes many token requests.",
                )
            returns += 1
    if cut := cut_short(*seen.of("hidden")):
        return skipped(cut)
    return passed(f"{counted(returns, 'return')} to the tab with a fresh token, no token request.")


@rule(
    "WAKE-4",
    "should",
    requires=("healthy", "renewal_moment"),
    source='The article: document.addEventListener("visibilitychange", …) with the same check as the interval.',
    applies_to="pages that renew a token by `setAccessToken`, at a moment that can be known in advance",
    why="Browsers slow down the timers of hidden tabs. Without a check on the return, the token may expire before "
    "the next timer fires.",
    wrong="""
        function keepAlive() {
          setInterval(check, 30_000);
        }
    """,
    right="""
        function keepAlive() {
          setInterval(check, 30_000);
          document.addEventListener("visibilitychange", () => document.hidden || check());
        }
    """,
)
def renewed_on_return_to_the_tab(seen: Observations) -> Verdict:
    """Require that a return to the tab renews a token whose refresh margin began while the tab was hidden.

    The tab is hidden shortly before the renewal moment, and shown after it and before the next check. The renewal
    comes within 1 s of the return, or has come already.
    """
    healthy = seen.first
    if healthy.providers and not healthy.manual:
        return skipped(
            "The page renews only by an accessTokenProvider: the service chooses the renewal moment, not the page."
        )
    if cut := cut_short(*seen.healthy):
        return skipped(cut)
    if not any(healthy.renewed(item) for item in healthy.items):
        return skipped("The page renewed no token, so it has no renewal moment.")
    observed = seen.of("renewal_moment")[0]
    if cut := cut_short(observed):
        return skipped(cut)
    returns = observed.margin_returns
    if not returns:
        return skipped(observed.why_no_renewal_moment)
    last = returns[-1]
    if not observed.in_time(last.item, last):
        margin = f"the refresh margin of item {last.item}" if last.item else "the refresh margin"
        renewed = observed.renewed_since(last.item, last.shown, observed.ended)
        later = f"the renewal came at {observed.when(renewed)}" if renewed else "no renewal came"
        return failed(
            f"The tab was hidden at {observed.when(last.hidden)} and shown at {observed.when(last.shown)}, and "
            f"{margin} began in between: {later}.",
            observed.journal.of("tab"),
            "The page has no visibilitychange listener, or the listener does not check the token. Run the check on "
            "visibilitychange as well: a hidden tab's timers run late.",
        )
    shown = returns[0].shown
    return passed(
        f"The refresh margin began while the tab was hidden; shown at {observed.when(shown)}, renewed within 1 s."
    )


@rule(
    "WAKE-5",
    "must",
    requires=("asleep_past_expiry",),
    source="The article: the check every 30 s and the check on visibilitychange compare the expiration with the "
    "wall clock.",
    why="The user opens the laptop in the morning, and the report answers with errors, because the page's timer "
    "still waits for the time that the machine slept.",
    wrong="""
        function keepAlive() {
          // This time does not pass while the machine sleeps.
          setTimeout(async () => {
            await renew();
            keepAlive();
          }, expires - MARGIN - Date.now());
        }
    """,
    right="""
        function keepAlive() {
          setInterval(check, 30_000); // Each check compares `expires` with the clock.
          document.addEventListener("visibilitychange", () => document.hidden || check());
        }
    """,
)
def valid_token_soon_after_sleep(seen: Observations) -> Verdict:
    """Require that the item has a valid token within 60 s after the machine wakes up from a sleep past the expiry.

    The tab is hidden meanwhile. The wall clock advances while the machine sleeps, and timers do not.
    """
    return _valid_token_after(
        seen,
        seen.of("asleep_past_expiry"),
        "asleep",
        SOON_AFTER_SLEEP,
        "The page sets a timer to the token's lifetime, and timers do not run while the machine sleeps. Compare the "
        "expiration with the clock in regular checks.",
    )
