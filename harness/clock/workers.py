"""The workers of a page: dedicated, shared and service workers, and the workers of workers.

Each has a thread of its own, and reads the page's `Date.now()`; but its timers are fired by a timer of its page or by the clock,
and only the clock can ask whether it waits for something.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.browser.devtools import DevToolsSession, Event, or_gone, value_of
from harness.clock import scripts
from harness.clock.network import Network

PATIENCE = 2.0
"""Real seconds in which a worker says when its next timer is due; one in a loop without an end does not."""
HELD_PATIENCE = 1.0
"""The same where a request is held; one in a synchronous request does not until it is answered."""


@dataclass(eq=False)
class Worker:
    """One that runs. `shared`: it may be given work by other pages. `of_page`: a page made it, and no worker. `due`: when its next
    timer is (milliseconds since 1970; None: never). `at_work`: whether it waits for work of its own. `asked`: whether both are
    still what it answered last. `busy`: it has not answered yet. `endless`: nor is it expected to."""

    session: DevToolsSession
    url: str
    shared: bool
    of_page: bool
    name: str = ""
    due: float | None = None
    at_work: bool = False
    asked: bool = False
    busy: asyncio.Future[Any] | None = None
    endless: bool = False


class Workers:
    """All that run. They are asked for their state anew whenever they may have done something."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._running: dict[str | None, Worker] = {}
        self._news: list[str] = []
        self._slept = 0.0
        self.are_frozen = False
        """True while the page is frozen, and its dedicated workers with it."""
        self._page_fires = True

    def freeze(self) -> None:
        """Note that the page is frozen, and its dedicated workers with it."""
        self.are_frozen = True

    def thaw(self) -> None:
        """Note that the page is not frozen any more."""
        self.are_frozen = False

    def attach(
        self, session: DevToolsSession, url: str, *, shared: bool, of_worker: bool
    ) -> list[asyncio.Future[Event]]:
        """A worker before its first line, of a page or of another worker. The answers come once it runs."""
        worker = Worker(session, url, shared, of_page=not shared and not of_worker)
        session.on("Runtime.bindingCalled", lambda event: self._heard(worker, event))
        # At its first line, and not before: only then a worker has what only secure contexts have.
        session.on("Debugger.paused", lambda _: self._prepare(worker, of_worker=of_worker))
        return [
            session.send("Runtime.enable"),
            session.send("Runtime.addBinding", name=scripts.HANDLED_BINDING),
            session.send("Debugger.enable"),
            session.send("Debugger.setInstrumentationBreakpoint", instrumentation="beforeScriptExecution"),
        ]

    def _prepare(self, worker: Worker, *, of_worker: bool) -> None:
        """Give it the clock's timers and waits, and let it run."""
        script = scripts.worker_script(of_worker=of_worker, slept_ms=self._slept)
        worker.session.send("Runtime.evaluate", expression=script)
        worker.session.send("Debugger.disable")
        self._running[worker.session.id] = worker

    def _heard(self, worker: Worker, event: Event) -> None:
        """It has handled what a frame, or another worker, sent it."""
        if event["name"] == scripts.HANDLED_BINDING:
            note: str = event["payload"]
            worker.asked = False
            worker.name = scripts.worker_name_in(note) or worker.name
            self._news.append(scripts.message_is_handled(note))

    def forget(self, session: str) -> None:
        """A worker has ended."""
        worker = self._running.pop(session, None)
        if worker and worker.name:
            self._news.append(scripts.worker_has_ended(worker.name))

    def news(self) -> list[str]:
        """What frames and workers have to be told since this was last asked."""
        news, self._news = self._news, []
        return news

    async def look(self, *, anew: bool) -> None:
        """Bring the states up to date."""
        for worker in self._awake():
            if anew or worker.shared or not worker.asked:
                await self._ask(worker, scripts.WORKER_STATE)

    async def close(self) -> None:
        late = [worker.busy for worker in self._running.values() if worker.busy]
        for answer in late:
            answer.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def forget_states(self) -> None:
        """They may have done something."""
        for worker in self._running.values():
            worker.asked = False

    @property
    def dues(self) -> list[float]:
        """When timers are due, in milliseconds since 1970."""
        return [worker.due for worker in self._awake() if worker.due is not None and not self._is_fired_by_page(worker)]

    def _is_fired_by_page(self, worker: Worker) -> bool:
        return worker.of_page and self._page_fires

    @property
    def of_page(self) -> bool:
        """Whether there are some that a page has made."""
        return any(worker.of_page for worker in self._running.values())

    def let_page_fire(self, can: bool) -> None:
        """Whether the page can fire the timers of its own workers in time. What it fires, nobody is told."""
        if can != self._page_fires:
            self._page_fires = can
            self.forget_states()

    @property
    def at_work(self) -> list[Worker]:
        """Those that wait for work of their own."""
        return [worker for worker in self._awake() if worker.at_work]

    async def fire(self, until: float) -> float | None:
        """Fire the timers that are due by then. Returns page time (milliseconds) as a worker that was asked read it."""
        now = None
        for worker in self._awake():
            if worker.due is not None and worker.due <= until:
                now = await self._ask(worker, scripts.FIRE_TIMERS)
        return now

    async def tell(self, workers: Iterable[Worker], expression: str) -> list[Any]:
        """Evaluate an expression in each of them; returns the values, None for one that has gone in the meantime."""
        return list(await asyncio.gather(*(self._tell_one(worker, expression) for worker in workers)))

    async def tell_all(self, expression: str) -> list[Any]:
        return await self.tell(tuple(self._running.values()), expression)

    async def _tell_one(self, worker: Worker, expression: str) -> Any:
        """Its answer; None from one that has gone, or is busy: in a synchronous request that is held, for as long as it is, or with
        a script that does not end. That one is named, and time does not wait for it until it answers."""
        if worker.busy and (worker.endless or not await self._is_done(worker, worker.busy)):
            return None
        answer = worker.session.evaluate(expression)
        if await self._is_done(worker, answer):
            return await or_gone(value_of(answer))
        worker.busy = answer
        answer.add_done_callback(lambda _: self._answered_late(worker, answer))
        return None

    async def _is_done(self, worker: Worker, answer: asyncio.Future[Any]) -> bool:
        """Whether it has answered in time."""
        if worker.busy and self._network.delayed:
            return answer.done()
        for patience in (HELD_PATIENCE, PATIENCE - HELD_PATIENCE):
            done, _ = await asyncio.wait({answer}, timeout=patience)
            if done or self._network.delayed:
                return bool(done)
        worker.endless = True
        self._network.log.endless_work("a worker's script", url=worker.url)
        return False

    def _answered_late(self, worker: Worker, answer: asyncio.Future[Any]) -> None:
        worker.busy, worker.asked, worker.endless = None, False, False
        if not answer.cancelled():
            answer.exception()  # marks it as seen: the worker is asked anew

    async def sleep(self, slept: float) -> None:
        """From now on their wall clocks are ahead of virtual time by so many milliseconds."""
        self._slept = slept
        await self.tell_all(scripts.slept(slept))

    def _awake(self) -> list[Worker]:
        return [worker for worker in self._running.values() if worker.shared or not self.are_frozen]

    async def _ask(self, worker: Worker, what: str) -> float | None:
        """Its state anew; returns page time as it read it."""
        state = await self._tell_one(worker, what) or {}
        worker.due, worker.at_work = state.get("due"), bool(state.get("held"))
        worker.asked = True
        return state.get("now")
