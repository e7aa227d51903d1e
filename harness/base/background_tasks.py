"""Background tasks: coroutines that an object starts on its event loop and cancels when it is closed."""

import asyncio
from collections.abc import Coroutine


class BackgroundTasks:
    """The running background tasks of one object.

    The event loop keeps only weak references to its tasks. This object keeps each task alive until the task is done.
    Source: asyncio's documentation of `create_task`. Call all methods on the event loop that runs the tasks.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start a coroutine in the background and return its task.

        An exception of the coroutine stays in the task. Nobody is obliged to wait for the task: asyncio logs an
        exception that nobody reads.
        """
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """Cancel all running tasks and wait until they are done. Ignore the exceptions that they end with."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
