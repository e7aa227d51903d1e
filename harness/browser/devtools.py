"""The DevTools connection: one websocket to the browser, with calls, events and DevTools sessions.

Playwright has a connection of its own. This second one is three times faster, and only its flat sessions reach a worker
before the first line of the worker's script runs.
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
Listener = Callable[[Event], object]

CALL_TIMEOUT_S = 60.0
"""Timeout of a call in real seconds.

Only a page with an endless script, or a browser that hangs, reaches this timeout.
"""


class DevTools:
    """The DevTools connection. Call the methods on the engine's loop."""

    def __init__(self, client: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._client, self._socket = client, socket
        self._last_id = 0
        self._pending: dict[int, tuple[str | None, str, asyncio.Future[Event]]] = {}
        self._listeners: defaultdict[tuple[str | None, str], list[Listener]] = defaultdict(list)
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._write())]
        self._lost: set[str | None] = set()
        """The DevTools sessions that answer no call any more."""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """A future that is done once the connection has ended."""
        self.browser = DevToolsSession(self, None)

    @classmethod
    async def connect(cls, endpoint: str) -> "DevTools":
        """Return a new connection to the websocket at the URL `endpoint`.

        Raises `aiohttp.ClientError` if that fails.
        """
        client = aiohttp.ClientSession()
        return cls(client, await client.ws_connect(endpoint, max_msg_size=0))

    async def close(self) -> None:
        """Close the connection. Every pending call raises `BrowserGone`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._client.close()
        self._connection_ended()

    def send(self, session: str | None, method: str, params: dict[str, Any]) -> asyncio.Future[Event]:
        """Send a call without waiting, and return the future of its answer.

        Calls reach the browser in the order of sending. `session` is the id of a DevTools session; None addresses the
        browser itself. The future raises `DevToolsError` if the browser refuses the call, `PageGone` if the page is
        gone, and `BrowserGone` if the browser is.
        """
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        if self.gone.done() or session in self._lost:
            _fail(answer, BrowserGone() if self.gone.done() else PageGone())
            return answer
        self._last_id += 1
        self._pending[self._last_id] = (session, method, answer)
        message = {"id": self._last_id, "method": method, "params": params}
        self._outgoing.put_nowait(json.dumps(message | {"sessionId": session} if session else message))
        return answer

    def listen(self, session: str | None, method: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the parameters of each event `method` of a DevTools session.

        Returns a function that removes the listener. `forget` removes all listeners of a DevTools session.
        """
        listeners = self._listeners[session, method]
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def forget(self, session: str) -> None:
        """Remove a DevTools session that has ended. The session's pending calls raise `DevToolsError`.

        The browser does not answer the pending calls of a session that ends.
        """
        self.fail_calls(session, DevToolsError("a command", "its frame or worker has gone."))
        self._lost.discard(session)
        for key in [key for key in self._listeners if key[0] == session]:
            del self._listeners[key]

    def fail_calls(self, session: str | None, error: Exception) -> None:
        """Mark a DevTools session as lost: its pending calls raise `error`, and later calls raise `PageGone`."""
        self._lost.add(session)
        for id, (of, _, answer) in tuple(self._pending.items()):
            if of == session:
                del self._pending[id]
                if not answer.done():
                    _fail(answer, error)

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
        self._connection_ended()

    def _answered(self, data: Event) -> None:
        _, method, answer = self._pending.pop(data["id"], (None, "", None))
        if answer is None or answer.done():  # the call timed out
            return
        if "error" in data:
            _fail(answer, DevToolsError(method, data["error"]["message"]))
        else:
            answer.set_result(data["result"])

    def _connection_ended(self) -> None:
        """Resolve `gone`, and let every pending call raise `BrowserGone`."""
        if not self.gone.done():
            self.gone.set_result(None)
        for session in {session for session, _, _ in self._pending.values()}:
            self.fail_calls(session, BrowserGone())


class DevToolsSession:
    """The connection to one page, popup or worker inside the DevTools connection.

    The id None stands for the browser itself.
    """

    def __init__(self, devtools: DevTools, id: str | None) -> None:
        self.devtools, self.id = devtools, id

    def send(self, method: str, **params: Any) -> asyncio.Future[Event]:
        """Send a call without waiting, and return the future of its answer.

        Calls reach the browser in the order of sending.
        """
        return self.devtools.send(self.id, method, params)

    async def call(self, method: str, **params: Any) -> Event:
        """Send a call and return its answer.

        Raises `DevToolsError` if the browser refuses the call, `PageGone` or `BrowserGone` if there is nobody to
        answer, and `TimeoutError` after `CALL_TIMEOUT_S` real seconds.
        """
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await self.send(method, **params)

    def on(self, method: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the parameters of each event `method`. Returns a function that removes the listener."""
        return self.devtools.listen(self.id, method, listener)

    def evaluate(self, expression: str, *, context: int | None = None, wait: bool = True) -> asyncio.Future[Event]:
        """Send a JavaScript expression to be evaluated, and return the future of the answer, for `value_of`.

        The expression runs in the main frame, or in the execution context `context`. With `wait`, the answer comes only
        after a promise that the expression returns has settled.
        """
        where = {} if context is None else {"contextId": context}
        return self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=wait, **where)

    async def js(self, expression: str, *, context: int | None = None, wait: bool = True) -> Any:
        """Return the value of a JavaScript expression; the parameters are those of `evaluate`.

        Raises `DevToolsError` if the expression throws, and the errors of `call`.
        """
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await value_of(self.evaluate(expression, context=context, wait=wait))


def _fail(answer: asyncio.Future[Event], error: Exception) -> None:
    answer.set_exception(error)
    answer.exception()  # else asyncio logs the error of a future that nobody awaits


async def value_of(evaluated: Awaitable[Event]) -> Any:
    """Return the value in an answer to `DevToolsSession.evaluate`. Raises `DevToolsError` if the expression threw."""
    answer = await evaluated
    if failure := answer.get("exceptionDetails"):
        text = failure.get("exception", {}).get("description") or failure["text"]
        raise DevToolsError("Runtime.evaluate", text)
    return answer["result"].get("value")


async def or_gone(work: Awaitable[T]) -> T | None:
    """Return the result of `work`, or None if the browser refused it because its frame or worker is gone."""
    try:
        return await work
    except DevToolsError:
        return None
