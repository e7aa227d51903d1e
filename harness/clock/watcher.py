"""The interface of objects that watch DevTools sessions."""

import asyncio
from typing import Literal, Protocol

from harness.browser.devtools import DevToolsSession, Event

Source = Literal["page", "worker", "service worker"]
"""The kind of script whose requests a DevTools session reports; the journal shows it with each request."""


class Watcher(Protocol):
    """An object that the clock notifies of each page, popup and worker before its first script runs."""

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Begin to watch a session, and return the futures of the commands that were sent to it.

        The futures of a worker complete only when the worker runs.
        """
        ...
