"""The websocket to the browser: calls, events, sessions.

It stands beside Playwright's own connection because it is three times quicker, and because only its flat sessions reach a
worker before the worker's first line runs.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

from harness.browser.errors import BrowserGone, DevToolsError, PageGone

T = TypeVar("T")
Event = dict[str, Any]
Listener = Callable[[Event], None]

PATIENCE = 60.0
"""Real seconds that a call may take; only a page whose script never ends, or a dead browser, needs as many."""


class DevTools:
    """One websocket to the browser. Lives on the engine's loop."""

    def __init__(self, client: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._client, self._socket = client, socket
        self._sent = 0
        self._answers: dict[int, tuple[str | None, str, asyncio.Future[Event]]] = {}
        self._listeners: defaultdict[tuple[str | None, str], list[Listener]] = defaultdict(list)
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._write())]
        self.lost: set[str | None] = set()
        """The sessions that answer no more."""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.browser = DevToolsSession(self, None)

    @classmethod
    async def connect(cls, endpoint: str) -> "DevTools":
        client = aiohttp.ClientSession()
        return cls(client, await client.ws_connect(endpoint, max_msg_size=0))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._client.close()
        self._give_up()

    def send(self, session: str | None, method: str, params: dict[str, Any]) -> asyncio.Future[Event]:
        """Send now, in the order of the calls; the future brings the answer."""
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        if self.gone.done() or session in self.lost:
            answer.set_exception(BrowserGone() if self.gone.done() else PageGone())
            answer.exception()  # marks it as seen: nobody need be waiting for it
            return answer
        self._sent += 1
        self._answers[self._sent] = (session, method, answer)
        message = {"id": self._sent, "method": method, "params": params}
        self._outgoing.put_nowait(json.dumps(message | {"sessionId": session} if session else message))
        return answer

    def listen(self, session: str | None, method: str, listener: Listener) -> Callable[[], None]:
        """Returns what ends it; it ends with the session, too."""
        listeners = self._listeners[session, method]
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def forget(self, session: str) -> None:
        """Drop what is known of a session that has ended. What it was asked is not answered any more."""
        self.give_up(session, DevToolsError("a command", "its frame or worker has gone."))
        self.lost.discard(session)
        for key in [key for key in self._listeners if key[0] == session]:
            del self._listeners[key]

    async def _write(self) -> None:
        while True:
            await self._socket.send_str(await self._outgoing.get())

    async def _read(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            if "id" in data:
                self._answered(data)
            else:
                for listener in tuple(self._listeners.get((data.get("sessionId"), data["method"]), ())):
                    listener(data["params"])
        self._give_up()

    def _answered(self, data: Event) -> None:
        _, method, answer = self._answers.pop(data["id"], (None, "", None))
        if answer is None or answer.done():  # given up after a time-out
            return
        if "error" in data:
            answer.set_exception(DevToolsError(method, data["error"]["message"]))
            answer.exception()  # marks it as seen: nobody need be waiting for it
        else:
            answer.set_result(data["result"])

    def _give_up(self) -> None:
        """The browser is gone: nobody waits any longer."""
        if not self.gone.done():
            self.gone.set_result(None)
        for session in {session for session, _, _ in self._answers.values()}:
            self.give_up(session, BrowserGone())

    def give_up(self, session: str | None, error: Exception) -> None:
        """No answer will come to what is sent to this session: whoever waits for one gets the error."""
        self.lost.add(session)
        for id, (of, _, answer) in tuple(self._answers.items()):
            if of == session:
                del self._answers[id]
                if not answer.done():
                    answer.set_exception(error)
                    answer.exception()  # marks it as seen: nobody need be waiting for it


class DevToolsSession:
    """One page, worker or popup behind the websocket (or, with the id None, the browser itself)."""

    def __init__(self, devtools: DevTools, id: str | None) -> None:
        self.devtools, self.id = devtools, id

    def send(self, method: str, **params: Any) -> asyncio.Future[Event]:
        """Send without waiting; sends keep their order."""
        return self.devtools.send(self.id, method, params)

    async def call(self, method: str, **params: Any) -> Event:
        """Send and wait for the answer. Raises `DevToolsError` if the browser refuses, `BrowserGone` if it is not there."""
        async with asyncio.timeout(PATIENCE):
            return await self.send(method, **params)

    def on(self, method: str, listener: Listener) -> Callable[[], None]:
        """Listen to an event. Returns what ends it."""
        return self.devtools.listen(self.id, method, listener)

    def evaluate(self, expression: str, *, context: int | None = None, wait: bool = True) -> asyncio.Future[Event]:
        """Send a JavaScript expression, to the main frame or to the frame of the execution context `context`; for `value_of`."""
        where = {} if context is None else {"contextId": context}
        return self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=wait, **where)

    async def js(self, expression: str, *, context: int | None = None, wait: bool = True) -> Any:
        """The value of a JavaScript expression."""
        async with asyncio.timeout(PATIENCE):
            return await value_of(self.evaluate(expression, context=context, wait=wait))


async def value_of(evaluated: Awaitable[Event]) -> Any:
    """What an expression came to. Raises `DevToolsError` if that is an exception."""
    answer = await evaluated
    if failure := answer.get("exceptionDetails"):
        text = failure.get("exception", {}).get("description") or failure["text"]
        raise DevToolsError("Runtime.evaluate", text)
    return answer["result"].get("value")


async def or_gone(work: Awaitable[T]) -> T | None:
    """The result, or None where the frame or worker that was asked has gone in the meantime."""
    try:
        return await work
    except DevToolsError:
        return None
