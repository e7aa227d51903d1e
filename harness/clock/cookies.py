"""The cookies of a browser context end by virtual time.

The browser itself ends a cookie by real time, in a process that has no virtual time. So the clock stops where a cookie
ends, and the harness removes the cookie from the browser. The browser's list says which cookies exist. The `Set-Cookie`
header or the script that set a cookie says how long the cookie is valid: the list has only its end in real time.
"""

import asyncio
import contextlib
import json
import math
from collections.abc import Coroutine, Sequence
from typing import Any

from harness.base.background_tasks import BackgroundTasks
from harness.base.journal import Journal
from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import DevToolsError, PageGone
from harness.browser.launch import IsolatedPage
from harness.clock import real_time, scripts
from harness.clock.browser_cookies import BrowserCookies, Cookie
from harness.clock.clock_signal import ClockSignal
from harness.clock.cookie_lifetime import CookieWrite, StatedLifetime, stated_in
from harness.clock.cookie_lives import EARLY_MS, CookieLives
from harness.clock.service_clock import ServiceClock
from harness.clock.watcher import Source

ANSWER_TIMEOUT_S = 1.0
"""Real seconds for an answer of the page or of the clock. A page in a synchronous request does not answer, but time
does not pass there either."""


class Cookies:
    """The cookies of a browser context. A watcher, used on the engine's loop."""

    def __init__(self, page: IsolatedPage, clock: ServiceClock, journal: Journal, signal: ClockSignal) -> None:
        """End cookies by `clock`, and write their ends to `journal`.

        `signal` is sent when a cookie was set that ends before the time to which the current budget leads.
        """
        self._page, self._clock, self._signal = page.session, clock, signal
        self._in_browser = BrowserCookies(page)
        self._lives = CookieLives(self._in_browser, clock, journal)
        self._answers: dict[str, asyncio.Task[None] | None] = {}
        self._budget_end_ms = -math.inf
        self._budget_changed = asyncio.Event()
        self._tasks = BackgroundTasks()

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Begin to watch a session, and return the futures of the commands that were sent to it."""
        session.on("Network.responseReceivedExtraInfo", self._answered)
        for end in ("Network.loadingFinished", "Network.loadingFailed"):
            session.on(end, self._request_ended)
        if source == "worker":  # scripts of dedicated workers have no access to cookies
            return []
        session.on("Runtime.bindingCalled", lambda event: self._set_by_script(session, event))
        return [session.send("Runtime.enable"), session.send("Runtime.addBinding", name=scripts.COOKIES_BINDING)]

    async def close(self) -> None:
        """Cancel all work in the background."""
        self._lives.stop_extending()
        await self._tasks.close()
        await self._lives.close()

    # Setting of cookies ----------------------------------------------------------------------------------------------

    def _answered(self, event: Event) -> None:
        """Read the lifetimes of the cookies that came with an answer, and that the browser has accepted."""
        headers = {name.lower(): value for name, value in event["headers"].items()}
        refused = [cookie["cookieLine"] for cookie in event["blockedCookies"]]
        lines = [line for line in headers.get("set-cookie", "").split("\n") if line and line not in refused]
        stated = [stated_in(line, date=headers.get("date", "")) for line in lines]
        is_relevant = any(self._is_relevant(lifetime) for lifetime in stated)
        self._answers[event["requestId"]] = self._start(self._note_answer(stated)) if is_relevant else None

    def _request_ended(self, event: Event) -> None:
        self._answers.pop(event["requestId"], None)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        async def unless_gone() -> None:
            with contextlib.suppress(DevToolsError, PageGone, TimeoutError):
                await work

        return self._tasks.start(unless_gone())

    def _is_relevant(self, stated: StatedLifetime) -> bool:
        """Return whether a cookie ends before the browser session does, or replaces one that would."""
        return stated != StatedLifetime(stated.name) or self._lives.include(stated.name)

    async def _note_answer(self, stated: Sequence[StatedLifetime]) -> None:
        real_s, wall_ms = real_time.now(), await self._wall_ms()
        await self._lives.note([CookieWrite(lifetime, wall_ms, real_s) for lifetime in stated])
        await self._wait_until_budget_ends_in_time()

    async def _wall_ms(self) -> float:
        """Return page time, in milliseconds since 1970.

        While time passes, the page is asked, because not every event bears virtual time.
        """
        if self._budget_end_ms > -math.inf:
            with contextlib.suppress(DevToolsError, TimeoutError):
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    self._clock.see(float(await self._page.js(scripts.VIRTUAL_TIME)))
        return self._clock.wall_milliseconds

    async def wait_until_known(self, id: str | None) -> None:
        """Wait until the clock stops for the cookies of an answer. The page must not get the answer earlier.

        `id` is the id of the request. If the browser reported no headers for it, a `page.route` handler has answered:
        then the lifetimes of the cookies are inferred from the browser's list.
        """
        if id in self._answers:
            if task := self._answers.pop(id):
                await asyncio.wait({task})
        else:
            await self._note_answer([])

    def _set_by_script(self, session: DevToolsSession, event: Event) -> None:
        if event["name"] == scripts.COOKIES_BINDING:
            payload = json.loads(event["payload"])
            self._start(self._note_set_by_script(session, event["executionContextId"], payload))

    async def _note_set_by_script(self, session: DevToolsSession, context: int, payload: dict[str, Any]) -> None:
        if "line" in payload:
            stated = stated_in(payload["line"])
        else:
            until_ms = payload.get("until")
            stated = StatedLifetime(payload["name"], until_s=until_ms and until_ms / 1000)
        if self._is_relevant(stated):
            await self._lives.note([CookieWrite(stated, payload["at"], real_time.now())])
            await self._wait_until_budget_ends_in_time()
        if number := payload["note"]:
            await session.js(scripts.cookie_is_known(number), context=context)

    # The test --------------------------------------------------------------------------------------------------------

    async def add(self, cookies: Sequence[Cookie]) -> None:
        """Set cookies as Playwright's `add_cookies` does.

        `expires` is an instant of page time, in seconds since 1970.
        """
        wall_ms, real_s = self._clock.wall_milliseconds, real_time.now()
        await self._in_browser.set(cookies)
        stated = [StatedLifetime(cookie["name"], until_s=cookie.get("expires")) for cookie in cookies]
        await self._lives.note([CookieWrite(lifetime, wall_ms, real_s) for lifetime in stated])

    async def all(self) -> list[Cookie]:
        """Return the cookies as the browser lists them, except that `expires` is an instant of page time.

        `expires` is in seconds since 1970, or -1 for a cookie that ends with the browser session.
        """
        await self._lives.note([])
        return [
            cookie if (end_ms := self._lives.end_ms(cookie)) is None else cookie | {"expires": end_ms / 1000}
            for cookie in await self._in_browser.read()
        ]

    # The clock -------------------------------------------------------------------------------------------------------

    @property
    def next_end_ms(self) -> float:
        """The page time at which the clock has to stop because a cookie ends, in milliseconds since 1970."""
        return self._lives.next_end_ms

    async def remove_ended(self) -> None:
        """Remove the cookies that have ended by now."""
        await self._lives.remove_ended()

    def expect_until(self, wall_ms: float) -> None:
        """Note how far page time may pass before the clock asks for `next_end_ms` again.

        `wall_ms` is page time at that moment, in milliseconds since 1970; -inf while time is paused.
        """
        self._budget_end_ms = wall_ms
        self._budget_changed.set()
        self._budget_changed.clear()

    async def _wait_until_budget_ends_in_time(self) -> None:
        """Interrupt budgets until the current one ends no later than the next cookie."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while self._budget_end_ms > self.next_end_ms + EARLY_MS:
                    self._signal.send()
                    await self._budget_changed.wait()
