"""The ends of a browser context's cookies in page time."""

import asyncio
import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from harness.base.background_tasks import BackgroundTasks
from harness.base.journal import Journal
from harness.browser.errors import DevToolsError, PageGone
from harness.clock import real_time
from harness.clock.browser_cookies import BrowserCookies, Cookie, CookieKey, key_of
from harness.clock.cookie_lifetime import LONGEST_S, CookieWrite
from harness.clock.service_clock import ServiceClock

EARLY_MS = 1.0
"""Virtual milliseconds by which the clock stops before the end of a cookie, so that a timer of the same length finds
the cookie gone."""
SAME_WRITE_S = 5.0
"""Real seconds by which the browser may have set a cookie before the harness receives the event."""
EXTEND_BEFORE_END_S = 1.0
"""Real seconds before a cookie's end in real time at which the harness gives the cookie a later end, if the cookie is
still valid in page time."""


@dataclass(frozen=True)
class CookieLife:
    """A cookie that ends before the browser session does."""

    cookie: Cookie
    end_ms: float
    """The page time at which the cookie ends, in milliseconds since 1970."""
    is_stated: bool
    """True if the lifetime was read from the header or script that set the cookie; False if it was inferred from the
    browser's list."""

    @property
    def listed_end_s(self) -> float:
        """The end of the cookie by the browser's list: real time in seconds since 1970."""
        return float(self.cookie["expires"])


class CookieLives:
    """The cookies that end before the browser session does. Each is removed at its end in page time."""

    def __init__(self, in_browser: BrowserCookies, clock: ServiceClock, journal: Journal) -> None:
        self._in_browser, self._clock, self._journal = in_browser, clock, journal
        self._lives: dict[CookieKey, CookieLife] = {}
        self._writes: list[CookieWrite] = []
        self._updating = asyncio.Lock()
        self._tasks = BackgroundTasks()
        self._extension: asyncio.TimerHandle | None = None
        self.next_end_ms = math.inf
        """The page time at which the clock has to stop because a cookie ends, in milliseconds since 1970."""

    async def close(self) -> None:
        """Cancel all work in the background."""
        self.stop_extending()
        await self._tasks.close()

    def stop_extending(self) -> None:
        """Let cookies end in real time from now on."""
        if self._extension:
            self._extension.cancel()

    def include(self, name: str) -> bool:
        """Return whether a cookie of this name ends before the browser session does."""
        return any(name == key.name for key in self._lives)

    def end_ms(self, cookie: Cookie) -> float | None:
        """Return the page time at which a cookie ends, in milliseconds since 1970.

        Return None for a cookie that ends with the browser session.
        """
        life = self._lives.get(key_of(cookie))
        return life.end_ms if life else None

    async def note(self, writes: Iterable[CookieWrite]) -> None:
        """Find out when each cookie of the browser's list ends, and remove the cookies that have ended.

        `writes` are the cookies that were set since the last call, as far as their lifetimes are stated.
        """
        self._writes += writes
        async with self._updating:
            known_writes = len(self._writes)
            cookies = await self._in_browser.read()
            lives = {}
            for cookie in cookies:
                known = self._lives.get(key := key_of(cookie))
                is_unchanged = known and known.listed_end_s == cookie["expires"]
                if known and is_unchanged and known.is_stated:
                    lives[key] = known
                elif not cookie["session"]:
                    life = self._life_of(cookie)
                    lives[key] = known if known and is_unchanged and not life.is_stated else life
            del self._writes[:known_writes]  # cookies set since then may not have been in the list
            self._lives = lives
            await self._remove_ended()
            self.next_end_ms = min((life.end_ms for life in lives.values()), default=math.inf) - EARLY_MS
            self._schedule_extension()

    def _life_of(self, cookie: Cookie) -> CookieLife:
        """Return the life of a cookie that was set just now.

        The cookie ends at a whole millisecond, because the page's clock shows whole milliseconds.
        """
        listed_end_s = float(cookie["expires"])

        def deviation_s(write: CookieWrite) -> float:
            return abs(write.listed_end_s - listed_end_s)

        same_name = [write for write in self._writes if write.stated.name == cookie["name"]]
        writes = [write for write in same_name if deviation_s(write) < SAME_WRITE_S]
        if writes:
            end_ms = min(writes, key=deviation_s).end_ms
        elif listed_end_s == int(listed_end_s):  # a whole second is an `Expires` that the browser took as it is
            end_ms = listed_end_s * 1000
        else:
            end_ms = self._clock.wall_milliseconds + math.ceil(listed_end_s - real_time.now()) * 1000
        return CookieLife(cookie, math.floor(end_ms), is_stated=bool(writes))

    async def _remove_ended(self) -> None:
        now_ms = self._clock.wall_milliseconds
        for key, life in tuple(self._lives.items()):
            if life.end_ms - EARLY_MS <= now_ms:
                await self._in_browser.delete(life.cookie)
                del self._lives[key]
                at = self._clock.now() + timedelta(milliseconds=max(life.end_ms - now_ms, 0))
                partition = key.partition_site or None
                self._journal.schedule(
                    at, "cookie.expired", name=key.name, domain=key.domain, path=key.path, partition=partition
                )

    async def remove_ended(self) -> None:
        """Remove the cookies that have ended by now."""
        if self.next_end_ms <= self._clock.wall_milliseconds:
            await self.note([])

    def _schedule_extension(self) -> None:
        """Schedule the extension of lives before the first cookie ends in real time."""
        if self._extension:
            self._extension.cancel()
            self._extension = None
        if self._lives:
            first_end_s = min(life.listed_end_s for life in self._lives.values())
            left_s = first_end_s - real_time.now() - EXTEND_BEFORE_END_S
            loop = asyncio.get_running_loop()
            self._extension = loop.call_later(max(left_s, 0), lambda: self._tasks.start(self._extend_unless_gone()))

    async def _extend_unless_gone(self) -> None:
        with contextlib.suppress(DevToolsError, PageGone, TimeoutError):
            await self._extend()

    async def _extend(self) -> None:
        """Give the browser a later end for the cookies that are about to end in real time, but not in page time."""
        await self.note([])
        async with self._updating:
            now_s = real_time.now()
            for key, life in self._lives.items():
                if life.listed_end_s - now_s <= 2 * EXTEND_BEFORE_END_S:
                    extended = life.cookie | {"expires": float(int(now_s + LONGEST_S / 2))}
                    await self._in_browser.set([extended])
                    self._lives[key] = CookieLife(extended, life.end_ms, is_stated=True)
        await self.note([])
