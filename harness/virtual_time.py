"""The browser's time, moved by grants: it runs at the speed of the machine, and stands still while anybody waits for an answer.

Everything here was measured; docs/clock.md says how each trap shows.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from harness import real_time, waits
from harness.devtools import PATIENCE, Event, Session
from harness.errors import BrowserGone, ClockStuck, DevToolsError, PageGone, RequestStorm, TookTooLong
from harness.network import ENDLESS_AFTER, Network, Source, Watcher
from harness.service_clock import EPOCH, ServiceClock

T = TypeVar("T")
HEAD_START = timedelta(days=1)
"""How far the page's monotonic clock is ahead of the machine's when its first document opens. The browser stamps frames by the
machine's clock, and a page does not draw frames of the future: were it behind, clicks and screenshots would hang."""
DELIVER = 0.01
"""Virtual milliseconds that are enough to deliver what a page posted while time stood still."""
HOLDING_STEP = 1.0
"""Virtual milliseconds that pass at a time while a document holds time."""
PROMPT = 3
"""Steps in which most of such work has ended."""
WORK_PATIENCE = 1.0
"""Real seconds after which it is asked what is still under way; what is so the second time is given up."""
HELD_STEP = 250.0
"""Virtual milliseconds that pass at a time while a held request is waited for."""
ENDLESS_STEP = 60_000.0
"""Virtual milliseconds that pass at a time beside a request that never ends."""
ANSWER_STEP = 5.0
"""Virtual milliseconds that pass at a time while an answer is to come beside such a request."""
HELD_PATIENCE = 1.0
"""Real seconds in which a page that waits for a held request still answers; one in a synchronous request does not."""
WAIT_FOR_LOADS = "pauseIfNetworkFetchesPending"
QUIET = 20.0
"""Virtual milliseconds in which nothing is asked or answered: the page has settled."""
GONE_CONTEXT = (
    "Cannot find context",
    "Execution context was destroyed",
    "Inspected target navigated",
    "uniqueContextId",
)


WorkerState = tuple[float | None, int]
"""When a worker's next timer is due (milliseconds since 1970; None: never), and how much work it waits for."""


class VirtualTime:
    """The time of one page, with its frames, popups and workers. Lives on the engine's loop."""

    def __init__(self, page: Session, network: Network, watchers: Sequence[Watcher], clock: ServiceClock) -> None:
        self._page, self._network, self._watchers, self._clock = page, network, watchers, clock
        self._stirred = network.stirred
        self._workers: list[Session] = []
        self._states: dict[str | None, WorkerState | None] = {}
        self._names: dict[str | None, str] = {}
        self._handled_notes: list[str] = []
        self._ended_workers: list[str] = []
        self._contexts: dict[int, str] = {}
        self._frames: dict[int, str] = {}
        self._gone = False
        self._spent = False
        self._held_since: float | None = None
        """Since when (real seconds) work on other threads has been waited for without a pause."""
        self._held_steps = self._asked_after = 0
        self._stood_at: float | None = None
        self._known: float | None = None
        """Page time, where it is known because it stands still."""
        self._tasks: set[asyncio.Future[None]] = set()
        self.frozen = False
        self.deadline = math.inf
        """Real seconds (as `real_time` counts them) beyond which time does not go on."""

    async def start(self, at: datetime, *, bypass_csp: bool = True) -> None:
        """Stop page time at `at`. The first script of the first page will read exactly this."""
        page = self._page
        page.on("Emulation.virtualTimeBudgetExpired", lambda _: self._grant_is_spent())
        page.on("Runtime.executionContextCreated", self._context_created)
        page.on("Runtime.executionContextDestroyed", self._context_destroyed)
        page.on("Runtime.executionContextsCleared", lambda _: self._contexts.clear())
        page.on("Inspector.targetCrashed", lambda _: self._lose_page())
        page.devtools.browser.on("Target.detachedFromTarget", lambda event: self._detached(event["sessionId"]))
        await asyncio.gather(*self._attach_watchers(page, "page"))
        self._watch_children(page)
        await page.call("Page.enable")
        await page.call("Runtime.enable")
        await page.call("Inspector.enable")
        await page.call("Page.setBypassCSP", enabled=bypass_csp)  # else connect-src refuses the request that holds time
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=waits.frame_script())
        await page.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)
        await self._policy("pause", initialVirtualTime=(at - HEAD_START - EPOCH).total_seconds())
        await self.grant(HEAD_START / timedelta(milliseconds=1))

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def contexts(self, origin: str) -> list[int]:
        """The execution contexts of the living frames of an origin, oldest first."""
        return [context for context, of in self._contexts.items() if of == origin]

    def frame_of(self, context: int) -> str | None:
        """The frame that an execution context is of."""
        return self._frames.get(context)

    def _grant_is_spent(self) -> None:
        self._spent = True
        self._stirred.set()

    def _context_created(self, event: Event) -> None:
        context = event["context"]
        if context["auxData"].get("isDefault"):
            self._contexts[context["id"]] = context["origin"]
            self._frames[context["id"]] = context["auxData"]["frameId"]

    def _context_destroyed(self, event: Event) -> None:
        self._contexts.pop(event["executionContextId"], None)

    def _detached(self, session: str) -> None:
        if session == self._page.id:
            self._lose_page()

    def _lose_page(self) -> None:
        """It crashed, or its tab was closed: no answer will come from it."""
        self._gone = True
        if self._page.id:
            self._page.devtools.give_up(self._page.id, PageGone())
        self._stirred.set()

    def _watch_children(self, session: Session) -> None:
        def attached(event: Event) -> None:
            task = asyncio.ensure_future(
                self._attach(Session(session.devtools, event["sessionId"]), event["targetInfo"])
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        def detached(event: Event) -> None:
            child = event["sessionId"]
            self._workers = [worker for worker in self._workers if worker.id != child]
            self._states.pop(child, None)
            if name := self._names.pop(child, None):
                self._ended_workers.append(name)
            session.devtools.forget(child)

        session.on("Target.attachedToTarget", attached)
        session.on("Target.detachedFromTarget", detached)

    async def _attach(self, child: Session, target: Event) -> None:
        """A worker or popup, before its first line runs. Most answers come only once it runs, so all is sent first."""
        is_worker = target["type"] == "worker"
        answers = self._attach_watchers(child, "worker" if is_worker else "page")
        self._watch_children(child)
        answers.append(child.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True))
        if is_worker:
            child.on("Runtime.bindingCalled", lambda event: self._handled(child, event))
            answers.append(child.send("Runtime.enable"))
            answers.append(child.send("Runtime.addBinding", name=waits.BINDING))
            # At its first line, and not before: only then a worker has what only secure contexts have.
            child.on("Debugger.paused", lambda _: self._prepare(child))
            answers.append(child.send("Debugger.enable"))
            answers.append(child.send("Debugger.setInstrumentationBreakpoint", instrumentation="beforeScriptExecution"))
        answers.append(child.send("Runtime.runIfWaitingForDebugger"))
        await asyncio.gather(
            *answers, return_exceptions=True
        )  # some targets lack some domains; others have ended already

    def _prepare(self, worker: Session) -> None:
        """Give a worker the clock's timers and waits, and let it run."""
        worker.send("Runtime.evaluate", expression=waits.worker_script())
        worker.send("Debugger.disable")
        self._workers.append(worker)

    def _attach_watchers(self, session: Session, source: Source) -> list[asyncio.Future[Event]]:
        return [answer for watcher in self._watchers for answer in watcher.attach(session, source)]

    def _handled(self, worker: Session, event: Event) -> None:
        """A worker has handled what a frame sent it. The frame is told by `_release`: only when no grant is under way any
        more, or time would run on before the worker's new timers are known."""
        if event["name"] == waits.BINDING:
            note: str = event["payload"]
            self._handled_notes.append(note)
            self._states.pop(worker.id, None)
            self._names[worker.id] = waits.worker_of(note)

    async def _release(self) -> None:
        while self._handled_notes:
            await self._tell_frames(waits.handled(self._handled_notes.pop(0)))
        while self._ended_workers:
            await self._tell_frames(waits.ended(self._ended_workers.pop(0)))

    async def _tell_frames(self, expression: str) -> list[Any]:
        return [await self._or_gone(self._page.js(expression, context=context)) for context in tuple(self._contexts)]

    async def _or_gone(self, work: Awaitable[T]) -> T | None:
        """The result, or None where the frame or worker has gone in the meantime."""
        try:
            return await work
        except DevToolsError:
            return None

    async def _policy(self, policy: str, **more: float) -> None:
        await self._in_time(self._page.call("Emulation.setVirtualTimePolicy", policy=policy, **more))

    async def grant(self, milliseconds: float, policy: str = WAIT_FOR_LOADS) -> None:
        """Let time pass by this much, or less if something stirs that the clock has to look at first.

        Raises `ClockStuck` when an answer does not come in a minute of real time, `TookTooLong` beyond the deadline.
        """
        self._stirred.clear()
        self._spent, self._known = False, None
        self._network.latest = self._clock.page_milliseconds + milliseconds + 1
        await self._policy(policy, budget=milliseconds, maxVirtualTimeTaskStarvationCount=1_000_000)
        if self._network.endless:
            await self._tell_frames(waits.told("goOn()"))
        await self._until_stirred()
        if self._gone:
            raise PageGone()
        if overrun := self._network.overrun:
            await self._policy("pause")
            raise RequestStorm(*overrun)

    async def _until_stirred(self) -> None:
        gone = self._page.devtools.gone
        stirred: asyncio.Future[Any] = asyncio.ensure_future(self._stirred.wait())
        give_up = real_time.seconds() + PATIENCE
        try:
            while True:
                done, _ = await asyncio.wait(
                    {stirred, gone}, timeout=ENDLESS_AFTER, return_when=asyncio.FIRST_COMPLETED
                )
                if gone in done:
                    raise BrowserGone()
                if done or self._network.find_endless():
                    return
                if not self._network.awaited and await self._is_held_by_nothing_known():
                    return
                self._mind_the_deadline()
                if real_time.seconds() >= give_up:
                    raise ClockStuck(self._network.awaited, PATIENCE)
        finally:
            stirred.cancel()

    async def _is_held_by_nothing_known(self) -> bool:
        """Whether page time has not moved since this was last asked, though the page answers and no request is under way:
        then it is not waited for any longer."""
        before = self._stood_at
        try:
            async with asyncio.timeout(HELD_PATIENCE):
                self._stood_at = await self._page.js("Date.now()")
        except (TimeoutError, DevToolsError):
            return False
        if self._stood_at != before:
            return False
        self._network.note_endless_work("unknown")
        return True

    def _mind_the_deadline(self) -> None:
        if real_time.seconds() > self.deadline:
            raise TookTooLong(self._network.awaited)

    async def read(self) -> float:
        """Page time in milliseconds since 1970; service time follows."""
        if self._known is not None:
            return self._known
        for _ in range(100):
            try:
                now = float(await self._answer_of_page("Date.now()"))
            except TimeoutError:
                raise ClockStuck([], PATIENCE) from None
            except DevToolsError as error:
                if self._gone:
                    raise PageGone() from None
                if not any(text in str(error) for text in GONE_CONTEXT):
                    raise
                await asyncio.sleep(0)  # a navigation is replacing the document
            else:
                self._clock.see(now)
                self._known = now if self._spent else None
                return now
        raise PageGone()

    async def _answer_of_page(self, expression: str) -> Any:
        """Its value. A page in a synchronous request answers nothing: then the request is not held any longer."""
        if self._network.held:
            try:
                async with asyncio.timeout(HELD_PATIENCE):
                    return await self._page.js(expression)
            except TimeoutError:
                self._network.release(math.inf)
        return await self._in_time(self._page.js(expression))

    async def _in_time(self, work: Awaitable[T]) -> T:
        """Its result. Raises `TookTooLong` beyond the deadline, `TimeoutError` where a script of the page never ends."""
        left = max(HELD_PATIENCE, self.deadline - real_time.seconds())
        try:
            async with asyncio.timeout(min(PATIENCE, left)):
                return await work
        except TimeoutError:
            self._mind_the_deadline()
            raise

    async def advance(self, milliseconds: float) -> float:
        """Move time by this much, stopping wherever a worker's timer is due; returns what it is then."""
        now = await self._move(milliseconds)
        await self._deliver()
        return now

    async def _deliver(self) -> None:
        await self._know()
        idle = not (self._network.lingering or self._network.holds)
        await self.grant(DELIVER, policy=WAIT_FOR_LOADS if idle else "advance")

    async def _move(self, milliseconds: float) -> float:
        """`advance`, without what is posted at the very end.

        A navigation in mid-grant starts the grant's budget anew. So a new document holds time (`first_moment.js`) until a
        small grant has taken the place of the one under way.
        """
        now = await self.read()
        end = now + math.ceil(milliseconds)  # the page's clock shows whole ones
        while now < end:
            self._mind_the_deadline()
            due, working = await self._workers_state()
            self._network.release(now)
            left = min([end, *due.values()]) - now
            if self._network.holds or (working and not self._network.only_held):
                await self._step(working)
                self._states.clear()
            else:
                self._held_since = None
                if left > 0:
                    await self._go_on(now, left)
            now = await self.read()
            for worker, at in due.items():
                if at <= now:
                    self._states[worker.id] = await self._ask(worker, "fire()")
        return now

    async def _know(self) -> None:
        """Beside a request that never ends: learn what frames have begun, before it is chosen how far time may go. (The browser
        tells of their requests first, and then answers this.)"""
        if self._network.endless:
            await self._tell_frames(waits.told("known()"))

    async def _step(self, working: Sequence[Session]) -> None:
        """Let a millisecond pass while documents or workers wait for work on other threads: most of it cannot finish while
        time stands still. What does not finish within a few seconds is not waited for any longer."""
        if self._held_since is None:
            self._held_since, self._held_steps, self._asked_after = real_time.seconds(), 0, 0
        await self._know()
        new_document, self._network.new_document = self._network.new_document, False
        await self.grant(HOLDING_STEP, policy="advance")
        self._held_steps += 1
        await self._release()
        if new_document:
            await self._or_gone(self._page.js(waits.told("seen?.()")))
        if self._held_steps > PROMPT:
            await self._tell(working, waits.told("step()"))
        if real_time.seconds() - self._held_since > (self._asked_after + 1) * WORK_PATIENCE:
            self._asked_after += 1
            for calls in await self._tell(working, waits.told("giveUp()")):
                for call in calls or ():
                    self._network.note_endless_work(call)

    async def _tell(self, workers: Sequence[Session], expression: str) -> list[Any]:
        """Tell all frames, and these workers; returns what they answer."""
        frames = await self._tell_frames(expression)
        return frames + [await self._or_gone(worker.js(expression)) for worker in workers]

    async def _go_on(self, now: float, left: float) -> None:
        """Take a step of at most `left`. Where a request is under way that ends by virtual time, or never, the browser's own
        waiting would wait for it: then time advances by hand, slowly while another answer is to come."""
        network, left = self._network, max(left, DELIVER)  # a smaller grant may be none at all
        await self._know()
        if network.holds:  # begun just now
            return
        if not network.lingering:
            await self.grant(left)
        elif network.awaited:
            network.find_endless()
            if network.longest_wait > PATIENCE:
                raise ClockStuck(network.awaited, PATIENCE)
            await self.grant(min(left, ANSWER_STEP), policy="advance")
        else:
            dues = [held.due - now for held in network.held.values()]
            await self.grant(min([left, HELD_STEP if dues else ENDLESS_STEP, *dues]), policy="advance")

    async def _workers_state(self) -> tuple[dict[Session, float], list[Session]]:
        """When the next timer of each worker is due, and which of them wait for work of their own. They are asked anew
        whenever they may have done something."""
        if self.frozen:  # so are its workers
            return {}, []
        for worker in self._workers:
            if worker.id not in self._states or self._network.endless:
                self._states[worker.id] = await self._ask(worker, "state()")
        known = [(worker, state) for worker in self._workers if (state := self._states.get(worker.id))]
        due = {worker: float(state[0]) for worker, state in known if state[0] is not None}
        return due, [worker for worker, state in known if state[1]]

    async def _ask(self, worker: Session, what: str) -> WorkerState | None:
        state = await self._or_gone(worker.js(waits.told(what)))
        return (state[0], state[1]) if state else None

    async def settle(self, within: float = 1000) -> float:
        """Let time pass until messages are delivered and requests answered, at most `within` ms; returns how many it took."""
        began = now = await self.read()
        while now - began < within:
            before = self._network.activity
            now = await self._move(QUIET)
            if self._network.activity == before and not self._network.awaited and not self._network.held:
                break
        await self._deliver()
        return now - began

    async def until(self, happened: Callable[[], bool], within: float) -> bool:
        """Let time pass in small steps until `happened()`; False if it did not within so many ms."""
        began = now = await self.read()
        while not happened():
            if now - began >= within:
                return False
            now = await self.advance(1 if now - began < 100 else 50)
        return True
