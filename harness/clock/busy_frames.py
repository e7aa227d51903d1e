"""Frames that keep themselves busy while an endless request is pending.

Beside an endless request virtual time passes whether requests are pending or not, so a script cannot hold time by a
request. Instead its frame keeps itself busy, which stops virtual time, until the clock knows the calls that the frame
has begun (time_holds.js).
"""

import asyncio
from collections.abc import Awaitable

from harness.clock import scripts
from harness.clock.documents import Documents
from harness.clock.pending_requests import PendingRequests


class BusyFrames:
    """Tells frames when to keep themselves busy, and when to stop."""

    def __init__(self, documents: Documents, pending: PendingRequests) -> None:
        self._documents, self._pending = documents, pending
        self.are_busy = False
        """True if frames may be keeping themselves busy."""

    async def resume(self) -> None:
        """Tell all documents that the clock resumes beside an endless request."""
        await self._documents.evaluate_in_all(scripts.RESUME)

    def check_brief_holds(self) -> None:
        """Tell all documents to check their brief time holds, without waiting for an answer."""
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

    async def acknowledge_calls_during(self, page_time: Awaitable[float]) -> float:
        """Return page time; meanwhile acknowledge calls where this is necessary."""
        if not (self._pending.has_endless or self.are_busy):
            return await page_time
        now_ms, _ = await asyncio.gather(page_time, self.acknowledge_calls())
        return now_ms
