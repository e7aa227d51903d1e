"""The record of one visit to the page under test, with the questions that rules ask of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from fake_pbi.hosts import APP
from harness.base.durations import format_duration
from harness.base.journal import Entry, Journal
from harness.stage.token_history import AppliedToken, applied_tokens, current_token, items

EMBEDDING_TIME = timedelta(seconds=30)
"""The time after the opening in which token requests and loads belong to embedding, not to a renewal."""
UNSUPPORTED = "accessTokenProvider is only supported"
"""The SDK's own exception (TYPE-1). Source: powerbi-client, src/embed.ts, validateEventHooks."""
HARMLESS = "ResizeObserver loop"
"""A browser's message about an element whose size changes while it is observed. The message shows no mistake."""
ICON = "/favicon.ico"
"""The path of the icon that browsers request by themselves, whether or not a site has one."""
METHODS_WITHOUT_TOKEN = ("DELETE", "HEAD", "OPTIONS")
"""The HTTP methods whose answers bring no token. A page may give a token back with DELETE."""
AT_ONCE = timedelta(seconds=1)
"""The longest time between the return to a tab and a renewal that is made on the return (WAKE-4)."""


def cut_short(*visits: "Observation") -> str:
    """Return why one of the visits shows less than it should; empty if every visit is complete.

    A visit is incomplete if it ended early, or if nothing was embedded in it.
    """
    for observed in visits:
        if observed.stopped:
            return observed.stopped
        if not observed.journal.of("item.event", event="loaded"):
            return f"Nothing was embedded in one visit ({observed.title})."
    return ""


def by_address(requests: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return requests grouped by address without query, and also by address with query.

    Some endpoints serve several tokens at one address, and the query tells them apart. Each URL without a query makes
    one group; each URL with a query belongs to two.
    """
    found: dict[str, list[Entry]] = {}
    for request in requests:
        for name in {request["url"].partition("?")[0], request["url"]}:
            found.setdefault(name, []).append(request)
    return found


@dataclass(frozen=True)
class TabReturn:
    """The return to a tab that was hidden while the refresh margin of an item began.

    Attributes:
        item: The item; None if each token request counts as a renewal, because no item stays on the page.
        hidden: The instant at which the tab was hidden.
        shown: The instant at which the tab was shown again.
    """

    item: str | None
    hidden: datetime
    shown: datetime


@dataclass(kw_only=True)
class VisitFacts:
    """The facts of a visit besides its journal. A recording keeps them in its header."""

    scenario: str
    """The name of the scenario that planned the visit."""
    number: int
    """The number of the visit in its scenario, from 1."""
    planned: int
    """The number of visits that the scenario planned."""
    title: str
    """The conditions of the visit, as messages name them: "frozen past expiry"."""
    is_outage: bool = False
    """True if the token endpoint failed during the visit."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """The conditions of the stage that differ from those of most visits, by their names in `Conditions`."""
    lifetime: timedelta
    """The lifetime of the tokens."""
    token_urls: Sequence[str] = ()
    """The token addresses, as globs."""
    opened: datetime
    """The instant at which the page was opened, in service time."""
    ended: datetime
    """The instant at which the visit ended, in service time."""
    stopped: str = ""
    """The reason for which the visit ended early; empty if it did not."""
    storm: bool = False
    """True if the visit ended early because the page sent too many token requests."""
    url: str = ""
    """The address that was opened."""
    landed: str = ""
    """The page's address before the adapter acted; if nothing loaded, its address 30 s later."""
    has_policy: bool = False
    """True if the page has a Content-Security-Policy of its own."""
    arrived: datetime | None = None
    """The instant at which the page was open and the adapter had signed in and opened the items; None until then."""
    chosen: str | None = None
    """The number of the one item that is judged; None if every item is."""
    removed: datetime | None = None
    """The instant at which an item was removed; None if none was."""
    returns: list[datetime] = field(default_factory=list)
    """The instants at which the tab was shown again."""
    margin_returns: list[TabReturn] = field(default_factory=list)
    """The returns that WAKE-4 judges, each with an item whose refresh margin began. Only the last may be late."""
    why_no_renewal_moment: str = ""
    """The reason why the page, or one of its items, has no renewal moment; empty if each has one."""


@dataclass(kw_only=True)
class Observation(VisitFacts):
    """The record of one visit, with the questions that rules ask of it."""

    journal: Journal

    @property
    def heading(self) -> str:
        """The title with a capital, for the beginning of a sentence."""
        return self.title[0].upper() + self.title[1:]

    @property
    def embedding_ends(self) -> datetime:
        """The instant until which the page's token requests and loads belong to embedding, not to a renewal."""
        return (self.arrived or self.opened) + EMBEDDING_TIME

    @property
    def moved(self) -> bool:
        """True if the page went to another address than the opened one, such as a sign-in."""
        asked, landed = urlsplit(self.url), urlsplit(self.landed)
        return bool(self.landed) and (asked.netloc, asked.path.rstrip("/")) != (landed.netloc, landed.path.rstrip("/"))

    def __contains__(self, entry: Entry) -> bool:
        return any(entry is own for own in self.journal)

    def when(self, moment: datetime | Entry) -> str:
        """Return a moment as the time since the page was opened: "50:20"."""
        at = moment.at if isinstance(moment, Entry) else moment
        return format_duration(timedelta(seconds=round((at - self.opened).total_seconds(), 1)))

    @property
    def items(self) -> list[str]:
        """The judged items that took a token, in the order in which their frames were served."""
        return [item for item in items(self.journal) if self.chosen in (None, item)]

    @property
    def loaded(self) -> list[str]:
        """The judged items that were loaded with a valid token and raised `loaded`."""
        return [
            item
            for item in self.items
            if self.journal.of("token.applied", item=item, how="load", state="live")
            and self.journal.of("item.event", item=item, event="loaded")
        ]

    @property
    def had_a_token(self) -> bool:
        """True if an answer brought the page a token, so that the page could have embedded."""
        return bool(self.journal.of("token.fetched"))

    @property
    def lasting(self) -> list[str]:
        """The judged items that stayed longer than the time of embedding."""
        return [item for item in self.items if self.present_until(item) > self.embedding_ends]

    def applied_tokens(self, item: str) -> list[AppliedToken]:
        """Return the tokens that an item was given, oldest first.

        The last token of an item that is gone ends when the page embeds the next item, or when the item goes,
        whichever comes first. If the page embeds no other item, the last token has no end.
        """
        held, gone = applied_tokens(self.journal, item), self.gone(item)
        later = [entry.at for entry in self.journal.of("embed.frame") if held and entry.at > held[-1].at]
        return [*held[:-1], replace(held[-1], until=min(gone, later[0]))] if gone and later else held

    def current_token(self, item: str, instant: datetime) -> AppliedToken | None:
        """Return the current token of an item at an instant; None if the item had none."""
        return current_token(self.journal, item, instant)

    @property
    def providers(self) -> list[str]:
        """The items that registered an accessTokenProvider and stayed longer than the time of embedding."""
        return [item for item in self.registered if item in self.lasting]

    @property
    def registered(self) -> list[str]:
        """The items that registered an accessTokenProvider, however short they stayed."""
        loaded = {load["item"] for load in self.journal.of("protocol", direction="received", provider=True)}
        return [item for item in self.items if item in loaded]

    @property
    def manual(self) -> list[str]:
        """The items that received a token by `setAccessToken`."""
        given = {entry["item"] for entry in self.journal.of("token.applied", how="setAccessToken")}
        return [item for item in self.items if item in given]

    def gone(self, item: str) -> datetime | None:
        """Return the instant at which an item's iframe was removed; None if it stayed until the visit ended."""
        return next((entry.at for entry in self.journal.of("embed.gone", item=item)), None)

    def present_until(self, item: str) -> datetime:
        """Return the instant at which an item's iframe was removed, or the end of the visit."""
        return self.gone(item) or self.ended

    def items_at(self, instant: datetime) -> list[str]:
        """Return the judged items whose iframe was on the page at an instant, loaded or not."""
        gone = {entry["item"] for entry in self.journal.of("embed.gone") if entry.at <= instant}
        served = {entry["item"] for entry in self.journal.of("embed.frame") if entry.at <= instant}
        return [item for item in self.items if item in served and item not in gone]

    def gone_for_good(self, healthy: "Observation") -> list[Entry]:
        """Return the `embed.gone` entries if the visit ended with no item on the page, and the healthy visit did not.

        The list is empty if an item was on the page at the end.
        """
        if self.items_at(self.ended) or not healthy.items_at(healthy.ended):
            return []
        return self.journal.of("embed.gone")

    def renewed(self, item: str) -> list[AppliedToken]:
        """Return the tokens that an item accepted after the time of embedding.

        The tokens include the first token of an item that the page embedded later.
        """
        return [holding for holding in self.applied_tokens(item) if holding.at > self.embedding_ends]

    def renewed_by_the_page(self, item: str) -> list[AppliedToken]:
        """Return the tokens after an item's first that the page set by itself, after the time of embedding.

        Tokens that the service got from an accessTokenProvider are left out.
        """
        return [
            holding
            for holding in self.applied_tokens(item)[1:]
            if holding.at > self.embedding_ends and holding.how != "hook"
        ]

    def renewals_asked(self, item: str | None, until: datetime) -> list[datetime]:
        """Return the instants of the token requests with which the page renewed an item.

        The request of a renewal is the last token request before it. Without an item, every token request counts.
        """
        asked = [request.at for request in self.token_requests(until=until)]
        if item is None:
            return asked
        taken = [holding.at for holding in self.renewed_by_the_page(item)]
        return [before[-1] for at in taken if (before := [moment for moment in asked if moment <= at])]

    def token_requests(self, since: datetime | None = None, until: datetime | None = None) -> list[Entry]:
        """Return the token requests of the page and its workers between two instants.

        By default they are those from the end of the time of embedding to the end of the visit. Preflights, and
        methods whose answers bring no token, do not count.
        """
        begin, end = since or self.embedding_ends, until or self.ended
        return [
            entry
            for entry in self.journal.of("request")
            if entry["source"] != "embed"
            and entry["type"] != "Preflight"
            and entry["method"] not in METHODS_WITHOUT_TOKEN
            and begin <= entry.at <= end
            and any(fnmatch(entry["url"], glob) for glob in self.token_urls)
        ]

    def token_requests_by_address(self) -> dict[str, list[Entry]]:
        """Return the token requests grouped by address, since a page may need two tokens for one renewal."""
        return by_address(self.token_requests())

    def tokens_needed(self, address: str) -> int:
        """Return how many tokens from an address all items on the page need at one time.

        The number is 1 if the items share a token, and the number of items if each has its own. That many token
        requests to the address count as one request per item. If no token from the address was seen, each item is
        taken to have its own. A later token says more than the token of a load: items may begin with one token for
        all, and then renew each its own.
        """
        together = self._most_items_at_once()
        brought = {
            entry["token"]
            for entry in self.journal.of("token.fetched")
            if address in (entry["url"], entry["url"].partition("?")[0])
        }
        applied = [entry for entry in self.journal.of("token.applied") if entry["token"] in brought]
        served: dict[str, set[str]] = {}
        """The items that took each token."""
        for entry in [entry for entry in applied if entry["how"] != "load"] or applied:
            served.setdefault(entry["token"], set()).add(entry["item"])
        if not served:
            return together
        return min(together, ceil(len(set.union(*served.values())) / max(map(len, served.values()))))

    def _most_items_at_once(self) -> int:
        """Return the largest number of items that were on the page at one time, at least 1."""
        present, most, took = set[str](), 1, set(items(self.journal))
        changes = self.journal.of("embed.gone", "embed.frame")
        for entry in sorted(changes, key=lambda entry: (entry.at, entry.kind == "embed.frame")):
            if entry.kind == "embed.gone":
                present.discard(entry["item"])
            elif entry["item"] in took:
                present.add(entry["item"])
                most = max(most, len(present))
        return most

    def answered_at(self, request: Entry) -> datetime | None:
        """Return the instant at which a request was answered or failed; None if neither came before the visit ended."""
        responses = self.responses(request)
        return responses[-1].at if responses else None

    def responses(self, request: Entry) -> list[Entry]:
        """Return the journal's entries for the answer to a request, or for its failure; empty if neither came."""
        return self.journal.of("response", request=request["request"])

    @property
    def failures(self) -> list[tuple[str, Entry]]:
        """The URL and the `response` entry of each request that failed or was refused, but for the site's icon."""
        urls = {entry["request"]: entry["url"] for entry in self.journal.of("request")}
        return [
            (urls[response["request"]], response)
            for response in self.journal.of("response")
            if (response["error"] or response["status"] >= 400)
            and not urls.get(response["request"], ICON).endswith(ICON)
        ]

    @property
    def not_emulated(self) -> str:
        """The path of an iframe that the page embeds and the fake cloud lacks, such as "rdlEmbed"; empty if none."""
        missing = [urlsplit(url) for url, response in self.failures if response["status"] == 404]
        return next((url.path.strip("/") for url in missing if url.hostname == APP), "")

    @property
    def errors(self) -> list[Entry]:
        """The page's uncaught exceptions and rejections, without harmless ones and without those of TYPE-1."""
        return [
            entry
            for entry in self.journal.of("page.error")
            if not any(harmless in entry["text"] for harmless in (UNSUPPORTED, HARMLESS))
        ]

    @property
    def forgotten(self) -> set[str]:
        """The items with a token that expired while the item was on the page and had received no newer one."""
        return {item for item in self.items if self.expiries_in_use(item)}

    def expiries_in_use(self, item: str) -> list[datetime]:
        """Return the expiries of an item's tokens that passed while it was on the page and had no newer token."""
        return [
            holding.expires
            for holding in self.applied_tokens(item)
            if holding.expired_in_use and holding.expires and holding.expires < self.present_until(item)
        ]

    def renewed_since(self, item: str | None, since: datetime, until: datetime) -> datetime | None:
        """Return the instant of an item's first renewal between two instants; None if there is none.

        Without an item, the first token request counts.
        """
        if item is None:
            moments = [request.at for request in self.token_requests(since, until)]
        else:
            moments = [holding.at for holding in self.renewed(item)]
        return next((at for at in moments if since <= at <= until), None)

    def in_time(self, item: str | None, back: TabReturn) -> bool:
        """Return whether an item was renewed while the tab was hidden, or within `AT_ONCE` of the return."""
        return self.renewed_since(item, back.hidden, back.shown + AT_ONCE) is not None

    def between(self, kind: str, since: datetime, until: datetime, **data: object) -> list[Entry]:
        """Return the journal's entries of a kind, with some data, from one instant to another."""
        return [entry for entry in self.journal.of(kind, **data) if since <= entry.at <= until]
