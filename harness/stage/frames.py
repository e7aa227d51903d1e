"""The frames of the embedded items: which of them are on the page, and what a user does in them."""

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
"""A function that runs a coroutine on the engine's loop and returns its result."""

_IFRAME_OF_ELEMENT = """((selector) => {
  const element = document.querySelector(selector);
  return element?.matches("iframe") ? element : element?.querySelector("iframe");
})(%s)"""


class ItemFrames:
    """The frames of the items of one page. An item's number is the order in which its frame was served."""

    def __init__(self, page: DevToolsSession, time: VirtualTime, cloud: Cloud, run: Run) -> None:
        self._page, self._time, self._embed, self._journal, self._run = page, time, cloud.embed, cloud.journal, run
        self._served: dict[str, tuple[str, str]] = {}
        """Frame id -> the loader id of the document that was served as an item, and the item."""
        self._item_of_context: dict[int, str] = {}
        """Execution context -> its item. A document belongs to one item for all its life."""
        page.on("Network.responseReceived", self._on_response)
        page.on("Page.frameNavigated", lambda event: self._on_navigation(event["frame"]))
        page.on("Page.frameDetached", lambda event: self._forget(event["frameId"]))

    def _on_response(self, event: Event) -> None:
        if event["type"] != "Document":
            return
        headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
        if item := headers.get(ITEM_HEADER.lower()):
            self._forget(event["frameId"])
            self._served[event["frameId"]] = (event["loaderId"], item)

    def _on_navigation(self, frame: Event) -> None:
        navigated = [frame["id"]] if "parentId" in frame else list(self._served)
        for id in navigated:
            if id in self._served and self._served[id][0] != frame["loaderId"]:
                self._forget(id)

    def _forget(self, frame: str) -> None:
        if frame in self._served:
            _, item = self._served.pop(frame)
            self._embed.remove(item)

    async def on_page(self) -> list[str]:
        """Return the items that are on the page now, in the order in which their frames were served."""
        return sorted(await self._contexts(), key=int)

    def ask(self, item: str, expression: str) -> Any:
        """Return the value of a JavaScript expression in an item's frame.

        Raises `UsageError` if the item is not on the page any more.
        """

        async def work() -> Any:
            return await self._page.js(expression, context=await self._context_of(item))

        return self._run(work())

    def act(self, item: str, what: str, action: dict[str, Any]) -> Entry:
        """Do what a user's click in an item's frame does, settle, and return the data request that this caused.

        The frame has the focus afterwards, as after a real click.

        Args:
            item: The number of the item.
            what: The action in words, for the error message: "change the page".
            action: The action, in the shape that the frame's own `act` takes (fake_pbi/embed_app/main.js).

        Raises:
            UsageError: The action caused no data request, because there is nothing of this name to click.
        """
        before = len(self._journal.of("data.request", item=item))

        async def work() -> None:
            context = await self._context_of(item)
            act = f"embeddedItem.act({json.dumps(action)})"
            if not await self._page.js(f"document.hasFocus() && ({act}, true)", context=context):
                await self._focus(context)
                await self._page.js(f"void {act}", context=context)
            await self._time.settle()

        self._run(work())
        made = self._journal.of("data.request", item=item)[before:]
        if not made:
            shown = self.ask(item, "embeddedItem.state()")
            raise UsageError(f"Item {item} cannot {what} with {action}: no data was asked for. It shows {shown}.")
        return made[0]

    async def _focus(self, context: int) -> None:
        owner = await self._page.call("DOM.getFrameOwner", frameId=self._time.documents.frame_of(context))
        with contextlib.suppress(DevToolsError):  # a hidden iframe cannot have the focus
            await self._page.call("DOM.focus", backendNodeId=owner["backendNodeId"])

    async def number_in(self, selector: str) -> str | None:
        """Return the item whose iframe is, or stands in, the first matching element; None if there is none."""
        found = await self._page.call("Runtime.evaluate", expression=_IFRAME_OF_ELEMENT % json.dumps(selector))
        if "objectId" not in found["result"]:
            return None
        frame = (await self._page.call("DOM.describeNode", objectId=found["result"]["objectId"]))["node"]["frameId"]
        for name, context in (await self._contexts()).items():
            if self._time.documents.frame_of(context) == frame:
                return name
        return None

    async def _contexts(self) -> dict[str, int]:
        """Return item -> execution context, for each item that is on the page."""
        present = self._time.documents.contexts(f"https://{APP}")
        for context in present:
            if context not in self._item_of_context:
                with contextlib.suppress(DevToolsError):  # the frame has just been removed
                    if name := await self._page.js("globalThis.embeddedItem?.item", context=context):
                        self._item_of_context[context] = name
        return {self._item_of_context[context]: context for context in present if context in self._item_of_context}

    async def _context_of(self, item: str) -> int:
        contexts = await self._contexts()
        if item not in contexts:
            raise UsageError(
                f"Item {item} is not on the page any more; there are {sorted(contexts, key=int) or 'none'}. "
                "A frame that is loaded anew is a new item: ask the stage for it again with stage.item()."
            )
        return contexts[item]
