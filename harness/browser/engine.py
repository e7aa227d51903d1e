"""The engine: the thread whose asyncio loop owns the DevTools connection and the servers."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Meanwhile = Callable[["concurrent.futures.Future[Any]"], None]
"""A function that does other work of the calling thread, at most until the future that it is given is done."""

SHORT_WORK_S = 0.002
"""Real seconds that `Engine.run` waits before it calls `meanwhile`. Most work is done by then."""


class Engine:
    """A thread with an asyncio loop, which runs from the constructor until `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pbi-harness engine", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], meanwhile: Meanwhile | None = None) -> T:
        """Run a coroutine on the engine's loop, block until it finishes, and return its result or raise its error.

        While the calling thread is blocked, no Playwright handler of the test can run. Work that needs such a handler
        finishes only with a `meanwhile` that lets handlers run. If `meanwhile` raises, the work is cancelled.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            if meanwhile and not concurrent.futures.wait([future], timeout=SHORT_WORK_S).done:
                meanwhile(future)
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Start a coroutine on the engine's loop without waiting, and return its future."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Cancel everything that runs on the loop, then stop the loop and its thread."""

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
