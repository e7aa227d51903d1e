"""LIFE-1 to LIFE-5: over several lifetimes every token is renewed in time, with few requests, and without a reload."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

from harness.base.journal import Entry
from harness.contract.observation import AT_ONCE, EMBEDDING_TIME, Observation, cut_short
from harness.contract.observations import Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.wording import counted, minutes, why_unusable

LEAST_LEAD = timedelta(seconds=60)
"""Shortest time between a renewal and the expiry of the token that it replaces (LIFE-2)."""
REQUESTS_PER_RENEWAL, REQUESTS_PER_LIFETIME = 2, 4
"""Most token requests, per item, between two applied tokens and in any lifetime (LIFE-3)."""
SOON = timedelta(seconds=5)
"""Time after a renewal in which a change of the item belongs to the renewal, or after a token request the
renewal to the request."""
FRESH = timedelta(minutes=1)
"""Age up to which a token counts as new."""

CACHED = (
    "The page or its backend answers with a cached token. Fetch a new token for each renewal, without the browser's "
    "cache: the old one expires at the same time as before."
)

Shown = tuple[object, ...]
"""An identity of what an item shows, to compare with what another item shows."""


@rule(
    "LIFE-1",
    "must",
    requires=("healthy",),
    source='The article: "To give your users a continuous experience, refresh (or renew) the access token before it '
    'expires."',
    why="The user clicks in the report and gets an error in place of data, until the page is loaded again.",
    wrong="""
        function keepAlive() {
          // The timer renews the first token, and nothing renews the second one.
          setTimeout(renew, expires - MARGIN - Date.now());
        }
    """,
    right="""
        function keepAlive() {
          setInterval(check, 30_000);
          document.addEventListener("visibilitychange", () => document.hidden || check());
        }
    """,
)
def no_data_request_has_an_expired_token(seen: Observations) -> Verdict:
    """Require that no data request carries an expired token, and no item raises `TokenExpired`.

    The page is visible and used for at least 3 lifetimes each of 60, 90 and 35 min.
    """
    used = 0
    for observed in seen.healthy:
        expired, raised = expiries_met(observed)
        if expired or raised:
            first = (expired or raised)[0]
            at = observed.when(first)
            carried = f"{counted(len(expired), 'data request')} carried an expired token, the first at {at}; "
            times = f"the item raised TokenExpired {counted(len(raised), 'time')}"
            return failed(
                f"With tokens of {minutes(observed.lifetime)}, "
                + (f"{carried}{times}." if expired else f"{times}, the first at {at}."),
                [*expired[:5], *raised[:5]],
                _why_not_renewed(observed, first),
            )
        used += len(observed.journal.of("data.request"))
    if cut := cut_short(*seen.healthy):
        return skipped(cut)
    return passed(
        f"{counted(used, 'data request')} in {counted(len(seen.healthy), 'healthy visit')}, none with an expired token."
    )


def expiries_met(observed: Observation) -> tuple[list[Entry], list[Entry]]:
    """Return the data requests of the judged items with an expired token, and the items' TokenExpired events."""
    items = observed.items
    expired = [entry for entry in observed.journal.expired_requests() if entry["item"] in items]
    raised = [
        entry
        for entry in observed.journal.of("item.event", event="error")
        if entry["item"] in items and "TokenExpired" in str(entry["detail"])
    ]
    return expired, raised


def _why_not_renewed(observed: Observation, at: Entry) -> str:
    """Return the likely cause of an expired token that an item met with the entry `at`."""
    loaded = observed.journal.of("token.applied", item=at["item"], how="load")
    if any(load["state"] == "expired" and load.at <= at.at + AT_ONCE for load in loaded):
        return (
            "The item was embedded with a token that had expired by then. Fetch a new token before the page embeds an "
            "item late."
        )
    if _applied_twice(observed, at):
        return CACHED
    if not observed.token_requests(until=at.at):
        asked = [
            entry for entry in observed.journal.of("page.dialog") if entry["type"] != "alert" and entry.at <= at.at
        ]
        if asked:
            text = " ".join(asked[-1]["text"].split())[:80]
            return (
                f"The page asked its user {text!r} at {observed.when(asked[-1])}, and nobody agreed. Renew without a "
                "question, or let an adapter answer it."
            )
        if observed.token_requests():
            return (
                "The page requested a new token only when the old one had expired. Renew before the expiry: the "
                "article renews 10 min before."
            )
        return (
            "The page never requested a new token. Check the expiration regularly, as the article does every 30 s, "
            "and call setAccessToken with a new token."
        )
    if not observed.journal.of("token.applied", how="setAccessToken") and not observed.journal.of(
        "token.applied", how="hook"
    ):
        return (
            "The page fetched new tokens, and gave none to the item. Pass each new token to the item's setAccessToken."
        )
    return (
        "The page renews some tokens too late or not at all. Check the expiration of each new token as well, not only "
        "of the first."
    )


def _applied_twice(observed: Observation, at: Entry) -> bool:
    """Return whether the last token that the item was given before `at` is the one that it already had."""
    applied = [entry for entry in observed.journal.of("token.applied", item=at["item"]) if entry.at <= at.at]
    return len(applied) > 1 and applied[-1]["how"] != "load" and applied[-1]["token"] == applied[-2]["token"]


@rule(
    "LIFE-2",
    "should",
    requires=("healthy",),
    source='The article: "Use it when the token is about to expire", with MINUTES_BEFORE_EXPIRATION = 10.',
    why="A renewal in the last moment comes too late whenever the network, the backend or the browser's timer is "
    "slow. The user then meets an expired token.",
    wrong="""
        function isDue() {
          const margin = 10 * 60; // seconds, but Date.now() counts milliseconds
          return Date.now() >= expires - margin;
        }
    """,
    right="""
        function isDue() {
          const margin = 10 * 60 * 1000;
          return Date.now() >= expires - margin;
        }
    """,
)
def every_token_is_renewed_in_time(seen: Observations) -> Verdict:
    """Require that every token is renewed at least 60 s before it expires."""
    shortest: timedelta | None = None
    for observed in seen.healthy:
        for item in observed.loaded:
            for holding in observed.applied_tokens(item):
                ended = observed.present_until(item)
                if holding.expires is None or (holding.until is None and holding.expires > ended):
                    continue
                if holding.expired_in_use:
                    later = f"; the next token came at {observed.when(holding.until)}" if holding.until else ""
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, {holding.token} expired at "
                        f"{observed.when(holding.expires)} without a renewal{later}.",
                        observed.journal.of("token.expired", token=holding.token),
                    )
                assert holding.until is not None
                lead = holding.expires - holding.until
                shortest = lead if shortest is None else min(shortest, lead)
                if lead < LEAST_LEAD:
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, {holding.token} was renewed at "
                        f"{observed.when(holding.until)}, only {lead.total_seconds():.0f} s before its expiry.",
                        observed.journal.of("token.applied", item=item),
                        "The refresh margin is too small, or in another unit than intended. Renew at least 60 s "
                        "before the expiry: a slow answer needs time.",
                    )
    if cut := cut_short(*seen.healthy):
        return skipped(cut)
    if shortest is None:
        return failed("The page never renewed a token.", [])
    return passed(f"Every token was renewed at least {minutes(shortest)} before its expiry.")


@rule(
    "LIFE-3",
    "must",
    requires=("healthy", "frozen_past_expiry", "hidden", "asleep_past_expiry"),
    source="The article: one check every 30 s, and one request when the token is about to expire.",
    why="Needless requests load the app's backend and Power BI. Both refuse clients that send too many requests, "
    "and then no user gets a token.",
    wrong="""
        async function renew() {
          const next = await fetchToken();
          await report.setAccessToken(next.token);
          // `expires` stays that of the first token, so every later check requests another token.
        }
    """,
    right="""
        async function renew() {
          const next = await fetchToken();
          await report.setAccessToken(next.token);
          expires = next.expires;
        }
    """,
)
def token_requests_are_few(seen: Observations) -> Verdict:
    """Require that the page sends at most 2 token requests per applied token, and at most 4 in any lifetime.

    The numbers are per item. A return to the tab, or a machine that wakes up, causes no more than 60 token requests.
    """
    most = 0
    for observed in seen.healthy:
        verdict = storm_in(observed)
        if verdict:
            return verdict
        most = max(most, most_in_a_lifetime(observed))
    if cut := cut_short(*seen.healthy):
        return skipped(cut)
    for observed in (*seen.of("frozen_past_expiry"), *seen.of("hidden"), *seen.of("asleep_past_expiry")):
        if observed.storm:
            return failed(
                f"{observed.heading}: {observed.stopped}",
                observed.token_requests()[-5:],
                "Checks queue up while the tab is away, and all run when it returns. Let a check start nothing while "
                "another one is waiting.",
            )
    return passed(f"At most {counted(most, 'token request')} in any lifetime.")


def storm_in(observed: Observation) -> Verdict | None:
    """Return the finding of LIFE-3 in one visit: too many token requests; None if there are few enough.

    A view that the page embeds for the first time may cost one more request: its token is no renewal.
    """
    tokens = f"With tokens of {minutes(observed.lifetime)}, "
    if observed.storm:
        requests = observed.token_requests() or observed.token_requests(since=observed.opened)
        stopped = observed.stopped
        return failed(
            f"{tokens}{stopped[0].lower()}{stopped[1:]}", requests[:5], _why_many_requests(observed, requests)
        )
    applied = sorted({e.at for item in observed.items for e in observed.journal.of("token.applied", item=item)})
    new_views = _first_loads_of_each_view(observed)
    for address, requests in observed.token_requests_by_address().items():
        share = observed.tokens_needed(address)
        for begin, end in pairwise(applied):
            among = [request for request in requests if begin < request.at <= end]
            if len(among) > REQUESTS_PER_RENEWAL * share + sum(begin < at <= end for at in new_views):
                return failed(
                    f"{tokens}the page sent {len(among)} token requests from {observed.when(among[0])} to "
                    f"{observed.when(among[-1])} for one token that was applied.",
                    among[:5],
                    _why_many_requests(observed, among),
                )
        for first in requests:
            among = _within_a_lifetime(observed, requests, first)
            until = first.at + observed.lifetime
            if len(among) > REQUESTS_PER_LIFETIME * share + sum(first.at <= at < until for at in new_views):
                return failed(
                    f"{tokens}the page sent {len(among)} token requests within one lifetime from "
                    f"{observed.when(first)} on.",
                    among[:5],
                    _why_many_requests(observed, among),
                )
    return None


def _first_loads_of_each_view(observed: Observation) -> list[datetime]:
    """Return the instants at which an item began to show something other than before."""
    found = []
    for item in observed.items:
        shown: Shown | None = None
        for load in _load_requests(observed, item):
            if _view(load) != shown:
                found.append(load.at)
            shown = _view(load)
    return found


def most_in_a_lifetime(observed: Observation) -> int:
    """Return the largest number of token requests to one address within one lifetime."""
    return max(
        (
            len(_within_a_lifetime(observed, requests, first))
            for requests in observed.token_requests_by_address().values()
            for first in requests
        ),
        default=0,
    )


def _within_a_lifetime(observed: Observation, requests: list[Entry], first: Entry) -> list[Entry]:
    """Return the requests in the lifetime that begins with `first`."""
    return [request for request in requests if first.at <= request.at < first.at + observed.lifetime]


def _why_many_requests(observed: Observation, requests: list[Entry]) -> str:
    """Return the likely cause of more token requests than LIFE-3 allows."""
    if observed.providers and not observed.manual:
        return (
            "The provider answers with no newer token, so the service calls it again each minute, and each call sends "
            "a request. Answer each call with a new token."
        )
    gaps = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(requests)]
    if len(requests) > REQUESTS_PER_LIFETIME and not observed.between(
        "token.applied", requests[0].at, requests[-1].at + SOON
    ):
        return (
            "The page fetches tokens and gives none of them to its item, so each check sends another request. Pass "
            "each new token to setAccessToken."
        )
    if gaps and min(gaps) > 60 and max(gaps) - min(gaps) < 60:
        return (
            f"The page renews every {minutes(timedelta(seconds=min(gaps)))}, whatever the lifetime of its tokens. "
            "Renew when the token is about to expire: the expiration comes with the token."
        )
    if gaps and max(gaps[:10]) < 1:
        if all(_is_answered_by(observed, earlier, later) for earlier, later in pairwise(requests)):
            return (
                "Each answer is followed by another request at once, as if a computed delay were NaN or 0. Compute "
                "the delay from the new token's expiration."
            )
        return (
            "The interval is far shorter than intended (30 instead of 30 000 ms?), or nothing prevents a second "
            "request while one is in flight. Check every 30 s, and remember the request in flight."
        )
    return (
        "The new token is already about to expire, or the page does not remember its expiration. Keep the expiration "
        "of each new token and compare with it."
    )


def _is_answered_by(observed: Observation, request: Entry, later: Entry) -> bool:
    """Return whether a request had its answer when `later` was sent."""
    answered = observed.answered_at(request)
    return answered is not None and answered <= later.at


@rule(
    "LIFE-4",
    "must",
    requires=("healthy",),
    source='The article: "This function calls your application backend to generate a new embed token".',
    why="A renewal with the old token changes nothing: the user meets an expired token although the page has renewed.",
    wrong="""
        let cached;

        async function renew() {
          // The cache keeps a token until it has expired.
          if (!cached || cached.expires <= Date.now()) cached = await fetchToken();
          await report.setAccessToken(cached.token);
          expires = cached.expires;
        }
    """,
    right="""
        async function renew() {
          const next = await fetchToken(); // with cache: "no-store"
          await report.setAccessToken(next.token);
          expires = next.expires;
        }
    """,
)
def renewals_bring_a_newer_token(seen: Observations) -> Verdict:
    """Require that every renewal brings another token, which expires later than the token that it replaces.

    Two tokens that were requested at the same instant may expire together.
    """
    renewed = 0
    for observed in seen.healthy:
        if observed.storm:  # Tokens that are requested together expire together; LIFE-3 has the finding.
            break
        for item in observed.loaded:
            for old, new in pairwise(observed.journal.of("token.applied", item=item)):
                if new.at <= observed.embedding_ends or new["how"] == "load":  # LIFE-5 judges reloads.
                    continue
                problem = _why_not_newer(observed, old, new)
                if problem:
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, the page applied a token at "
                        f"{observed.when(new)} that is no renewal: {problem}.",
                        [old, new],
                        _likely_cause_of_no_newer_token(old, new),
                    )
                renewed += 1
    if cut := cut_short(*seen.healthy):
        return skipped(cut)
    return passed(f"{counted(renewed, 'renewal')}, each with a newer token.")


def _why_not_newer(observed: Observation, old: Entry, new: Entry) -> str:
    """Return why a token is no renewal of the one before it; empty if it is one."""
    if new["token"] == old["token"]:
        if new["how"] == "hook" and new["state"] == "live":
            return ""  # A provider may answer with the token that the item already has.
        if old["how"] == "hook" and new.at - old.at <= AT_ONCE:
            return ""  # The page also sets the token that its provider has just answered.
        return f"the item already had {new['token']}"
    if new["state"] == "unknown":
        return why_unusable(new)
    if old["expires"] and new["expires"] <= old["expires"] and not _is_fresh(observed, new):
        return f"{new['token']} expires no later than {old['token']}"
    return ""


def _likely_cause_of_no_newer_token(old: Entry, new: Entry) -> str:
    """Return the likely cause of a token that is no renewal of the one before it."""
    if new["state"] == "unknown":
        return (
            'The page applies something other than the bare token: with "Bearer " before it, inside an object, or a '
            "token of the other type. Apply the token's text as the endpoint answers it."
        )
    if new["token"] == old["token"] and new.at - old.at <= AT_ONCE:
        return (
            "The page applies the same answer twice: each renewal adds a listener, or two places call setAccessToken. "
            "Apply each answer in one place."
        )
    return CACHED


def _is_fresh(observed: Observation, new: Entry) -> bool:
    """Return whether a token is applied for the first time and has its whole lifetime before it.

    Two tokens that were requested at the same instant expire together, and neither comes from a cache.
    """
    first = observed.journal.of("token.applied", item=new["item"], token=new["token"])[0]
    return first is new and bool(new["expires"] - new.at >= observed.lifetime - FRESH)


@rule(
    "LIFE-5",
    "must",
    requires=("healthy",),
    needs_renewals=False,
    source='The article: "setAccessToken can be used to update the access token without reloading the embedded '
    'report."',
    why="The user is reading page 3 with a filter set, and the report suddenly starts again at page 1 without filters.",
    wrong="""
        async function renew() {
          const next = await fetchToken();
          report = powerbi.embed(element, {
            ...config,
            accessToken: next.token,
            tokenType: models.TokenType.Embed,
          });
          expires = next.expires;
        }
    """,
    right="""
        async function renew() {
          const next = await fetchToken();
          await report.setAccessToken(next.token);
          expires = next.expires;
        }
    """,
)
def renewals_reload_nothing(seen: Observations) -> Verdict:
    """Require that a renewal makes no new iframe and no second load request, and keeps the user's view.

    The view is the active page of the report and its filters. The page itself changes neither after a renewal. Reports
    that take turns in one place keep the rule.
    """
    for observed in seen.healthy:
        for load in _second_loads(observed):
            how = (
                "the page made a new iframe" if load.kind == "embed.frame" else f"the page sent {load['url']} once more"
            )
            return failed(
                f"With tokens of {minutes(observed.lifetime)}, at {observed.when(load)} {how}: the user is back on "
                "the first page of the report, without filters.",
                [load],
                "The page embeds or reloads the item to give it a new token. Call the item's setAccessToken instead: "
                "it reloads nothing.",
            )
        for item in observed.loaded:
            requests = _load_requests(observed, item)
            for before, after in pairwise(observed.journal.of("data.request", item=item)):
                of_one_load = not any(before.at <= load.at <= after.at for load in requests)
                if of_one_load and (lost := _lost_view(before, after)):
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, by {observed.when(after)} {lost}.",
                        [before, after],
                    )
            if resets := _resets_by_the_page(observed, item):
                return failed(
                    f"With tokens of {minutes(observed.lifetime)}, after each of {len(resets)} renewals the page "
                    f"itself changed the active page or the filters, the first time at {observed.when(resets[0])}.",
                    resets[:5],
                    "After each renewal the page sets the active page or the filters again. Set them only when the "
                    "page embeds: a renewal keeps the user's view.",
                )
    if cut := cut_short(*seen.healthy):
        return skipped(cut)
    return passed("No renewal made an iframe or a load request; the active page and the filters were kept.")


def _second_loads(observed: Observation) -> Iterator[Entry]:
    """Yield the load requests and frames by which the page shows again what it already shows.

    Three things do not count: the first load of an item that the page embeds late, a report that returns when reports
    take turns, and a second load while the page starts.
    """
    gone = {entry["item"]: entry.at for entry in observed.journal.of("embed.gone")}
    loads = observed.journal.of("protocol", direction="received", method="POST")
    first = {load["item"]: _view(load) for load in reversed(loads) if _is_load(load)}
    frames = [(frame, (*_embedded(frame), first.get(frame["item"]))) for frame in observed.journal.of("embed.frame")]
    for frame, shown in frames:
        if frame.at > observed.embedding_ends and _replaces_a_frame_with_the_same_view(frame, shown, frames, gone):
            yield frame
    for item in observed.items:
        for before, load in pairwise(_load_requests(observed, item)):
            if load.at > observed.embedding_ends and _view(load) == _view(before):
                yield load


def _load_requests(observed: Observation, item: str) -> list[Entry]:
    """Return the load and prepare requests that an item received."""
    sent = observed.journal.of("protocol", item=item, direction="received", method="POST")
    return [entry for entry in sent if _is_load(entry)]


def _is_load(entry: Entry) -> bool:
    """Return whether a message to an item asks it to load or to prepare."""
    return str(entry["url"]).endswith(("/load", "/prepare"))


def _view(load: Entry) -> Shown:
    """Return the identity of what a load request shows: the item's id, and the page and visual of a report."""
    return load["id"], load["page"], load["visual"]


def _replaces_a_frame_with_the_same_view(
    frame: Entry, shown: Shown, frames: Sequence[tuple[Entry, Shown]], gone: Mapping[str, datetime]
) -> bool:
    """Return whether a frame replaces another one that showed the same view.

    The last frame with the same view has just gone, or goes soon after, and no frame with another view took its place
    in between. A frame that goes while it starts does not count: React's StrictMode mounts a component twice.
    """
    earlier = [
        (other, gone[other["item"]], also)
        for other, also in frames
        if other.at <= frame.at
        and other is not frame
        and other["item"] in gone
        and gone[other["item"]] <= frame.at + EMBEDDING_TIME
    ]
    alike = [(other, went) for other, went, also in earlier if also == shown]
    if not alike:
        return False
    last, left = alike[-1]
    at_once = last.at + EMBEDDING_TIME < frame.at <= left + EMBEDDING_TIME
    return at_once and not any(also != shown and other.at > last.at and went > left for other, went, also in earlier)


def _embedded(frame: Entry) -> Shown:
    """Return the identity of what a frame embeds: the kind of item, and its ids."""
    ids = parse_qs(urlsplit(frame["url"]).query)
    return (frame["path"], *(ids.get(name, [""])[0].lower() for name in ("reportId", "dashboardId", "tileId")))


def _resets_by_the_page(observed: Observation, item: str) -> list[Entry]:
    """Return the data requests by which the page itself changed the active page or the filters soon after a renewal.

    The list has the first such request of each renewal. The list is empty if the page did so after one renewal only, or
    as often at other times: such a page shows its report's pages in turn.
    """
    messages = [
        entry.at
        for entry in observed.journal.of("protocol", item=item, direction="received")
        if entry["method"] in ("PUT", "POST", "DELETE") and entry["url"].endswith(("/pages/active", "/filters"))
    ]
    changes = [
        after
        for before, after in pairwise(observed.journal.of("data.request", item=item))
        if after.at > observed.embedding_ends
        and (after["page"], after["filters"]) != (before["page"], before["filters"])
        and any(after.at - AT_ONCE <= at <= after.at for at in messages)
    ]
    renewals = [holding.at for holding in observed.applied_tokens(item)[1:]]
    followed = [soon for at in renewals if (soon := [entry for entry in changes if at <= entry.at <= at + SOON])]
    at_other_times = len(changes) - sum(map(len, followed))
    often = len(followed) > 1 and at_other_times < sum(map(len, followed))
    return [soon[0] for soon in followed] if often else []


def _lost_view(before: Entry, after: Entry) -> str:
    """Return what the user's view lost between two data requests without an interaction that changed it."""
    if after["action"] != "pageChange" and after["page"] != before["page"]:
        return f"the user was on {after['page']} and no longer on {before['page']}"
    if after["action"] != "filter" and after["filters"] != before["filters"]:
        return "the user's filters were gone"
    return ""
