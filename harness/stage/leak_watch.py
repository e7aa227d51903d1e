"""Watches where a page gets its tokens and where it puts them: addresses, storages, cookies and the console, also where it
removes them again."""

import asyncio
import base64
import contextlib
import json
import secrets
from collections import deque
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from fake_pbi.hosts import APP
from fake_pbi.tokens import Token, TokenBook
from harness.base.journal import Journal
from harness.base.resources import script
from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import DevToolsError, PageGone
from harness.clock.network import Source

BINDING = f"__pbiSeen{secrets.token_hex(8)}"
SLICE = 72
"""Characters of a token that are looked for: as many as no two tokens share."""
SHORTEST = 32
"""Characters of a signature that are enough to know a token by."""


@cache
def _probe() -> str:
    return f"{script('stage/scripts/leak_probe.js')}({script('stage/scripts/as_text.js')}, {json.dumps({'binding': BINDING})});"


def _watch_storages(worker: DevToolsSession) -> None:
    worker.send("Runtime.evaluate", expression=_probe())


BROUGHT_BY = ("XHR", "Fetch", "Document", "EventSource")
"""Types of requests in whose answers tokens are looked for."""
KEPT_CHARACTERS = 5_000_000
"""Characters that were seen where no token belongs, and are remembered for the same reason."""
KEPT = 200
"""Answers without a known token that are remembered, in case that a token of somebody else's stands in one."""


@dataclass(frozen=True)
class Answered:
    """An answer to the page: to which request, of which type, and what it said."""

    url: str
    type: str
    text: str


@dataclass(frozen=True)
class Seen:
    """What stood where no token belongs."""

    where: str
    detail: str
    text: str


class LeakWatch:
    """Writes a `token.fetched` for each answer in which a token stands, and a `token.leaked` for each place in which one is
    seen that is not meant for it. Attach it before the page opens.
    """

    def __init__(self, journal: Journal, tokens: TokenBook) -> None:
        self._journal, self._tokens = journal, tokens
        self._said: set[tuple[str, str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming: dict[str, tuple[str, str]] = {}
        self._answers: deque[Answered] = deque(maxlen=KEPT)
        self._seen: dict[Seen, None] = {}
        self._seen_characters = 0
        tokens.on_foreign = self._look_again

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Watch a session. The answers come once it runs."""
        session.on("Network.requestWillBeSent", self._request)
        session.on("Network.requestWillBeSentExtraInfo", self._sent_headers)
        session.on("Network.webSocketCreated", lambda event: self._look("URL", _bare(event["url"]), event["url"]))
        session.on("Network.responseReceivedExtraInfo", self._received_headers)
        session.on("Network.responseReceived", self._coming_in)
        session.on("Network.loadingFinished", lambda event: self._start(self._arrived(session, event)))
        session.on("Page.navigatedWithinDocument", lambda event: self._look("URL", "of the page itself", event["url"]))
        session.on("DOMStorage.domStorageItemAdded", self._stored)
        session.on("DOMStorage.domStorageItemUpdated", self._stored)
        session.on("Runtime.consoleAPICalled", lambda event: self._logged(session, event))
        session.on("Runtime.bindingCalled", self._probed)
        answers = [session.send("Runtime.enable"), session.send("Runtime.addBinding", name=BINDING)]
        if source != "page":
            # At a worker's first line (workers.py stops it there): before, it has no Cache Storage to watch.
            session.on("Debugger.paused", lambda _: _watch_storages(session))
            return answers
        return [
            *answers,
            session.send("DOMStorage.enable"),
            session.send("Page.addScriptToEvaluateOnNewDocument", source=_probe()),
        ]

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look_back(self) -> None:
        """Write a `token.fetched` for tokens that nobody knew when they came: tokens of another service."""
        for answered in tuple(self._answers):
            self._note_tokens(answered)

    def _coming_in(self, event: Event) -> None:
        response = event["response"]
        own = urlsplit(response["url"]).hostname != APP
        # What a service worker passes on is told of as if it came from the cache.
        kept = response.get("fromDiskCache") and response.get("serviceWorkerResponseSource") != "network"
        if own and event.get("type") in BROUGHT_BY and not kept:
            self._coming[event["requestId"]] = (response["url"], event["type"])

    async def _arrived(self, session: DevToolsSession, event: Event) -> None:
        id = event["requestId"]
        if id not in self._coming:
            return
        url, type = self._coming.pop(id)
        with contextlib.suppress(DevToolsError, PageGone, TimeoutError):  # the browser has let go of it
            answer = await session.call("Network.getResponseBody", requestId=id)
            answered = Answered(url, type, "" if answer["base64Encoded"] else answer["body"])
            if not self._note_tokens(answered):
                self._answers.append(answered)

    def _note_tokens(self, answered: Answered) -> bool:
        found = [token for token, _ in self._tokens_in(answered.text)]
        for token in found:
            self._journal.write("token.fetched", token=token.name, url=answered.url, by=answered.type)
        return bool(found)

    def _request(self, event: Event) -> None:
        request = event["request"]
        of_the_item = urlsplit(event["documentURL"]).hostname == APP and event.get("type") != "Document"
        if not of_the_item:
            self._look("URL", _bare(request["url"]), request["url"] + request.get("urlFragment", ""))
            self._look("Referer", _bare(request["url"]), request["headers"].get("Referer", ""))

    def _sent_headers(self, event: Event) -> None:
        for name, value in event["headers"].items():
            if name.lower() == "referer":
                self._look("Referer", "of a request", value)

    def _received_headers(self, event: Event) -> None:
        for name, value in event["headers"].items():
            if name.lower() == "set-cookie":
                self._look("cookie", value.partition("=")[0], value)

    def _stored(self, event: Event) -> None:
        where = "local storage" if event["storageId"]["isLocalStorage"] else "session storage"
        self._look(where, event["key"], f"{event['key']} {event['newValue']}")

    def _probed(self, event: Event) -> None:
        if event["name"] == BINDING:
            seen = json.loads(event["payload"])
            self._look(seen["where"], seen["detail"], seen["text"])

    def _logged(self, session: DevToolsSession, event: Event) -> None:
        for argument in event["args"]:
            if "objectId" in argument:
                self._start(self._logged_object(session, argument["objectId"]))
            else:
                self._look("console", event["type"], str(argument.get("value", "")))

    async def _logged_object(self, session: DevToolsSession, object_id: str) -> None:
        with contextlib.suppress(DevToolsError, PageGone, TimeoutError):
            answer = await session.call(
                "Runtime.callFunctionOn",
                objectId=object_id,
                functionDeclaration=f"function () {{ return ({script('stage/scripts/as_text.js')})(this); }}",
                returnByValue=True,
            )
            self._look("console", "an object", str(answer["result"].get("value", "")))

    def _look(self, where: str, detail: str, text: str) -> None:
        seen = Seen(where, detail[:200], text)
        for token, form in self._tokens_in(text):
            self._note_leak(token, seen, form)
        if self._tokens.accepts_foreign and len(text) >= SLICE:
            self._remember(seen)

    def _note_leak(self, token: Token, seen: Seen, form: str) -> None:
        if (token.name, seen.where, seen.detail) not in self._said:
            self._said.add((token.name, seen.where, seen.detail))
            self._journal.write("token.leaked", token=token.name, where=seen.where, detail=seen.detail, form=form)

    def _remember(self, seen: Seen) -> None:
        if seen not in self._seen:
            self._seen[seen] = None
            self._seen_characters += len(seen.text)
        while self._seen_characters > KEPT_CHARACTERS:
            oldest = next(iter(self._seen))
            del self._seen[oldest]
            self._seen_characters -= len(oldest.text)

    def _look_again(self, token: Token) -> None:
        """Where a token of another service was seen before an item took it, and so made it known."""
        for seen in self._seen:
            if form := _form(token, seen.text):
                self._note_leak(token, seen, form)

    def _tokens_in(self, text: str) -> Iterator[tuple[Token, str]]:
        if len(text) >= SLICE:
            for token in self._tokens.all():
                if form := _form(token, text):
                    yield token, form


def _form(token: Token, text: str) -> str:
    """How a token stands in a text; empty if it does not."""
    if token.text in text:
        return "as it is"
    core, encoded = _traces(token.text)
    if core in text:
        return "escaped"
    return "in base64" if any(trace in text for trace in encoded) else ""


@cache
def _traces(text: str) -> tuple[str, tuple[str, ...]]:
    """What of a token's text is left in any escaping, and in its three alignments of base64: parts that are the token's own."""
    begin = (
        text.rindex(".") + 1 if text.count(".") == 2 else 40
    )  # a JWT's signature, or past what all embed tokens share
    core = text[begin : begin + SLICE]
    if len(core) < SHORTEST:  # a backend's mock hardly signs its tokens
        core = text[-SLICE:]
    encoded = []
    for shift in range(3):
        whole = base64.b64encode(b"." * shift + core.encode()).decode()
        encoded.append(whole[4:-4])
        encoded.append(whole[4:-4].replace("+", "-").replace("/", "_"))
    return core, tuple(trace for trace in encoded if trace)


def _bare(url: str) -> str:
    """An address without what may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path[:100]}"
