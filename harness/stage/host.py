"""The host: a local web server with the host pages, the SDK from npm, and a token backend as an app has one."""

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
FREEZEGUN_STACK_FRAMES = 5
"""Stack frames in which freezegun looks for a module that keeps real time (its `call_stack_inspection_limit`)."""
SIGN_IN_LIFETIME = timedelta(minutes=40)
"""The time after which a user has to sign in again: shorter than the lifetime of a token, as in many apps."""
SIGN_IN_COOKIE = "session"
MAX_ENTRA_AGE = timedelta(minutes=1)
"""The age from which an Entra token is replaced before an embed token is made from it.

An embed token expires with its Entra token. With the token from MSAL's cache the page would get ever shorter lifetimes.
"""


class TokenBackend:
    """The token backend of an app: real MSAL against Entra ID, then GenerateToken.

    All methods block; call them in a thread.
    """

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
        """Return an Entra token of the app itself that is at most a minute old. Raises `requests.RequestException`."""
        app = self._msal()
        answer = app.acquire_token_for_client(SCOPES)
        if (
            answer.get("token_source") == "cache"
            and answer["expires_in"] < (self._tenant.lifetime - MAX_ENTRA_AGE).total_seconds()
        ):
            app.remove_tokens_for_client()
            answer = app.acquire_token_for_client(SCOPES)
        return _token_of(answer)

    def user_token(self) -> dict[str, Any]:
        """Return a new Entra token of the user, in MSAL's shape: access_token, token_type, expires_in (seconds)."""
        with self._lock:
            answer = self._msal().acquire_token_by_refresh_token(self._tenant.refresh_token, SCOPES)
            _token_of(answer)
            return {name: answer[name] for name in ("access_token", "token_type", "expires_in")}

    def embed_token(self, item: str) -> Any:
        """Return GenerateToken's answer for a "report", "dashboard" or "tile": token, tokenId, expiration."""
        with self._lock:
            if item == "report":
                return self._generate_for_report(self.entra_token())
            return self._call("POST", f"{self._path(item)}/GenerateToken", {"accessLevel": "View"})

    def _generate_for_report(self, entra_token: str) -> Any:
        body = {"reports": [{"id": self._tenant.report_id}], "datasets": [{"id": self._tenant.dataset_id}]}
        return self._call("POST", "/GenerateToken", body, entra_token)

    def plain_embed_token(self) -> Any:
        """Return GenerateToken's answer for MSAL's cached Entra token; the embed token expires with that one."""
        with self._lock:
            return self._generate_for_report(_token_of(self._msal().acquire_token_for_client(SCOPES)))

    def item(self, item: str) -> dict[str, Any]:
        """Return what a page needs to embed an item: type, id, groupId, embedUrl; for a tile also dashboardId."""
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
        """Close the connections to the fake cloud."""
        self._http.close()


def _call_deeper(frames: int, work: Callable[..., T], *args: Any) -> T:
    """Call `work` with `frames` more stack frames above it, and return its result.

    freezegun gives real time to functions that a module of its ignore list calls; here that is the thread pool.
    """
    return _call_deeper(frames - 1, work, *args) if frames else work(*args)


def _token_of(answer: dict[str, Any]) -> str:
    if "access_token" not in answer:
        raise requests.RequestException(answer.get("error_description", "no token"))
    return str(answer["access_token"])


class Host:
    """A web server on this machine that serves the host pages, the npm packages and token endpoints.

    - `/item/TYPE`: what a page needs to embed a report, dashboard or tile.
    - `/token/embed/TYPE`: an embed token, as GenerateToken answers.
    - `/token/aad`: an Entra token of the user, as MSAL answers.
    - `/token/plain/report`: an embed token from a backend that keeps its Entra token until MSAL renews it.
    - `/token/session/report`: an embed token for a user who is signed in, 401 for others. `/session/sign-in` signs the
      user in for 40 min: it redirects to another site and ends at `to`, or posts a message to the parent of its frame.
    - `/events`: an event stream that never ends.
    """

    def __init__(
        self, engine: Engine, cloud: Cloud, ca_file: Path, *, folders: Sequence[Path] | None = None, port: int = 0
    ) -> None:
        """Start the server.

        Args:
            engine: The thread that runs the server.
            cloud: The fake cloud from which the backend gets its tokens.
            ca_file: The certificate authority of the fake cloud, in PEM.
            folders: Folders to search for `NAME.html`, in this order; None for the pages that come with the product.
            port: The port to listen on; 0 for any free one.

        Raises:
            UsageError: The port cannot be used.
        """
        self._engine, self._port = engine, port
        self._folders = list(folders) if folders is not None else fixture_folders()
        self._backend = TokenBackend(cloud, ca_file)
        self._signed_in: set[str] = set()
        self._engine.run(self._start())

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/npm/{path:.+}", self._npm)
        app.router.add_get("/item/{item:report|dashboard|tile}", self._item)
        app.router.add_route("*", "/token/embed/{item:report|dashboard|tile}", self._embed_token)
        app.router.add_route("*", "/token/plain/report", self._plain_token)
        app.router.add_route("*", "/token/aad", self._user_token)
        app.router.add_get("/session/sign-in", self._start_sign_in)
        app.router.add_get("/session/consent", self._consent)
        app.router.add_get("/session/begin", self._end_sign_in)
        app.router.add_get("/token/session/report", self._token_of_signed_in_user)
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
        """The origin of the server: "http://127.0.0.1:PORT"."""
        return f"http://127.0.0.1:{self._server.port}"

    def pages(self) -> list[str]:
        """Return the names of the host pages, sorted."""
        return sorted(path.stem for folder in self._folders for path in folder.glob("*.html"))

    def url(self, page: str, **query: str) -> str:
        """Return the address of a host page ("article_manual"), with query parameters if any.

        Raises `UsageError` if there is no page of this name.
        """
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
        """Answer with an event stream that stays open and sends nothing after its first message."""
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

    async def _start_sign_in(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://localhost:{self._server.port}/session/consent?{request.query_string}")

    async def _consent(self, request: web.Request) -> web.StreamResponse:
        """Act as the identity provider, on another site: the user is still signed in there."""
        raise web.HTTPFound(f"{self.origin}/session/begin?{request.query_string}")

    async def _end_sign_in(self, request: web.Request) -> web.StreamResponse:
        if to := request.query.get("to"):
            response = web.Response(status=302, headers={"Location": self.origin + to})
        else:
            script = "<script>parent.postMessage('signed in', location.origin)</script>"
            response = web.Response(text=f"<!doctype html>{script}", content_type="text/html")
        self._signed_in.add(id := secrets.token_urlsafe())
        max_age = int(SIGN_IN_LIFETIME.total_seconds())
        response.set_cookie(SIGN_IN_COOKIE, id, max_age=max_age, httponly=True, samesite="Lax", path="/token/session")
        return response

    async def _token_of_signed_in_user(self, request: web.Request) -> web.StreamResponse:
        if request.cookies.get(SIGN_IN_COOKIE) not in self._signed_in:
            return web.json_response({"error": "no session"}, status=401)
        return await self._answer(self._backend.embed_token, "report")

    async def _answer(self, get: Any, *args: str) -> web.StreamResponse:
        try:
            found = await asyncio.to_thread(_call_deeper, FREEZEGUN_STACK_FRAMES, get, *args)
        except requests.RequestException as error:  # Entra ID or Power BI refused; an app's backend passes that on
            return web.json_response({"error": str(error)}, status=502)
        return web.json_response(found, headers={"Cache-Control": "no-store"})

    def close(self) -> None:
        """Stop the server and close its connections."""
        self._engine.run(self._server.stop())
        self._backend.close()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
