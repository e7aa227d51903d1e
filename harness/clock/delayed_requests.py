"""Requests that the clock keeps back until virtual time reaches the instant at which they are due."""

import asyncio
from dataclasses import dataclass, field

from harness.clock.clock_signal import ClockSignal


@dataclass
class DelayedRequest:
    """A request that is passed on to its server only when virtual time reaches `due_ms`, in milliseconds since 1970."""

    due_ms: float
    passed_on: asyncio.Event = field(default_factory=asyncio.Event)


class DelayedRequests:
    """The delayed requests, by request id."""

    def __init__(self, signal: ClockSignal) -> None:
        self._signal = signal
        self._requests: dict[str, DelayedRequest] = {}

    def __bool__(self) -> bool:
        return bool(self._requests)

    def __contains__(self, id: str) -> bool:
        return id in self._requests

    @property
    def dues_ms(self) -> list[float]:
        """The instants of virtual time at which the delayed requests are due, in milliseconds since 1970."""
        return [request.due_ms for request in self._requests.values()]

    async def delay(self, id: str, due_ms: float) -> None:
        """Wait until virtual time is `due_ms` (milliseconds since 1970), or until the request has ended."""
        request = self._requests[id] = DelayedRequest(due_ms)
        self._signal.send()
        await request.passed_on.wait()

    def pass_on(self, now_ms: float) -> list[str]:
        """Pass on the requests that are due at this virtual time, and return their ids."""
        due = [id for id, request in self._requests.items() if request.due_ms <= now_ms]
        for id in due:
            self.end(id)
        return due

    def end(self, id: str) -> None:
        """Stop delaying a request, if it is delayed."""
        if request := self._requests.pop(id, None):
            request.passed_on.set()

    def rename(self, old_id: str, new_id: str) -> None:
        """Give a request another id, if it is delayed."""
        if request := self._requests.pop(old_id, None):
            self._requests[new_id] = request
