"""LIFE-1 to LIFE-5: over several lifetimes of a healthy session, is every token renewed in time, sparingly and quietly?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

from harness.base.journal import Entry
from harness.contract.observation import AT_ONCE, EMBEDDING_TIME, Observation, cut_short
from harness.contract.rule import Verdict, counted, failed, minutes, passed, rule, skipped, worthless
from harness.contract.scenarios import Scenarios

IN_TIME = timedelta(seconds=60)
PER_RENEWAL, PER_LIFETIME = 2, 4
SOON = timedelta(seconds=5)
"""How soon after a renewal what the page does to its item is taken to belong to it, and after a token request its renewal."""
FRESH = timedelta(minutes=1)
"""For how long a token may have been kept that is new all the same."""

CACHED = "The page or its backend hands out what it has cached."

Shown = tuple[object, ...]
"""What is embedded, so that it can be told from something else."""


@rule(
    "LIFE-1",
    "must",
    basis='The article: "To give your users a continuous experience, refresh (or renew) the access token before it expires."',
)
def nobody_meets_an_expired_token(scenarios: Scenarios) -> Verdict:
    """Over at least 3 lifetimes of 60, 90 and 35 min, visible and used: no data request carries an expired token, and
    no TokenExpired error is raised."""
    used = 0
    for observed in scenarios.healthy:
        expired, raised = expiries_met(observed)
        if expired or raised:
            first = (expired or raised)[0]
            carried = f"{counted(len(expired), 'data request')} carried an expired token, the first at {observed.when(first)}; "
            told = f"the item raised TokenExpired {counted(len(raised), 'time')}"
            return failed(
                f"With tokens of {minutes(observed.lifetime)}, "
                + (f"{carried}{told}." if expired else f"{told}, the first at {observed.when(first)}."),
                [*expired[:5], *raised[:5]],
                _why_not_renewed(observed, first),
            )
        used += len(observed.journal.of("data.request"))
    if cut := cut_short(*scenarios.healthy):
        return skipped(cut)
    return passed(f"{used} data requests over {len(scenarios.healthy)} sessions, none with an expired token.")


def expiries_met(observed: Observation) -> tuple[list[Entry], list[Entry]]:
    """What the user of the judged items met: data requests with an expired token, and TokenExpired events."""
    items = observed.items
    expired = [entry for entry in observed.journal.expired_requests() if entry["item"] in items]
    raised = [
        entry
        for entry in observed.journal.of("item.event", event="error")
        if entry["item"] in items and "TokenExpired" in str(entry["detail"])
    ]
    return expired, raised


def _why_not_renewed(observed: Observation, at: Entry) -> str:
    loaded = observed.journal.of("token.applied", item=at["item"], how="load")
    if any(load["state"] == "expired" and load.at <= at.at + AT_ONCE for load in loaded):
        return "The item was embedded with a token that had ended by then."
    if _applied_twice(observed, at):
        return CACHED
    if not observed.token_requests(until=at.at):
        asked = [
            entry for entry in observed.journal.of("page.dialog") if entry["type"] != "alert" and entry.at <= at.at
        ]
        if asked:
            text = " ".join(asked[-1]["text"].split())[:80]
            return f"The page asked its user {text!r} at {observed.when(asked[-1])}, and nobody agreed; an adapter can."
        if observed.token_requests():
            return "The page asked for another token only when this one had expired."
        return "The page never asked for another token."
    if not observed.journal.of("token.applied", how="setAccessToken") and not observed.journal.of(
        "token.applied", how="hook"
    ):
        return "The page fetched new tokens, but the item never received one."
    return "The page renews, but not every time, or too late."


def _applied_twice(observed: Observation, at: Entry) -> bool:
    """Whether the last token that the item was given by then is the one that it had."""
    applied = [entry for entry in observed.journal.of("token.applied", item=at["item"]) if entry.at <= at.at]
    return len(applied) > 1 and applied[-1]["how"] != "load" and applied[-1]["token"] == applied[-2]["token"]


@rule(
    "LIFE-2",
    "should",
    basis='The article: "Use it when the token is about to expire", with MINUTES_BEFORE_EXPIRATION = 10.',
)
def renewed_in_time(scenarios: Scenarios) -> Verdict:
    """Every token is renewed at least 60 s before it expires."""
    shortest: timedelta | None = None
    for observed in scenarios.healthy:
        for item in observed.loaded:
            for holding in observed.applied_tokens(item):
                ended = observed.present_until(item)
                if holding.expires is None or (holding.until is None and holding.expires > ended):
                    continue
                if holding.expired_in_use:
                    later = f"; the next token came at {observed.when(holding.until)}" if holding.until else ""
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, {holding.token} expired at "
                        f"{observed.when(holding.expires)} and had not been renewed{later}.",
                        observed.journal.of("token.expired", token=holding.token),
                    )
                assert holding.until is not None
                lead = holding.expires - holding.until
                shortest = lead if shortest is None else min(shortest, lead)
                if lead < IN_TIME:
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, {holding.token} was renewed at "
                        f"{observed.when(holding.until)}, only {lead.total_seconds():.0f} s before its end.",
                        observed.journal.of("token.applied", item=item),
                        "The margin is too small, or in another unit than was meant.",
                    )
    if cut := cut_short(*scenarios.healthy):
        return skipped(cut)
    if shortest is None:
        return failed("No token was ever renewed.", [])
    return passed(f"Every token was renewed in time, at the latest {minutes(shortest)} before its end.")


@rule(
    "LIFE-3",
    "must",
    basis="The article: one check every 30 s, and one request when the token is about to expire.",
)
def no_storm(scenarios: Scenarios) -> Verdict:
    """No storm: per item at most 2 token requests between two tokens applied, and at most 4 in any lifetime."""
    most = 0
    for observed in scenarios.healthy:
        verdict = storm_in(observed)
        if verdict:
            return verdict
        most = max(most, most_in_a_lifetime(observed))
    if cut := cut_short(*scenarios.healthy):
        return skipped(cut)
    for observed in (*scenarios.frozen_past_expiry, *scenarios.hidden, *scenarios.asleep_past_expiry):
        if observed.storm:
            return failed(
                f"{observed.heading}: {observed.stopped}",
                observed.token_requests()[-5:],
                "What came due while the tab was away is made up for all at once when it returns.",
            )
    return passed(f"At most {counted(most, 'token request')} in any lifetime.")


def storm_in(observed: Observation) -> Verdict | None:
    """The finding of LIFE-3 in one session, if there is one."""
    tokens = f"With tokens of {minutes(observed.lifetime)}, "
    if observed.storm:
        requests = observed.token_requests() or observed.token_requests(since=observed.opened)
        stopped = observed.stopped
        return failed(f"{tokens}{stopped[0].lower()}{stopped[1:]}", requests[:5], _why_a_storm(observed, requests))
    applied = sorted({e.at for item in observed.items for e in observed.journal.of("token.applied", item=item)})
    anew = _embedded_anew(observed)
    for address, requests in observed.token_requests_by_address().items():
        share = observed.tokens_needed(address)
        for begin, end in pairwise(applied):
            among = [request for request in requests if begin < request.at <= end]
            if len(among) > PER_RENEWAL * share + sum(begin < at <= end for at in anew):
                return failed(
                    f"{tokens}{len(among)} token requests from {observed.when(among[0])} to {observed.when(among[-1])} for "
                    "one token that was applied.",
                    among[:5],
                    _why_a_storm(observed, among),
                )
        for first in requests:
            among = _within_a_lifetime(observed, requests, first)
            until = first.at + observed.lifetime
            if len(among) > PER_LIFETIME * share + sum(first.at <= at < until for at in anew):
                return failed(
                    f"{tokens}{len(among)} token requests within one lifetime from {observed.when(first)}.",
                    among[:5],
                    _why_a_storm(observed, among),
                )
    return None


def _embedded_anew(observed: Observation) -> list[datetime]:
    """When something came onto the page that was not there before: it needs a token, and that is no renewal."""
    found = []
    for item in observed.items:
        shown: Shown | None = None
        for load in _load_requests(observed, item):
            if _view(load) != shown:
                found.append(load.at)
            shown = _view(load)
    return found


def most_in_a_lifetime(observed: Observation) -> int:
    """The most token requests to one address that fell into one lifetime."""
    return max(
        (
            len(_within_a_lifetime(observed, requests, first))
            for requests in observed.token_requests_by_address().values()
            for first in requests
        ),
        default=0,
    )


def _within_a_lifetime(observed: Observation, requests: list[Entry], first: Entry) -> list[Entry]:
    return [request for request in requests if first.at <= request.at < first.at + observed.lifetime]


def _why_a_storm(observed: Observation, requests: list[Entry]) -> str:
    if observed.providers and not observed.manual:
        return "The service calls the provider again each minute while nothing newer comes, and each call asks for a token."
    gaps = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(requests)]
    if len(requests) > PER_LIFETIME and not observed.between("token.applied", requests[0].at, requests[-1].at + SOON):
        return "The page fetches tokens and gives none of them to its item, and so asks again."
    if gaps and min(gaps) > 60 and max(gaps) - min(gaps) < 60:
        return f"The page renews every {minutes(timedelta(seconds=min(gaps)))}, however long its tokens live."
    if gaps and max(gaps[:10]) < 1:
        if all(_is_answered_by(observed, earlier, later) for earlier, later in pairwise(requests)):
            return "Each answer is followed by another request at once, as where a delay came out as nothing."
        return "The interval is far shorter than was meant (4 instead of 30 000 ms?), or nothing guards a request in flight."
    return "What the page gets is already about to expire, or it does not keep the new expiration."


def _is_answered_by(observed: Observation, request: Entry, later: Entry) -> bool:
    answered = observed.answered_at(request)
    return answered is not None and answered <= later.at


@rule(
    "LIFE-4",
    "must",
    basis='The article: "This function calls your application backend to generate a new embed token".',
)
def renewals_bring_something_newer(scenarios: Scenarios) -> Verdict:
    """Every renewal brings a token other than, and expiring later than, the one it replaces."""
    renewed = 0
    for observed in scenarios.healthy:
        if observed.storm:  # tokens that are asked for together end together: LIFE-3 has them
            break
        for item in observed.loaded:
            for old, new in pairwise(observed.journal.of("token.applied", item=item)):
                if new.at <= observed.embedding_ends or new["how"] == "load":  # a reload is LIFE-5's business
                    continue
                problem = _nothing_newer(observed, old, new)
                if problem:
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, the token applied at {observed.when(new)} {problem}.",
                        [old, new],
                        _why_nothing_newer(old, new),
                    )
                renewed += 1
    if cut := cut_short(*scenarios.healthy):
        return skipped(cut)
    return passed(f"{renewed} renewals, each with a newer token.")


def _nothing_newer(observed: Observation, old: Entry, new: Entry) -> str:
    if new["token"] == old["token"]:
        if new["how"] == "hook" and new["state"] == "live":
            return ""  # such an answer of a provider is no fault
        if old["how"] == "hook" and new.at - old.at <= AT_ONCE:
            return ""  # the page sets what its provider has just answered
        return f"was {new['token']}, which the item already had"
    if new["state"] == "unknown":
        return f"is {worthless(new)}"
    if old["expires"] and new["expires"] <= old["expires"] and not _is_fresh(observed, new):
        return f"({new['token']}) expires no later than {old['token']}"
    return ""


def _why_nothing_newer(old: Entry, new: Entry) -> str:
    if new["state"] == "unknown":
        return "What the page applies is not the token as it came: with something before it, in an object, or another token."
    if new["token"] == old["token"] and new.at - old.at <= AT_ONCE:
        return (
            "The same answer is applied twice: a listener is added again with each renewal, or two places pass it on."
        )
    return CACHED


def _is_fresh(observed: Observation, new: Entry) -> bool:
    """Whether a token has its whole life before it. Two that were asked for at once end at once, and neither comes from a cache."""
    first = observed.journal.of("token.applied", item=new["item"], token=new["token"])[0]
    return first is new and bool(new["expires"] - new.at >= observed.lifetime - FRESH)


@rule(
    "LIFE-5",
    "must",
    basis='The article: "setAccessToken can be used to update the access token without reloading the embedded report."',
)
def nothing_is_reloaded(scenarios: Scenarios) -> Verdict:
    """A renewal reloads nothing: no new iframe, no second load request, active page and filters kept."""
    for observed in scenarios.healthy:
        for load in _second_loads(observed):
            what = "a new iframe was made" if load.kind == "embed.frame" else f"{load['url']} was sent again"
            return failed(
                f"With tokens of {minutes(observed.lifetime)}, at {observed.when(load)} {what}: the user is back on the first "
                "page, without filters.",
                [load],
                "The page embeds or reloads the item to give it the new token.",
            )
        for item in observed.loaded:
            requests = _load_requests(observed, item)
            for before, after in pairwise(observed.journal.of("data.request", item=item)):
                of_one_load = not any(before.at <= load.at <= after.at for load in requests)
                if of_one_load and (lost := _lost(before, after)):
                    return failed(
                        f"With tokens of {minutes(observed.lifetime)}, by {observed.when(after)} {lost}.",
                        [before, after],
                    )
            if resets := _resets_by_the_page(observed, item):
                return failed(
                    f"With tokens of {minutes(observed.lifetime)}, the page itself changed what its user saw after each of "
                    f"{len(resets)} renewals, the first time at {observed.when(resets[0])}.",
                    resets[:5],
                    "After each renewal the page sets the active page or the filters as it does when it embeds.",
                )
    if cut := cut_short(*scenarios.healthy):
        return skipped(cut)
    return passed("No renewal made an iframe or a load request, and every user stayed on their page.")


def _second_loads(observed: Observation) -> Iterator[Entry]:
    """Load requests of an item for what it shows already, and frames in the place of one that showed the same. (What is embedded
    late for the first time reloads nothing, nor does what returns in its turn, and what a page loads twice while it starts is no
    renewal.)"""
    gone = {entry["item"]: entry.at for entry in observed.journal.of("embed.gone")}
    loads = observed.journal.of("protocol", direction="received", method="POST")
    first = {load["item"]: _view(load) for load in reversed(loads) if _is_load(load)}
    frames = [(frame, (*_embedded(frame), first.get(frame["item"]))) for frame in observed.journal.of("embed.frame")]
    for frame, shown in frames:
        if frame.at > observed.embedding_ends and _takes_the_place_of_its_like(frame, shown, frames, gone):
            yield frame
    for item in observed.items:
        for before, load in pairwise(_load_requests(observed, item)):
            if load.at > observed.embedding_ends and _view(load) == _view(before):
                yield load


def _load_requests(observed: Observation, item: str) -> list[Entry]:
    sent = observed.journal.of("protocol", item=item, direction="received", method="POST")
    return [entry for entry in sent if _is_load(entry)]


def _is_load(entry: Entry) -> bool:
    return str(entry["url"]).endswith(("/load", "/prepare"))


def _view(load: Entry) -> Shown:
    """What a load request is for: the item, and what of a report."""
    return load["id"], load["page"], load["visual"]


def _takes_the_place_of_its_like(
    frame: Entry, shown: Shown, frames: Sequence[tuple[Entry, Shown]], gone: Mapping[str, datetime]
) -> bool:
    """Whether the last frame that showed the same has just gone, or goes soon, and no other had its turn in between: none that came
    after that one, was there when it had gone, and goes as this one comes. What goes while it starts was mounted twice, as React's
    StrictMode does."""
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
    """What a frame shows: the kind of item, and its ids."""
    ids = parse_qs(urlsplit(frame["url"]).query)
    return (frame["path"], *(ids.get(name, [""])[0].lower() for name in ("reportId", "dashboardId", "tileId")))


def _resets_by_the_page(observed: Observation, item: str) -> list[Entry]:
    """For each renewal soon after which the page itself changed the active page or the filters, the first data request by which it
    did; empty where it did so once, or as often at other times, as one that shows its pages in turn."""
    told = [
        entry.at
        for entry in observed.journal.of("protocol", item=item, direction="received")
        if entry["method"] in ("PUT", "POST", "DELETE") and entry["url"].endswith(("/pages/active", "/filters"))
    ]
    changes = [
        after
        for before, after in pairwise(observed.journal.of("data.request", item=item))
        if after.at > observed.embedding_ends
        and (after["page"], after["filters"]) != (before["page"], before["filters"])
        and any(after.at - AT_ONCE <= at <= after.at for at in told)
    ]
    renewals = [holding.at for holding in observed.applied_tokens(item)[1:]]
    followed = [soon for at in renewals if (soon := [entry for entry in changes if at <= entry.at <= at + SOON])]
    at_other_times = len(changes) - sum(map(len, followed))
    often = len(followed) > 1 and at_other_times < sum(map(len, followed))
    return [soon[0] for soon in followed] if often else []


def _lost(before: Entry, after: Entry) -> str:
    """What of the user's view was gone at the next interaction, though they had not touched it."""
    if after["action"] != "pageChange" and after["page"] != before["page"]:
        return f"the user was on {after['page']} and no longer on {before['page']}"
    if after["action"] != "filter" and after["filters"] != before["filters"]:
        return "the user's filters were gone"
    return ""
