"""What an endpoint does wrong, from when to when."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from http import HTTPStatus
from itertools import count
from typing import Literal
from urllib.parse import urldefrag

from fake_pbi.durations import Duration, duration
from fake_pbi.journal import Journal, Now

FaultKind = Literal["status", "drop", "garbage"]
Garbage = Literal["html", "json", "no token"]

GARBAGE: dict[Garbage, tuple[str, str]] = {
    "html": ("text/html", "<!DOCTYPE html><html><body><h1>The service is being updated</h1></body></html>"),
    "json": ("application/json", '{"token": "H4sIAAAAAAAC'),
    "no token": ("application/json", '{"message": "ok"}'),
}
"""What stands where a token should be: content type and body of an answer with status 200."""


@dataclass(frozen=True, eq=False, slots=True)
class Fault:
    """One fault: it answers requests to `url` (a glob) in place of the endpoint, from `begins` until `ends`.

    A "drop" has no answer: the connection is closed. Otherwise `status`, `content_type` and `body` are the answer.
    """

    name: str
    url: str
    kind: FaultKind
    begins: datetime
    ends: datetime | None
    status: int = 500
    content_type: str = "text/plain"
    body: str = ""


class Faults:
    """The faults of a cloud and of the pages in front of it."""

    def __init__(self, now: Now, journal: Journal) -> None:
        self._now = now
        self._journal = journal
        self._numbers = count(1)
        self._faults: list[Fault] = []

    def add(
        self,
        url: str,
        *,
        status: int | None = None,
        drop: bool = False,
        garbage: Garbage | None = None,
        for_: Duration | None = None,
    ) -> Fault:
        """Begin a fault now, for a duration or until `end`.

        `url` is a glob for the full URL ("*/api/token*"). Exactly one of `status` (an HTTP status), `drop` and
        `garbage` says what goes wrong; else a `ValueError` is raised. Of two faults for one URL the later one counts.
        """
        if (status is not None) + drop + (garbage is not None) != 1:
            raise ValueError(
                "A fault is exactly one of status=500, drop=True and garbage='html', 'json' or 'no token'."
            )
        now = self._now()
        name = f"fault-{next(self._numbers)}"
        ends = now + duration(for_) if for_ is not None else None
        if status is not None:
            fault = Fault(name, url, "status", now, ends, status, body=HTTPStatus(status).phrase)
        elif garbage is not None:
            content_type, body = GARBAGE[garbage]
            fault = Fault(name, url, "garbage", now, ends, HTTPStatus.OK, content_type, body)
        else:
            fault = Fault(name, url, "drop", now, ends)
        self._faults.insert(0, fault)
        self._journal.write("fault.began", fault=name, url=url)
        if ends is not None:
            self._journal.schedule(ends, "fault.ended", unless=lambda: fault not in self._faults, fault=name, url=url)
        return fault

    def end(self, fault: Fault) -> None:
        """End a fault now. One that is over stays over."""
        if self._is_on(fault):
            self._faults.remove(fault)
            self._journal.write("fault.ended", fault=fault.name, url=fault.url)

    def for_request(self, url: str, method: str) -> Fault | None:
        """The fault that this request meets now, which is then journalled as hit; None for a healthy endpoint."""
        address = urldefrag(url).url
        for fault in self._faults:
            if self._is_on(fault) and fnmatchcase(address, fault.url):
                self._journal.write("fault.hit", fault=fault.name, url=address, method=method)
                return fault
        return None

    def _is_on(self, fault: Fault) -> bool:
        return fault in self._faults and (fault.ends is None or self._now() < fault.ends)
