"""A page that the contract judges: where it is, which of its requests fetch a token, and what it takes to use it."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fake_pbi.token_answers import Shape
from harness.contract.adapter import Adapter


@dataclass(frozen=True)
class TokenUrl:
    """Requests that fetch a token: a glob for their URLs, and what they bring (None: not known)."""

    glob: str
    shape: Shape | None = None


HOST_TOKENS = tuple(TokenUrl(f"*/token/{kind}*") for kind in ("embed/", "plain/", "session/", "aad"))
"""The token requests of host pages of our own."""


@dataclass(frozen=True)
class PageUnderTest:
    """A page under test: at `url`, or, without one, the host page of that `name`.

    `folder` is searched for host pages before the usual ones. Without `token_urls` the token requests are found by looking
    where the tokens come from. `answer_tokens`: the fake answers them (as GenerateToken, MSAL, or in the shape of
    `template`). `remove` is a selector: what to click to remove an item. `item` selects the one item that is judged, by its
    number (1 is the first) or by a selector for its element. `lifetime` replaces the contract's own lifetimes. `only_items` are
    the ids of the items that exist (None: any does).
    """

    name: str
    url: str | None = None
    folder: Path | None = None
    token_urls: tuple[TokenUrl, ...] = ()
    answer_tokens: bool = False
    template: Any = None
    remove: str | None = None
    item: str | None = None
    lifetime: timedelta | None = None
    allow_hosts: tuple[str, ...] = ()
    storage_state: dict[str, Any] | None = None
    ignore_https_errors: bool = False
    only_items: frozenset[str] | None = None
    adapter: Adapter = field(default_factory=Adapter)

    @property
    def known_token_urls(self) -> tuple[TokenUrl, ...]:
        """Those that need not be looked for."""
        return self.token_urls or (() if self.url else HOST_TOKENS)

    @property
    def can_remove(self) -> bool:
        return bool(self.remove) or type(self.adapter).remove is not Adapter.remove

    @property
    def has_own_backend(self) -> bool:
        """Whether somebody else than we answers its token requests."""
        return self.url is not None and not self.answer_tokens
