"""The documents of a page: its own, those of its frames, and those of its popups."""

import asyncio
from typing import Any

from harness import waits
from harness.devtools import Event, Session, or_gone


class Documents:
    """Which documents are alive, by their execution contexts; each runs the clock's script before its own."""

    def __init__(self, page: Session, *, bypass_csp: bool) -> None:
        self._page, self._bypass_csp = page, bypass_csp
        self._slept = 0.0
        self._scripts: dict[Session, asyncio.Future[Event]] = {}
        """What each session was told to run in new documents."""
        self._alive: dict[tuple[str | None, int], Session] = {}
        self._origins: dict[int, str] = {}
        self._frames: dict[int, str] = {}

    def attach(self, session: Session) -> list[asyncio.Future[Event]]:
        """Watch the page, or a popup of it. The answers of a popup come once it runs."""
        session.on("Runtime.executionContextCreated", lambda event: self._created(session, event["context"]))
        session.on("Runtime.executionContextDestroyed", lambda event: self._end(session, event["executionContextId"]))
        session.on("Runtime.executionContextsCleared", lambda _: self.forget(session.id))
        self._scripts[session] = script = self._add_script(session)
        return [
            session.send("Page.enable"),
            session.send("Runtime.enable"),
            # Else connect-src refuses the request that holds time.
            session.send("Page.setBypassCSP", enabled=self._bypass_csp),
            script,
        ]

    def _add_script(self, session: Session) -> asyncio.Future[Event]:
        is_page = session is self._page
        return session.send(
            "Page.addScriptToEvaluateOnNewDocument",
            source=(waits.page_script if is_page else waits.popup_script)(slept=self._slept),
            runImmediately=not is_page,
        )

    async def sleep(self, slept: float) -> None:
        """From now on their wall clocks are ahead of virtual time by so many milliseconds."""
        self._slept = slept
        await self.tell(waits.told(f"slept({slept})"))
        for session, script in tuple(self._scripts.items()):
            added = await or_gone(script)
            if added:
                await or_gone(session.call("Page.removeScriptToEvaluateOnNewDocument", **added))
                self._scripts[session] = self._add_script(session)

    def forget(self, session: str | None) -> None:
        """All documents behind a session have gone."""
        for of, context in [key for key in self._alive if key[0] == session]:
            self._end(self._alive[of, context], context)

    def contexts(self, origin: str) -> list[int]:
        """The execution contexts of the page's living frames of an origin, oldest first."""
        return [context for context, of in self._origins.items() if of == origin]

    def frame_of(self, context: int) -> str | None:
        """The frame of the page that an execution context is of."""
        return self._frames.get(context)

    async def tell(self, expression: str) -> list[Any]:
        """Evaluate an expression in each; returns the values, None for one that has gone in the meantime."""
        asked = [session.js(expression, context=context) for (_, context), session in self._alive.items()]
        return list(await asyncio.gather(*(or_gone(answer) for answer in asked)))

    def _created(self, session: Session, context: Event) -> None:
        if context["auxData"].get("isDefault"):
            id = context["id"]
            self._alive[session.id, id] = session
            if session is self._page:
                self._origins[id], self._frames[id] = context["origin"], context["auxData"]["frameId"]

    def _end(self, session: Session, context: int) -> None:
        self._alive.pop((session.id, context), None)
        if session is self._page:
            self._origins.pop(context, None)
