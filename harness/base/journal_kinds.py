"""The kinds of journal entries, and the data that an entry of each kind has.

`Journal.write` takes any data. The classes here describe what the harness writes: recordings are read with them, and
docs/recording.schema.json is made from them. `Any` marks a value that the page under test chose.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

State = Literal["live", "expired", "unknown"]
"""The state of a token: valid, expired, unusable."""


class Kind(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True):
    """The base of all kinds."""

    at: datetime
    """The instant of the entry, in service time and UTC."""


class PageOpened(Kind, tag="page.opened"):
    """A page was opened. `lifetime` is the lifetime of the tokens, in seconds."""

    url: str
    lifetime: float


class PageError(Kind, tag="page.error"):
    """An exception in the page was not caught, or a promise was rejected unhandled."""

    text: str
    rejection: bool
    url: str


class PageDialog(Kind, tag="page.dialog"):
    """The page, or one of its frames, opened a dialog; a dialog that the test does not handle is dismissed."""

    type: Literal["alert", "beforeunload", "confirm", "prompt"]
    text: str


class TabChanged(Kind, tag="tab"):
    """The user did something with the tab."""

    state: Literal["hidden", "shown", "frozen", "resumed", "asleep", "awake"]


class Request(Kind, tag="request"):
    """The page, a frame or a worker sent a request. A service worker's source is "service worker"."""

    request: str
    url: str
    method: str
    type: str
    source: Literal["page", "worker", "service worker", "embed"]


class Response(Kind, tag="response"):
    """A request ended. `status` is None if it failed, and `error` then says why."""

    request: str
    status: int | None
    error: str | None


class ClockGaveUp(Kind, tag="clock"):
    """The clock stopped waiting for something: a request, or a call of the browser's API."""

    what: Literal["request without an end", "work without an end"]
    url: str
    since: datetime
    call: str | UnsetType = UNSET


class CookieExpired(Kind, tag="cookie.expired"):
    """A cookie expired and was removed. `partition` is the top-level site, or None."""

    name: str
    domain: str
    path: str
    partition: Any


class HostRefused(Kind, tag="host.refused"):
    """The gateway refused a request to a host that is not open."""

    host: str


class FaultBegan(Kind, tag="fault.began"):
    """A fault of an endpoint began."""

    fault: str
    url: str


class FaultEnded(Kind, tag="fault.ended"):
    """A fault of an endpoint ended."""

    fault: str
    url: str


class FaultHit(Kind, tag="fault.hit"):
    """A request met a fault of its endpoint."""

    fault: str
    url: str
    method: str


class TokenFetched(Kind, tag="token.fetched"):
    """An answer to the page contained a token (visits of the contract only). `by` is the type of the request."""

    token: str
    url: str
    by: str


class TokenLeaked(Kind, tag="token.leaked"):
    """A token was seen in a place that is not meant for it (visits of the contract only)."""

    token: str
    where: str
    detail: str
    form: Literal["as it is", "escaped", "in base64"]


class TokenIssued(Kind, tag="token.issued"):
    """Entra ID or GenerateToken issued a token."""

    token: str
    type: Literal["entra", "embed"]
    expires: datetime


class TokenApplied(Kind, tag="token.applied"):
    """An item accepted a token, or was given an unusable one."""

    item: str
    token: str
    type: Literal["entra", "embed", "unknown"]
    expires: datetime | None
    how: Literal["load", "setAccessToken", "hook"]
    state: State


class TokenExpired(Kind, tag="token.expired"):
    """The current token of an item expired."""

    item: str
    token: str


class EmbedFrame(Kind, tag="embed.frame"):
    """A document of an item was served; each navigation of the iframe makes a new item."""

    item: str
    path: str
    url: str


class EmbedGone(Kind, tag="embed.gone"):
    """The document of an item went away."""

    item: str


class Protocol(Kind, tag="protocol"):
    """A message passed between the SDK and the iframe. The last five data are those of a load request."""

    item: str
    direction: Literal["received", "answered", "sent", "acknowledged"]
    method: str
    url: str
    uid: Any
    status: Any
    sdk: Any = UNSET
    """The version of the SDK."""
    provider: bool | UnsetType = UNSET
    """True if the page has registered an accessTokenProvider."""
    id: Any = UNSET
    page: Any = UNSET
    visual: Any = UNSET


class HookCalled(Kind, tag="hook.called"):
    """The service called the page's provider."""

    item: str
    call: int
    uid: Any
    attempt: int


class HookAnswered(Kind, tag="hook.answered"):
    """The page's provider answered. `text` describes an answer that is "other"."""

    item: str
    call: int
    status: Any
    answer: Literal["token", "null", "undefined", "other"]
    token: str | UnsetType = UNSET
    text: str | UnsetType = UNSET


class DataRequest(Kind, tag="data.request"):
    """An item sent a data request: to render, or after a page change, a filter or a refresh."""

    item: str
    action: Literal["render", "pageChange", "filter", "refresh"]
    detail: Any
    page: Any
    filters: Any
    token: str
    state: State
    status: int


class ItemEvent(Kind, tag="item.event"):
    """The iframe raised an event: loaded, rendered, pageChanged, filtersApplied, error."""

    item: str
    event: str
    detail: Any


AnyKind = (
    PageOpened
    | PageError
    | PageDialog
    | TabChanged
    | Request
    | Response
    | ClockGaveUp
    | CookieExpired
    | HostRefused
    | FaultBegan
    | FaultEnded
    | FaultHit
    | TokenFetched
    | TokenLeaked
    | TokenIssued
    | TokenApplied
    | TokenExpired
    | EmbedFrame
    | EmbedGone
    | Protocol
    | HookCalled
    | HookAnswered
    | DataRequest
    | ItemEvent
)
