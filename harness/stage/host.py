"""The local host page server: pages of fixtures/, the SDK from npm, and the token backend that such an app has."""

import asyncio
import difflib
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import msal
import requests
from aiohttp import web

from fake_pbi.cloud import Cloud
from harness.base.errors import UsageError
from harness.base.resources import fixture_folders, node_modules
from harness.base.server import Server
from harness.browser.engine import Engine

T = TypeVar("T")

SCOPES = ["https://analysis.windows.net/powerbi/api/.default"]
API = "https://api.powerbi.com/v1.0/myorg"
FRAMES_LOOKED_AT = 5
"""How far up freezegun looks for a caller that it is told to leave alone."""
SESSION = timedelta(minutes=40)
"""How long the session lives that an app of this machine gives its user: shorter than a token, as many are."""
SESSION_COOKIE = "session"
FRESH = timedelta(minutes=1)
"""An Entra token older than this is renewed before an embed token is made from it: the embed token lives no longer than it
does, so what MSAL still calls fresh would give the page ever shorter tokens."""


class TokenBackend:
    """Gets tokens as an app's backend does: real MSAL against Entra ID, then GenerateToken. Blocks: call it in a thread."""

    def __init__(self, cloud: Cloud, ca_file: Path) -> None:
        self._tenant = cloud.tenant
        self._lock = threading.Lock()
        self._http = requests.Session()
        self._http.proxies = {"https": cloud.gateway.url}
        self._http.verify = str(ca_file)
        self._http.trust_env = False
        self._app: msal.ConfidentialClientApplication | None = None

    def _msal(self) -> msal.ConfidentialClientApplication:
        if self._app is None:
            tenant = self._tenant
            self._app = msal.ConfidentialClientApplication(
                tenant.client_id,
                client_credential=tenant.client_secret,
                authority=f"https://login.microsoftonline.com/{tenant.tenant_id}",
                http_client=self._http,
            )
        return self._app

    def entra_token(self) -> str:
        """An Entra token of the app itself, made within the last minute."""
        app = self._msal()
        answer = app.acquire_token_for_client(SCOPES)
        if (
            answer.get("token_source") == "cache"
            and answer["expires_in"] < (self._tenant.lifetime - FRESH).total_seconds()
        ):
            app.remove_tokens_for_client()
            answer = app.acquire_token_for_client(SCOPES)
        return _token_of(answer)

    def user_token(self) -> dict[str, Any]:
        """A new Entra token of the signed-in user, as MSAL answers it."""
        with self._lock:
            answer = self._msal().acquire_token_by_refresh_token(self._tenant.refresh_token, SCOPES)
            _token_of(answer)
            return {name: answer[name] for name in ("access_token", "token_type", "expires_in")}

    def embed_token(self, item: str) -> Any:
        """What GenerateToken answers for a "report", "dashboard" or "tile": token, tokenId, expiration."""
        with self._lock:
            if item == "report":
                return self._generate_for_report(self.entra_token())
            return self._call("POST", f"{self._path(item)}/GenerateToken", {"accessLevel": "View"})

    def _generate_for_report(self, entra_token: str) -> Any:
        body = {"reports": [{"id": self._tenant.report_id}], "datasets": [{"id": self._tenant.dataset_id}]}
        return self._call("POST", "/GenerateToken", body, entra_token)

    def plain_embed_token(self) -> Any:
        """What GenerateToken answers to whatever Entra token MSAL has cached: lives no longer than that one."""
        with self._lock:
            return self._generate_for_report(_token_of(self._msal().acquire_token_for_client(SCOPES)))

    def item(self, item: str) -> dict[str, Any]:
        """What a page needs to embed an item: type, id, groupId, embedUrl."""
        with self._lock:
            found = self._call("GET", self._path(item))
        more = {"dashboardId": self._tenant.dashboard_id} if item == "tile" else {}
        group = self._tenant.workspace_id
        return {"type": item, "id": found["id"], "groupId": group, "embedUrl": found["embedUrl"]} | more

    def _path(self, item: str) -> str:
        tenant = self._tenant
        path = {
            "report": f"reports/{tenant.report_id}",
            "dashboard": f"dashboards/{tenant.dashboard_id}",
            "tile": f"dashboards/{tenant.dashboard_id}/tiles/{tenant.tile_id}",
        }[item]
        return f"/groups/{tenant.workspace_id}/{path}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, entra_token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {entra_token or self.entra_token()}"}
        answer = self._http.request(method, API + path, json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        self._http.close()


def _deep_down(frames: int, work: Callable[..., T], *args: Any) -> T:
    """`work`, called from so many frames further down: freezegun gives real time to whatever a thread pool calls nearby."""
    return _deep_down(frames - 1, work, *args) if frames else work(*args)


def _token_of(answer: dict[str, Any]) -> str:
    if "access_token" not in answer:
        raise requests.RequestException(answer.get("error_description", "no token"))
    return str(answer["access_token"])


class Host:
    """Serves host pages on this machine, with the endpoints `/item/TYPE`, `/token/embed/TYPE`, `/token/aad`, and `/events`,
    which never ends.

    `/token/session/report` is `/token/embed/report` for who has a session, and 401 for who has none. A session lives for 40 min; it
    begins with `/session/sign-in`, which goes by way of another site and ends at `to`, or tells the parent of its frame.
    `/token/plain/report` is `/token/embed/report` of a backend that knows nothing of margins.
    `folders` are searched in order for `NAME.html`; they default to the pages that come with the product.
    """

    def __init__(
        self, engine: Engine, cloud: Cloud, ca_file: Path, *, folders: Sequence[Path] | None = None, port: int = 0
    ) -> None:
        self._engine, self._port = engine, port
        self._folders = list(folders) if folders is not None else fixture_folders()
        self._backend = TokenBackend(cloud, ca_file)
        self._sessions: set[str] = set()
        self._engine.run(self._start())

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/npm/{path:.+}", self._npm)
        app.router.add_get("/item/{item:report|dashboard|tile}", self._item)
        app.router.add_route("*", "/token/embed/{item:report|dashboard|tile}", self._embed_token)
        app.router.add_route("*", "/token/plain/report", self._plain_token)
        app.router.add_route("*", "/token/aad", self._user_token)
        app.router.add_get("/session/sign-in", self._sign_in)
        app.router.add_get("/session/consent", self._consent)
        app.router.add_get("/session/begin", self._begin_session)
        app.router.add_get("/token/session/report", self._token_of_session)
        app.router.add_get("/events", self._events)
        app.router.add_get("/favicon.ico", self._no_icon)
        app.router.add_get("/{file:.+}", self._file)
        self._server = Server(app)
        try:
            await self._server.start(self._port)
        except (OSError, OverflowError) as error:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise UsageError(
                f"Port {self._port} of this machine cannot be used ({why}); free it, or choose another one (0: any)."
            ) from None

    @property
    def origin(self) -> str:
        """Where it listens: "http://127.0.0.1:PORT"."""
        return f"http://127.0.0.1:{self._server.port}"

    def pages(self) -> list[str]:
        """The names that `url` takes."""
        return sorted(path.stem for folder in self._folders for path in folder.glob("*.html"))

    def url(self, page: str, **query: str) -> str:
        """The address of a host page ("article_manual"), with query parameters if any. Raises `UsageError` if there is none."""
        names = self.pages()
        if page not in names:
            near = difflib.get_close_matches(page, names, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"There is no host page {page!r}; {meant}There are: {', '.join(names)}.")
        return f"{self.origin}/{page}" + (f"?{urlencode(query)}" if query else "")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        for folder in self._folders:
            for path in (folder / name, folder / f"{name}.html"):
                if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                    return web.FileResponse(path, headers={"Cache-Control": "no-store"})
        raise web.HTTPNotFound

    async def _npm(self, request: web.Request) -> web.StreamResponse:
        root = node_modules().resolve()
        path = (root / request.match_info["path"]).resolve()
        if not path.is_file() or not path.is_relative_to(root):
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """A stream that stays open: such a page's own news, of which there is none."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b"data: An event stream\n\n")
        await asyncio.Event().wait()
        return response

    async def _no_icon(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    async def _item(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(self._backend.item, request.match_info["item"])

    async def _embed_token(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(self._backend.embed_token, request.match_info["item"])

    async def _plain_token(self, _: web.Request) -> web.StreamResponse:
        return await self._answer(self._backend.plain_embed_token)

    async def _user_token(self, _: web.Request) -> web.StreamResponse:
        return await self._answer(self._backend.user_token)

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://localhost:{self._server.port}/session/consent?{request.query_string}")

    async def _consent(self, request: web.Request) -> web.StreamResponse:
        """The identity provider, another site: it knows its user still."""
        raise web.HTTPFound(f"{self.origin}/session/begin?{request.query_string}")

    async def _begin_session(self, request: web.Request) -> web.StreamResponse:
        if to := request.query.get("to"):
            response = web.Response(status=302, headers={"Location": self.origin + to})
        else:
            told = "<script>parent.postMessage('signed in', location.origin)</script>"
            response = web.Response(text=f"<!doctype html>{told}", content_type="text/html")
        self._sessions.add(session := secrets.token_urlsafe())
        life = int(SESSION.total_seconds())
        response.set_cookie(SESSION_COOKIE, session, max_age=life, httponly=True, samesite="Lax", path="/token/session")
        return response

    async def _token_of_session(self, request: web.Request) -> web.StreamResponse:
        if request.cookies.get(SESSION_COOKIE) not in self._sessions:
            return web.json_response({"error": "no session"}, status=401)
        return await self._answer(self._backend.embed_token, "report")

    async def _answer(self, get: Any, *args: str) -> web.StreamResponse:
        try:
            found = await asyncio.to_thread(_deep_down, FRAMES_LOOKED_AT, get, *args)
        except requests.RequestException as error:  # Entra ID or Power BI refused: so does an app's backend
            return web.json_response({"error": str(error)}, status=502)
        return web.json_response(found, headers={"Cache-Control": "no-store"})

    def close(self) -> None:
        self._engine.run(self._server.stop())
        self._backend.close()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
