"""The requests of a page, its frames and its workers: stamped, journalled, counted, and known until they have ended."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatch
from typing import Literal, Protocol
from urllib.parse import urlsplit

from harness.base.journal import Entry, Journal
from harness.browser.devtools import DevToolsSession, Event
from harness.clock import real_time
from harness.clock.scripts import HOLD_URL, NEW_DOCUMENT
from harness.clock.service_clock import ServiceClock

# The browser process stamps these with real time: documents and frames it asks for itself, preflights on a page's behalf.
STAMPED_WITH_REAL_TIME = {"Document", "Preflight", "Other"}
MAY_BE_ENDLESS = {"XHR", "Fetch", "Preflight", "EventSource", "Media", "Other", "Ping"}
HAS_TO_COME = {"Script", "Stylesheet"}
"""What a page is nothing without: it is waited for until it begins to come."""
ENDLESS_AFTER = 2.0
"""Real seconds without an end after which a request is taken for one that never ends: a long poll, a stream."""
KNOWN, KNOWN_AFTER, BRIEFEST = 2, 0.1, 0.02
"""The same at an address whose requests have not ended so often in a row; then half as long each time, down to the last."""
STREAM_AFTER = 0.1
"""The same once an event stream has been answered, as all are."""
LONG = 15.0
"""Real seconds after which what the browser itself reads (a frame's document, an image) will not come, or the rest of it."""
GONE_ON = 1000.0
"""Virtual milliseconds in which the browser would have waited for an answer, if it did."""
RESTLESS_AFTER = 50
"""Documents that a frame may have, one at once after another, before they are taken for a row that never ends."""

Source = Literal["page", "worker", "service worker"]


class Watcher(Protocol):
    """Whoever has to be told of every page, frame, popup and worker before its first line runs."""

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Begin to watch a session; the answers come once it runs."""
        ...


@dataclass(frozen=True)
class Document:
    """Which document of which frame asked, or which worker: its requests end with it, and the browser does not always say so."""

    session: str | None
    frame: str
    loader: str


@dataclass
class Underway:
    """A request that has not ended: since when (real seconds), and when by page time it was sent (milliseconds)."""

    url: str
    kind: str
    since: float
    sent: float
    document: "Document"
    endless: bool = False
    answered: float | None = None
    """Since when its answer has been coming in (real seconds)."""
    unread: bool = False
    """Whether that is all that is known of it: its page may not read it."""
    whole: bool = False
    """Whether all of the answer was handed to the browser at once."""

    @property
    def address(self) -> str:
        """Its URL, without what may be another each time."""
        return self.url.partition("?")[0]

    @property
    def is_the_pages(self) -> bool:
        """Whether it is the page that reads its answer, and may never do so, or one without an end."""
        return self.kind in MAY_BE_ENDLESS

    @property
    def awaited(self) -> bool:
        """Whether an answer, or the rest of one, is to come."""
        return not (self.endless or (self.whole and self.answered is not None))


@dataclass
class Limit:
    """How many requests are allowed, from an instant of the service's clock on."""

    at_most: int
    since: datetime
    count: int = 0


@dataclass
class Held:
    """A request that is passed on only when page time has come to `due` (milliseconds)."""

    due: float
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Network:
    """Watches sessions. `stirred` is set whenever a request begins or ends that time has to be held for by hand."""

    def __init__(
        self, clock: ServiceClock, journal: Journal, *, unlisted: str = "", sources: Mapping[str, str] | None = None
    ) -> None:
        """Watch for `clock`, and write to `journal`.

        `unlisted`: a part of the URLs of requests that are neither journalled nor counted as activity; empty for none.
        `sources`: the host of a document -> the source that the journal gives for its requests.
        """
        self._clock, self._journal, self._unlisted, self._sources = clock, journal, unlisted, sources or {}
        self.stirred = asyncio.Event()
        self.holds: dict[str, Document] = {}
        """The requests by which documents hold time."""
        self.held_since: float | None = None
        """Page time (whole milliseconds) at which the last of them began. None: it is not stamped with page time."""
        self.held: dict[str, Held] = {}
        self.latest = math.inf
        """The latest page time that there can be (milliseconds); what is stamped with a later one is so by real time."""
        self.stirred_by_holds = True
        """Whether `stirred` is set when one of them begins or ends, too."""
        self.new_document = False
        """Whether the page has another document, which holds time until the clock has seen it."""
        self.activity = 0
        """Grows with everything that is asked or answered, but for what the fake's frames tell it."""
        self.ends = 0
        """How many requests have ended. The browser may let 10 ms pass at each."""
        self.overrun: tuple[str, int] | None = None
        """The limit that was passed, if one was: a glob, and how many requests it allows."""
        self.patient: list[str] = []
        """Globs of URLs whose answers are always waited for, however long they take."""
        self._underway: dict[str, Underway] = {}
        self._standstill = False
        self.never_idle = False
        """Whether the page always has something to do, so that the browser would not let time go on."""
        self._arrivals: Counter[str] = Counter()
        self._restless: set[str] = set()
        self._limits: dict[str, list[Limit]] = {}
        self._stamped: dict[str, asyncio.Event] = {}
        self._known_endless: Counter[str] = Counter()
        """Address -> how many requests in a row have not ended there."""
        self._named: set[str] = set()
        """The addresses that the journal names for it."""
        self._relayed: dict[str, str] = {}
        """A service worker's request on behalf of the page's own -> that one."""
        self._ahead: dict[str, Entry] = {}
        """Requests of service workers that nobody was seen to ask them for -> what the journal was told. Of two processes' events
        the later may come first."""
        self._told_as: dict[str, str] = {}
        """A page's request -> the service worker's for it, where the journal was told of that one."""

    def limit(self, glob: str, at_most: int, since: datetime | None = None) -> None:
        """Stop the clock at the first request to `glob` beyond so many from now on, or from an instant on."""
        self._limits.setdefault(glob, []).append(Limit(at_most, since or self._clock.now()))

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Watch a session. The answers come once it runs."""
        session.on("Network.requestWillBeSent", lambda event: self._sent(event, session.id, source))
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFinished", lambda event: self._ended(event["requestId"], answered=True))
        session.on("Network.loadingFailed", self._failed)
        session.on("Page.frameNavigated", lambda event: self._document_changed(event["frame"]))
        session.on("Page.frameDetached", lambda event: self._frame_gone(event["frameId"], event["reason"]))
        return [session.send("Network.enable")]

    @property
    def awaited(self) -> list[str]:
        """The URLs of the requests that will be answered, and have not been."""
        return [request.url for request in self._awaited()]

    def _awaited(self) -> list[Underway]:
        return [request for id, request in self._underway.items() if request.awaited and id not in self.held]

    def take_unread(self) -> bool:
        """Whether answers have begun to come in since this was last asked, and not ended, and no other is to come."""
        awaited = self._awaited()
        if any(request.answered is None for request in awaited):
            return False
        unread = [request for request in awaited if request.unread]
        for request in unread:
            request.unread = False
        return bool(unread)

    @property
    def loading(self) -> bool:
        """Whether a request is under way that time may stand still for."""
        return bool(self._underway) or self._standstill

    @property
    def longest_wait(self) -> float:
        """For how many real seconds the oldest of them has been awaited."""
        since = [request.since for request in self._awaited()]
        return real_time.seconds() - min(since) if since else 0.0

    @property
    def lingering(self) -> bool:
        """Whether a request is under way that will never end, or ends by virtual time."""
        return bool(self.held) or self.endless

    @property
    def only_held(self) -> bool:
        """Whether all answers that are to come end by virtual time."""
        return bool(self.held) and not self.awaited

    @property
    def endless(self) -> bool:
        """Whether something is under way that will never end, and that the browser's own time would wait for."""
        return self._standstill or any(request.endless for request in self._underway.values())

    @property
    def endless_in(self) -> float:
        """In how many real seconds a request will have been under way for so long that it will not end; infinite if none will."""
        return min((self._endless_at(request) for request in self._suspects()), default=math.inf) - real_time.seconds()

    def find_endless(self) -> bool:
        """Look for requests that have been under way for so long that they will not end; True if there is a new one."""
        now = real_time.seconds()
        found = [request for request in self._suspects() if self._endless_at(request) <= now]
        for request in found:
            self._give_up_on(request)
        return bool(found)

    def _suspects(self) -> Iterator[Underway]:
        for id, request in self._underway.items():
            may_be = request.kind not in HAS_TO_COME or request.answered is not None
            if may_be and not request.endless and id not in self.held and not self._is_patient(request.url):
                yield request

    def _endless_at(self, request: Underway) -> float:
        """When it will be taken for one that never ends, in real seconds."""
        often = self._known_endless[request.address] - KNOWN
        if not request.is_the_pages:
            return (request.answered or request.since) + max(KNOWN_AFTER, LONG * 0.5 ** max(0, often))
        if request.kind == "EventSource" and request.answered is not None:
            return request.answered + STREAM_AFTER
        return request.since + (ENDLESS_AFTER if often < 0 else max(BRIEFEST, KNOWN_AFTER * 0.5**often))

    def _is_patient(self, url: str) -> bool:
        return any(fnmatch(url, glob) for glob in self.patient)

    def _give_up_on(self, request: Underway) -> None:
        request.endless = True
        self._known_endless[request.address] += 1
        if request.address not in self._named:
            self._named.add(request.address)
            since = self._clock.service_time(request.sent)
            self._journal.write("clock", what="request without an end", url=request.url, since=since)

    def note_endless_work(self, call: str, *, url: str = "", since: float | None = None) -> None:
        """Put on record that a call has not ended, and that time did not wait for it: in the frame or worker at `url`, `since` when
        by page time (milliseconds; None: now)."""
        began = self._clock.service_time(self._clock.page_milliseconds if since is None else since)
        self._journal.write("clock", what="work without an end", call=call, url=url, since=began)

    def note_standstill(self) -> None:
        """Time stands still though no request is under way. What holds it is a call that was named already, or unknown."""
        if not self._journal.of("clock", what="work without an end"):
            self.note_endless_work("unknown")
        self._standstill = True

    def note_never_idle(self) -> None:
        """Put on record that the page does not rest, and that time does not wait until it does."""
        if not self.never_idle:
            self.note_endless_work("scripts that are never idle")
        self.never_idle = True

    def begin_anew(self) -> None:
        """The page has another document: time may move by itself again."""
        self._standstill = self.never_idle = False

    @property
    def restless(self) -> bool:
        """Whether there is a frame whose documents send each other on for ever."""
        return bool(self._restless)

    def calm_down(self) -> None:
        """A while has gone by in which no frame went elsewhere."""
        self._arrivals.clear()

    def sent_at(self, id: str | None) -> float:
        """When by page time a request was sent, in milliseconds."""
        request = self._underway.get(self._asked_for_by_page(id or ""))
        return request.sent if request else self._clock.page_milliseconds

    async def stamped(self, id: str) -> None:
        """Wait until it is known when a request was sent, so that service time is that of the request."""
        await self._stamped.setdefault(id, asyncio.Event()).wait()

    async def hold(self, id: str, until: float) -> None:
        """Keep a request until page time is `until` (milliseconds), or the page has given it up."""
        held = self.held[self._asked_for_by_page(id)] = Held(until)
        self.stirred.set()
        await held.released.wait()

    def release(self, now: float) -> None:
        """Pass on what has been held for long enough."""
        for id in [id for id, held in self.held.items() if held.due <= now]:
            if request := self._underway.get(id):
                request.since = real_time.seconds()  # only now its server is asked
            self.held.pop(id).released.set()

    def _asked_for_by_page(self, id: str) -> str:
        return self._relayed.get(id, id)

    def _relay(self, id: str, url: str) -> bool:
        """Whether this is a service worker's request for what a page asked it for: the same request, a hop on. (Not for one that
        has its answer, which its page may never read.)"""
        asked = [
            of
            for of, request in self._underway.items()
            if request.url == url and request.answered is None and of not in self._relayed.values()
        ]
        if asked:
            self._relayed[id] = asked[0]
        return bool(asked)

    def _take_over(self, url: str, id: str) -> Entry | None:
        """A service worker's request that was made for this one of a page, and seen before it: it is a hop on from now on. Returns
        what the journal was told of it."""
        ahead = next((ahead for ahead, told in self._ahead.items() if told["url"] == url), None)
        if ahead is None:
            return None
        self._underway.pop(ahead, None)
        self._relayed[ahead], self._told_as[id] = id, ahead
        if held := self.held.pop(ahead, None):
            self.held[id] = held
        return self._ahead.pop(ahead)

    def _sent(self, event: Event, session: str | None, source: Source) -> None:
        id, url, kind = event["requestId"], event["request"]["url"], event.get("type", "Other")
        self._stamped.setdefault(id, asyncio.Event()).set()
        document = Document(session, event.get("frameId", ""), event["loaderId"])
        if url.startswith(HOLD_URL):
            self.holds[id] = document
            self.new_document |= url.endswith(NEW_DOCUMENT)
            at = math.floor(round(event["wallTime"] * 1000, 3))
            self.held_since = at if at <= self.latest else None
            self._clock.see(min(at, self.latest))
            self._stir_for_hold()
            return
        if not url.startswith(("http:", "https:")):
            if self.lingering:  # a frame may be keeping itself busy because of it
                self.stirred.set()
            return
        if source == "service worker" and self._relay(id, url):
            return
        if kind not in STAMPED_WITH_REAL_TIME and event["wallTime"] * 1000 <= self.latest:
            self._clock.see(event["wallTime"] * 1000)
        self._stir(url)
        told = self._take_over(url, id) if source != "service worker" else None
        if not (self.lingering or self.restless):
            self._forget_unread(self._clock.page_milliseconds - GONE_ON)
        if kind != "WebSocket":  # which does not hold time
            request = Underway(url, kind, real_time.seconds(), self._clock.page_milliseconds, document)
            self._underway[id] = request
            if kind == "EventSource" and source != "page":  # nor does time wait for its answer
                self._give_up_on(request)
            if self.lingering:  # then time would not wait for it
                self.stirred.set()
        asker = self._sources.get(urlsplit(event["documentURL"]).hostname or "", source)
        if told:
            told.data["source"] = asker  # which could not be known when it was written
        elif self._is_listed(url):
            method = event["request"]["method"]
            entry = self._journal.write("request", request=id, url=url, method=method, type=kind, source=asker)
            if source == "service worker":
                self._ahead[id] = entry
            self._count(url)

    def _forget_unread(self, before: float) -> None:
        """The browser's own time has gone on since then (milliseconds), so what was sent before and answered, it does not wait for:
        the page does not read the rest of the answer, which may never end."""
        for id, request in list(self._underway.items()):
            if request.sent < before and request.answered is not None:
                del self._underway[id]

    def _is_listed(self, url: str) -> bool:
        return not self._unlisted or self._unlisted not in url

    def _stir(self, url: str) -> None:
        if self._is_listed(url):
            self.activity += 1

    def _count(self, url: str) -> None:
        for glob, limits in self._limits.items():
            if fnmatch(url, glob):
                limit = [each for each in limits if each.since <= self._clock.now()][-1]
                limit.count += 1
                if limit.count > limit.at_most:
                    self.overrun = (glob, limit.at_most)
                    self.stirred.set()

    def whole(self, id: str | None) -> None:
        """All of a request's answer has been handed to the browser."""
        if request := self._underway.get(self._asked_for_by_page(id or "")):
            request.whole = True

    def _received(self, event: Event) -> None:
        if request := self._underway.get(event["requestId"]):
            request.answered, request.unread = real_time.seconds(), request.kind == "Fetch"
        self._write_end(event["requestId"], status=event["response"]["status"], error=None)

    def _failed(self, event: Event) -> None:
        self._write_end(event["requestId"], status=None, error=event["errorText"])
        self._ended(event["requestId"])

    def _write_end(self, id: str, *, status: int | None, error: str | None) -> None:
        request = self._underway.get(id)
        if request and self._is_listed(request.url):
            self._journal.write("response", request=self._told_as.get(id, id), status=status, error=error)

    def _ended(self, id: str, *, answered: bool = False) -> None:
        """A request is over. What was `answered`, however late, tells that others at its address may be, too."""
        self.ends += 1
        self._stamped.pop(id, None)
        self._relayed.pop(id, None)
        self._ahead.pop(id, None)
        self._told_as.pop(id, None)
        if request := self._underway.pop(id, None):
            self._stir(request.url)
            if answered or not request.endless:
                del self._known_endless[request.address]
        if held := self.held.pop(id, None):
            held.released.set()
        if self.holds.pop(id, None):
            self._stir_for_hold()

    def _stir_for_hold(self) -> None:
        if self.stirred_by_holds:
            self.stirred.set()

    def forget(self, session: str) -> None:
        """A popup or worker has gone."""
        self._end_all(lambda document: document.session == session)

    def _document_changed(self, frame: Event) -> None:
        self._arrivals[frame["id"]] += 1
        if self._arrivals[frame["id"]] == RESTLESS_AFTER and frame["id"] not in self._restless:
            self._restless.add(frame["id"])
            self.note_endless_work(f"a navigation to {frame['url']}", url=frame["url"])
        self._end_all(lambda document: document.frame == frame["id"] and document.loader != frame["loaderId"])

    def _frame_gone(self, frame: str, reason: str) -> None:
        if reason == "remove":
            self._restless.discard(frame)
            self._end_all(lambda document: document.frame == frame)

    def _end_all(self, of: Callable[[Document], bool]) -> None:
        """End the requests of documents that have gone."""
        for id in [id for id, document in self.holds.items() if of(document)]:
            self._ended(id)
        for id in [id for id, request in self._underway.items() if of(request.document)]:
            self._ended(id)
