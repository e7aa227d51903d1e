"""app.powerbi.com: serves the documents of the embedded items and answers their requests.

The app in the iframe (embed_app) reports what happens there, and requests pages and data. This module decides whether
a token is still valid, by service time. Paths under `/_fake` exist only in this fake; paths under `/explore` imitate
those of the real service.
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
from fake_pbi.hosts import FRAME_TYPES
from fake_pbi.sample import PAGES, page_named
from fake_pbi.tenant import Tenant
from fake_pbi.tokens import Token, TokenBook, TokenState, utc_text
from harness.base.journal import Journal, Now

JOURNAL_PATH = "/_fake/items/{item}/journal"
TOKEN_PATH = "/_fake/items/{item}/token"
ITEM_PATH = re.compile("/_fake/items/(?P<item>[^/]+)/(?P<what>journal|token)")
"""A pattern for the paths to which the app of an item reports: `JOURNAL_PATH` and `TOKEN_PATH`."""
EXPLORATION_PATH = "/explore/{kind:reports|dashboards|tiles}/{id}/modelsAndExploration"
QUERY_PATH = "/explore/querydata"

ITEM_HEADER = "X-Item"
"""The header that names the item: of an answer with the item's document, and of the document's requests."""

KINDS_OF_APP = frozenset({"protocol", "hook.called", "hook.answered", "item.event", "embed.gone"})
"""The kinds of journal entries that the app may write."""
WAYS_OF_TOKENS = ("load", "setAccessToken", "hook")
"""The ways in which a token reaches an item; the journal has them as `how`."""
ACTIONS = ("render", "pageChange", "filter", "refresh")
"""The reasons for a data request."""
TYPES_OF_SCHEMES = {"bearer": "entra", "embedtoken": "embed"}
"""Scheme of the Authorization header, in lower case -> the type of token that belongs to it."""

NAMES = {"reports": "Sales", "dashboards": "Sales overview", "tiles": "Sales by region"}

MILLISECOND = timedelta(milliseconds=1)
MAX_AGE_MS = timedelta(days=36525) / MILLISECOND
"""The age from which an entry is refused: a hundred years. Larger numbers overflow `datetime`."""


class Embed:
    """The service behind the frames of all items.

    `npm` is a node_modules folder with Microsoft's packages. Without them the constructor raises `FileNotFoundError`.
    """

    def __init__(self, now: Now, journal: Journal, tenant: Tenant, tokens: TokenBook, *, npm: Path) -> None:
        self._now = now
        self._journal = journal
        self._tenant = tenant
        self._tokens = tokens
        self._document = frame_document(npm, APP_FOLDER)
        self._numbers = count(1)
        self._served: set[str] = set()
        self._present: set[str] = set()
        self._current_markers: dict[str, object] = {}
        """Item -> a marker of its current token. Each applied token gets a new marker."""

    def application(self) -> web.Application:
        """Return the web application of app.powerbi.com."""
        application = web.Application()
        application.add_routes([web.get(path, self.frame) for path in FRAME_TYPES])
        application.add_routes(
            [
                web.post(JOURNAL_PATH, self._receive_request),
                web.post(TOKEN_PATH, self._receive_request),
                web.get(EXPLORATION_PATH, self.exploration),
                web.post(QUERY_PATH, self.query),
            ]
        )
        return application

    async def frame(self, request: web.Request) -> web.Response:
        """Answer with the document of an iframe. Each navigation makes a new item."""
        item = str(next(self._numbers))
        self._served.add(item)
        self._present.add(item)
        self._journal.write("embed.frame", item=item, path=request.path, url=str(request.url))
        settings = {
            "item": item,
            "type": FRAME_TYPES[request.path],
            "hookLeadMs": self._tenant.hook_lead // MILLISECOND,
            "hookRetryMs": self._tenant.hook_retry // MILLISECOND,
            "lateToken": self._tenant.late_token,
            "hookAddress": self._tenant.hook_address,
        }
        return web.Response(
            text=self._document.replace(SETTINGS, json.dumps(settings)),
            content_type="text/html",
            headers={"Cache-Control": "no-store", ITEM_HEADER: item},
        )

    async def _receive_request(self, request: web.Request) -> web.Response:
        status, text = self.receive(request.path, await json_body(request))
        return web.Response(status=status, text=text, content_type="application/json")

    def receive(self, path: str, body: Any) -> tuple[int, str]:
        """Process what the app of an item reports, and return the answer: its status and its JSON.

        `path` is `JOURNAL_PATH` or `TOKEN_PATH` of the item, and `body` is the parsed JSON of the request.

        Raises `EntityNotFound` for an item that was never served, `InvalidRequest` for a body of the wrong form.
        """
        match = ITEM_PATH.fullmatch(path)
        if not match or match["item"] not in self._served:
            raise EntityNotFound
        if match["what"] == "token":
            return 200, json.dumps(self._apply_token(match["item"], body))
        self._write_entries(match["item"], body)
        return 204, ""

    def _write_entries(self, item: str, entries: Any) -> None:
        """Write entries of the app to the journal: `[{"ageMs": number, "kind": str, "data": {...}}]`.

        `ageMs` says how long ago the entry happened, by the page's clock. The text of a token is replaced by the
        token's name. Raises `InvalidRequest` for entries of any other form.
        """
        if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
            kinds = ", ".join(sorted(KINDS_OF_APP))
            raise InvalidRequest(f"Entries must be a list of {{ageMs, kind, data}}, each kind one of {kinds}.")
        for entry in entries:
            if entry["kind"] == "embed.gone":
                self.remove(item)
            else:
                self._write_entry(item, entry["kind"], timedelta(milliseconds=entry["ageMs"]), entry["data"])

    def remove(self, item: str) -> None:
        """Note that the document of an item has gone. A second call for the same item has no effect.

        Both the app and the harness report this, because the app's own report can come late or never.
        """
        if item in self._present:
            self._present.remove(item)
            self._current_markers.pop(item, None)
            self._journal.write("embed.gone", item=item)

    def _write_entry(self, item: str, kind: str, age: timedelta, data: dict[str, Any]) -> None:
        if kind == "hook.answered" and data.get("answer") == "token":
            token = self._tokens.find(str(data.get("text")))
            data = {name: value for name, value in data.items() if name != "text"}
            data["token"] = token.name if token else "unknown"
        at = self._now() - age
        latest = self._journal.latest
        self._journal.write(kind, at=max(at, latest) if latest else at, **(data | {"item": item}))

    def _apply_token(self, item: str, body: Any) -> dict[str, Any]:
        """Give an item a token, and return the token's name, type, state, expiry and remaining milliseconds.

        `body` is `{"authorization": text, "how": one of WAYS_OF_TOKENS, "entries": [...]}`. `authorization` is the
        header with which data requests will carry the token. `entries` happened in the frame before, and are written
        first.
        """
        authorization, how = (body.get("authorization"), body.get("how")) if isinstance(body, dict) else (None, None)
        if not isinstance(authorization, str) or how not in WAYS_OF_TOKENS:
            ways = ", ".join(WAYS_OF_TOKENS)
            raise InvalidRequest(f'The body must be {{"authorization": text, "how": one of {ways}}}.')
        self._write_entries(item, body.get("entries", []))
        token, state = self._token_and_state(authorization)
        name, type_ = (token.name, token.type) if token else ("unknown", "unknown")
        expires = token.expires if token and state != "unknown" else None
        self._journal.write("token.applied", item=item, token=name, type=type_, expires=expires, how=how, state=state)
        self._set_current_token(item, token if state == "live" else None)
        return {
            "token": name,
            "type": type_,
            "state": state,
            "expires": utc_text(expires) if expires else None,
            "remainingMs": max(0, (expires - self._now()) // MILLISECOND) if expires else None,
        }

    def _set_current_token(self, item: str, token: Token | None) -> None:
        """Make a token the item's current one, and schedule the entry for its expiry. None: the new token is not valid.

        The expiry of the token that was current before is not journalled any more.
        """
        marker = object()
        self._current_markers[item] = marker
        if token:
            self._journal.schedule(
                token.expires,
                "token.expired",
                unless=lambda: self._current_markers.get(item) is not marker,
                item=item,
                token=token.name,
            )

    async def exploration(self, request: web.Request) -> web.Response:
        """Answer with the name and the report pages of an item.

        Raises `TokenExpired` or `LoadFailed` for a token that is not valid, `EntityNotFound` for an item that the
        tenant does not have.
        """
        _, state = self._token_and_state(request.headers.get("Authorization", ""))
        if error := _refusal(state):
            raise error
        if self._tenant.only_items is not None and request.match_info["id"] not in self._tenant.only_items:
            raise EntityNotFound
        return web.json_response(
            {"name": NAMES[request.match_info["kind"]], "pages": [page.described() for page in PAGES]}
        )

    async def query(self, request: web.Request) -> web.Response:
        """Answer a data request with the data of a report page, and write the request to the journal.

        The request's body is a JSON object: `{"item", "action", "detail", "page", "filters", "entries"}`. `entries`
        happened in the frame before, and are written first.

        Raises `InvalidRequest` for a body of another form, `TokenExpired` or `LoadFailed` for a token that is not
        valid, `EntityNotFound` for an unknown report page.
        """
        token, state = self._token_and_state(request.headers.get("Authorization", ""))
        body = await json_object(request)
        if body.get("item") not in self._served or body.get("action") not in ACTIONS:
            raise InvalidRequest(f"The body must name a served item and an action of {', '.join(ACTIONS)}.")
        self._write_entries(body["item"], body.get("entries", []))
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

    def _token_and_state(self, authorization: str) -> tuple[Token | None, TokenState]:
        """Return the token of an Authorization header and its state: "unknown" if its type does not fit the scheme.

        Source: embedded-troubleshoot ("bad token or tokenType mismatch").
        """
        scheme, _, text = authorization.partition(" ")
        token = self._tokens.find(text)
        if token is None or TYPES_OF_SCHEMES.get(scheme.lower()) != token.type:
            return token, "unknown"
        return token, self._tokens.state(text)


def _refusal(state: TokenState) -> ServiceError | None:
    """Return the error with which the service answers a token in this state, or None for a valid token."""
    if state == "expired":
        return TokenExpired()
    return LoadFailed() if state == "unknown" else None


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("kind"), str)
        and entry["kind"] in KINDS_OF_APP
        and isinstance(entry.get("ageMs"), int | float)
        and 0 <= entry["ageMs"] < MAX_AGE_MS
        and isinstance(entry.get("data"), dict)
        and not entry["data"].keys() & {"at", "kind"}
    )
