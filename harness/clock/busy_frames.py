"""Frames that keep themselves busy while an endless request is pending.

While an endless request is pending, virtual time does not wait for other requests, so a script cannot hold time by a
request. Instead the script's frame keeps itself busy, which stops virtual time, until the clock knows the calls that
the frame has begun (time_holds.js).
"""

import asyncio
from collections.abc import Awaitable

from harness.clock import scripts
from harness.clock.documents import Documents
from harness.clock.pending_requests import PendingRequests


class BusyFrames:
    """The commands to frames to keep themselves busy, and to stop."""

    def __init__(self, documents: Documents, pending: PendingRequests) -> None:
        self._documents, self._pending = documents, pending
        self.are_busy = False
        """True if frames may be keeping themselves busy."""

    async def resume(self) -> None:
        """Notify all documents that the clock resumes while an endless request is pending."""
        await self._documents.evaluate_in_all(scripts.RESUME)

    def check_brief_holds(self) -> None:
        """Make all documents check their brief time holds, without waiting for an answer."""
        self._documents.send_to_all(scripts.CHECK_BRIEF_HOLDS)

    async def acknowledge_calls(self) -> None:
        """Learn which calls frames have begun, before the clock chooses how far virtual time may pass.

        The browser reports the requests of the frames first and then answers this message. Once no endless request is
        pending, tell the frames to stop keeping themselves busy.
        """
        if self._pending.has_endless:
            self.are_busy = True
            await self._documents.evaluate_in_all(scripts.ACKNOWLEDGE_CALLS)
        elif self.are_busy:
            await self._documents.evaluate_in_all(scripts.STOP_KEEPING_BUSY)
            self.are_busy = False

    async def acknowledge_calls_during(self, virtual_time: Awaitable[float]) -> float:
        """Return virtual time; meanwhile acknowledge calls where this is necessary."""
        if not (self._pending.has_endless or self.are_busy):
            return await virtual_time
        now_ms, _ = await asyncio.gather(virtual_time, self.acknowledge_calls())
        return now_ms
