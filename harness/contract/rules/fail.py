"""FAIL-1 to FAIL-6: the token endpoint fails for a while. The page renews in time and sends few requests."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from harness.base.journal import Entry
from harness.contract.fragments import CHECKED_ANSWER, GUARDED_CHECK
from harness.contract.measures import BRIEF_OUTAGE, HOT_LOOP_REQUESTS, LONG_OUTAGE
from harness.contract.observation import Observation, by_address, cut_short
from harness.contract.observations import Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.wording import counted, minutes

RENEW_IN_TIME = (
    'The article: refresh the token "before it expires". Its check runs every 30 s, so the page has time to try again '
    "after a failure."
)
RETRY_SPARINGLY = "RFC 6585 and Entra's guidance on throttling: a client that is refused waits before it asks again."
RENEWING_PAGES = (
    "pages that request their tokens over HTTP, and renew them in time by `setAccessToken` while the token endpoint "
    "works"
)
FAIR_GAP = LONG_OUTAGE / HOT_LOOP_REQUESTS
"""The shortest average time between two token requests of one item in a long outage: 5 s."""
ITEM_REMOVED = (
    "The page removes the item after a failed renewal, and then nothing tries again. Keep the item: its token is still "
    "valid, and the next check can renew it."
)
MINIMUM_FOR_A_RATE = 20
"""Fewest token requests that show a rate, if the visit ended before the page had sent all requests that are fair."""


def _cannot_be_judged(seen: Observations) -> Verdict | None:
    """Return the skip of a page on which no outage can be judged; None for any other page."""
    first = seen.first
    if first.providers and not first.manual:
        return skipped("The page renews only by an accessTokenProvider; PROV-3 to PROV-5 judge its outages.")
    if not first.token_urls:
        return skipped(
            "No request of the page fetches a token: the token is in the page's HTML, or comes over a WebSocket. So "
            "the harness cannot make a token request fail."
        )
    if cut := cut_short(first):
        return skipped(cut)
    if not any(first.renewed(item) for item in first.items):
        return skipped("The page renewed no token even without an outage (LIFE-1, LIFE-2).")
    return None


def _expired_in_outage(seen: Observations, observed: Observation) -> Verdict | None:
    """Return the finding that a token expired in use during an outage; None if every token was renewed.

    Only items that are renewed without an outage are judged.
    """
    hits = observed.journal.of("fault.hit")
    for item in _renewed_without_outage(seen, observed):
        if observed.present_until(item) < hits[0].at:
            continue  # an item that has left by then needs no token
        for holding in observed.applied_tokens(item):
            if holding.expires and holding.expires <= observed.ended and holding.expired_in_use:
                later = (
                    f"the next token came at {observed.when(holding.until)}" if holding.until else "no other token came"
                )
                met = [hit for hit in hits if holding.at <= hit.at <= holding.expires] or hits
                gone = observed.gone(item)
                removed = f" The item was removed at {observed.when(gone)}." if gone and gone >= met[0].at else ""
                return failed(
                    f"{observed.heading} at {observed.when(met[0])}; {holding.token} expired at "
                    f"{observed.when(holding.expires)}, and {later}.{removed}",
                    [*met[:3], *observed.journal.of("token.expired", token=holding.token)],
                    ITEM_REMOVED if removed else _why_expired(observed, met[0].at, holding.expires),
                )
    return None


def _why_expired(observed: Observation, first: datetime, expires: datetime) -> str:
    """Return the likely cause of a token that expired in an outage whose first failed request was at `first`."""
    if first + BRIEF_OUTAGE >= expires:
        return (
            f"The refresh margin is so small that the token expires within an outage of {minutes(BRIEF_OUTAGE)}. Begin "
            "earlier: the article renews 10 min before the expiry."
        )
    ends = [observed.responses(request)[:1] for request in observed.token_requests()]
    if sum("ERR_ABORTED" in str(end["error"]) for first in ends for end in first) > 1:
        return (
            "The page aborts its token requests before they are answered and sends each again. Use a longer timeout: "
            "a slow endpoint never gets to answer."
        )
    return (
        "The page does not try again in time after a failed renewal, or the failure ends the timer that would have "
        "tried again. Catch the error and let the next check renew."
    )


def _renewed_without_outage(seen: Observations, observed: Observation) -> list[str]:
    """Return the items whose outage can be judged: they stay on the page, and they are renewed without an outage."""
    return sorted(set(observed.lasting) - seen.first.forgotten)


def _never_renewed_in_time(seen: Observations) -> Verdict | None:
    """Return the skip of a page whose tokens all expire in use even without an outage; None for any other page."""
    if _renewed_without_outage(seen, seen.first):
        return None
    return skipped("The page's tokens expire in use even without an outage (LIFE-1, LIFE-2).")


def _renewed_in_outages(seen: Observations, visits: Sequence[Observation]) -> Verdict:
    """Return the verdict on visits with outages in which every token has to be renewed in time."""
    failed_requests = outages = 0
    for observed in visits:
        if cut := cut_short(observed):
            return skipped(f"{observed.stopped} FAIL-5 judges this." if observed.storm else cut)
        hits = observed.journal.of("fault.hit")
        if not hits:
            return skipped("The page sent no token request during the outage.")
        if verdict := _expired_in_outage(seen, observed):
            return verdict
        failed_requests, outages = failed_requests + len(hits), outages + len({hit["fault"] for hit in hits})
    return passed(
        f"{counted(failed_requests, 'token request')} failed in {counted(outages, 'outage')}; every token was renewed "
        "in time."
    )


@rule(
    "FAIL-1",
    "must",
    requires=("status_500",),
    source=RENEW_IN_TIME,
    applies_to=RENEWING_PAGES,
    why="A backend that is restarted answers with errors for a minute. The user should not notice, because the old"
    " token is still valid.",
    wrong="""
        let renewing = false;
        async function check() {
          if (renewing || !isDue()) return;
          renewing = true;
          await renew();
          renewing = false; // A failure skips this line, so no later check renews.
        }
    """,
    right=GUARDED_CHECK,
)
def renews_despite_status_500(seen: Observations) -> Verdict:
    """Require that every token is renewed in time although the token endpoint answers with status 500 for 2 min."""
    return _cannot_be_judged(seen) or _never_renewed_in_time(seen) or _renewed_in_outages(seen, seen.of("status_500"))


@rule(
    "FAIL-2",
    "must",
    requires=("dropped_connections",),
    source=RENEW_IN_TIME,
    applies_to=RENEWING_PAGES,
    why="A laptop that changes from one network to another drops its connections. The user should not notice, "
    "because the old token is still valid.",
    wrong="""
        let offline = false;
        addEventListener("online", () => (offline = false));

        async function check() {
          if (offline || !isDue()) return;
          try {
            await renew();
          } catch (error) {
            // fetch() rejects with a TypeError, but no "online" event has to follow.
            offline = error instanceof TypeError;
          }
        }
    """,
    right=GUARDED_CHECK,
)
def renews_despite_dropped_connections(seen: Observations) -> Verdict:
    """Require that every token is renewed in time although the token endpoint drops connections for 2 min."""
    return (
        _cannot_be_judged(seen)
        or _never_renewed_in_time(seen)
        or _renewed_in_outages(seen, seen.of("dropped_connections"))
    )


@rule(
    "FAIL-3",
    "should",
    requires=("slow_answers",),
    source="The article's check runs every 30 s. Without a guard it sends another request while one is in flight.",
    applies_to=RENEWING_PAGES,
    why="Each check adds a request to those that a slow backend has not answered yet. The backend becomes slower "
    "still, for all users.",
    wrong="""
        async function check() {
          if (!isDue()) return;
          try {
            await renew();
          } catch (error) {
            console.warn("Not renewed:", error);
          }
        }
    """,
    right=GUARDED_CHECK,
)
def one_token_request_at_a_time(seen: Observations) -> Verdict:
    """Require that no item has two token requests in flight together when the token endpoint answers after 45 s.

    Every token is renewed before it expires, too.
    """
    if verdict := _cannot_be_judged(seen):
        return verdict
    for observed in seen.of("slow_answers"):
        for address, requests in observed.token_requests_by_address().items():
            share = observed.tokens_needed(address)
            for request in requests:
                in_flight = [
                    other for other in requests if other.at <= request.at and _in_flight_at(observed, other, request)
                ]
                if len(in_flight) > share:
                    return failed(
                        f"{observed.heading}: at {observed.when(request)} the page sent a token request while the one "
                        f"of {observed.when(in_flight[0])} was in flight.",
                        in_flight[:5],
                        "The interval, or the return to the tab, starts a token request although another one is in "
                        "flight. Remember the request in flight, and let later checks wait for its answer.",
                    )
        if cut := cut_short(observed):
            return skipped(cut)
        if not observed.journal.of("fault.hit"):
            return skipped("The page sent no token request while the answers were slow.")
        if verdict := _never_renewed_in_time(seen) or _expired_in_outage(seen, observed):
            return verdict
    return passed("No two token requests were in flight together; every token was renewed in time.")


def _in_flight_at(observed: Observation, other: Entry, request: Entry) -> bool:
    """Return whether `other` is `request`, or had no answer when `request` was sent."""
    answered = observed.answered_at(other)
    return other is request or answered is None or answered > request.at


@rule(
    "FAIL-4",
    "must",
    requires=("unusable_answers",),
    source=RENEW_IN_TIME,
    applies_to=RENEWING_PAGES,
    why="Proxies and sign-in pages answer with HTML and status 200. A page that takes such an answer for a token "
    "replaces a valid token with a useless one, and the user's next click fails.",
    wrong="""
        async function fetchToken() {
          const response = await fetch(TOKEN_URL, { cache: "no-store" });
          const { token, expiration } = await response.json();
          // Without an expiration this is NaN, and no later check renews.
          expires = Date.parse(expiration);
          return { token, expires };
        }
    """,
    right=CHECKED_ANSWER,
)
def renews_despite_unusable_answers(seen: Observations) -> Verdict:
    """Require that the page applies no unusable answer, and renews every token in time despite 2 min of such answers.

    The unusable answers are HTML, cut JSON and JSON without a token. Each comes with status 200.
    """
    if verdict := _cannot_be_judged(seen):
        return verdict
    for observed in seen.of("unusable_answers"):
        if verdict := _unusable_token_applied(observed):
            return verdict
    return _never_renewed_in_time(seen) or _renewed_in_outages(seen, seen.of("unusable_answers"))


def _unusable_token_applied(observed: Observation) -> Verdict | None:
    """Return the finding that the page gave an item a text that is no token; None if it did not."""
    for item in observed.items:
        unusable = observed.journal.of("token.applied", item=item, state="unknown")
        if unusable:
            return failed(
                f"{observed.heading}: at {observed.when(unusable[0])} the page gave the item a text that is no token.",
                [*observed.journal.of("fault.hit")[:2], *unusable[:3]],
                "The page applies an answer without a check. Apply it only if it has a token and an expiration: the "
                "service refuses anything else.",
            )
    return None


@rule(
    "FAIL-5",
    "should",
    requires=("long_status_500",),
    source=RETRY_SPARINGLY,
    applies_to=RENEWING_PAGES,
    why="A backend that is down cannot recover while every open page sends request after request.",
    wrong="""
        let renewing = false;
        async function check() {
          if (renewing) return;
          renewing = true;
          while (isDue()) await renew().catch((error) => console.warn("Not renewed:", error));
          renewing = false;
        }
    """,
    right="""
        let renewing = false;
        async function check() {
          if (renewing) return;
          renewing = true;
          if (isDue()) await renew().catch((error) => console.warn("Not renewed:", error));
          renewing = false;
        }
    """,
)
def few_requests_in_a_long_outage(seen: Observations) -> Verdict:
    """Require that the page sends at most one token request in 5 s, on average, in 10 min of answers with status 500.

    The number is per item.
    """
    return (
        _cannot_be_judged(seen)
        or _too_many_requests(seen.of("long_status_500"))
        or _lowest_gap(seen.of("long_status_500"))
    )


@rule(
    "FAIL-6",
    "should",
    requires=("expired_tokens",),
    source=RETRY_SPARINGLY,
    applies_to=RENEWING_PAGES,
    why="A mistake in the backend's cache or clock brings expired tokens for some minutes. A page that cannot cope"
    " with them floods the backend, or leaves the user without a valid token afterwards.",
    wrong="""
        async function fetchToken() {
          for (;;) {
            const response = await fetch(TOKEN_URL, { cache: "no-store" });
            const { token, expiration } = await response.json();
            const remaining = Date.parse(expiration) - Date.parse(response.headers.get("Date"));
            if (token && remaining > 0) return { token, expires: Date.now() + remaining };
          }
        }
    """,
    right="""
        async function fetchToken() {
          const response = await fetch(TOKEN_URL, { cache: "no-store" });
          const { token, expiration } = await response.json();
          const remaining = Date.parse(expiration) - Date.parse(response.headers.get("Date"));
          if (token && remaining > 0) return { token, expires: Date.now() + remaining };
          throw new Error("no usable token"); // The next check tries again.
        }
    """,
)
def recovers_from_expired_tokens(seen: Observations) -> Verdict:
    """Require that the page recovers from 10 min of answers with expired tokens.

    The page sends at most one token request in 5 s on average, per item, and every item has a valid token at the end.
    """
    if verdict := _cannot_be_judged(seen) or _too_many_requests(seen.of("expired_tokens")):
        return verdict
    for observed in seen.of("expired_tokens"):
        ended = observed.journal.of("fault.ended")
        if gone := observed.gone_for_good(seen.first):
            return failed(
                f"{observed.heading} and recovered at {observed.when(ended[0])}; the item was removed at "
                f"{observed.when(gone[-1])}, and the page embedded no other.",
                [*ended, *gone[:3]],
                ITEM_REMOVED,
            )
        for item in sorted(set(observed.items_at(observed.ended)) & set(_renewed_without_outage(seen, observed))):
            token = observed.current_token(item, observed.ended)
            if not token or not token.outlives(observed.ended):
                return failed(
                    f"{observed.heading} and recovered at {observed.when(ended[0])}; at "
                    f"{observed.when(observed.ended)} item {item} still had no valid token.",
                    [*ended, *observed.journal.of("token.applied", item=item)[-3:]],
                    "The page takes the expired token for a new one, or stops trying. Compare the answer's expiration "
                    "with the current time, and try again at the next check.",
                )
    return _lowest_gap(seen.of("expired_tokens"))


def _too_many_requests(visits: Sequence[Observation]) -> Verdict | None:
    """Return the finding that a page in a long outage sends requests too often; None if it does not."""
    for observed in visits:
        hits = by_address(observed.journal.of("fault.hit"))
        for address, requests in hits.items():
            share = observed.tokens_needed(address)
            met = requests[: HOT_LOOP_REQUESTS * share + 1]
            first, span = met[0], met[-1].at - met[0].at
            too_fast_until_the_end = observed.storm and len(met) > max(
                MINIMUM_FOR_A_RATE, share * (1 + span / FAIR_GAP)
            )
            if len(met) > HOT_LOOP_REQUESTS * share or too_fast_until_the_end:
                seconds = max(1.0, span.total_seconds())
                return failed(
                    f"{observed.heading}: {len(met)} token requests in {seconds:.0f} s from {observed.when(first)} "
                    f"on; at most one in 5 s{_per_item(share)} is fair.",
                    requests[:5],
                    _why_too_many(span / len(met)),
                )
        if cut := cut_short(observed):
            return skipped(cut)
        if not hits:
            return skipped("The page sent no token request during the outage.")
    return None


def _why_too_many(gap: timedelta) -> str:
    """Return the likely cause of requests that follow each other after `gap` on average."""
    if gap < timedelta(seconds=1):
        return (
            "The page tries again at once after a failure, or computes a delay of nothing. Wait before each retry, "
            "and longer after each failure."
        )
    return (
        f"The page tries again every {gap.total_seconds():.0f} s after a failure, and the delay does not grow. Wait "
        "longer after each failure."
    )


def _lowest_gap(visits: Sequence[Observation]) -> Verdict:
    """Return the pass of FAIL-5 and FAIL-6, with the requests of the busiest address."""
    met = [
        (len(requests), observed.tokens_needed(address))
        for observed in visits
        for address, requests in by_address(observed.journal.of("fault.hit")).items()
    ]
    gap, most, share = min((share * LONG_OUTAGE / requests, requests, share) for requests, share in met)
    return passed(
        f"At most {counted(most, 'token request')} in 10 min, one in {gap / timedelta(seconds=1):.0f} "
        f"s{_per_item(share)}."
    )


def _per_item(share: int) -> str:
    """Return " for each of 2 items" if several items share an address, else an empty text."""
    return f" for each of {share} items" if share > 1 else ""
