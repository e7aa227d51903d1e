"""The journal: a record of everything that happened, in order and in service time.

Every verdict is made from the journal alone.

| kind | what happened | data |
|---|---|---|
| `page.opened` | a page was opened | url, lifetime (seconds) |
| `page.error` | an exception in the page was not caught, or a promise was rejected unhandled | text, rejection (bool), url |
| `page.dialog` | the page, or one of its frames, opened a dialog; a dialog that the test does not handle is dismissed | type: alert, beforeunload, confirm, prompt; text |
| `tab` | the user did something with the tab | state: hidden, shown, frozen, resumed, asleep, awake |
| `request` | the page, a frame or a worker sent a request | request, url, method, type, source: page, worker, embed; service worker: for a request that the service worker makes itself |
| `response` | a request ended | request, status (None: it failed), error |
| `clock` | the clock stopped waiting for something | what: request without an end, work without an end; call; url of the request, frame or worker; since when |
| `cookie.expired` | a cookie expired and was removed | name, domain, path, partition (the top-level site, or None) |
| `host.refused` | the gateway refused a request to a host that is not open | host |
| `fault.began`, `fault.ended`, `fault.hit` | a fault of an endpoint began, ended, or was met by a request | fault, url; of a hit also method |
| `token.fetched` | an answer to the page contained a token (visits of the contract only) | token, url, by: type of the request |
| `token.leaked` | a token was seen in a place that is not meant for it (visits of the contract only) | token, where: URL, Referer, local storage, session storage, IndexedDB, Cache Storage, cookie, console; detail, form: as it is, escaped, in base64 |
| `token.issued` | Entra ID or GenerateToken issued a token | token, type: entra, embed; expires |
| `token.applied` | an item accepted a token | item, token, type, expires, how: load, setAccessToken, hook; state: live, expired, unknown |
| `token.expired` | the current token of an item expired | item, token |
| `embed.frame` | a document of an item was served; each navigation of the iframe makes a new item | item, path, url |
| `embed.gone` | the document of an item went away | item |
| `protocol` | a message passed between the SDK and the iframe | item, direction: received, answered, sent, acknowledged; method, url, uid, status; of a load also sdk (its version), provider (True if the page has one), and id, page and visual of what is loaded |
| `hook.called` | the service called the page's provider | item, call, uid, attempt |
| `hook.answered` | the page's provider answered | item, call, status, answer: token, null, undefined, other; token; text: a description of an answer that is "other" |
| `data.request` | an item sent a data request: to render, or after a page change, a filter or a refresh | item, action, detail, page, filters, token, state, status |
| `item.event` | the iframe raised an event | item, event: loaded, rendered, pageChanged, filtersApplied, error; detail |

Tokens appear by name ("embed-3", "entra-1", or "unknown"), never with their text. Times in data are UTC datetimes with
a time zone. The state `live` means a valid token, and `hook` means the provider.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from sys import intern
from typing import Any

Now = Callable[[], datetime]
"""A function that returns service time, as a UTC datetime with a time zone. All parts of a stage share one."""

Unless = Callable[[], bool]
"""A function that returns True if a scheduled entry must not be written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. The table in the module's docstring lists the data of each kind.

    `entry["name"]` is the datum of that name, or None where the entry has no such datum.
    """

    at: datetime
    """Service time, in UTC."""
    kind: str
    data: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.data.get(name)


class Journal:
    """The entries so far, oldest first. Iterate over the journal to read them."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self._entries: list[Entry] = []
        self._scheduled: list[tuple[datetime, int, str, dict[str, Any], Unless]] = []
        self._order = count()

    def write(self, kind: str, *, at: datetime | None = None, **data: Any) -> Entry:
        """Append an entry and return it.

        The entry is stamped with the current service time, or with `at`, an instant that is not later than now.
        """
        self._write_due()
        entry = Entry(at or self.now(), intern(kind), {intern(name): _interned(value) for name, value in data.items()})
        self._entries.append(entry)
        return entry

    def schedule(self, at: datetime, kind: str, *, unless: Unless = lambda: False, **data: Any) -> None:
        """Append an entry once service time has reached `at`. The entry is stamped with exactly that instant.

        `unless` is called when the entry is due. If it returns True, the entry is dropped.
        """
        heapq.heappush(self._scheduled, (at, next(self._order), kind, data, unless))

    def _write_due(self) -> None:
        now = self.now()
        while self._scheduled and self._scheduled[0][0] <= now:
            at, _, kind, data, unless = heapq.heappop(self._scheduled)
            if not unless():
                self._entries.append(Entry(at, kind, data))

    @property
    def latest(self) -> datetime | None:
        """Service time of the last entry, or None in an empty journal."""
        self._write_due()
        return self._entries[-1].at if self._entries else None

    def __iter__(self) -> Iterator[Entry]:
        self._write_due()
        return iter(self._entries.copy())

    def __len__(self) -> int:
        self._write_due()
        return len(self._entries)

    def of(self, *kinds: str, **data: Any) -> list[Entry]:
        """Return the entries of these kinds whose data has these values: `journal.of("token.applied", item="1")`."""
        return [
            entry
            for entry in self
            if entry.kind in kinds and all(entry.data.get(name) == value for name, value in data.items())
        ]

    def expired_requests(self) -> list[Entry]:
        """Return the data requests that carried an expired token. A user would have seen each of them fail."""
        return self.of("data.request", state="expired")


def _interned(value: Any) -> Any:
    """Return a value, keeping one copy of equal texts: the journal of a virtual month is mostly repetition."""
    return intern(value) if type(value) is str else value
