"""A small web site for tests of the clock and the tab: pages without Power BI, on two origins.

Each page has an icon in its HTML. Without one the browser requests the icon at a moment of its own, and virtual time
jumps by 10 ms.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlencode

from aiohttp import web

from harness.base.resources import node_modules
from support.serving import serving

RECORD_END = "\x1e"
INVOCATION, COMPLETION = 1, 3
"""Parts of SignalR's hub protocol: the character that ends a message, and two types of messages."""
STREAM_RETRY_MS = 15_000
"""Virtual milliseconds after which the browser requests the event stream again."""
WORKER = "setInterval(() => postMessage(Date.now()), 30000)"


def document(title: str, rest: str) -> str:
    """Return the HTML of a page with an icon of its own."""
    return f'<!doctype html><title>{title}</title><link rel="icon" href="data:,">{rest}'


HOME = document(
    "home",
    """<button onclick="this.textContent='clicked'">go</button>
<iframe src="%(other)s/frame"></iframe><script>
const started = Date.now(), seen = [], ticks = [], at = () => Date.now() - started;
setInterval(() => ticks.push(at()), 30_000);
for (const name of ['visibilitychange', 'freeze', 'resume'])
  document.addEventListener(name, e => seen.push(['page', name, document.visibilityState, e.isTrusted]));
addEventListener('message', e => seen.push(['frame', ...e.data]));
</script>""",
)

FRAME = """<!doctype html><script>
const ticks = []; setInterval(() => ticks.push(Date.now()), 30_000);
for (const name of ['visibilitychange', 'freeze', 'resume'])
  document.addEventListener(name, e => parent.postMessage([name, document.visibilityState, e.isTrusted], '*'));
</script>"""

EMPTY = document(
    "empty",
    """<script>
const started = Date.now(), seen = [], at = () => Date.now() - started;
function workerOf(source) {
  const worker = new Worker(URL.createObjectURL(new Blob([source])));
  worker.addEventListener('error', e => e instanceof ErrorEvent || seen.push('no script'));
  return worker;
}
</script><body>""",
)


SERVICE_WORKER = """
const asked = [];
self.addEventListener('install', (event) => {
  skipWaiting();
  event.waitUntil(caches.open('c').then((cache) => cache.put('/cached', new Response('cached'))));
});
self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));
const answer = (event) => {
  asked.push(event.request.url);
  event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
};
if (location.search === '?onfetch') self.onfetch = answer;
else if (location.search === '?bare') addEventListener('fetch', answer);
else self.addEventListener('fetch', answer);
self.addEventListener('message', async ({ data, source }) => {
  if (data === 'what was asked') return source.postMessage(asked);
  await caches.keys();
  source.postMessage(data);
});
"""


class Site:
    """The addresses of the site.

    The pages, and what else the site answers:

    - `/home`: a page with a frame of the other origin; `/frame` is this frame.
    - `/empty`: a page with helper functions and no content.
    - `/popup`: a page that closes after 5 s.
    - `/worker.js`, `/service_worker.js`: scripts of workers.
    - `/made`: a page with the HTML and the Content-Security-Policy of the query.
    - `/slow`: an answer whose head takes `answer` seconds (0.15 by default), and whose text takes `body` seconds more
      after its first byte. `text`, `type` and `cache` set the text and the headers.
    - `/never`: no answer for an hour.
    - `/news`: an event stream that ends after one event; the browser requests it again after 15 s.
    - `/echo`: a WebSocket that sends back each message.
    - `/chatter`: a WebSocket that sends a message every 2 ms.
    - `/hub`: a WebSocket with SignalR's protocol.
    - `/sign-in`: a redirect to the other origin, which redirects to the path `back` of the query.
    - `/redirect`: a redirect to itself, without an end.
    - `/cookies`: sets the `set` lines of the query as cookies, answers the request's cookies, and redirects to `to`.
    - `/npm/`: the files of the npm packages.
    """

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.other = f"http://localhost:{port}"
        """The other origin, with the same answers."""
        self.url = f"{self.origin}/home"
        self.empty = f"{self.origin}/empty"

    def sets(self, *lines: str, to: str | None = None) -> str:
        """Return the path of an answer with these `Set-Cookie` lines; `to` makes it a redirect."""
        return "/cookies?" + urlencode([("set", line) for line in lines] + ([("to", to)] if to else []))

    def made(self, html: str, policy: str = "") -> str:
        """Return the address of a page with this HTML and this Content-Security-Policy."""
        return f"{self.origin}/made?" + urlencode({"html": document("made", html), "policy": policy})


@contextmanager
def site() -> Iterator[Site]:
    """Serve the site until the block ends."""
    with serving(_application()) as port:
        yield Site(port)


def _application() -> web.Application:
    app = web.Application()

    def page(path: str, text: str) -> None:
        async def serve(request: web.Request) -> web.Response:
            return web.Response(text=text.replace("%(other)s", _other(request)), content_type="text/html")

        app.router.add_get(path, serve)

    async def service_worker(_: web.Request) -> web.Response:
        return web.Response(text=SERVICE_WORKER, content_type="text/javascript")

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(float(request.query.get("answer", 0.15)))
        type_, kept = request.query.get("type", "text/html"), request.query.get("cache", "no-cache")
        response = web.StreamResponse(headers={"Content-Type": type_, "Cache-Control": kept})
        await response.prepare(request)
        text = request.query.get("text", "slow").encode()
        await response.write(text[:1])
        await asyncio.sleep(float(request.query.get("body", 0)))
        await response.write(text[1:])
        return response

    async def echo(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await asyncio.sleep(0.005)
            await socket.send_str(message.data)
        return socket

    async def chatter(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        while not socket.closed:
            with suppress(ConnectionError):
                await socket.send_str("still here")
            await asyncio.sleep(0.002)
        return socket

    async def hub(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=15)
        await socket.prepare(request)
        async for message in socket:
            for text in message.data.split(RECORD_END)[:-1]:
                sent = json.loads(text)
                if "protocol" in sent:
                    await socket.send_str("{}" + RECORD_END)
                elif sent["type"] == INVOCATION:
                    answer = {"type": COMPLETION, "invocationId": sent["invocationId"], "result": sent["arguments"][0]}
                    await socket.send_str(json.dumps(answer) + RECORD_END)
        return socket

    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    async def news(_: web.Request) -> web.Response:
        return web.Response(text=f"retry: {STREAM_RETRY_MS}\ndata: news\n\n", content_type="text/event-stream")

    async def sign_in(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        raise web.HTTPFound(f"{_other(request)}/consent?back={request.query.get('back', '/empty')}")

    async def consent(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{_other(request)}{request.query['back']}?signed-in")

    async def cookies(request: web.Request) -> web.Response:
        response = web.Response(text=request.headers.get("Cookie", ""), content_type="text/html")
        if "to" in request.query:
            response.set_status(302)
            response.headers["Location"] = request.query["to"]
        for line in request.query.getall("set", []):
            response.headers.add("Set-Cookie", line)
        return response

    async def made(request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": request.query["policy"]} if request.query["policy"] else {}
        return web.Response(text=request.query["html"], content_type="text/html", headers=headers)

    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"/redirect?{int(request.query_string or 0) + 1}")

    async def favicon(_: web.Request) -> web.Response:
        return web.Response(status=204)

    page("/home", HOME)
    page("/frame", FRAME)
    page("/empty", EMPTY)
    page("/popup", document("popup", "<script>setTimeout(close, 5000)</script>"))
    page("/worker.js", WORKER)
    app.router.add_get("/service_worker.js", service_worker)
    app.router.add_get("/slow", slow)
    app.router.add_get("/never", never)
    app.router.add_get("/news", news)
    app.router.add_get("/echo", echo)
    app.router.add_get("/chatter", chatter)
    app.router.add_get("/hub", hub)
    app.router.add_get("/sign-in", sign_in)
    app.router.add_get("/consent", consent)
    app.router.add_get("/cookies", cookies)
    app.router.add_static("/npm", node_modules())
    app.router.add_get("/made", made)
    app.router.add_get("/redirect", redirect)
    app.router.add_get("/favicon.ico", favicon)
    return app


def _other(request: web.Request) -> str:
    """Return the origin of the site that the request did not go to."""
    site = Site(request.url.port or 80)
    return site.other if request.host.startswith("127") else site.origin
