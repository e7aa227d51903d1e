"""The signal that ends the clock's wait for a budget."""

import asyncio


class ClockSignal:
    """The signal for which the clock waits after it gave the browser a budget.

    The signal is sent when the budget is spent, or when something happened that the clock has to handle before more
    virtual time passes. The clock clears the signal before it gives the next budget.
    """

    def __init__(self) -> None:
        self._sent = asyncio.Event()

    def send(self) -> None:
        """End the clock's wait; without effect if the signal was sent already."""
        self._sent.set()

    def clear(self) -> None:
        """Forget that the signal was sent."""
        self._sent.clear()

    async def wait(self, at_most_s: float) -> bool:
        """Return True once the signal is sent, or False after `at_most_s` real seconds."""
        try:
            async with asyncio.timeout(at_most_s):
                return await self._sent.wait()
        except TimeoutError:
            return False
