"""The targets that share the time of a page: its popups and its workers.

Each target is watched before its first script runs.
"""

import asyncio
from collections.abc import Sequence

from harness.base.background_tasks import BackgroundTasks
from harness.browser.devtools import DevToolsSession, Event
from harness.browser.launch import IsolatedPage, is_tab
from harness.clock import scripts
from harness.clock.documents import Documents
from harness.clock.network import Network
from harness.clock.watcher import Source, Watcher
from harness.clock.workers import Workers

ATTACH_TO_CHILDREN = {
    "autoAttach": True,
    "waitForDebuggerOnStart": True,
    "flatten": True,
    "filter": [{"type": "worker"}],  # the browser itself reports all other targets
}
"""The parameters of Target.setAutoAttach for a page, popup or worker."""
SOURCES: dict[str, Source] = {
    "page": "page",
    "worker": "worker",
    "shared_worker": "worker",
    "service_worker": "service worker",
}
"""The types of targets that share the time of a page, and the source that the journal shows for their requests."""


class Targets:
    """The page and all targets that belong to it. Use it on the engine's loop."""

    def __init__(self, page: IsolatedPage, network: Network, watchers: Sequence[Watcher], *, bypass_csp: bool) -> None:
        """Notify `network` and `watchers` of each DevTools session; `bypass_csp` as in `Documents`."""
        self._page, self._context_id, self._ending = page.session, page.context_id, page.ending
        self._network, self._watchers = network, [network, *watchers]
        self.documents = Documents(self._page, bypass_csp=bypass_csp)
        self.workers = Workers(network)
        self._tasks = BackgroundTasks()

    async def attach(self) -> None:
        """Watch the page, and all targets that will belong to it."""
        browser = self._page.devtools.browser
        self._ending.callback(browser.on("Target.attachedToTarget", self._attached_by_browser))
        self._ending.callback(browser.on("Target.detachedFromTarget", self._detached))
        self._watch_children(self._page)
        await asyncio.gather(*self._watch(self._page, "page"), *self.documents.attach(self._page))
        await self._page.call("Target.setAutoAttach", **ATTACH_TO_CHILDREN)

    async def close(self) -> None:
        """Cancel all work in the background."""
        await self._tasks.close()
        await self.workers.close()

    def _attached_by_browser(self, event: Event) -> None:
        """Attach a popup, shared worker or service worker.

        These targets have no parent target, so the browser itself reports them.
        """
        target = event["targetInfo"]
        if target.get("browserContextId") == self._context_id and not is_tab(target):
            self._attached(event)

    def _attached(self, event: Event, *, is_of_worker: bool = False) -> None:
        child = DevToolsSession(self._page.devtools, event["sessionId"])
        self._tasks.start(self._attach(child, event["targetInfo"], is_of_worker=is_of_worker))

    async def _attach(self, child: DevToolsSession, target: Event, *, is_of_worker: bool) -> None:
        """Watch a worker or popup, and let it run."""
        kind = target["type"]
        answers = self._watch(child, SOURCES.get(kind, "page"))
        self._watch_children(child, is_worker=kind != "page")
        answers.append(child.send("Target.setAutoAttach", **ATTACH_TO_CHILDREN))
        if kind == "page":
            answers += self.documents.attach(child)
            if target["canAccessOpener"]:
                # The browser fetches the popup's document at once. The process that shows it may not have the scripts
                # by then.
                await asyncio.wait(answers)
            child.on("Page.frameNavigated", lambda _: self._tell_of_popup(has_document=True))
            self._tell_of_popup(has_document=False)
        elif kind in SOURCES:
            answers += self.workers.attach(child, target["url"], is_shared=kind != "worker", is_of_worker=is_of_worker)
        answers.append(child.send("Runtime.runIfWaitingForDebugger"))
        # Most workers answer only now. Some targets do not have all DevTools domains; other targets have ended already.
        await asyncio.gather(*answers, return_exceptions=True)

    def _tell_of_popup(self, *, has_document: bool) -> None:
        self.documents.send_to_all(scripts.popup_is_seen(has_document=has_document))

    def _watch(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        return [answer for watcher in self._watchers for answer in watcher.attach(session, source)]

    def _watch_children(self, session: DevToolsSession, *, is_worker: bool = False) -> None:
        session.on("Target.attachedToTarget", lambda event: self._attached(event, is_of_worker=is_worker))
        session.on("Target.detachedFromTarget", self._detached)

    def _detached(self, event: Event) -> None:
        """Forget a popup or worker that has gone; `PageLoss` handles the loss of the page."""
        session = event["sessionId"]
        if session != self._page.id:
            self.workers.forget(session)
            self.documents.forget(session)
            self._network.forget(session)
            self._page.devtools.forget(session)
