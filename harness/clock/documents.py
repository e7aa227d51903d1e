"""The documents of a page, of its frames, and of its popups."""

import asyncio
from dataclasses import dataclass
from typing import Any

from harness.browser.devtools import DevToolsSession, Event, or_gone
from harness.clock import scripts


@dataclass(frozen=True)
class Document:
    """The origin of a document, and the id of its frame."""

    origin: str
    frame: str


class Documents:
    """The current documents, by execution context. Each document runs the clock's script before its own scripts."""

    def __init__(self, page: DevToolsSession, *, bypass_csp: bool) -> None:
        """Prepare to watch the documents of `page` and of its popups.

        `bypass_csp` turns off the documents' Content-Security-Policy, which may refuse the requests that hold time.
        """
        self._page, self._bypass_csp = page, bypass_csp
        self._slept_ms = 0.0
        self._scripts: dict[DevToolsSession, asyncio.Future[Event]] = {}
        """The clock's script in the new documents of each DevTools session."""
        self._living: dict[tuple[DevToolsSession, int], Document] = {}

    def attach(self, session: DevToolsSession) -> list[asyncio.Future[Event]]:
        """Begin to watch the page or a popup, and return the futures of the commands that were sent to it."""
        session.on("Runtime.executionContextCreated", lambda event: self._created(session, event["context"]))
        session.on("Runtime.executionContextDestroyed", lambda event: self._ended(session, event["executionContextId"]))
        session.on("Runtime.executionContextsCleared", lambda _: self._all_ended(session))
        self._scripts[session] = script = self._add_script(session)
        return [
            session.send("Page.enable"),
            session.send("Runtime.enable"),
            session.send("Page.setBypassCSP", enabled=self._bypass_csp),
            script,
        ]

    def _add_script(self, session: DevToolsSession) -> asyncio.Future[Event]:
        is_page = session is self._page
        return session.send(
            "Page.addScriptToEvaluateOnNewDocument",
            source=(scripts.page_script if is_page else scripts.popup_script)(slept_ms=self._slept_ms),
            runImmediately=not is_page,
        )

    async def sleep(self, slept_ms: float) -> None:
        """Set the milliseconds for which the machine has slept.

        The wall clocks of documents are ahead of virtual time by these milliseconds.
        """
        self._slept_ms = slept_ms
        await self.evaluate_in_all(scripts.slept(slept_ms))
        for session, script in tuple(self._scripts.items()):
            added = await or_gone(script)
            if added:
                await or_gone(session.call("Page.removeScriptToEvaluateOnNewDocument", **added))
                self._scripts[session] = self._add_script(session)

    def forget(self, session_id: str) -> None:
        """Remove the documents of a popup that has gone."""
        for session in [session for session in self._scripts if session.id == session_id]:
            del self._scripts[session]
            self._all_ended(session)

    def contexts(self, origin: str) -> list[int]:
        """Return the execution contexts of the page's current documents of an origin, oldest first."""
        return [
            context
            for (session, context), document in self._living.items()
            if session is self._page and document.origin == origin
        ]

    def frame_of(self, context: int) -> str | None:
        """Return the id of the page's frame that has this execution context; None if the document has gone."""
        document = self._living.get((self._page, context))
        return document.frame if document else None

    async def evaluate_in_all(self, expression: str) -> list[Any]:
        """Return the values of an expression in all documents; None for a document that has gone in the meantime."""
        answers = [session.js(expression, context=context) for session, context in self._living]
        return list(await asyncio.gather(*(or_gone(answer) for answer in answers)))

    def send_to_all(self, expression: str) -> None:
        """Evaluate an expression in all documents without waiting for their answers."""
        for session, context in self._living:
            session.evaluate(expression, context=context)

    def _created(self, session: DevToolsSession, context: Event) -> None:
        if context["auxData"].get("isDefault"):
            self._living[session, context["id"]] = Document(context["origin"], context["auxData"]["frameId"])

    def _ended(self, session: DevToolsSession, context: int) -> None:
        self._living.pop((session, context), None)

    def _all_ended(self, session: DevToolsSession) -> None:
        for key in [key for key in self._living if key[0] is session]:
            del self._living[key]
