"""The engine thread: one asyncio loop that owns the websocket, the servers and the interception; and how a test waits for it."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from harness import real_time

T = TypeVar("T")
Pump = Callable[[float], None]
AT_ONCE = 0.002
"""Real seconds in which short work has ended."""
LATE = 0.1
"""By how much longer, at most, pumping makes it take, as a part of what it took."""
LONGEST_PUMP = 0.1
"""Real seconds that one such call takes at most."""


class Engine:
    """A thread with an asyncio loop, for as long as the test session lasts."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pbi-harness engine", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], pump: Pump | None = None) -> T:
        """The result of `work`, done on the engine's loop while the calling thread waits.

        `pump` is a Playwright call of so many real seconds that is made over and over while waiting: Playwright's sync API runs
        a test's own route handlers only inside its calls, so a plain wait would deadlock with any `page.route`.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            began = real_time.seconds()
            while pump and not concurrent.futures.wait([future], timeout=AT_ONCE).done:
                pump(min(LONGEST_PUMP, LATE * (real_time.seconds() - began)))
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Begin `work` on the engine's loop, and go on meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        async def end() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._loop.shutdown_asyncgens()
            await self._loop.shutdown_default_executor()

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
