"""The iframes of the embedded items: which are there, and what is asked of them and done in them through DevTools."""

import contextlib
import json
from collections.abc import Callable, Coroutine
from typing import Any

from fake_pbi.cloud import Cloud
from fake_pbi.embed import ITEM_HEADER
from fake_pbi.hosts import APP
from harness.base.errors import UsageError
from harness.base.journal import Entry
from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import DevToolsError
from harness.clock.virtual_time import VirtualTime

Run = Callable[[Coroutine[Any, Any, Any]], Any]

_FRAME_IN = """((selector) => {
  const element = document.querySelector(selector);
  return element?.matches("iframe") ? element : element?.querySelector("iframe");
})(%s)"""


class ItemFrames:
    """The frames of one page. An item is named by the order in which the iframes were served."""

    def __init__(self, page: DevToolsSession, time: VirtualTime, cloud: Cloud, run: Run) -> None:
        self._page, self._time, self._embed, self._journal, self._run = page, time, cloud.embed, cloud.journal, run
        self._served: dict[str, tuple[str, str]] = {}
        """Frame -> the document (its loader) that was served as an item, and the item."""
        page.on("Network.responseReceived", self._answered)
        page.on("Page.frameNavigated", lambda event: self._navigated(event["frame"]))
        page.on("Page.frameDetached", lambda event: self._left(event["frameId"]))
        self._items: dict[int, str] = {}
        """Execution context -> its item: a document is of one item all its life."""

    def _answered(self, event: Event) -> None:
        if event["type"] != "Document":
            return
        headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
        if item := headers.get(ITEM_HEADER.lower()):
            self._left(event["frameId"])
            self._served[event["frameId"]] = (event["loaderId"], item)

    def _navigated(self, frame: Event) -> None:
        gone = [frame["id"]] if "parentId" in frame else list(self._served)
        for id in gone:
            if id in self._served and self._served[id][0] != frame["loaderId"]:
                self._left(id)

    def _left(self, frame: str) -> None:
        if frame in self._served:
            _, item = self._served.pop(frame)
            self._embed.remove(item)

    async def living(self) -> list[str]:
        """The items that are on the page now, in the order in which their iframes were served."""
        return sorted(await self._contexts(), key=int)

    def ask(self, item: str, expression: str) -> Any:
        """The value of an expression in the frame of an item. Raises `UsageError` if it is not on the page any more."""

        async def work() -> Any:
            return await self._page.js(expression, context=await self._context_of(item))

        return self._run(work())

    def act(self, item: str, what: str, action: dict[str, Any]) -> Entry:
        """Do in the frame of an item what a click of its user does, which has the focus from then on, and settle. Returns the data
        request that it made.

        Raises `UsageError` if it made none, because there is no such thing to click.
        """
        seen = len(self._journal.of("data.request", item=item))

        async def work() -> None:
            context = await self._context_of(item)
            act = f"embeddedItem.act({json.dumps(action)})"
            if not await self._page.js(f"document.hasFocus() && ({act}, true)", context=context):
                await self._focus(context)
                await self._page.js(f"void {act}", context=context)
            await self._time.settle()

        self._run(work())
        made = self._journal.of("data.request", item=item)[seen:]
        if not made:
            shown = self.ask(item, "embeddedItem.state()")
            raise UsageError(f"Item {item} cannot {what} with {action}: no data was asked for. It shows {shown}.")
        return made[0]

    async def _focus(self, context: int) -> None:
        owner = await self._page.call("DOM.getFrameOwner", frameId=self._time.documents.frame_of(context))
        with contextlib.suppress(DevToolsError):  # what cannot have it: the iframe is hidden
            await self._page.call("DOM.focus", backendNodeId=owner["backendNodeId"])

    async def number_in(self, selector: str) -> str | None:
        """The item whose iframe is, or stands in, the first element that matches; None if there is none."""
        found = await self._page.call("Runtime.evaluate", expression=_FRAME_IN % json.dumps(selector))
        if "objectId" not in found["result"]:
            return None
        frame = (await self._page.call("DOM.describeNode", objectId=found["result"]["objectId"]))["node"]["frameId"]
        for name, context in (await self._contexts()).items():
            if self._time.documents.frame_of(context) == frame:
                return name
        return None

    async def _contexts(self) -> dict[str, int]:
        """The execution context of each item that is on the page."""
        living = self._time.documents.contexts(f"https://{APP}")
        for context in living:
            if context not in self._items:
                with contextlib.suppress(DevToolsError):  # a frame that has just gone
                    if name := await self._page.js("globalThis.embeddedItem?.item", context=context):
                        self._items[context] = name
        return {self._items[context]: context for context in living if context in self._items}

    async def _context_of(self, item: str) -> int:
        contexts = await self._contexts()
        if item not in contexts:
            raise UsageError(
                f"Item {item} is not on the page any more; there are {sorted(contexts, key=int) or 'none'}. "
                "A frame that is loaded anew is a new item: ask the stage for it again with stage.item()."
            )
        return contexts[item]
