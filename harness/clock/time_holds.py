"""The requests by which documents hold time.

A script holds time by a request that nobody answers (time_holds.js). Chromium's virtual time does not pass while such a
request is pending.
"""

import math
from collections.abc import Callable

from harness.clock.clock_signal import ClockSignal
from harness.clock.pending_request import Requester
from harness.clock.scripts import NEW_DOCUMENT
from harness.clock.service_clock import ServiceClock


class TimeHolds:
    """The time holds of documents, by request id."""

    def __init__(self, clock: ServiceClock, signal: ClockSignal) -> None:
        self._clock, self._signal = clock, signal
        self._holds: dict[str, Requester] = {}
        self._interrupt_budget = True
        self._is_of_new_document = False
        self.latest_ms = math.inf
        """The latest virtual time possible until the budget is spent, in milliseconds since 1970. An event with a later
        time was stamped with real time."""
        self.begin_ms: float | None = None
        """Virtual time, in whole milliseconds since 1970, at which the last time hold began; None if its event was
        stamped with real time."""

    def __bool__(self) -> bool:
        return bool(self._holds)

    def expect_until(self, latest_ms: float, *, interrupt_budget: bool) -> None:
        """Note the latest virtual time possible in the next budget, and whether a time hold interrupts this budget."""
        self.latest_ms, self._interrupt_budget = latest_ms, interrupt_budget

    def begin(self, id: str, requester: Requester, url: str, sent_ms: float) -> None:
        """Note a time hold: a request to `HOLD_URL`, and the time of its event in milliseconds since 1970."""
        self._holds[id] = requester
        self._is_of_new_document |= url.endswith(NEW_DOCUMENT)
        begin_ms = math.floor(round(sent_ms, 3))
        self.begin_ms = begin_ms if begin_ms <= self.latest_ms else None
        self._clock.see(min(begin_ms, self.latest_ms))
        self._interrupt()

    def end(self, id: str) -> None:
        """End a time hold, if there is one with this request id."""
        if self._holds.pop(id, None):
            self._interrupt()

    def _interrupt(self) -> None:
        if self._interrupt_budget:
            self._signal.send()

    def take_new_document(self) -> bool:
        """Return whether a new document of the page has held time since the last call."""
        is_of_new_document, self._is_of_new_document = self._is_of_new_document, False
        return is_of_new_document

    def ids_of(self, is_asked_for: Callable[[Requester], bool]) -> list[str]:
        """Return the request ids of the time holds of the requesters for which `is_asked_for` is true."""
        return [id for id, requester in self._holds.items() if is_asked_for(requester)]
