"""The faults of endpoints: their kinds, and when they begin and end."""

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
"""Content type and body of answers with status 200 in which a page finds no token. "json" is cut off."""

KINDS_AT_PAGE = ("slow", "expired tokens")
"""The kinds that only the interception in front of a page can produce.

The interception can delay an answer in virtual time, and can change the endpoint's own answer.
"""


@dataclass(eq=False, slots=True)
class Fault:
    """One fault of the endpoints whose URLs match `urls` (globs), from `begins` until `ends`, in service time.

    - "drop": the connection is closed without an answer.
    - "slow": the endpoint's own answer arrives after `delay`.
    - "expired tokens": the endpoint's own answer arrives with expired tokens.
    - Every other kind is answered with `status`, `content_type` and `body`.

    `begins` is None until the fault has begun. `lasts` is the fault's length; None means until `Faults.end`.
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
        """The globs of the fault in one text, as the journal has them."""
        return " ".join(self.urls)


class Faults:
    """The faults of a cloud, and of the pages in front of it."""

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
        """Add a fault and return it.

        `urls` are globs for the full URL ("*/api/token*"). Exactly one argument says what goes wrong: `status` (an HTTP
        status), `drop`, `garbage`, `slow` (the length of the delay) or `expired_tokens`. The last two affect requests
        of a page only. Of two faults for one URL, the one that was added later applies.

        The fault begins now, or with `from_first_request` at the first request that meets it. The fault ends after the
        duration `for_`, or with a call of `end`.

        Raises `ValueError` unless exactly one argument says what goes wrong.
        """
        if (status is not None) + drop + (garbage is not None) + (slow is not None) + expired_tokens != 1:
            raise ValueError(
                "A fault needs exactly one of status=500, drop=True, garbage='html' (or 'json', 'no token'), "
                "slow='45s' and expired_tokens=True."
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
        """End a fault now. A fault that has already ended is left as it is."""
        if self._is_active(fault):
            self._faults.remove(fault)
            if fault.begins is not None:
                self._journal.write("fault.ended", fault=fault.name, url=fault.url)

    def for_request(self, url: str, method: str, *, at_page: bool = False) -> Fault | None:
        """Return the fault that a request meets now, and journal the hit. Return None if the endpoint is healthy.

        `at_page` is True for the interception in front of a page, which can produce `KINDS_AT_PAGE`.
        """
        address = urldefrag(url).url
        for fault in self._faults:
            if fault.kind in KINDS_AT_PAGE and not at_page:
                continue
            if self._is_active(fault) and any(fnmatchcase(address, glob) for glob in fault.urls):
                if fault.begins is None:
                    self._begin(fault)
                self._journal.write("fault.hit", fault=fault.name, url=address, method=method)
                return fault
        return None

    def _is_active(self, fault: Fault) -> bool:
        """Return whether a fault has not ended. A fault that waits for its first request counts as active."""
        return fault in self._faults and (fault.ends is None or self._now() < fault.ends)
