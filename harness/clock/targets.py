"""What shares the time of a page: its popups and its workers. Each is attached, and watched, before its first line runs."""

import asyncio
from collections.abc import Sequence

from harness.browser.devtools import DevToolsSession, Event
from harness.browser.launch import IsolatedPage, is_tab
from harness.clock import scripts
from harness.clock.documents import Documents
from harness.clock.network import Network
from harness.clock.watcher import Source, Watcher
from harness.clock.workers import Workers

CHILDREN = {
    "autoAttach": True,
    "waitForDebuggerOnStart": True,
    "flatten": True,
    "filter": [{"type": "worker"}],  # of all others the browser tells
}
SOURCES: dict[str, Source] = {
    "page": "page",
    "worker": "worker",
    "shared_worker": "worker",
    "service_worker": "service worker",
}
"""The targets that share the time of a page, and where their requests are said to come from."""


class Targets:
    """The page, and what belongs to it. Lives on the engine's loop."""

    def __init__(self, page: IsolatedPage, network: Network, watchers: Sequence[Watcher], *, bypass_csp: bool) -> None:
        self._page, self._context, self._ending = page.session, page.context_id, page.ending
        self._network, self._watchers = network, [network, *watchers]
        self.documents = Documents(self._page, bypass_csp=bypass_csp)
        self.workers = Workers(network)
        self._tasks: set[asyncio.Future[None]] = set()

    async def attach(self) -> None:
        """Watch the page, and all that will come to belong to it."""
        browser = self._page.devtools.browser
        self._ending.callback(browser.on("Target.attachedToTarget", self._attached_by_browser))
        self._ending.callback(browser.on("Target.detachedFromTarget", self._detached))
        self._watch_children(self._page)
        await asyncio.gather(*self._watch(self._page, "page"), *self.documents.attach(self._page))
        await self._page.call("Target.setAutoAttach", **CHILDREN)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.workers.close()

    def _attached_by_browser(self, event: Event) -> None:
        """Popups, shared and service workers are nobody's children: the browser itself tells of them."""
        target = event["targetInfo"]
        if target.get("browserContextId") == self._context and not is_tab(target):
            self._attached(event)

    def _attached(self, event: Event, *, of_worker: bool = False) -> None:
        child = DevToolsSession(self._page.devtools, event["sessionId"])
        task = asyncio.ensure_future(self._attach(child, event["targetInfo"], of_worker=of_worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attach(self, child: DevToolsSession, target: Event, *, of_worker: bool) -> None:
        """A worker or popup, before its first line runs."""
        kind = target["type"]
        answers = self._watch(child, SOURCES.get(kind, "page"))
        self._watch_children(child, of_worker=kind != "page")
        answers.append(child.send("Target.setAutoAttach", **CHILDREN))
        if kind == "page":
            answers += self.documents.attach(child)
            if target["canAccessOpener"]:
                # The browser fetches its document at once, and the process that shows it may not know its scripts by then.
                await asyncio.wait(answers)
            child.on("Page.frameNavigated", lambda _: self.documents.urge(scripts.popup_is_seen(has_document=True)))
            self.documents.urge(scripts.popup_is_seen(has_document=False))
        elif kind in SOURCES:
            answers += self.workers.attach(child, target["url"], shared=kind != "worker", of_worker=of_worker)
        answers.append(child.send("Runtime.runIfWaitingForDebugger"))
        # Of most workers the answers come only now. Some targets lack some domains; others have ended already.
        await asyncio.gather(*answers, return_exceptions=True)

    def _watch(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        return [answer for watcher in self._watchers for answer in watcher.attach(session, source)]

    def _watch_children(self, session: DevToolsSession, *, of_worker: bool = False) -> None:
        session.on("Target.attachedToTarget", lambda event: self._attached(event, of_worker=of_worker))
        session.on("Target.detachedFromTarget", self._detached)

    def _detached(self, event: Event) -> None:
        """A popup or worker has gone. (When the page has, so has the time of all.)"""
        session = event["sessionId"]
        if session != self._page.id:
            self.workers.forget(session)
            self.documents.forget(session)
            self._network.forget(session)
            self._page.devtools.forget(session)
