"""The journal: a record of everything that happened, in order and in service time.

Every verdict is made from the journal alone.

`harness/base/journal_kinds.py` lists the kinds of entries, and the data of each.

Tokens appear by name ("embed-3", "entra-1", or "unknown"), never with their text. Times in data are UTC datetimes with
a time zone. The state `live` means a valid token, and `hook` means the provider.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
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
    """One line of the journal. `harness/base/journal_kinds.py` lists the data of each kind.

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
        self._by_kind: defaultdict[str, list[Entry]] = defaultdict(list)
        self._scheduled: list[tuple[datetime, int, str, dict[str, Any], Unless]] = []
        self._order = count()

    @classmethod
    def of_the_past(cls, entries: Iterable[Entry]) -> "Journal":
        """Return a journal with these entries, oldest first. Nothing is written to it any more."""
        journal = cls(lambda: journal._entries[-1].at)
        for entry in entries:
            journal._append(entry)
        return journal

    def write(self, kind: str, *, at: datetime | None = None, **data: Any) -> Entry:
        """Append an entry and return it.

        The entry is stamped with the current service time, or with `at`, an instant that is not later than now.
        """
        self._write_due()
        entry = Entry(at or self.now(), intern(kind), {intern(name): _interned(value) for name, value in data.items()})
        self._append(entry)
        return entry

    def _append(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._by_kind[entry.kind].append(entry)

    def schedule(self, at: datetime, kind: str, *, unless: Unless = lambda: False, **data: Any) -> None:
        """Append an entry once service time has reached `at`. The entry is stamped with exactly that instant.

        `unless` is called when the entry is due. If it returns True, the entry is dropped.
        """
        heapq.heappush(self._scheduled, (at, next(self._order), kind, data, unless))

    def _write_due(self) -> None:
        if not self._scheduled:
            return
        now = self.now()
        while self._scheduled and self._scheduled[0][0] <= now:
            at, _, kind, data, unless = heapq.heappop(self._scheduled)
            if not unless():
                self._append(Entry(at, kind, data))

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
        self._write_due()
        entries = self._by_kind.get(kinds[0], ()) if len(kinds) == 1 else (e for e in self._entries if e.kind in kinds)
        return [entry for entry in entries if all(entry.data.get(name) == value for name, value in data.items())]

    def expired_requests(self) -> list[Entry]:
        """Return the data requests that carried an expired token. A user would have seen each of them fail."""
        return self.of("data.request", state="expired")


def _interned(value: Any) -> Any:
    """Return a value, keeping one copy of equal texts: the journal of a virtual month is mostly repetition."""
    return intern(value) if type(value) is str else value
