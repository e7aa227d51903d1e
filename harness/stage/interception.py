"""The interception of a page's requests: answers that take virtual time, faults, and answers in place of a server."""

import asyncio
import base64
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from fnmatch import fnmatch
from urllib.parse import urlsplit

from fake_pbi.faults import Fault, Faults
from fake_pbi.hosts import CLOUD_HOSTS
from harness.base.background_tasks import BackgroundTasks
from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import DevToolsError, PageGone
from harness.clock.cookies import Cookies
from harness.clock.network import Network
from harness.clock.scripts import HOLD_URL
from harness.clock.service_clock import MILLISECOND, ServiceClock
from harness.clock.watcher import Source

REPORT_TIMEOUT_S = 2.0
"""Real seconds within which the browser has to report when a paused request was sent."""

Rewrite = Callable[[str], str]
"""A function that returns the text of an answer with each of its tokens replaced by an expired one."""
Make = Callable[[Event], "Answer | None"]
"""A function that returns the answer to a request, which DevTools describes; None lets the request pass to its
server."""


@dataclass(frozen=True)
class Answer:
    """An answer that the page gets in place of its server's.

    Attributes:
        status: The HTTP status.
        content_type: The value of the Content-Type header.
        body: The text of the answer.
        ended: A function that makes the text for a fault with expired tokens; None to replace the tokens in `body`.
    """

    status: int
    content_type: str
    body: str
    ended: Callable[[], str] | None = None


class Interception:
    """A watcher that intercepts each request of the DevTools sessions that it is attached to.

    Precedence: a fault, then an answer in place of the server, then the server itself.
    """

    def __init__(
        self, clock: ServiceClock, network: Network, cookies: Cookies, faults: Faults, expire_tokens: Rewrite
    ) -> None:
        self._clock, self._network, self._cookies = clock, network, cookies
        self._faults, self._expire_tokens = faults, expire_tokens
        self._to_expire: set[str] = set()
        self._latencies: dict[str, timedelta] = {}
        self._answers: dict[str, Make] = {}
        self._tasks = BackgroundTasks()

    def delay(self, glob: str, length: timedelta) -> None:
        """Let each later answer to URLs that match `glob` take this much virtual time, whatever real time it takes."""
        self._latencies[glob] = length
        self._network.always_wait_for(glob)

    def answer(self, glob: str, make: Make) -> None:
        """Answer requests to URLs that match `glob` in place of their server."""
        self._answers[glob] = make

    def attach(self, session: DevToolsSession, _: Source) -> list[asyncio.Future[Event]]:
        """Intercept the requests of a DevTools session.

        Return futures of the browser's answers, which come once the session runs.
        """
        session.on("Fetch.requestPaused", lambda event: self._on_request_paused(session, event))
        return [session.send("Fetch.enable", patterns=[{"urlPattern": "*"}])]

    def _on_request_paused(self, session: DevToolsSession, event: Event) -> None:
        self._tasks.start(self._handle_paused(session, event))

    async def close(self) -> None:
        """Cancel the work on requests that are still paused."""
        await self._tasks.close()

    async def _handle_paused(self, session: DevToolsSession, event: Event) -> None:
        """Handle a paused request, or a paused answer, once service time is that of the request."""
        url, id = event["request"]["url"], event.get("networkId")
        if url.startswith(HOLD_URL):
            return
        with contextlib.suppress(DevToolsError, PageGone):  # the page may have aborted the request, or be gone
            if "responseStatusCode" in event or "responseErrorReason" in event:
                await self._pass_answer_on(session, event)
                return
            if id:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REPORT_TIMEOUT_S):  # wait_for() can swallow a cancellation (Python 3.11)
                        await self._network.wait_until_reported(id)
            make = next((make for glob, make in self._answers.items() if fnmatch(url, glob)), None)
            if _is_preflight(event):
                await (self._allow_preflight(session, event) if make else self._continue(session, event))
                return
            fault = self._faults.for_request(url, event["request"]["method"], at_page=True)
            delays = [length for glob, length in self._latencies.items() if fnmatch(url, glob)]
            if fault and fault.kind == "slow":
                delays, fault = [fault.delay], None
            if delays:
                due = self._network.sent_ms(id) + max(delays) / MILLISECOND
                await self._network.delay(id or event["requestId"], due)
            await self._answer_or_continue(session, event, fault, make)

    async def _answer_or_continue(
        self, session: DevToolsSession, event: Event, fault: Fault | None, make: Make | None
    ) -> None:
        if fault and fault.kind == "drop":
            await session.call("Fetch.failRequest", requestId=event["requestId"], errorReason="ConnectionReset")
        elif fault and fault.kind != "expired tokens":
            await self._fulfil(session, event, Answer(int(fault.status), fault.content_type, fault.body))
        elif make and (answer := make(event["request"])):
            if fault:
                body = answer.ended() if answer.ended else self._expire_tokens(answer.body)
                answer = Answer(answer.status, answer.content_type, body)
            await self._fulfil(session, event, answer)
        else:
            if fault:
                self._to_expire.add(event["requestId"])
            sets_cookies = urlsplit(event["request"]["url"]).hostname not in CLOUD_HOSTS
            await self._continue(session, event, interceptResponse=sets_cookies or fault is not None)

    async def _continue(self, session: DevToolsSession, event: Event, **more: bool) -> None:
        await session.call("Fetch.continueRequest", requestId=event["requestId"], **more)

    async def _pass_answer_on(self, session: DevToolsSession, event: Event) -> None:
        """Pass a server's answer on to the page, once the clock knows the lifetimes of its cookies."""
        to_expire = event["requestId"] in self._to_expire
        self._to_expire.discard(event["requestId"])
        status = event.get("responseStatusCode")
        if status is not None:
            await self._cookies.wait_until_known(event.get("networkId"))
        if status is None or 300 <= status < 400:
            await self._continue(session, event)
        elif to_expire and status == 200:
            await self._answer_with_expired_tokens(session, event)
        else:
            await self._continue_with_date(session, event, status)

    async def _continue_with_date(self, session: DevToolsSession, event: Event, status: int) -> None:
        """Pass an answer on with service time in its Date header, as a server with a right clock would send it."""
        headers = self._dated(event["responseHeaders"])
        await session.call(
            "Fetch.continueResponse", requestId=event["requestId"], responseCode=status, responseHeaders=headers
        )

    def _dated(self, headers: list[dict[str, str]]) -> list[dict[str, str]]:
        now = _http_date(self._clock.now())
        return [header | {"value": now} if header["name"].lower() == "date" else header for header in headers]

    async def _answer_with_expired_tokens(self, session: DevToolsSession, event: Event) -> None:
        got = await session.call("Fetch.getResponseBody", requestId=event["requestId"])
        body = base64.b64decode(got["body"]).decode(errors="replace") if got["base64Encoded"] else got["body"]
        kept = [
            header
            for header in self._dated(event["responseHeaders"])
            if header["name"].lower() not in ("content-length", "content-encoding", "transfer-encoding")
        ]
        await session.call(
            "Fetch.fulfillRequest",
            requestId=event["requestId"],
            responseCode=200,
            responseHeaders=kept,
            body=base64.b64encode(self._expire_tokens(body).encode()).decode(),
        )

    async def _allow_preflight(self, session: DevToolsSession, event: Event) -> None:
        """Answer the CORS preflight of a request that is answered in place of its server."""
        asked = _headers(event)
        headers = {
            "Access-Control-Allow-Methods": asked["access-control-request-method"],
            "Access-Control-Allow-Headers": asked.get("access-control-request-headers", ""),
        }
        await self._fulfil(session, event, Answer(204, "text/plain", ""), headers)

    async def _fulfil(
        self, session: DevToolsSession, event: Event, answer: Answer, headers: dict[str, str] | None = None
    ) -> None:
        sent = {
            "Content-Type": answer.content_type,
            "Cache-Control": "no-store",
            "Date": _http_date(self._clock.now()),
            # A wildcard is not allowed for requests with credentials. Source: the Fetch standard.
            "Access-Control-Allow-Origin": _headers(event).get("origin", "*"),
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Date",
            **(headers or {}),
        }
        self._network.hand_over(event.get("networkId"))
        await session.call(
            "Fetch.fulfillRequest",
            requestId=event["requestId"],
            responseCode=answer.status,
            responseHeaders=[{"name": name, "value": value} for name, value in sent.items()],
            body=base64.b64encode(answer.body.encode()).decode(),
        )


def _headers(event: Event) -> dict[str, str]:
    return {name.lower(): value for name, value in event["request"]["headers"].items()}


def _is_preflight(event: Event) -> bool:
    return event["request"]["method"] == "OPTIONS" and "access-control-request-method" in _headers(event)


def _http_date(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)
