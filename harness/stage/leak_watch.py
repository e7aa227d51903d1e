"""Watch where a page gets its tokens, and where it puts them: URLs, storages, cookies and the console.

A token is found even if the page removes it again at once.
"""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from fake_pbi.hosts import APP
from fake_pbi.tokens import Token, TokenBook
from harness.base.background_tasks import BackgroundTasks
from harness.base.journal import Journal
from harness.base.resources import script
from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import DevToolsError, PageGone
from harness.clock.watcher import Source
from harness.stage.token_traces import TRACE_CHARACTERS, form_in

BINDING = f"__pbiSeen{secrets.token_hex(8)}"
"""The name of the function by which the probe reports from a document or worker."""
TOKEN_CARRIERS = ("XHR", "Fetch", "Document", "EventSource")
"""The types of requests whose answers are searched for tokens."""
REMEMBERED_CHARACTERS = 5_000_000
"""Characters of texts, seen where no token belongs, that are kept until a foreign token is known."""
REMEMBERED_ANSWERS = 200
"""Answers without a known token that are kept until a foreign token is known."""


@cache
def _probe() -> str:
    settings = json.dumps({"binding": BINDING})
    return f"{script('stage/scripts/leak_probe.js')}({script('stage/scripts/as_text.js')}, {settings});"


def _watch_storages(worker: DevToolsSession) -> None:
    worker.send("Runtime.evaluate", expression=_probe())


@dataclass(frozen=True)
class Answered:
    """An answer to the page: the URL and the type of its request, and its text."""

    url: str
    type: str
    text: str


@dataclass(frozen=True)
class Seen:
    """A text that stood in a place where no token belongs."""

    where: str
    detail: str
    text: str


class LeakWatch:
    """A watcher that writes `token.fetched` for each answer with a token, and `token.leaked` for each leak.

    The clock attaches this watcher to each DevTools session before the first script runs.
    """

    def __init__(self, journal: Journal, tokens: TokenBook) -> None:
        self._journal, self._tokens = journal, tokens
        self._reported: set[tuple[str, str, str]] = set()
        """Token, place and detail of the leaks that the journal has."""
        self._tasks = BackgroundTasks()
        self._coming: dict[str, tuple[str, str]] = {}
        """Request id -> URL and type, of requests whose answer has begun."""
        self._answers: deque[Answered] = deque(maxlen=REMEMBERED_ANSWERS)
        self._seen: dict[Seen, None] = {}
        self._seen_characters = 0
        tokens.on_foreign = self._search_again

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Watch a DevTools session. Return futures of the browser's answers, which come once the session runs."""
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.requestWillBeSentExtraInfo", self._on_sent_headers)
        session.on("Network.webSocketCreated", lambda event: self._search("URL", _bare(event["url"]), event["url"]))
        session.on("Network.responseReceivedExtraInfo", self._on_received_headers)
        session.on("Network.responseReceived", self._on_response)
        session.on("Network.loadingFinished", lambda event: self._tasks.start(self._on_loaded(session, event)))
        session.on(
            "Page.navigatedWithinDocument", lambda event: self._search("URL", "of the page itself", event["url"])
        )
        session.on("DOMStorage.domStorageItemAdded", self._on_stored)
        session.on("DOMStorage.domStorageItemUpdated", self._on_stored)
        session.on("Runtime.consoleAPICalled", lambda event: self._on_console(session, event))
        session.on("Runtime.bindingCalled", self._on_probe)
        answers = [session.send("Runtime.enable"), session.send("Runtime.addBinding", name=BINDING)]
        if source != "page":
            # A worker pauses at its first line (clock/workers.py). Before that line it has no Cache Storage to watch.
            session.on("Debugger.paused", lambda _: _watch_storages(session))
            return answers
        return [
            *answers,
            session.send("DOMStorage.enable"),
            session.send("Page.addScriptToEvaluateOnNewDocument", source=_probe()),
        ]

    async def close(self) -> None:
        """Cancel the searches that are still running."""
        await self._tasks.close()

    def look_back(self) -> None:
        """Write a `token.fetched` for each earlier answer with a foreign token that was unknown at the time."""
        for answered in tuple(self._answers):
            self._note_tokens(answered)

    def _on_response(self, event: Event) -> None:
        response = event["response"]
        own = urlsplit(response["url"]).hostname != APP
        # The browser reports an answer that a service worker passes on as if it came from the cache.
        cached = response.get("fromDiskCache") and response.get("serviceWorkerResponseSource") != "network"
        if own and event.get("type") in TOKEN_CARRIERS and not cached:
            self._coming[event["requestId"]] = (response["url"], event["type"])

    async def _on_loaded(self, session: DevToolsSession, event: Event) -> None:
        id = event["requestId"]
        if id not in self._coming:
            return
        url, type = self._coming.pop(id)
        with contextlib.suppress(DevToolsError, PageGone, TimeoutError):  # the browser no longer has the body
            answer = await session.call("Network.getResponseBody", requestId=id)
            answered = Answered(url, type, "" if answer["base64Encoded"] else answer["body"])
            if not self._note_tokens(answered):
                self._answers.append(answered)

    def _note_tokens(self, answered: Answered) -> bool:
        found = [token for token, _ in self._tokens_in(answered.text)]
        for token in found:
            self._journal.write("token.fetched", token=token.name, url=answered.url, by=answered.type)
        return bool(found)

    def _on_request(self, event: Event) -> None:
        request = event["request"]
        by_an_item = urlsplit(event["documentURL"]).hostname == APP and event.get("type") != "Document"
        if not by_an_item:
            self._search("URL", _bare(request["url"]), request["url"] + request.get("urlFragment", ""))
            self._search("Referer", _bare(request["url"]), request["headers"].get("Referer", ""))

    def _on_sent_headers(self, event: Event) -> None:
        for name, value in event["headers"].items():
            if name.lower() == "referer":
                self._search("Referer", "of a request", value)

    def _on_received_headers(self, event: Event) -> None:
        for name, value in event["headers"].items():
            if name.lower() == "set-cookie":
                self._search("cookie", value.partition("=")[0], value)

    def _on_stored(self, event: Event) -> None:
        where = "local storage" if event["storageId"]["isLocalStorage"] else "session storage"
        self._search(where, event["key"], f"{event['key']} {event['newValue']}")

    def _on_probe(self, event: Event) -> None:
        if event["name"] == BINDING:
            seen = json.loads(event["payload"])
            self._search(seen["where"], seen["detail"], seen["text"])

    def _on_console(self, session: DevToolsSession, event: Event) -> None:
        for argument in event["args"]:
            if "objectId" in argument:
                self._tasks.start(self._search_object(session, argument["objectId"]))
            else:
                self._search("console", event["type"], str(argument.get("value", "")))

    async def _search_object(self, session: DevToolsSession, object_id: str) -> None:
        with contextlib.suppress(DevToolsError, PageGone, TimeoutError):
            answer = await session.call(
                "Runtime.callFunctionOn",
                objectId=object_id,
                functionDeclaration=f"function () {{ return ({script('stage/scripts/as_text.js')})(this); }}",
                returnByValue=True,
            )
            self._search("console", "an object", str(answer["result"].get("value", "")))

    def _search(self, where: str, detail: str, text: str) -> None:
        """Search a text, which stood where no token belongs, for all known tokens."""
        seen = Seen(where, detail[:200], text)
        for token, form in self._tokens_in(text):
            self._note_leak(token, seen, form)
        if self._tokens.accepts_foreign and len(text) >= TRACE_CHARACTERS:
            self._remember(seen)

    def _note_leak(self, token: Token, seen: Seen, form: str) -> None:
        if (token.name, seen.where, seen.detail) not in self._reported:
            self._reported.add((token.name, seen.where, seen.detail))
            self._journal.write("token.leaked", token=token.name, where=seen.where, detail=seen.detail, form=form)

    def _remember(self, seen: Seen) -> None:
        if seen not in self._seen:
            self._seen[seen] = None
            self._seen_characters += len(seen.text)
        while self._seen_characters > REMEMBERED_CHARACTERS:
            oldest = next(iter(self._seen))
            del self._seen[oldest]
            self._seen_characters -= len(oldest.text)

    def _search_again(self, token: Token) -> None:
        """Search the remembered texts for a foreign token, which became known only when an item was given it."""
        for seen in self._seen:
            if form := form_in(seen.text, token):
                self._note_leak(token, seen, form)

    def _tokens_in(self, text: str) -> Iterator[tuple[Token, str]]:
        if len(text) >= TRACE_CHARACTERS:
            for token in self._tokens.all():
                if form := form_in(text, token):
                    yield token, form


def _bare(url: str) -> str:
    """Return a URL without its query and fragment, which may contain a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path[:100]}"
