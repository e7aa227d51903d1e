"""Everything that happened, in order, stamped with service time: the only source for every verdict.

| kind | what happened | data |
|---|---|---|
| `page.opened` | a page was opened (time 0 of a scenario) | url, lifetime (seconds) |
| `page.error` | an uncaught exception or unhandled rejection in the page | text, rejection (bool), url |
| `page.dialog` | the page, or a frame, opened a dialog; where nobody handles it, it is dismissed | type: alert, beforeunload, confirm, prompt; text |
| `tab` | what the user did with the tab | state: hidden, shown, frozen, resumed, asleep, awake |
| `request` | the page, its frames or workers sent a request | request, url, method, type, source: page, worker, embed; service worker: of its own accord |
| `response` | its end | request, status (None: it failed), error |
| `clock` | something that the clock could not wait for | what: request without an end, work without an end; call; url of the request, or of the frame or worker; since when |
| `cookie.expired` | a cookie reached its end and was removed | name, domain, path, partition (the site at the top, or None) |
| `host.refused` | the gateway refused a host that is not open | host |
| `fault.began`, `fault.ended`, `fault.hit` | a fault that a scenario put in front of an endpoint | fault, url; hit: method |
| `token.fetched` | an answer to the page brought a token (contract sessions) | token, url, by: type of the request |
| `token.leaked` | a token was seen where it does not belong (contract sessions) | token, where: URL, Referer, local storage, session storage, IndexedDB, Cache Storage, cookie, console; detail, form: as it is, escaped, in base64 |
| `token.issued` | Entra ID or GenerateToken made a token | token, type: entra, embed; expires |
| `token.applied` | an item took a token | item, token, type, expires, how: load, setAccessToken, hook; state: live, expired, unknown |
| `token.expired` | the token that an item holds reached its end | item, token |
| `embed.frame` | the iframe of an item was served (each navigation of the frame is a new item) | item, path, url |
| `embed.gone` | the iframe document of an item went away | item |
| `protocol` | a message between SDK and iframe | item, direction: received, answered, sent, acknowledged; method, url, uid, status; of a load also sdk (its version), provider (whether the page has one), and of what is loaded its id, page and visual |
| `hook.called` | the service asked the page's accessTokenProvider | item, call, uid, attempt |
| `hook.answered` | what came back | item, call, status, answer: token, null, undefined, other; token; text: what sort of thing an "other" is |
| `data.request` | a page change, filter or refresh asked for data | item, action, detail, page, filters, token, state, status |
| `item.event` | the iframe raised an event | item, event: loaded, rendered, pageChanged, filtersApplied, error; detail |

Tokens are named ("embed-3", "entra-1", or "unknown"), never written out. Times in data are aware UTC datetimes.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from sys import intern
from typing import Any

Now = Callable[[], datetime]
"""The one clock: service time as an aware UTC datetime."""

Unless = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: `at` is service time (aware UTC); `data` is listed by kind in the module's table."""

    at: datetime
    kind: str
    data: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.data.get(name)


class Journal:
    """The entries so far, oldest first. Written by the service and the engine, read by everybody."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self._entries: list[Entry] = []
        self._coming: list[tuple[datetime, int, str, dict[str, Any], Unless]] = []
        self._order = count()

    def write(self, kind: str, *, at: datetime | None = None, **data: Any) -> Entry:
        """Append what happened now, or at an instant `at` that is not later than now."""
        self._write_due()
        entry = Entry(at or self.now(), intern(kind), {intern(name): _shared(value) for name, value in data.items()})
        self._entries.append(entry)
        return entry

    def schedule(self, at: datetime, kind: str, *, unless: Unless = lambda: False, **data: Any) -> None:
        """Append this when service time has reached `at`, stamped with exactly that instant.

        `unless` is asked then, and keeps it out of the journal by a True.
        """
        heapq.heappush(self._coming, (at, next(self._order), kind, data, unless))

    def _write_due(self) -> None:
        now = self.now()
        while self._coming and self._coming[0][0] <= now:
            at, _, kind, data, unless = heapq.heappop(self._coming)
            if not unless():
                self._entries.append(Entry(at, kind, data))

    @property
    def latest(self) -> datetime | None:
        """When the last entry happened."""
        self._write_due()
        return self._entries[-1].at if self._entries else None

    def __iter__(self) -> Iterator[Entry]:
        self._write_due()
        return iter(self._entries.copy())

    def __len__(self) -> int:
        self._write_due()
        return len(self._entries)

    def of(self, *kinds: str, **data: Any) -> list[Entry]:
        """The entries of these kinds whose data has these values: `journal.of("token.applied", item="1")`."""
        return [
            entry
            for entry in self
            if entry.kind in kinds and all(entry.data.get(name) == value for name, value in data.items())
        ]

    def expired_requests(self) -> list[Entry]:
        """The data requests that carried an expired token: what a user would have seen fail."""
        return self.of("data.request", state="expired")


def _shared(value: Any) -> Any:
    """The same text is kept once: a month's journal is mostly repetition."""
    return intern(value) if type(value) is str else value
