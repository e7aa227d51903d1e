"""app.powerbi.com: serves the iframe app and answers it.

The app tells what happens in the frame and asks for pages and data; whether a token is still good is decided here, by
the service's clock. Paths under `/_fake` are of this fake's own, those under `/explore` are shaped after the service's.
"""

import json
import re
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web

from fake_pbi.bodies import json_body, json_object
from fake_pbi.errors import EntityNotFound, InvalidRequest, LoadFailed, ServiceError, TokenExpired
from fake_pbi.frame_document import APP_FOLDER, SETTINGS, frame_document
from fake_pbi.sample import PAGES, page_named
from fake_pbi.tenant import Tenant
from fake_pbi.tokens import Token, TokenBook, TokenState, utc_text
from harness.base.journal import Journal, Now

FRAMES = {"/reportEmbed": "report", "/dashboardEmbed": "dashboard", "/embed": "tile", "/tileEmbed": "tile"}
"""Path of a frame -> type of item. The REST API says /embed for a tile, the SDK on its own /tileEmbed."""

ITEM_JOURNAL = "/_fake/items/{item}/journal"
ITEM_TOKEN = "/_fake/items/{item}/token"
TOLD = re.compile("/_fake/items/(?P<item>[^/]+)/(?P<what>journal|token)")
EXPLORATION = "/explore/{kind:reports|dashboards|tiles}/{id}/modelsAndExploration"
QUERY = "/explore/querydata"

ITEM = "X-Item"
"""The header that names the item of a document, or of what it asks for."""

TOLD_BY_THE_APP = frozenset({"protocol", "hook.called", "hook.answered", "item.event", "embed.gone"})
HOW = ("load", "setAccessToken", "hook")
ACTIONS = ("render", "pageChange", "filter", "refresh")
SCHEMES = {"bearer": "entra", "embedtoken": "embed"}
"""How a token is sent -> the type that it then has to be of."""

NAMES = {"reports": "Sales", "dashboards": "Sales overview", "tiles": "Sales by region"}

MILLISECOND = timedelta(milliseconds=1)
LONG_AGO = timedelta(days=36525) / MILLISECOND
"""Milliseconds before now at which nothing can have happened that the app tells of."""


class Embed:
    """The service behind the frames. `npm` is a node_modules folder with Microsoft's packages; without them, a `FileNotFoundError`."""

    def __init__(self, now: Now, journal: Journal, tenant: Tenant, tokens: TokenBook, *, npm: Path) -> None:
        self._now = now
        self._journal = journal
        self._tenant = tenant
        self._tokens = tokens
        self._document = frame_document(npm, APP_FOLDER)
        self._numbers = count(1)
        self._items: set[str] = set()
        self._there: set[str] = set()
        self._holding: dict[str, object] = {}

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes([web.get(path, self.frame) for path in FRAMES])
        application.add_routes(
            [
                web.post(ITEM_JOURNAL, self._told_by_request),
                web.post(ITEM_TOKEN, self._told_by_request),
                web.get(EXPLORATION, self.exploration),
                web.post(QUERY, self.query),
            ]
        )
        return application

    async def frame(self, request: web.Request) -> web.Response:
        """The document of an iframe: a new item with each navigation."""
        item = str(next(self._numbers))
        self._items.add(item)
        self._there.add(item)
        self._journal.write("embed.frame", item=item, path=request.path, url=str(request.url))
        settings = {
            "item": item,
            "type": FRAMES[request.path],
            "hookLeadMs": self._tenant.hook_lead // MILLISECOND,
            "hookRetryMs": self._tenant.hook_retry // MILLISECOND,
            "lateToken": self._tenant.late_token,
            "hookAddress": self._tenant.hook_address,
        }
        return web.Response(
            text=self._document.replace(SETTINGS, json.dumps(settings)),
            content_type="text/html",
            headers={"Cache-Control": "no-store", ITEM: item},
        )

    async def _told_by_request(self, request: web.Request) -> web.Response:
        status, text = self.tell(request.path, await json_body(request))
        return web.Response(status=status, text=text, content_type="application/json")

    def tell(self, path: str, body: Any) -> tuple[int, str]:
        """What the app tells of an item, at the path of its journal or its token. Returns the answer: its status, and its JSON.

        Raises `EntityNotFound` for an item that was never served, `InvalidRequest` for a body that is none.
        """
        of = TOLD.fullmatch(path)
        if not of or of["item"] not in self._items:
            raise EntityNotFound
        if of["what"] == "token":
            return 200, json.dumps(self._apply_token(of["item"], body))
        self._write_all(of["item"], body)
        return 204, ""

    def _write_all(self, item: str, entries: Any) -> None:
        """Write what happened in the frame: `[{"ago": ms, "kind": str, "data": {...}}]`.

        `ago` is how long before now, by the page's clock. A text of a token becomes the token's name. Raises `InvalidRequest`
        for anything else.
        """
        if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
            kinds = ", ".join(sorted(TOLD_BY_THE_APP))
            raise InvalidRequest(f"Entries must be a list of {{ago, kind, data}}, each kind one of {kinds}.")
        for entry in entries:
            if entry["kind"] == "embed.gone":
                self.leave(item)
            else:
                self._write(item, entry["kind"], timedelta(milliseconds=entry["ago"]), entry["data"])

    def leave(self, item: str) -> None:
        """An item's document has gone. (Its own word may come late, or never.)"""
        if item in self._there:
            self._there.remove(item)
            self._holding.pop(item, None)
            self._journal.write("embed.gone", item=item)

    def _write(self, item: str, kind: str, ago: timedelta, data: dict[str, Any]) -> None:
        if kind == "hook.answered" and data.get("answer") == "token":
            token = self._tokens.find(str(data.get("text")))
            data = {name: value for name, value in data.items() if name != "text"}
            data["token"] = token.name if token else "unknown"
        at = self._now() - ago
        latest = self._journal.latest
        self._journal.write(kind, at=max(at, latest) if latest else at, **(data | {"item": item}))

    def _apply_token(self, item: str, body: Any) -> dict[str, Any]:
        """An item takes a token: `{"authorization": text, "how": ..., "told": entries}`; answers what the token is worth.

        `authorization` is how it will be sent with queries, `told` what happened in the frame before, as its journal takes it.
        """
        sent, how = (body.get("authorization"), body.get("how")) if isinstance(body, dict) else (None, None)
        if not isinstance(sent, str) or how not in HOW:
            raise InvalidRequest(f'The body must be {{"authorization": text, "how": one of {", ".join(HOW)}}}.')
        self._write_all(item, body.get("told", []))
        token, state = self._worth(sent)
        name, type_ = (token.name, token.type) if token else ("unknown", "unknown")
        expires = token.expires if token and state != "unknown" else None
        self._journal.write("token.applied", item=item, token=name, type=type_, expires=expires, how=how, state=state)
        self._hold(item, token if state == "live" else None)
        return {
            "token": name,
            "type": type_,
            "state": state,
            "expires": utc_text(expires) if expires else None,
            "remainingMs": max(0, (expires - self._now()) // MILLISECOND) if expires else None,
        }

    def _hold(self, item: str, token: Token | None) -> None:
        """From now on this is the item's token, and its end is the one that counts; None: it has none that lives."""
        held = object()
        self._holding[item] = held
        if token:
            self._journal.schedule(
                token.expires,
                "token.expired",
                unless=lambda: self._holding.get(item) is not held,
                item=item,
                token=token.name,
            )

    async def exploration(self, request: web.Request) -> web.Response:
        """What an item consists of. Raises the 403 of a token that is not good for it."""
        _, state = self._worth(request.headers.get("Authorization", ""))
        if error := _refusal(state):
            raise error
        if self._tenant.only_items is not None and request.match_info["id"] not in self._tenant.only_items:
            raise EntityNotFound
        return web.json_response(
            {"name": NAMES[request.match_info["kind"]], "pages": [page.described() for page in PAGES]}
        )

    async def query(self, request: web.Request) -> web.Response:
        """The data of a page, `{"item", "action", "detail", "page", "filters", "told"}`. Raises as `exploration` does."""
        token, state = self._worth(request.headers.get("Authorization", ""))
        body = await json_object(request)
        if body.get("item") not in self._items or body.get("action") not in ACTIONS:
            raise InvalidRequest(f"The body must name a served item and an action of {', '.join(ACTIONS)}.")
        self._write_all(body["item"], body.get("told", []))
        page = page_named(body.get("page"))
        error = _refusal(state) or (None if page else EntityNotFound())
        self._journal.write(
            "data.request",
            item=body["item"],
            action=body["action"],
            detail=body.get("detail"),
            page=body.get("page"),
            filters=body.get("filters") or [],
            token=token.name if token else "unknown",
            state=state,
            status=error.status if error else 200,
        )
        if error or not page:
            raise error or EntityNotFound()
        return web.json_response(page.data(body.get("filters") or []))

    def _worth(self, authorization: str) -> tuple[Token | None, TokenState]:
        """The token that the app sends so, and its state; one of the other type is as good as unknown.

        Source: embedded-troubleshoot ("bad token or tokenType mismatch").
        """
        scheme, _, text = authorization.partition(" ")
        token = self._tokens.find(text)
        if token is None or SCHEMES.get(scheme.lower()) != token.type:
            return token, "unknown"
        return token, self._tokens.state(text)


def _refusal(state: TokenState) -> ServiceError | None:
    if state == "expired":
        return TokenExpired()
    return LoadFailed() if state == "unknown" else None


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("kind"), str)
        and entry["kind"] in TOLD_BY_THE_APP
        and isinstance(entry.get("ago"), int | float)
        and 0 <= entry["ago"] < LONG_AGO
        and isinstance(entry.get("data"), dict)
        and not entry["data"].keys() & {"at", "kind"}
    )
