"""The documents of a page: its own, those of its frames, and those of its popups."""

import asyncio
from dataclasses import dataclass
from typing import Any

from harness.browser.devtools import DevToolsSession, Event, or_gone
from harness.clock import scripts


@dataclass(frozen=True)
class Document:
    """Of which origin it is, and in which frame."""

    origin: str
    frame: str


class Documents:
    """Which documents are alive, by their execution contexts; each runs the clock's script before its own."""

    def __init__(self, page: DevToolsSession, *, bypass_csp: bool) -> None:
        self._page, self._bypass_csp = page, bypass_csp
        self._slept = 0.0
        self._scripts: dict[DevToolsSession, asyncio.Future[Event]] = {}
        """What each session was told to run in new documents."""
        self._alive: dict[tuple[DevToolsSession, int], Document] = {}

    def attach(self, session: DevToolsSession) -> list[asyncio.Future[Event]]:
        """Watch the page, or a popup of it."""
        session.on("Runtime.executionContextCreated", lambda event: self._created(session, event["context"]))
        session.on("Runtime.executionContextDestroyed", lambda event: self._end(session, event["executionContextId"]))
        session.on("Runtime.executionContextsCleared", lambda _: self._end_all(session))
        self._scripts[session] = script = self._add_script(session)
        return [
            session.send("Page.enable"),
            session.send("Runtime.enable"),
            # Else connect-src refuses the request that holds time.
            session.send("Page.setBypassCSP", enabled=self._bypass_csp),
            script,
        ]

    def _add_script(self, session: DevToolsSession) -> asyncio.Future[Event]:
        is_page = session is self._page
        return session.send(
            "Page.addScriptToEvaluateOnNewDocument",
            source=(scripts.page_script if is_page else scripts.popup_script)(slept_ms=self._slept),
            runImmediately=not is_page,
        )

    async def sleep(self, slept: float) -> None:
        """From now on their wall clocks are ahead of virtual time by so many milliseconds."""
        self._slept = slept
        await self.tell(scripts.slept(slept))
        for session, script in tuple(self._scripts.items()):
            added = await or_gone(script)
            if added:
                await or_gone(session.call("Page.removeScriptToEvaluateOnNewDocument", **added))
                self._scripts[session] = self._add_script(session)

    def forget(self, session_id: str) -> None:
        """A popup has gone."""
        for session in [session for session in self._scripts if session.id == session_id]:
            del self._scripts[session]
            self._end_all(session)

    def contexts(self, origin: str) -> list[int]:
        """The execution contexts of the page's living frames of an origin, oldest first."""
        return [
            context
            for (session, context), document in self._alive.items()
            if session is self._page and document.origin == origin
        ]

    def frame_of(self, context: int) -> str | None:
        """The frame of the page that an execution context is of."""
        document = self._alive.get((self._page, context))
        return document.frame if document else None

    async def tell(self, expression: str) -> list[Any]:
        """Evaluate an expression in each; returns the values, None for one that has gone in the meantime."""
        asked = [session.js(expression, context=context) for session, context in self._alive]
        return list(await asyncio.gather(*(or_gone(answer) for answer in asked)))

    def urge(self, expression: str) -> None:
        """Evaluate an expression in each, without waiting for any."""
        for session, context in self._alive:
            session.evaluate(expression, context=context)

    def _created(self, session: DevToolsSession, context: Event) -> None:
        if context["auxData"].get("isDefault"):
            self._alive[session, context["id"]] = Document(context["origin"], context["auxData"]["frameId"])

    def _end(self, session: DevToolsSession, context: int) -> None:
        self._alive.pop((session, context), None)

    def _end_all(self, session: DevToolsSession) -> None:
        for key in [key for key in self._alive if key[0] is session]:
            del self._alive[key]
