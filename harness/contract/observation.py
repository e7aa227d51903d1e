"""One session of a page under test, after it has ended: its journal, and the questions that rules ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch

from fake_pbi.durations import spoken
from fake_pbi.journal import Entry, Journal
from harness.lifetimes import Holding, holding_at, holdings, items

START_UP = timedelta(seconds=30)
"""Token requests of the first 30 s after load belong to embedding, not to renewing."""


def cut_short(*sessions: "Observation") -> str:
    """Why one of these sessions says less than it should: a storm ended it, or nothing was embedded in it. Else empty."""
    for observed in sessions:
        if observed.stopped:
            return f"{observed.stopped} LIFE-3 says why."
        if not observed.journal.of("item.event", event="loaded"):
            return f"Nothing was embedded in one session ({observed.title})."
    return ""


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
    missed: dict[str, datetime] = field(default_factory=dict)
    """When an item that had been on the page was first seen not to be there any more."""
    stopped: str = ""
    """Why the scenario ended before its time; empty if it did not."""

    def __contains__(self, entry: Entry) -> bool:
        return any(entry is own for own in self.journal)

    def when(self, moment: datetime | Entry) -> str:
        """A moment as the time since the page was opened: "50:20"."""
        at = moment.at if isinstance(moment, Entry) else moment
        return spoken(timedelta(seconds=round((at - self.opened).total_seconds(), 1)))

    @property
    def items(self) -> list[str]:
        return items(self.journal)

    def holdings(self, item: str) -> list[Holding]:
        """The tokens that an item held. An iframe that gave way to a new one held its last token until then."""
        held, gone = holdings(self.journal, item), self.gone(item)
        later = [entry.at for entry in self.journal.of("embed.frame") if held and entry.at > held[-1].at]
        return [*held[:-1], replace(held[-1], until=min(gone, later[0]))] if gone and later else held

    def holding_at(self, item: str, instant: datetime) -> Holding | None:
        return holding_at(self.journal, item, instant)

    @property
    def providers(self) -> list[str]:
        """The items that registered an accessTokenProvider."""
        loads = self.journal.of("protocol", direction="received", provider=True)
        return [item for item in self.items if any(load["item"] == item for load in loads)]

    @property
    def manual(self) -> list[str]:
        """The items that are given tokens by `setAccessToken`."""
        applied = self.journal.of("token.applied", how="setAccessToken")
        return [item for item in self.items if any(entry["item"] == item for entry in applied)]

    def gone(self, item: str) -> datetime | None:
        """When the item's iframe went away; None if it was there to the end. What a dying iframe says may come late."""
        known = [entry.at for entry in self.journal.of("embed.gone", item=item)]
        if item in self.missed:
            known.append(self.missed[item])
        return min(known, default=None)

    def there(self, at: datetime) -> list[str]:
        """The items that were on the page at an instant, whatever they had loaded."""
        served = [entry["item"] for entry in self.journal.of("embed.frame") if entry.at <= at]
        return [item for item in served if item in self.items and not ((gone := self.gone(item)) and gone <= at)]

    def renewed(self, item: str) -> list[Holding]:
        """The tokens that came to an item after embedding; in an item that was embedded later, its first one, too."""
        return [holding for holding in self.holdings(item) if holding.at > self.opened + START_UP]

    def token_requests(self, since: datetime | None = None, until: datetime | None = None) -> list[Entry]:
        """The token requests of the page and its workers, without those of the first 30 s after load."""
        begin, end = since or self.opened + START_UP, until or self.ended
        return [
            entry
            for entry in self.journal.of("request")
            if entry["source"] != "embed"
            and entry["type"] != "Preflight"
            and begin <= entry.at <= end
            and any(fnmatch(entry["url"], glob) for glob in self.token_urls)
        ]

    def between(self, kind: str, since: datetime, until: datetime, **data: object) -> list[Entry]:
        return [entry for entry in self.journal.of(kind, **data) if since <= entry.at <= until]
