"""A web site whose page runs a program (`programs.py`), and keeps a journal of what happens."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from aiohttp import web
from programs import Program, as_json
from support.serving import serving

WAITS = {
    "request": "fetch('/answer').then((answer) => answer.text())",
    "slow request": "fetch('/answer?ms=40').then((answer) => answer.text())",
    "IndexedDB": """new Promise((done, failed) => {
        const opening = indexedDB.open("d");
        opening.onerror = failed;
        opening.onupgradeneeded = () => opening.result.createObjectStore("s");
        opening.onsuccess = () => {
          const writing = opening.result.transaction("s", "readwrite");
          writing.objectStore("s").put(1, key).onerror = failed;
          writing.oncomplete = () => (opening.result.close(), done());
        };
      })""",
    "Cache API": """caches.open("c").then(async (cache) => {
        await cache.put("/" + key, new Response("x"));
        return (await cache.match("/" + key)).text();
      })""",
    "key": "crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])",
    "lock": "navigator.locks.request('l', async () => {})",
    "lock during a request": "navigator.locks.request('l', () => fetch('/answer?ms=5'))",
    "blob": "new Blob(['x'.repeat(10_000)]).text()",
    "permission": "navigator.permissions.query({ name: 'geolocation' })",
    "file": """new Promise((done, failed) => {
        const reader = new FileReader();
        [reader.onload, reader.onerror] = [done, failed];
        reader.readAsText(new Blob(["x"]));
      })""",
    "message to another tab": """new Promise((done) => {
        const [from, to] = [new BroadcastChannel("b"), new BroadcastChannel("b")];
        to.onmessage = ({ data }) => data === key && (from.close(), to.close(), done());
        from.postMessage(key);
      })""",
    "message to a frame": """(frame ??= new Promise((done) => {
        const made = Object.assign(document.createElement("iframe"), { src: other + "/frame" });
        made.onload = () => done(made.contentWindow);
        document.body.append(made);
      })).then((frame) => new Promise((done) => {
        addEventListener("message", ({ data }) => data === key && done());
        frame.postMessage(key, "*");
      }))""",
    "message to a worker": """new Promise((done) => {
        worker ??= new Worker(URL.createObjectURL(new Blob(["onmessage = ({ data }) => postMessage(data)"])));
        worker.addEventListener("message", ({ data }) => data === key && done());
        worker.postMessage(key);
      })""",
    "WebSocket": """new Promise((done, failed) => {
        const socket = new WebSocket("/echo");
        socket.onopen = () => socket.send(key);
        socket.onmessage = () => (socket.close(), done());
        socket.onerror = failed;
      })""",
}
"""Browser calls that a page can await: name -> a JavaScript expression for a promise.

In the expression `key` is the step's place in the program."""

IN_ORDER = [("lock", "lock during a request"), *((what,) for what in WAITS if what.startswith("message"))]
"""Groups of calls that end in the order in which they begin."""

FRAME = """<!doctype html><script>onmessage = ({ data, source }) => source.postMessage(data, "*");</script>"""
PAGE = """<!doctype html><title>program</title><link rel="icon" href="data:,"><body><script>
const documents = %(documents)s, other = "%(other)s";
const events = JSON.parse(sessionStorage[location.pathname] ?? "[]");
const number = events.filter(([key]) => /^\\d+$/.test(key)).length;
const first = (sessionStorage[location.pathname + " first"] ??= navigation.currentEntry.index);
const canGoBack = () => navigation.currentEntry.index > first;
addEventListener("pagehide", () => { sessionStorage[location.pathname] = JSON.stringify(events); });

let frame, worker;
const journal = (key, begins) => events.push([key, Date.now(), begins]);
const WAITS = {%(waits)s};
const does = {
  Timer: (key, { after_ms, then }) => setTimeout(() => happened(key, then), after_ms),
  Interval: (key, { every_ms, times, then }) => {
    let tick = 0;
    const timer = setInterval(() => {
      if (++tick === times) clearInterval(timer);
      happened(`${key}#${tick}`, then);
    }, every_ms);
  },
  Wait: (key, { what, then }) => {
    journal(key, what);
    WAITS[what](key).then(() => happened(key, then), (error) => journal(`${key} failed: ${error}`));
  },
};
const run = (key, steps) => steps.forEach((step, place) => does[step.kind](`${key}/${place}`, step));
const happened = (key, then) => (journal(key), run(key, then));
const leaves = {
  reload: () => location.reload(),
  elsewhere: () => { location.search = number; },
  redirect: () => { location.href = "/redirect?to=" + encodeURIComponent(location.pathname + "?" + number); },
  back: () => (canGoBack() ? history.back() : location.reload()),
};
const { steps = [], leave } = documents[number] ?? {};
happened(String(number), steps);
if (leave) setTimeout(() => (journal(`${number} leaves`), leaves[leave.how]()), leave.after_ms);
</script>"""


class ProgramSite:
    """A site that serves its first program at `/program/0`, its second one at `/program/1`."""

    def __init__(self) -> None:
        self.origin = self.other = ""
        self._programs: list[Program] = []

    def add(self, program: Program) -> str:
        """Add a program, and return the address of the page that runs it."""
        self._programs.append(program)
        return f"{self.origin}/program/{len(self._programs) - 1}"

    async def page(self, request: web.Request) -> web.Response:
        program = self._programs[int(request.match_info["number"])]
        waits = ",\n".join(f"{json.dumps(name)}: (key) => {work}" for name, work in WAITS.items())
        text = PAGE % {"waits": waits, "documents": json.dumps(as_json(program)), "other": self.other}
        return web.Response(text=text, content_type="text/html")

    async def redirect(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0.01)
        to = request.query["to"]
        over = self.other if request.host in self.origin else self.origin
        raise web.HTTPFound(f"{over}{to}" if over == self.origin else f"{over}/redirect?{urlencode({'to': to})}")

    async def frame(self, _: web.Request) -> web.Response:
        return web.Response(text=FRAME, content_type="text/html")

    async def echo(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def answer(self, request: web.Request) -> web.Response:
        await asyncio.sleep(int(request.query.get("ms", 0)) / 1000)
        return web.Response(text="answer")


@contextmanager
def site_of_programs() -> Iterator[ProgramSite]:
    """Serve a site of programs at two origins, which are two sites for the browser."""
    app, site = web.Application(), ProgramSite()
    app.router.add_get("/program/{number}", site.page)
    app.router.add_get("/answer", site.answer)
    app.router.add_get("/redirect", site.redirect)
    app.router.add_get("/frame", site.frame)
    app.router.add_get("/echo", site.echo)
    with serving(app) as port:
        site.origin, site.other = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        yield site
