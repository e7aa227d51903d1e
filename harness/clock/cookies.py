"""Cookies end by virtual time. The browser keeps them by real time, in a process that knows of no other.

What was written is seen in the browser's own list of cookies, so every check of its (domain, path, partition, SameSite, third
parties) has been made. How long it lives is taken from the `Set-Cookie` header or the script that wrote it: the list says only
when the cookie ends in real time.
"""

import asyncio
import contextlib
import json
import math
import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import mktime_tz, parsedate_tz
from typing import Any, NamedTuple

from harness.base.journal import Journal
from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import DevToolsError, PageGone
from harness.browser.launch import IsolatedPage
from harness.clock import real_time, scripts
from harness.clock.clock_signal import ClockSignal
from harness.clock.service_clock import ServiceClock
from harness.clock.watcher import Source

LONGEST = 400 * 86_400.0
"""Seconds that a cookie lives at most: Chromium's limit, from RFC 6265bis."""
EARLY = 1.0
"""Milliseconds by which the clock stops early, so that a timer of the same length finds the cookie gone."""
SAME = 5.0
"""Seconds by which the browser may have written a cookie before we hear of it."""
ABOUT_TO_END = 1.0
"""Real seconds before its end in real time at which a cookie that has to live on gets a longer life."""
PATIENCE = 1.0
"""Real seconds in which a page tells its time; one in a synchronous request does not, and neither does time pass there."""

Cookie = dict[str, Any]
Key = tuple[str, str, str, str, bool]


class Said(NamedTuple):
    """What a header or a script says of a cookie's life: so many `seconds`, or `until` an instant (seconds since 1970).
    With neither it ends with the session."""

    name: str
    seconds: float | None = None
    until: float | None = None


def said_in(line: str, *, date: str = "") -> Said:
    """What a line says, as RFC 6265 reads it.

    `date` is the answer's Date header: the browser takes `Expires` for an instant on the clock that wrote that.
    """
    pair, *attributes = line.split(";")
    name, equals, _ = pair.partition("=")
    said = {key.strip().lower(): value.strip() for key, _, value in (part.partition("=") for part in attributes)}
    name = name.strip() if equals else ""
    if re.fullmatch(r"-?\d+", said.get("max-age", "")):
        return Said(name, seconds=float(said["max-age"]))
    until, written = _instant(said.get("expires", "")), _instant(date)
    if until is not None and written is not None:
        return Said(name, seconds=until - written)
    return Said(name, until=until)


def _instant(date: str) -> float | None:
    """Seconds since 1970 of a date in any of HTTP's forms."""
    parts = parsedate_tz(date)
    with contextlib.suppress(ValueError, OverflowError):
        return None if parts is None else float(mktime_tz((*parts[:9], parts[9] or 0)))
    return None


@dataclass(frozen=True)
class Written:
    """What was said, and when: in page time (milliseconds), and in real time (seconds, both since 1970)."""

    said: Said
    at: float
    real: float

    @property
    def listed(self) -> float:
        """When the cookie ends by the browser's list, about (seconds)."""
        if self.said.seconds is None:
            return self.said.until or math.inf
        return self.real + min(self.said.seconds, LONGEST)

    @property
    def end(self) -> float:
        """When it ends in page time (milliseconds)."""
        if self.said.seconds is None:
            return self.listed * 1000
        return self.at + min(self.said.seconds, LONGEST) * 1000


@dataclass(frozen=True)
class Life:
    """A cookie that ends: `listed` in real time, as the browser lists it (seconds); `end` in page time (milliseconds)."""

    cookie: Cookie
    end: float
    told: bool
    """Whether somebody said so. Else it is what the list lets one think, until somebody does."""

    @property
    def listed(self) -> float:
        return float(self.cookie["expires"])


class Cookies:
    """The cookies of a browser context. A watcher of its sessions; lives on the engine's loop.

    `signal` is sent when a cookie was written that ends before the time to which the page may run by now.
    """

    def __init__(self, page: IsolatedPage, clock: ServiceClock, journal: Journal, signal: ClockSignal) -> None:
        self._isolated, self._page, self._clock = page, page.session, clock
        self._journal, self._signal = journal, signal
        self._lives: dict[Key, Life] = {}
        self._written: list[Written] = []
        self._answers: dict[str, asyncio.Task[None] | None] = {}
        self._looking = asyncio.Lock()
        self._may_reach = -math.inf
        self._reach_changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lengthening: asyncio.TimerHandle | None = None
        self.next_end = math.inf
        """Page time (milliseconds) at which the clock has to stop because a cookie ends."""

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Watch a session. The answers come once it runs."""
        session.on("Network.responseReceivedExtraInfo", self._answered)
        for ending in ("Network.loadingFinished", "Network.loadingFailed"):
            session.on(ending, self._ended)
        if source == "worker":  # dedicated ones have no cookies of their own
            return []
        session.on("Runtime.bindingCalled", lambda event: self._scripted(session, event))
        return [session.send("Runtime.enable"), session.send("Runtime.addBinding", name=scripts.COOKIES_BINDING)]

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        async def unless_gone() -> None:
            with contextlib.suppress(DevToolsError, PageGone, TimeoutError):
                await work

        task = asyncio.ensure_future(unless_gone())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        if self._lengthening:
            self._lengthening.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Who writes -----------------------------------------------------------------------------------------------------------

    def _answered(self, event: Event) -> None:
        """A server has answered, and the browser has kept the cookies that it accepts."""
        headers = {name.lower(): value for name, value in event["headers"].items()}
        refused = [cookie["cookieLine"] for cookie in event["blockedCookies"]]
        lines = [line for line in headers.get("set-cookie", "").split("\n") if line and line not in refused]
        said = [said_in(line, date=headers.get("date", "")) for line in lines]
        matters = any(self._matters(of) for of in said)
        self._answers[event["requestId"]] = self._start(self._learn(said)) if matters else None

    def _ended(self, event: Event) -> None:
        self._answers.pop(event["requestId"], None)

    def _matters(self, said: Said) -> bool:
        """Whether the cookie ends before the session does, or replaces one that would."""
        return said != Said(said.name) or any(said.name == key[0] for key in self._lives)

    async def _learn(self, said: Sequence[Said]) -> None:
        real, at = real_time.now(), await self._page_time()
        self._written += [Written(of, at, real) for of in said]
        await self._look()
        await self._until_the_clock_minds()

    async def _page_time(self) -> float:
        if self._may_reach > -math.inf:  # a document's request, say, is not stamped with it
            with contextlib.suppress(DevToolsError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    self._clock.see(float(await self._page.js(scripts.PAGE_TIME)))
        return self._clock.wall_milliseconds

    async def learned(self, id: str | None) -> None:
        """Wait until the clock minds the cookies of an answer, which the page must not have before."""
        if id in self._answers:
            if task := self._answers.pop(id):
                await asyncio.wait({task})
        else:  # somebody else than a server has answered, and nobody says with which cookies
            await self._learn([])

    def _scripted(self, session: DevToolsSession, event: Event) -> None:
        if event["name"] == scripts.COOKIES_BINDING:
            self._start(self._learn_from_script(session, event["executionContextId"], json.loads(event["payload"])))

    async def _learn_from_script(self, session: DevToolsSession, context: int, payload: dict[str, Any]) -> None:
        until = payload.get("until")
        said = said_in(payload["line"]) if "line" in payload else Said(payload["name"], until=until and until / 1000)
        if self._matters(said):
            self._written.append(Written(said, payload["at"], real_time.now()))
            await self._look()
            await self._until_the_clock_minds()
        if note := payload["note"]:
            await session.js(scripts.cookie_is_known(note), context=context)

    async def add(self, cookies: Sequence[Cookie]) -> None:
        """Set cookies as Playwright's `add_cookies` does. `expires` is an instant of page time, in seconds since 1970."""
        at, real = self._clock.wall_milliseconds, real_time.now()
        await self._set(cookies)
        self._written += [Written(Said(of["name"], until=of.get("expires")), at, real) for of in cookies]
        await self._look()

    async def all(self) -> list[Cookie]:
        """The cookies as the browser lists them, but `expires` is an instant of page time (-1: when the session ends)."""
        await self._look()
        return [
            cookie | {"expires": self._lives[key].end / 1000} if (key := _key(cookie)) in self._lives else cookie
            for cookie in await self._list()
        ]

    # What the browser has -------------------------------------------------------------------------------------------------

    async def _list(self) -> list[Cookie]:
        browser = self._page.devtools.browser
        return list((await browser.call("Storage.getCookies", browserContextId=self._isolated.context_id))["cookies"])

    async def _set(self, cookies: Sequence[Cookie]) -> None:
        browser = self._page.devtools.browser
        await browser.call("Storage.setCookies", browserContextId=self._isolated.context_id, cookies=list(cookies))

    async def _look(self) -> None:
        """See what has been written since the last time, and remove what has ended."""
        async with self._looking:
            heard_before = len(self._written)
            cookies = await self._list()
            lives = {}
            for cookie in cookies:
                known = self._lives.get(key := _key(cookie))
                unchanged = known and known.listed == cookie["expires"]
                if known and unchanged and known.told:
                    lives[key] = known
                elif not cookie["session"]:
                    life = self._life_of(cookie)
                    lives[key] = known if known and unchanged and not life.told else life
            del self._written[:heard_before]  # what was heard meanwhile may not have been in the list
            self._lives = lives
            await self._remove_what_has_ended()
            self.next_end = min((life.end for life in lives.values()), default=math.inf) - EARLY
            self._keep_from_ending_in_real_time()

    def _life_of(self, cookie: Cookie) -> Life:
        """When a cookie that was written just now ends: a whole millisecond, as the page's clock shows them."""
        listed = float(cookie["expires"])

        def off(written: Written) -> float:
            return abs(written.listed - listed)

        heard = [written for written in self._written if written.said.name == cookie["name"] and off(written) < SAME]
        if heard:
            end = min(heard, key=off).end
        elif listed == int(listed):  # as an `Expires` is that nothing was added to
            end = listed * 1000
        else:
            end = self._clock.wall_milliseconds + math.ceil(listed - real_time.now()) * 1000
        return Life(cookie, math.floor(end), told=bool(heard))

    async def _remove_what_has_ended(self) -> None:
        now = self._clock.wall_milliseconds
        for key, life in tuple(self._lives.items()):
            if life.end - EARLY <= now:
                name, domain, path, site, _ = key
                where = {"partitionKey": life.cookie["partitionKey"]} if site else {}
                await self._page.call("Network.deleteCookies", name=name, domain=domain, path=path, **where)
                del self._lives[key]
                at = self._clock.now() + timedelta(milliseconds=max(life.end - now, 0))
                self._journal.schedule(
                    at, "cookie.expired", name=name, domain=domain, path=path, partition=site or None
                )

    # The clock ------------------------------------------------------------------------------------------------------------

    async def end(self) -> None:
        """Remove what has ended by now."""
        if self.next_end <= self._clock.wall_milliseconds:
            await self._look()

    def time_may_reach(self, milliseconds: float) -> None:
        """The clock lets page time run as far as this, and looks at `next_end` again there. (-inf: time stands still.)"""
        self._may_reach = milliseconds
        self._reach_changed.set()
        self._reach_changed.clear()

    async def _until_the_clock_minds(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._may_reach > self.next_end + EARLY:
                    self._signal.send()
                    await self._reach_changed.wait()

    # Real time ------------------------------------------------------------------------------------------------------------

    def _keep_from_ending_in_real_time(self) -> None:
        if self._lengthening:
            self._lengthening.cancel()
            self._lengthening = None
        if self._lives:
            rest = min(life.listed for life in self._lives.values()) - real_time.now() - ABOUT_TO_END
            loop = asyncio.get_running_loop()
            self._lengthening = loop.call_later(max(rest, 0), lambda: self._start(self._lengthen()))

    async def _lengthen(self) -> None:
        """A test may take its time: what ends in real time before it does so in the page's lives on."""
        await self._look()
        async with self._looking:
            now = real_time.now()
            for key, life in self._lives.items():
                if life.listed - now <= 2 * ABOUT_TO_END:
                    longer = life.cookie | {"expires": float(int(now + LONGEST / 2))}
                    await self._set([longer])
                    self._lives[key] = Life(longer, life.end, told=True)
        await self._look()


def _key(cookie: Cookie) -> Key:
    partition = cookie.get("partitionKey", {"topLevelSite": "", "hasCrossSiteAncestor": False})
    return (
        cookie["name"],
        cookie["domain"],
        cookie["path"],
        partition["topLevelSite"],
        partition["hasCrossSiteAncestor"],
    )
