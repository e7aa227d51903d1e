"""The description of a page under test: its address, its token addresses, and how to use it."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fake_pbi.token_answers import Shape
from harness.contract.adapter import Adapter


@dataclass(frozen=True)
class TokenUrl:
    """A token address: a glob for the URLs of token requests, and the shape of their answers (None: not known)."""

    glob: str
    shape: Shape | None = None


HOST_TOKENS = tuple(TokenUrl(f"*/token/{kind}*") for kind in ("embed/", "plain/", "session/", "aad"))
"""The token addresses of the host pages that the local host serves."""


@dataclass(frozen=True)
class PageFacts:
    """The facts of the page under test that rules use, besides the observations.

    Attributes:
        name: The page's name in the report.
        url: The address of the page; None for a host page.
        has_own_backend: True if neither the fake cloud nor the local host answers the page's token requests.
        can_remove: True if the harness knows how to remove an item.
    """

    name: str
    url: str | None = None
    has_own_backend: bool = False
    can_remove: bool = False


@dataclass(frozen=True)
class PageUnderTest:
    """A page that the contract judges: the page at `url`, or, if `url` is None, the host page called `name`.

    Attributes:
        name: The page's name in the report. For a host page also the name of its file, without `.html`.
        url: The address of the page; None for a host page.
        folder: A folder that is searched for host pages before the built-in folder.
        token_urls: The token addresses. If there are none, a separate visit finds them.
        answer_tokens: True if the fake cloud answers the token requests in place of the page's backend.
        template: The JSON of the fake cloud's answers; None for the answers of GenerateToken and MSAL.
        remove: A selector of the element whose click removes an item.
        item: The one item that is judged, by its number ("1" is the first) or by a selector of its element.
            None: every item is judged.
        lifetime: The lifetime of the tokens; None for the contract's own lifetimes.
        allow_hosts: Globs of the real hosts that the page may reach.
        storage_state: Cookies and local storage at the start of a visit, as Playwright's `storage_state()` writes them.
        ignore_https_errors: True if an invalid certificate of the page's server is accepted.
        only_items: The ids of the items that exist in the fake cloud; None: every id exists.
        adapter: The user's adapter.
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
        """The token addresses that need not be searched for; empty if they do."""
        return self.token_urls or (() if self.url else HOST_TOKENS)

    @property
    def can_remove(self) -> bool:
        """True if a selector or the adapter says how to remove an item."""
        return bool(self.remove) or type(self.adapter).remove is not Adapter.remove

    @property
    def has_own_backend(self) -> bool:
        """True if neither the fake cloud nor the local host answers the page's token requests."""
        return self.url is not None and not self.answer_tokens

    @property
    def facts(self) -> PageFacts:
        """The facts of the page that rules use."""
        return PageFacts(self.name, self.url, self.has_own_backend, self.can_remove)
