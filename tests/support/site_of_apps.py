"""Web apps that embed Power BI, as a user of `pbi-harness verify` might have written them.

Some need the fake cloud to answer their token requests, some have a backend of their own, and some have mistakes.
"""

import asyncio
import base64
import gzip
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import web

from harness.base.resources import node_modules
from support.serving import serving

REPORT = "11111111-1111-1111-1111-111111111111"
SECOND = "22222222-2222-2222-2222-222222222222"
"""A second report, which pages with two items embed."""
APP = """<!doctype html><title>Sales</title><script src="/npm/powerbi-client/dist/powerbi.min.js"></script>
<body>%(before)s<div id="report" style="height: 400px"></div><button id="close">close</button><script>
const place = document.getElementById("report"), MARGIN = 15 * 60000;
let renewAt, asking = false, timer;
async function ask() {
  const response = await fetch("%(token)s", { method: "POST" });
  const { token, expiration } = await response.json();
  const rest = Date.parse(expiration) - Date.parse(response.headers.get("Date"));
  if (!response.ok || !token || !(rest > 60000)) throw new Error("no usable token");
  return { token, renewAt: Date.now() + rest - Math.min(MARGIN, rest / 3) };
}
async function check() {
  if (asking || !(Date.now() >= renewAt)) return;
  asking = true;
  try {
    const next = await ask();
    await powerbi.get(place).setAccessToken(next.token);
    renewAt = next.renewAt;
  } catch (error) {
    console.warn(error.message);
  } finally {
    asking = false;
  }
}
const seen = () => document.hidden || check();
async function start() {
  const first = await ask();
  renewAt = first.renewAt;
  powerbi.embed(place, { type: "report", id: "%(report)s", accessToken: first.token, tokenType: 1,
    embedUrl: "https://app.powerbi.com/reportEmbed?reportId=%(report)s" });
  timer = setInterval(check, 30000);
  document.addEventListener("visibilitychange", seen);
}
document.getElementById("close").onclick = () => {
  clearInterval(timer);
  document.removeEventListener("visibilitychange", seen);
  powerbi.reset(place);
};
%(start)s
</script>"""
"""A page that renews well: it checks its token every 30 s and on `visibilitychange`, by the server's `Date` header."""
SECOND_BY_PROVIDER = f"""start();
const second = document.body.appendChild(document.createElement("div"));
async function provide() {{
  try {{
    return (await (await fetch("/api/aad")).json()).access_token ?? null;
  }} catch {{
    return null;
  }}
}}
provide().then((accessToken) => powerbi.embed(second, {{ type: "report", id: "{SECOND}", accessToken, tokenType: 0,
  embedUrl: "https://app.powerbi.com/reportEmbed?reportId={SECOND}", eventHooks: {{ accessTokenProvider: provide }} }}));"""
"""A script that embeds a second report with an accessTokenProvider."""
RELAY = """addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => event.respondWith(fetch(event.request)));"""
"""A service worker that passes on every request."""
RELAYED = """navigator.serviceWorker.register('/relay.js');
navigator.serviceWorker.ready.then((worker) => navigator.serviceWorker.controller
  || new Promise((done) => navigator.serviceWorker.addEventListener('controllerchange', done))).then(start);"""
"""A script that embeds once the service worker controls the page."""
POLICY = {"Content-Security-Policy": "frame-src 'self'; script-src 'self' 'unsafe-inline'; connect-src 'self'"}
"""A policy that forbids iframes of Power BI."""
LONG_POLL = "<script>fetch('/never'); new EventSource('/events');</script>"
"""Two requests that are never answered completely."""
UNSIGNED = """next.token = [{ alg: "none", typ: "JWT" }, { aud: "https://analysis.windows.net/powerbi/api", exp: Math.round(next.renewAt / 1000) + 900 }]
  .map((part) => btoa(JSON.stringify(part)).replaceAll("=", "") + ".").join("");"""
"""A script that replaces the token by an Entra token without a signature, which expires 15 min after `renewAt`."""
TODAY = f"if (Date.now() < {(datetime.now(UTC) + timedelta(days=1)).timestamp()} * 1000) start(); else %s;"
"""A script that embeds only before tomorrow, in page time. It goes elsewhere, or does nothing, from then on."""
NO_PAUSE = "<script>(async () => { for (let n = 0; ; n++) await fetch('/nothing?' + n).catch(() => {}); })()</script>"
"""A page that sends a request as soon as the one before is answered."""


def _page(token: str = "/api/token", start: str = "start();", before: str = "") -> str:
    return APP % {"token": token, "start": start, "before": before, "report": REPORT}


def _page_of_another_service(extra_script: str) -> str:
    """Return a page with tokens of another service, whose `extra_script` also keeps each token in another place."""
    return _page(
        "/foreign/token",
        start=f"const fetchToken = ask; ask = async () => {{ const next = await fetchToken(); {extra_script} return next; }}; start();",
    )


def _page_with_unsigned_tokens(extra_script: str) -> str:
    """Return a page with Entra tokens without a signature, whose `extra_script` handles each of them."""
    return _page_of_another_service(UNSIGNED + extra_script).replace("tokenType: 1", "tokenType: 0")


PAGES = {
    "/app": _page(),
    "/both": _page(start=SECOND_BY_PROVIDER),
    "/another-shape": _page().replace(
        "const { token, expiration }", "const { data: { accessToken: token, until: expiration } }"
    ),
    "/forgets": _page(start="start(); document.getElementById('close').onclick = () => powerbi.reset(place);"),
    "/foreign": _page("/foreign/token"),
    "/foreign-kept": _page_of_another_service("localStorage.last = next.token; delete localStorage.last;"),
    "/foreign-logged": _page_of_another_service("console.log('got', { next: btoa(next.token) });"),
    "/relayed": _page(start=RELAYED),
    "/foreign-unsigned": _page_with_unsigned_tokens(""),
    "/foreign-unsigned-kept": _page_with_unsigned_tokens("localStorage.last = JSON.stringify(next);"),
    "/foreign-hardly-signed": _page_with_unsigned_tokens("next.token += 'sig';"),
    "/policy": _page(),
    "/long-poll": _page(before=LONG_POLL),
    "/no-pause": _page(before=NO_PAUSE),
    "/throws-later": _page(start="start(); setTimeout(() => nothing.here, 60000);"),
    "/never-renews": _page(start="start().then(() => { renewAt = Infinity; });"),
    "/asks-its-user": _page(
        start="start(); const fetchToken = ask; ask = async () => { if (!confirm('Stay signed in?')) throw new Error('no'); return fetchToken(); };"
    ),
    "/click": _page(
        start="document.getElementById('show').onclick = start;", before="<button id=show>Show report</button>"
    ),
    "/signed-in": _page(
        start="localStorage.user === 'ada' && document.cookie === 'sid=1' ? start() : location.assign('/sign-in');"
    ),
    "/signed-in-today": _page(start=TODAY % "{}"),
    "/sent-away-tomorrow": _page(start=TODAY % "location.assign('/sign-in')"),
    "/sign-in": "<title>Sign in</title><form action=/click><label>User <input name=user></label><button>Sign in</button></form>",
    "/empty": "<title>empty</title><h1>Nothing here</h1>",
    "/throws": "<title>throws</title><script>throw new Error('at load')</script>",
    "/cdn": "<title>cdn</title><script src='https://cdn.example.com/powerbi.js'></script>",
    "/loop": "<title>loop</title><script>for (;;);</script>",
}


@contextmanager
def site_of_apps() -> Iterator[str]:
    """Serve `PAGES`, and yield their origin.

    `/foreign/token` is a backend that hands out tokens of another service, whose clock shows real time.
    """
    with serving(_application()) as port:
        yield f"http://127.0.0.1:{port}"


def _application() -> web.Application:
    app = web.Application()

    def add_page(path: str, text: str) -> None:
        headers = POLICY if path == "/policy" else {}

        async def serve(_: web.Request) -> web.Response:
            return web.Response(text=text, content_type="text/html", headers=headers)

        app.router.add_get(path, serve)

    for path, text in PAGES.items():
        add_page(path, text)

    async def npm(request: web.Request) -> web.FileResponse:
        return web.FileResponse(node_modules() / request.match_info["path"])

    async def relay(_: web.Request) -> web.Response:
        return web.Response(text=RELAY, content_type="text/javascript")

    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("/sign-in")

    async def picture(_: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG", content_type="image/png")

    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(3600)
        return response

    async def foreign(_: web.Request) -> web.Response:
        return web.json_response(foreign_token())

    app.router.add_get("/npm/{path:.+}", npm)
    app.router.add_get("/relay.js", relay)
    app.router.add_get("/home", redirect)
    app.router.add_get("/picture", picture)
    app.router.add_get("/never", never)
    app.router.add_get("/events", events)
    app.router.add_post("/foreign/token", foreign)
    return app


def foreign_token() -> dict[str, str]:
    """Return an answer such as the real GenerateToken gives, with a token that expires after an hour of real time."""
    expires = datetime.now(UTC) + timedelta(hours=1)
    readable = {"clusterUrl": "https://cluster.example", "exp": int(expires.timestamp())}
    sealed = base64.urlsafe_b64encode(gzip.compress(secrets.token_bytes(384))).decode()
    return {
        "token": f"{sealed}.{base64.b64encode(json.dumps(readable).encode()).decode()}",
        "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
