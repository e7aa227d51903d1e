"""The browser's time, moved by grants: it runs at the speed of the machine, and stands still while anybody waits for an answer.

Everything here was measured; docs/clock.md says how each trap shows.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from harness.browser.devtools import CALL_TIMEOUT_S, DevToolsSession, Event, or_gone
from harness.browser.errors import BrowserGone, DevToolsError, PageGone
from harness.clock import real_time, scripts
from harness.clock.cookies import Cookies
from harness.clock.errors import ClockStuck, RequestStorm, TookTooLong
from harness.clock.network import Network
from harness.clock.request_timeouts import ENDLESS_AFTER_S
from harness.clock.service_clock import EPOCH, ServiceClock
from harness.clock.targets import Targets
from harness.clock.workers import Worker

T = TypeVar("T")
HEAD_START = timedelta(hours=6)
"""How far the page's monotonic clock is ahead of the machine's when its first document opens. The browser stamps frames by the
machine's clock, and a page does not draw frames of the future: were it behind, clicks and screenshots would hang."""
DELIVER = 0.0011
"""Virtual milliseconds that are enough to deliver what a page posted while time stood still: the microsecond that the browser
counts in, and a little more, for it rounds down."""
HOLDING_STEP = 1.0
"""Virtual milliseconds that pass at a time while a document holds time."""
PROMPT = 3
"""Steps in which most of such work has ended. What takes longer is given the time that it takes to look."""
SLOW, PAUSE = 32, 0.005
"""Steps after which the machine is given so many real seconds before each further one: it is busy, or the work is hard. Where
an answer is to come that the browser's own time does not wait for, it is so from the first step on."""
SHARE_OF_WAIT, LONGEST_PAUSE = 0.1, 0.5
"""How long that is where an answer is to come: so much of how long it has been waited for, up to so many real seconds."""
WORK_PATIENCE = 200
"""Steps after which it is asked what is still under way; what is so the second time is given up. (On a busy machine a step
takes longer, and so does the work.)"""
BRIEF = 0.1
"""Real seconds in which what a frame waits for by itself has ended, unless time stands still for something else."""
LEAP = 10.0
"""Virtual milliseconds that the browser lets a request take at least, once it has ended."""
FAR = 60_000.0
"""Virtual milliseconds; where time is to go on for longer, it need not be known to the last one."""
HELD_STEP = 250.0
"""Virtual milliseconds that pass at a time while a held request is waited for."""
ENDLESS_STEP = 60_000.0
"""Virtual milliseconds that pass at a time beside a request that never ends."""
CALM = 1000.0
"""Virtual milliseconds; where so many go by at once, no frame is on its way from document to document."""
RESTLESS_STEP = 3_600_000.0
"""Virtual milliseconds that pass at a time, at most, while documents send each other on for ever."""
ANSWER_STEP = 2.0
"""Virtual milliseconds that pass at a time while an answer is to come beside such a request."""
UNREAD = 60.0
"""Virtual milliseconds after which the browser has taken in an answer that its page does not read (it begins after 50)."""
HELD_PATIENCE = 3.0
"""Real seconds in which a page that waits for a held request still answers, however busy the machine; one in a synchronous request
does not."""
IDLE = 0.02
"""Real seconds, at most, that a page computes between two times that it is asked why time stands still, and nothing else (1 ms)."""
NEVER_IDLE, NEVER_IDLE_IN = 5.0, 40.0
"""Real seconds that a page computes at one moment before it is taken for one that always has something to do; and in which it is,
even if the machine left it less."""
TASKS, TASKS_IF_NEVER_IDLE = 10_000_000, 100
"""Tasks after which the browser lets time go on though more are waiting."""
WAIT_FOR_LOADS = "pauseIfNetworkFetchesPending"
QUIET = 20.0
"""Virtual milliseconds in which nothing is asked or answered: the page has settled."""
GONE_CONTEXT = (
    "Cannot find context",
    "Execution context was destroyed",
    "Inspected target navigated",
    "uniqueContextId",
)


@dataclass(frozen=True)
class Standing:
    """What a page says that is asked why time stands still."""

    at: float
    """Page time (milliseconds)."""
    computed: float
    """For how long its thread has been computing (real seconds)."""
    since: float
    """When it was asked for the first time at that moment (real seconds),"""
    computed_at_first: float
    """and for how long it had been computing."""


class VirtualTime:
    """The time of one page, with its frames, popups and workers. Lives on the engine's loop."""

    def __init__(
        self, page: DevToolsSession, targets: Targets, network: Network, cookies: Cookies, clock: ServiceClock
    ) -> None:
        self._page, self._network, self._cookies, self._clock = page, network, cookies, clock
        self.documents, self._workers = targets.documents, targets.workers
        self._signal = network.signal
        self._ending = contextlib.ExitStack()
        self._gone = False
        self._told_policy: asyncio.Future[Event] | None = None
        self._spent = False
        self._held_steps = 0
        """For how many steps work on other threads has been waited for without a break."""
        self._standing: Standing | None = None
        self._never_idle = False
        self._known: float | None = None
        """Page time, where it is known because it stands still."""
        self._at_most: float | None = None
        """The latest page time that there can be after a step at whose end nobody has looked."""
        self._frames_are_busy = False
        """Whether frames keep themselves busy with what time waits for, as they do beside a request without an end."""
        self.asleep = False
        self.deadline = math.inf
        """Real seconds (as `real_time` counts them) beyond which time does not go on."""

    async def start(self, at: datetime) -> None:
        """Stop page time at `at`. The first script of the first page will read exactly this."""
        page = self._page
        page.on("Emulation.virtualTimeBudgetExpired", lambda _: self._grant_is_spent())
        page.on("Inspector.targetCrashed", lambda _: self._lose_page())
        page.on("Page.frameNavigated", self._arrived)
        self._ending.callback(page.devtools.browser.on("Target.detachedFromTarget", self._detached))
        page.devtools.gone.add_done_callback(self._browser_gone)
        self._ending.callback(lambda: page.devtools.gone.remove_done_callback(self._browser_gone))
        await page.call("Inspector.enable")
        await self._policy("pause", initialVirtualTime=(at - HEAD_START - EPOCH).total_seconds())
        await self.grant(HEAD_START / timedelta(milliseconds=1))

    @property
    def frozen(self) -> bool:
        """Whether the page is frozen, and its dedicated workers with it."""
        return self._workers.frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        self._workers.frozen = frozen

    def _grant_is_spent(self) -> None:
        if self._told_policy and not self._told_policy.done():
            return  # an earlier one, which was to end at the same time as the last
        self._spent = True
        self._cookies.time_may_reach(-math.inf)
        self._signal.send()

    def _arrived(self, event: Event) -> None:
        if "parentId" not in event["frame"]:
            self._network.pending.forget_unknown()
            self._never_idle = False

    def close(self) -> None:
        """Hear no more of the browser, which outlives the page."""
        self._ending.close()

    def _browser_gone(self, _: asyncio.Future[None]) -> None:
        self._signal.send()

    def _detached(self, event: Event) -> None:
        if event["sessionId"] == self._page.id:
            self._lose_page()

    def _lose_page(self) -> None:
        """It crashed, or its tab was closed: no answer will come from it."""
        self._gone = True
        if self._page.id:
            self._page.devtools.give_up(self._page.id, PageGone())
        self._signal.send()

    async def _release(self) -> None:
        """Tell what workers have handled. Only when no grant is under way any more, or time would run on before their new
        timers are known."""
        for news in self._workers.news():
            await self.documents.tell(news)
            await self._workers.tell_all(news)

    async def _policy(self, policy: str, **more: float) -> None:
        self._told_policy = self._page.send("Emulation.setVirtualTimePolicy", policy=policy, **more)
        await self._in_time(self._told_policy)

    async def grant(self, milliseconds: float, policy: str = WAIT_FOR_LOADS) -> None:
        """Let time pass by this much, or less if something stirs that the clock has to look at first.

        Raises `ClockStuck` when an answer does not come in a minute of real time, `TookTooLong` beyond the deadline.
        """
        page_time = self._at_most or self._clock.page_milliseconds
        self._signal.clear()
        self._spent, self._known, self._at_most, self._standing = False, None, None, None
        milliseconds = max(min(milliseconds, self._cookies.next_end - self._clock.slept - page_time), DELIVER)
        self._network.time_holds.expect_until(
            page_time + milliseconds + 1, interrupt_budget=self._have_to_mind_holds(policy)
        )
        self._cookies.time_may_reach(page_time + milliseconds + self._clock.slept)
        tasks = TASKS_IF_NEVER_IDLE if self._never_idle else TASKS
        granted = self._policy(policy, budget=milliseconds, maxVirtualTimeTaskStarvationCount=tasks)
        if self._network.pending.has_endless:
            await asyncio.gather(granted, self.documents.tell(scripts.RESUME))
        else:
            await granted
        await self._until_stirred()
        if not self._spent and not self._gone:
            # What stirred may end by itself, and time would run on while it is read.
            await self.answer_of_page(self._policy("pause"))
            if policy == WAIT_FOR_LOADS and self._network.time_holds:
                self._known = self._network.time_holds.begin_ms  # it has not moved from there
        if self._gone:
            raise PageGone()
        if overrun := self._network.limits.exceeded:
            await self._policy("pause")
            raise RequestStorm(*overrun)

    def _have_to_mind_holds(self, policy: str) -> bool:
        """Whether a grant ends when a document begins or ends to hold time. A step goes on, unless frames keep time from doing so;
        documents that send each other on for ever would never let one come to its end."""
        steps = policy == "advance" and not self._network.pending.has_endless_or_delayed and not self._frames_are_busy
        return not (steps or self._network.navigation_loops)

    async def _until_stirred(self) -> None:
        give_up = real_time.seconds() + CALL_TIMEOUT_S
        while not await self._has_stirred():
            if self._network.pending.mark_timed_out():
                return
            before = self._standing
            if not self._network.pending.awaited_urls and await self._is_held_by_nothing_known():
                return
            if self._standing and not (before and before.at == self._standing.at):
                give_up = real_time.seconds() + CALL_TIMEOUT_S
            self._mind_the_deadline()
            if real_time.seconds() >= give_up:
                raise ClockStuck(self._network.pending.awaited_urls, PATIENCE)
        if self._page.devtools.gone.done():
            raise BrowserGone()

    async def _has_stirred(self) -> bool:
        """Whether it does before a request is taken for one without an end. Brief work that begins while time stands still for
        such a request does not get on, and its answer may depend on that work: then time is to be moved by hand. (On a busy
        machine it may begin late, so frames are asked again and again.)"""
        waited, pause = 0.0, BRIEF
        while waited < ENDLESS_AFTER_S:
            if await self._stirs_within(pause):
                return True
            if self._network.pending.next_timeout_s <= 0:
                return False
            self.documents.urge(scripts.CHECK_BRIEF_HOLDS)
            waited += pause
            pause = max(BRIEF, min(waited, ENDLESS_AFTER_S - waited))
        return False

    async def _stirs_within(self, seconds: float) -> bool:
        return await self._signal.wait(max(0, min(seconds, self._network.pending.next_timeout_s)))

    async def _is_held_by_nothing_known(self) -> bool:
        """Whether page time has not moved since this was last asked, though the page answers and no request is under way, and the page
        computes nothing, or has done so for too long: then it is not waited for any longer."""
        before = self._standing
        try:
            async with asyncio.timeout(HELD_PATIENCE):
                at = await self._page.js(scripts.PAGE_TIME)
                computed = await self._seconds_computed()
        except (TimeoutError, DevToolsError):
            return False
        if before is None or before.at != at or before.computed > computed:
            self._standing = Standing(at, computed, real_time.seconds(), computed)
            return False
        self._standing = replace(before, computed=computed)
        if computed - before.computed <= IDLE:
            self._network.log.unknown_work()
            self._network.pending.assume_unknown()
            return True
        if computed - before.computed_at_first >= NEVER_IDLE or real_time.seconds() - before.since >= NEVER_IDLE_IN:
            if not self._never_idle:
                self._network.log.endless_work("scripts that are never idle")
            self._never_idle = True
            return True
        return False

    async def _seconds_computed(self) -> float:
        """For how long the page's thread has been computing, in real seconds since this was first asked."""
        await self._page.call("Performance.enable", timeDomain="threadTicks")
        metrics = (await self._page.call("Performance.getMetrics"))["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    def _mind_the_deadline(self) -> None:
        if real_time.seconds() > self.deadline:
            raise TookTooLong(self._network.pending.awaited_urls)

    async def read(self) -> float:
        """Page time in milliseconds since 1970; service time follows."""
        if self._known is not None:
            return self._known
        for _ in range(100):
            try:
                now = float(await self.answer_of_page(self._page.js(scripts.PAGE_TIME)))
            except TimeoutError:
                raise ClockStuck([], CALL_TIMEOUT_S) from None
            except DevToolsError as error:
                if self._gone:
                    raise PageGone() from None
                if not any(text in str(error) for text in GONE_CONTEXT):
                    raise
                await asyncio.sleep(0)  # a navigation is replacing the document
            else:
                return self._see(now)
        raise PageGone()

    def _see(self, now: float) -> float:
        self._clock.see(now)
        self._known = now if self._spent else None
        return now

    async def _look(self, until: float) -> float:
        """Fire the timers of workers that are due; returns page time, or, where nobody has looked and it is not `until`, what it
        is at most."""
        if (fired := await self._workers.fire(until)) is not None:
            return self._see(fired)
        if self._at_most is not None and until - self._at_most > FAR and not self._network.delayed:
            return self._at_most
        return await self.read()

    async def answer_of_page(self, answer: Awaitable[T]) -> T:
        """What it answers. A page in a synchronous request answers nothing: then requests are not held any longer."""
        stop = _every(HELD_PATIENCE, lambda: self._network.pass_on_delayed(math.inf))
        try:
            return await self._in_time(answer)
        finally:
            stop()

    async def _in_time(self, work: Awaitable[T]) -> T:
        """Its result. Raises `TookTooLong` beyond the deadline, `TimeoutError` where a script of the page never ends."""
        left = max(HELD_PATIENCE, self.deadline - real_time.seconds())
        try:
            async with asyncio.timeout(min(CALL_TIMEOUT_S, left)):
                return await work
        except TimeoutError:
            self._mind_the_deadline()
            raise

    async def advance(self, milliseconds: float) -> float:
        """Move time by this much, stopping wherever a worker's timer is due; returns what it is then. (Of a machine that
        sleeps only the wall clock.)"""
        if self.asleep:
            self._clock.sleep(math.ceil(milliseconds))
            return await self.read()
        now = await self._move(milliseconds)
        await self._deliver()
        return now

    async def wake(self) -> None:
        """The machine wakes: everybody's wall clock shows it."""
        self.asleep = False
        await self.documents.sleep(self._clock.slept)
        await self._workers.sleep(self._clock.slept)
        await self._cookies.end()

    async def _deliver(self) -> None:
        await self._know()
        idle = not (self._network.pending.has_endless_or_delayed or self._network.time_holds)
        await self.grant(DELIVER, policy=WAIT_FOR_LOADS if idle else "advance")

    async def _move(self, milliseconds: float) -> float:
        """`advance`, without what is posted at the very end.

        A navigation in mid-grant starts the grant's budget anew. So a new document holds time (`first_moment.js`) until a
        small grant has taken the place of the one under way.
        """
        now = await self._knowing(self.read())
        end = now + math.ceil(milliseconds)  # the page's clock shows whole ones
        while now < end:
            self._mind_the_deadline()
            await self._cookies.end()
            network = self._network
            self._workers.let_page_fire(not network.pending.has_endless_or_delayed and await self._is_shown())
            await self._workers.look(anew=network.pending.has_endless or bool(network.time_holds))
            network.pass_on_delayed(now)
            until = min([end, *self._workers.dues])
            if (
                network.time_holds
                or network.navigation_loops
                or (self._workers.at_work and not network.pending.has_only_delayed)
            ):
                await self._step(now, until)
                self._workers.forget_states()
            else:
                self._held_steps = 0
                if until > now:
                    await self._go_on(now, until - now)
            now = await self._knowing(self._look(until))
        return now

    async def _is_shown(self) -> bool:
        """Whether no document's timers are throttled, where that matters."""
        return not self._workers.of_page or False not in await self.documents.tell(scripts.IS_SHOWN)

    async def _knowing(self, page_time: Awaitable[float]) -> float:
        """This page time; meanwhile `_know()`."""
        if not (self._network.pending.has_endless or self._frames_are_busy):
            return await page_time
        now, _ = await asyncio.gather(page_time, self._know())
        return now

    async def _know(self) -> None:
        """Beside a request that never ends: learn what frames have begun, before it is chosen how far time may go. (The browser
        tells of their requests first, and then answers this.) Once it has ended, they need not keep themselves busy any more."""
        if self._network.pending.has_endless:
            self._frames_are_busy = True
            await self.documents.tell(scripts.ACKNOWLEDGE_CALLS)
        elif self._frames_are_busy:
            await self.documents.tell(scripts.STOP_KEEPING_BUSY)
            self._frames_are_busy = False

    async def _step(self, now: float, until: float) -> None:
        """Let a millisecond pass while documents or workers wait for work on other threads: most of it cannot finish while
        time stands still. What does not finish within some hundred of them is not waited for any longer, nor are documents
        that send each other on for ever: beside them time goes on in steps of at most half of what is left, as each document
        may begin one anew."""
        working, network = self._workers.at_work, self._network
        if self._held_steps >= SLOW or (working and network.pending.awaited_urls):
            await self._pause()
        new_document = network.time_holds.take_new_document()
        if network.navigation_loops:
            await self.grant(max(HOLDING_STEP, min(RESTLESS_STEP, (until - now) / 2)), policy="advance")
        else:
            ends = network.ended_requests
            await self.grant(HOLDING_STEP, policy="advance")
            if self._spent and not working and self._held_steps < PROMPT:
                leaps = network.ended_requests - ends + bool(network.time_holds or network.pending.may_stop_time)
                self._at_most = now + HOLDING_STEP + leaps * LEAP
        self._held_steps += 1
        await self._release()
        if new_document:
            await or_gone(self._page.js(scripts.NEW_DOCUMENT_IS_SEEN))
        if self._held_steps > PROMPT:
            await self._tell(working, scripts.COUNT_STEP)
        if self._held_steps % WORK_PATIENCE == 0:
            for lost in await self._tell(working, scripts.TIME_OUT_CALLS):
                for work in lost or ():
                    network.log.endless_work(work["call"], url=work["url"], since_ms=work["since"])

    async def _pause(self) -> None:
        """Leave the machine, and whoever is to answer a request, some real time, before a little page time passes."""
        network = self._network
        network.pending.mark_timed_out()
        waited = network.pending.longest_wait_s
        if waited > PATIENCE:
            raise ClockStuck(network.pending.awaited_urls, PATIENCE)
        await asyncio.sleep(max(PAUSE, min(SHARE_OF_WAIT * waited, LONGEST_PAUSE)))

    async def _tell(self, workers: Sequence[Worker], expression: str) -> list[Any]:
        """Tell all documents, and these workers; returns what they answer."""
        return await self.documents.tell(expression) + await self._workers.tell(workers, expression)

    async def _go_on(self, now: float, left: float) -> None:
        """Take a step of at most `left`. Where a request is under way that ends by virtual time, or never, the browser's own
        waiting would wait for it: then time advances by hand, slowly while another answer is to come."""
        network, left = self._network, max(left, DELIVER)  # a smaller grant may be none at all
        step, policy = left, "advance"
        if not network.pending.has_endless_or_delayed:
            policy = WAIT_FOR_LOADS
        elif network.pending.awaited_urls:
            await self._pause()
            step = min(left, UNREAD if network.pending.take_unread() else ANSWER_STEP)
        else:
            dues = [due_ms - now for due_ms in network.delayed.dues_ms]
            step = min([left, HELD_STEP if dues else ENDLESS_STEP, *dues])
        await self.grant(step, policy)
        if self._spent and step >= CALM:
            network.navigation_loops.count_anew()

    async def settle(self, within: float = 1000) -> float:
        """Let time pass until messages are delivered and requests answered, at most `within` ms; returns how many it took."""
        began = now = await self.read()
        while now - began < within:
            before = self._network.log.activity
            now = await self._move(QUIET)
            if (
                self._network.log.activity == before
                and not self._network.pending.awaited_urls
                and not self._network.delayed
            ):
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


def _every(seconds: float, work: Callable[[], None]) -> Callable[[], None]:
    """Do it each so many real seconds, until the function that is returned is called."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def again() -> None:
        nonlocal timer
        work()
        timer = loop.call_later(seconds, again)

    timer = loop.call_later(seconds, again)
    return lambda: timer.cancel()
