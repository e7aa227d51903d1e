"""The workers of a page: dedicated, shared and service workers, and the workers of workers.

Each worker has a thread of its own and reads the page's `Date.now()`. But a timer of the page, or the clock, fires the
worker's timers, and only the clock can ask whether the worker holds time.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from harness.browser.devtools import DevToolsSession, Event
from harness.clock import scripts
from harness.clock.network import Network
from harness.clock.worker import Worker


class Workers:
    """The running workers. Each is asked for its state again whenever it may have done something."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._running: dict[str | None, Worker] = {}
        self._news: list[str] = []
        self._slept_ms = 0.0
        self._does_page_fire = True
        self.are_frozen = False
        """True while the page is frozen, and its dedicated workers with it."""

    # Life -------------------------------------------------------------------------------------------------------------

    def attach(
        self, session: DevToolsSession, url: str, *, is_shared: bool, is_of_worker: bool
    ) -> list[asyncio.Future[Event]]:
        """Watch a worker before its first script runs, and return the futures of the commands that were sent to it.

        `url` is the URL of its script. `is_of_worker` is true if another worker made it. The futures complete when
        the worker runs.
        """
        worker = Worker(session, url, self._network, is_shared=is_shared, is_of_page=not is_shared and not is_of_worker)
        session.on("Runtime.bindingCalled", lambda event: self._message_handled(worker, event))
        # The clock's script runs at the first line of the worker's script: only there the worker has the APIs of secure
        # contexts.
        session.on("Debugger.paused", lambda _: self._prepare(worker, is_of_worker=is_of_worker))
        return [
            session.send("Runtime.enable"),
            session.send("Runtime.addBinding", name=scripts.HANDLED_BINDING),
            session.send("Debugger.enable"),
            session.send("Debugger.setInstrumentationBreakpoint", instrumentation="beforeScriptExecution"),
        ]

    def _prepare(self, worker: Worker, *, is_of_worker: bool) -> None:
        """Give a worker the clock's timers and time holds, and let it run."""
        script = scripts.worker_script(of_worker=is_of_worker, slept_ms=self._slept_ms)
        worker.session.send("Runtime.evaluate", expression=script)
        worker.session.send("Debugger.disable")
        self._running[worker.session.id] = worker

    def _message_handled(self, worker: Worker, event: Event) -> None:
        if event["name"] == scripts.HANDLED_BINDING:
            worker.note_handled(event["payload"])
            self._news.append(scripts.message_is_handled(event["payload"]))

    def forget(self, session: str) -> None:
        """Remove a worker that has ended."""
        worker = self._running.pop(session, None)
        if worker and worker.name:
            self._news.append(scripts.worker_has_ended(worker.name))

    def freeze(self) -> None:
        """Note that the page is frozen, and its dedicated workers with it."""
        self.are_frozen = True

    def thaw(self) -> None:
        """Note that the page is not frozen any more."""
        self.are_frozen = False

    async def sleep(self, slept_ms: float) -> None:
        """Set the milliseconds for which the machine has slept.

        The wall clocks of workers are ahead of virtual time by these milliseconds.
        """
        self._slept_ms = slept_ms
        await self.evaluate_in_all(scripts.slept(slept_ms))

    async def close(self) -> None:
        """Cancel all pending answers of workers."""
        late = [answer for worker in self._running.values() if (answer := worker.cancel_late_answer())]
        await asyncio.gather(*late, return_exceptions=True)

    # State ------------------------------------------------------------------------------------------------------------

    def take_news(self) -> list[str]:
        """Return the messages that documents and workers have to get since the last call."""
        news, self._news = self._news, []
        return news

    async def update_states(self, *, anew: bool) -> None:
        """Ask the workers whose state is not known for their state; ask all workers if `anew`."""
        for worker in self._awake():
            if anew or worker.is_shared or not worker.is_state_known:
                await worker.update_state()

    def forget_states(self) -> None:
        """Note that all workers may have done something."""
        for worker in self._running.values():
            worker.forget_state()

    def let_page_fire(self, can_fire: bool) -> None:
        """Set whether the page can fire the timers of its own workers at their time.

        The page does not report which timers it fires, so a change makes all states unknown.
        """
        if can_fire != self._does_page_fire:
            self._does_page_fire = can_fire
            self.forget_states()

    def _awake(self) -> list[Worker]:
        return [worker for worker in self._running.values() if worker.is_shared or not self.are_frozen]

    @property
    def dues_ms(self) -> list[float]:
        """The virtual instants, in milliseconds since 1970, at which the clock has to fire timers of workers."""
        return [
            worker.due_ms
            for worker in self._awake()
            if worker.due_ms is not None and not (worker.is_of_page and self._does_page_fire)
        ]

    @property
    def include_page_workers(self) -> bool:
        """True if a page has made a worker for itself."""
        return any(worker.is_of_page for worker in self._running.values())

    @property
    def with_pending_calls(self) -> list[Worker]:
        """The workers that hold time for a pending call."""
        return [worker for worker in self._awake() if worker.has_pending_calls]

    # Messages ---------------------------------------------------------------------------------------------------------

    async def fire(self, until_ms: float) -> float | None:
        """Fire the timers that are due at this virtual time, in milliseconds since 1970.

        Return virtual time as a worker read it, or None if no timer was due or the worker does not answer.
        """
        now_ms = None
        for worker in self._awake():
            if worker.due_ms is not None and worker.due_ms <= until_ms:
                now_ms = await worker.update_state(scripts.FIRE_TIMERS)
        return now_ms

    async def evaluate_in(self, workers: Iterable[Worker], expression: str) -> list[Any]:
        """Return the values of an expression in these workers; None for a worker that does not answer."""
        return list(await asyncio.gather(*(worker.evaluate(expression) for worker in workers)))

    async def evaluate_in_all(self, expression: str) -> list[Any]:
        """Return the values of an expression in all workers; None for a worker that does not answer."""
        return await self.evaluate_in(tuple(self._running.values()), expression)
