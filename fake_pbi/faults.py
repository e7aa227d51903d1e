"""What an endpoint does wrong, from when to when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from http import HTTPStatus
from itertools import count
from typing import Literal
from urllib.parse import urldefrag

from harness.base.durations import Duration, duration
from harness.base.journal import Journal, Now

FaultKind = Literal["status", "drop", "garbage", "slow", "expired tokens"]
Garbage = Literal["html", "json", "no token"]

GARBAGE: dict[Garbage, tuple[str, str]] = {
    "html": ("text/html", "<!DOCTYPE html><html><body><h1>The service is being updated</h1></body></html>"),
    "json": ("application/json", '{"token": "H4sIAAAAAAAC'),
    "no token": ("application/json", '{"message": "ok"}'),
}
"""What stands where a token should be: content type and body of an answer with status 200."""


AT_THE_PAGE = ("slow", "expired tokens")
"""The kinds that need the browser's help: time that passes while an answer is awaited, and the endpoint's own answer."""


@dataclass(eq=False, slots=True)
class Fault:
    """One fault: it answers requests to `urls` (globs) in place of the endpoint, from `begins` until `ends`.

    A "drop" has no answer: the connection is closed. A "slow" one lets the endpoint answer after `delay`, "expired tokens"
    lets it answer with tokens that have ended. Otherwise `status`, `content_type` and `body` are the answer.
    """

    name: str
    urls: tuple[str, ...]
    kind: FaultKind
    begins: datetime | None
    ends: datetime | None
    status: int = 500
    content_type: str = "text/plain"
    body: str = ""
    delay: timedelta = timedelta(0)
    lasts: timedelta | None = None

    @property
    def url(self) -> str:
        return " ".join(self.urls)


class Faults:
    """The faults of a cloud and of the pages in front of it."""

    def __init__(self, now: Now, journal: Journal) -> None:
        self._now = now
        self._journal = journal
        self._numbers = count(1)
        self._faults: list[Fault] = []

    def add(
        self,
        *urls: str,
        status: int | None = None,
        drop: bool = False,
        garbage: Garbage | None = None,
        slow: Duration | None = None,
        expired_tokens: bool = False,
        for_: Duration | None = None,
        from_first_request: bool = False,
    ) -> Fault:
        """Begin a fault, for a duration or until `end`: now, or with the first request that it meets.

        `urls` are globs for the full URL ("*/api/token*"). Exactly one of `status` (an HTTP status), `drop`, `garbage`,
        `slow` (how long an answer takes) and `expired_tokens` says what goes wrong; else a `ValueError` is raised. The last
        two are for requests of a page. Of two faults for one URL the later one counts.
        """
        if (status is not None) + drop + (garbage is not None) + (slow is not None) + expired_tokens != 1:
            raise ValueError(
                "A fault is exactly one of status=500, drop=True, garbage='html', 'json' or 'no token', slow='45s' and "
                "expired_tokens=True."
            )
        fault = Fault(f"fault-{next(self._numbers)}", urls, "drop", None, None)
        fault.lasts = duration(for_) if for_ is not None else None
        if status is not None:
            fault.kind, fault.status, fault.body = "status", status, HTTPStatus(status).phrase
        elif garbage is not None:
            fault.kind, fault.status = "garbage", HTTPStatus.OK
            fault.content_type, fault.body = GARBAGE[garbage]
        elif slow is not None:
            fault.kind, fault.delay = "slow", duration(slow)
        elif expired_tokens:
            fault.kind = "expired tokens"
        self._faults.insert(0, fault)
        if not from_first_request:
            self._begin(fault)
        return fault

    def _begin(self, fault: Fault) -> None:
        fault.begins = self._now()
        self._journal.write("fault.began", fault=fault.name, url=fault.url)
        if fault.lasts is not None:
            fault.ends = fault.begins + fault.lasts
            self._journal.schedule(
                fault.ends, "fault.ended", unless=lambda: fault not in self._faults, fault=fault.name, url=fault.url
            )

    def end(self, fault: Fault) -> None:
        """End a fault now. One that is over stays over."""
        if self._is_on(fault):
            self._faults.remove(fault)
            if fault.begins is not None:
                self._journal.write("fault.ended", fault=fault.name, url=fault.url)

    def for_request(self, url: str, method: str, *, at_page: bool = False) -> Fault | None:
        """The fault that this request meets now, which is then journalled as hit; None for a healthy endpoint.

        `at_page`: whoever asks stands between page and endpoint, and can play the faults that take both.
        """
        address = urldefrag(url).url
        for fault in self._faults:
            if fault.kind in AT_THE_PAGE and not at_page:
                continue
            if self._is_on(fault) and any(fnmatchcase(address, glob) for glob in fault.urls):
                if fault.begins is None:
                    self._begin(fault)
                self._journal.write("fault.hit", fault=fault.name, url=address, method=method)
                return fault
        return None

    def _is_on(self, fault: Fault) -> bool:
        return fault in self._faults and (fault.ends is None or self._now() < fault.ends)
