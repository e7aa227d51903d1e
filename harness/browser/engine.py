"""The engine thread: one asyncio loop that owns the websocket, the servers and the interception; and how a test waits for it."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Meanwhile = Callable[["concurrent.futures.Future[Any]"], None]
AT_ONCE = 0.002
"""Real seconds in which short work has ended."""


class Engine:
    """A thread with an asyncio loop, for as long as the test session lasts."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pbi-harness engine", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], meanwhile: Meanwhile | None = None) -> T:
        """The result of `work`, done on the engine's loop while the calling thread waits.

        It waits in `meanwhile`, which returns when what it is given is done, or need not be waited in any more. Without it no
        Playwright handler of the test's can run, and work that needs one never ends.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            if meanwhile and not concurrent.futures.wait([future], timeout=AT_ONCE).done:
                meanwhile(future)
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
