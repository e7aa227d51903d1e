"""One session of a page under test, after it has ended: its journal, and the questions that rules ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from math import ceil
from urllib.parse import urlsplit

from fake_pbi.hosts import APP
from harness.base.durations import format_duration
from harness.base.journal import Entry, Journal
from harness.stage.token_history import AppliedToken, applied_tokens, current_token, items

START_UP = timedelta(seconds=30)
"""Token requests of the first 30 s after load belong to embedding, not to renewing."""

UNSUPPORTED = "accessTokenProvider is only supported"
"""The SDK's own exception (TYPE-1). Source: powerbi-client, src/embed.ts, validateEventHooks."""
HARMLESS = "ResizeObserver loop"
ICON = "/favicon.ico"
BRINGS_NOTHING = ("DELETE", "HEAD", "OPTIONS")
"""The methods whose answers bring no token, as where one is given back."""
AT_ONCE = timedelta(seconds=1)
"""Within so much of a return to the tab the renewal has to be there (WAKE-4)."""


def cut_short(*sessions: "Observation") -> str:
    """Why one of these sessions says less than it should: it ended early, or nothing was embedded in it. Else empty."""
    for observed in sessions:
        if observed.stopped:
            return observed.stopped
        if not observed.journal.of("item.event", event="loaded"):
            return f"Nothing was embedded in one session ({observed.title})."
    return ""


def by_address(requests: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The requests to each address; and, where its query says what is asked for, also those with each query."""
    found: dict[str, list[Entry]] = {}
    for request in requests:
        for name in {request["url"].partition("?")[0], request["url"]}:
            found.setdefault(name, []).append(request)
    return found


@dataclass(frozen=True)
class Return:
    """The tab was hidden and shown again, with an item's margin crossed in between; None: that of whatever the page renews."""

    item: str | None
    hidden: datetime
    shown: datetime


@dataclass
class Observation:
    """A session: what it was about (`title`), when its page was opened, and the moments that its scenario marked."""

    title: str
    journal: Journal
    lifetime: timedelta
    token_urls: Sequence[str]
    opened: datetime
    ended: datetime
    returns: list[datetime] = field(default_factory=list)
    stopped: str = ""
    """Why the scenario ended before its time; empty if it did not."""
    storm: bool = False
    """Whether it ended early because of too many token requests."""
    url: str = ""
    """The address that was opened."""
    landed: str = ""
    """The address at which the page was when it had been left to itself."""
    chosen: str | None = None
    """The number of the one item that is judged; None: all are."""
    has_policy: bool = False
    """Whether the page has a Content-Security-Policy of its own."""
    removed: datetime | None = None
    """When an item was removed."""
    arrived: datetime | None = None
    """When its user had come to where it embeds; None: when it was opened."""

    @property
    def heading(self) -> str:
        """The title as a sentence begins with it."""
        return self.title[0].upper() + self.title[1:]

    @property
    def settled(self) -> datetime:
        """Until when what the page does belongs to embedding, not to renewing."""
        return (self.arrived or self.opened) + START_UP

    @property
    def moved(self) -> bool:
        """Whether the page went to another address than the one that was opened, as to a sign-in."""
        asked, landed = urlsplit(self.url), urlsplit(self.landed)
        return bool(self.landed) and (asked.netloc, asked.path.rstrip("/")) != (landed.netloc, landed.path.rstrip("/"))

    def __contains__(self, entry: Entry) -> bool:
        return any(entry is own for own in self.journal)

    def when(self, moment: datetime | Entry) -> str:
        """A moment as the time since the page was opened: "50:20"."""
        at = moment.at if isinstance(moment, Entry) else moment
        return format_duration(timedelta(seconds=round((at - self.opened).total_seconds(), 1)))

    @property
    def items(self) -> list[str]:
        """The items that are judged and took a token, in the order in which their frames were served."""
        return [item for item in items(self.journal) if self.chosen in (None, item)]

    @property
    def loaded(self) -> list[str]:
        """The items that were loaded with a token that lived, and said so."""
        return [
            item
            for item in self.items
            if self.journal.of("token.applied", item=item, how="load", state="live")
            and self.journal.of("item.event", item=item, event="loaded")
        ]

    @property
    def had_a_token(self) -> bool:
        """Whether a token was seen on its way to the page, with which it could have embedded."""
        return bool(self.journal.of("token.fetched"))

    @property
    def lasting(self) -> list[str]:
        """The items that are judged and were not gone again when the page had started."""
        return [item for item in self.items if self.there_until(item) > self.settled]

    def applied_tokens(self, item: str) -> list[AppliedToken]:
        """The tokens that an item held. An iframe that gave way to a new one held its last token until then."""
        held, gone = applied_tokens(self.journal, item), self.gone(item)
        later = [entry.at for entry in self.journal.of("embed.frame") if held and entry.at > held[-1].at]
        return [*held[:-1], replace(held[-1], until=min(gone, later[0]))] if gone and later else held

    def current_token(self, item: str, instant: datetime) -> AppliedToken | None:
        return current_token(self.journal, item, instant)

    @property
    def providers(self) -> list[str]:
        """The items that registered an accessTokenProvider, but for what the page took away again while it started."""
        return [item for item in self.registered if item in self.lasting]

    @property
    def registered(self) -> list[str]:
        """The items that registered an accessTokenProvider, however short they were there."""
        loaded = {load["item"] for load in self.journal.of("protocol", direction="received", provider=True)}
        return [item for item in self.items if item in loaded]

    @property
    def manual(self) -> list[str]:
        """The items that are given tokens by `setAccessToken`."""
        given = {entry["item"] for entry in self.journal.of("token.applied", how="setAccessToken")}
        return [item for item in self.items if item in given]

    def gone(self, item: str) -> datetime | None:
        """When the item's iframe went away; None if it was there to the end."""
        return next((entry.at for entry in self.journal.of("embed.gone", item=item)), None)

    def there_until(self, item: str) -> datetime:
        """When the item's iframe went away, or the session ended."""
        return self.gone(item) or self.ended

    def there(self, at: datetime) -> list[str]:
        """The items that were on the page at an instant, whatever they had loaded."""
        gone = {entry["item"] for entry in self.journal.of("embed.gone") if entry.at <= at}
        served = {entry["item"] for entry in self.journal.of("embed.frame") if entry.at <= at}
        return [item for item in self.items if item in served and item not in gone]

    def emptied(self, healthy: "Observation") -> list[Entry]:
        """The departures of the items, where in the end none was there any more, other than in a healthy session."""
        if self.there(self.ended) or not healthy.there(healthy.ended):
            return []
        return self.journal.of("embed.gone")

    def renewed(self, item: str) -> list[AppliedToken]:
        """The tokens that came to an item after embedding; in an item that was embedded later, its first one, too."""
        return [holding for holding in self.applied_tokens(item) if holding.at > self.settled]

    def renewed_by_the_page(self, item: str) -> list[AppliedToken]:
        """The tokens after an item's first that came to it after embedding, and not because the service asked for them."""
        return [
            holding for holding in self.applied_tokens(item)[1:] if holding.at > self.settled and holding.how != "hook"
        ]

    def renewals_asked(self, item: str | None, until: datetime) -> list[datetime]:
        """When the page asked for the tokens by which it renewed an item; None: when it asked for any token."""
        asked = [request.at for request in self.token_requests(until=until)]
        if item is None:
            return asked
        taken = [holding.at for holding in self.renewed_by_the_page(item)]
        return [before[-1] for at in taken if (before := [moment for moment in asked if moment <= at])]

    def token_requests(self, since: datetime | None = None, until: datetime | None = None) -> list[Entry]:
        """The token requests of the page and its workers, without those of the first 30 s after load."""
        begin, end = since or self.settled, until or self.ended
        return [
            entry
            for entry in self.journal.of("request")
            if entry["source"] != "embed"
            and entry["type"] != "Preflight"
            and entry["method"] not in BRINGS_NOTHING
            and begin <= entry.at <= end
            and any(fnmatch(entry["url"], glob) for glob in self.token_urls)
        ]

    def token_requests_by_address(self) -> dict[str, list[Entry]]:
        """The token requests of each address: a page that needs two tokens for one renewal asks two."""
        return by_address(self.token_requests())

    def share_of(self, address: str) -> int:
        """How many tokens of an address the items on the page need at a time, one for each or one for several: as many requests
        to it are one for each item. (It is one for each, where nobody saw what an address brought. Items may begin with one token for
        all and then renew each its own.)"""
        together = self._most_together()
        brought = {
            entry["token"]
            for entry in self.journal.of("token.fetched")
            if address in (entry["url"], entry["url"].partition("?")[0])
        }
        applied = [entry for entry in self.journal.of("token.applied") if entry["token"] in brought]
        served: dict[str, set[str]] = {}
        for entry in [entry for entry in applied if entry["how"] != "load"] or applied:
            served.setdefault(entry["token"], set()).add(entry["item"])
        if not served:
            return together
        return min(together, ceil(len(set.union(*served.values())) / max(map(len, served.values()))))

    def _most_together(self) -> int:
        """How many items were on the page at a time, at most, and at least one."""
        there, most, took = set[str](), 1, set(items(self.journal))
        comings = self.journal.of("embed.gone", "embed.frame")
        for entry in sorted(comings, key=lambda entry: (entry.at, entry.kind == "embed.frame")):
            if entry.kind == "embed.gone":
                there.discard(entry["item"])
            elif entry["item"] in took:
                there.add(entry["item"])
                most = max(most, len(there))
        return most

    def answered_at(self, request: Entry) -> datetime | None:
        """When a request had its answer, or failed; None if it had not by the session's end."""
        ends = self.ends(request)
        return ends[-1].at if ends else None

    def ends(self, request: Entry) -> list[Entry]:
        """The answer that a request had, or how it failed; empty if it had none by the session's end."""
        return self.journal.of("response", request=request["request"])

    @property
    def failures(self) -> list[tuple[str, Entry]]:
        """The requests that failed or were refused, each with its end."""
        urls = {entry["request"]: entry["url"] for entry in self.journal.of("request")}
        return [
            (urls[end["request"]], end)
            for end in self.journal.of("response")
            if (end["error"] or end["status"] >= 400) and not urls.get(end["request"], ICON).endswith(ICON)
        ]

    @property
    def not_emulated(self) -> str:
        """What the page embeds that the fake Power BI does not have, as "rdlEmbed"; empty if nothing is."""
        missing = [urlsplit(url) for url, end in self.failures if end["status"] == 404]
        return next((url.path.strip("/") for url in missing if url.hostname == APP), "")

    @property
    def errors(self) -> list[Entry]:
        """What the page threw and nobody caught, but for what is harmless, or another rule's."""
        return [
            entry
            for entry in self.journal.of("page.error")
            if not any(harmless in entry["text"] for harmless in (UNSUPPORTED, HARMLESS))
        ]

    @property
    def forgotten(self) -> set[str]:
        """The items whose token ended in use, and was not made good before the session, or the item, did."""
        return {item for item in self.items if self.ends_in_use(item)}

    def ends_in_use(self, item: str) -> list[datetime]:
        """When tokens of the item ended that no other had replaced, while it was there."""
        return [
            holding.expires
            for holding in self.applied_tokens(item)
            if holding.expired_in_use and holding.expires and holding.expires < self.there_until(item)
        ]

    def renewed_since(self, item: str | None, since: datetime, until: datetime) -> datetime | None:
        """When an item was first renewed in a span of time; None: when a token was first asked for."""
        if item is None:
            moments = [request.at for request in self.token_requests(since, until)]
        else:
            moments = [holding.at for holding in self.renewed(item)]
        return next((at for at in moments if since <= at <= until), None)

    def in_time(self, item: str | None, back: Return) -> bool:
        """Whether an item was renewed while the tab was hidden, or within 1 s of the return to it."""
        return self.renewed_since(item, back.hidden, back.shown + AT_ONCE) is not None

    def between(self, kind: str, since: datetime, until: datetime, **data: object) -> list[Entry]:
        return [entry for entry in self.journal.of(kind, **data) if since <= entry.at <= until]
