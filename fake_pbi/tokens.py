"""Entra access tokens and embed tokens: mint them, know them again, judge them by the clock."""

import base64
import gzip
import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import jwt

from fake_pbi import signing
from fake_pbi.hosts import CLUSTER
from harness.base.journal import Journal, Now

TokenType = Literal["entra", "embed"]
TokenState = Literal["live", "expired", "unknown"]

POWER_BI = "https://analysis.windows.net/powerbi/api"
"""The resource that Entra access tokens are for."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was issued: `name` is what the journal calls it, `text` what travels; times are aware UTC."""

    name: str
    type: TokenType
    text: str
    issued: datetime
    expires: datetime


def utc_text(instant: datetime) -> str:
    """`instant` in whole seconds as the service writes it: "2018-07-29T17:58:19Z"."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class TokenBook:
    """Every token that the cloud has issued."""

    def __init__(self, now: Now, journal: Journal) -> None:
        self._now = now
        self._journal = journal
        self._by_text: dict[str, Token] = {}
        self._issued: Counter[TokenType] = Counter()
        self._foreigners = 0
        self.takes_foreign = False
        """Whether tokens of another service are taken for what they say of themselves: its clock is a real one."""
        self.on_foreign: Callable[[Token], None] = lambda _: None
        """Hears of each of these when it is first seen."""

    def mint_entra(
        self, lifetime: timedelta, *, tenant_id: str, client_id: str, claims: Mapping[str, Any] | None = None
    ) -> Token:
        """A new Entra access token for Power BI that ends after `lifetime`, both ends in whole seconds.

        `claims` says who it is about: a user, or the app itself. Source: Entra's access-token-claims (v1).
        """
        now = self._now()
        issued = now.replace(microsecond=0)
        expires = (issued + lifetime).replace(microsecond=0)
        text = signing.sign(
            {
                "aud": POWER_BI,
                "iss": f"https://sts.windows.net/{tenant_id}/",
                "iat": int(issued.timestamp()),
                "nbf": int(issued.timestamp()),
                "exp": int(expires.timestamp()),
                "tid": tenant_id,
                "appid": client_id,
                "ver": "1.0",
                "uti": secrets.token_urlsafe(16),
                **(claims or {}),
            }
        )
        return self._add("entra", text, now, expires)

    def mint_embed(self, entra: Token, max_life: timedelta | None = None) -> Token:
        """A new embed token that ends with the Entra token that asked for it, or `max_life` from now if earlier.

        Source: generate-embed-token ("set to the remaining lifetime of the Microsoft Entra token"); for the shape
        of the text ten public repositories, none of which shows what its first part holds.
        """
        now = self._now()
        latest = (now + max_life).replace(microsecond=0) if max_life else entra.expires
        expires = min(entra.expires, latest)
        return self._add("embed", _embed_text(expires), now, expires)

    def mint_ended(self, like: Token, expires: datetime) -> Token:
        """A token of the same type and life as `like` that has ended already: what a stale cache hands out."""
        issued = expires - (like.expires - like.issued)
        end = expires.replace(microsecond=0)
        if like.type == "entra":
            claims = signing.claims_of(like.text)
            claims |= {"iat": int(issued.timestamp()), "nbf": int(issued.timestamp()), "exp": int(end.timestamp())}
            return self._add("entra", signing.sign(claims), issued, end)
        return self._add("embed", _embed_text(end), issued, end)

    def all(self) -> list[Token]:
        """Every token so far, oldest first."""
        return list(self._by_text.values())

    def found_in(self, text: str) -> list[Token]:
        """The issued tokens whose text stands in `text`, oldest first."""
        return [token for token in self._by_text.values() if token.text in text]

    def find(self, text: str) -> Token | None:
        """The issued token of this text; with `takes_foreign` also one of another service."""
        found = self._by_text.get(text)
        return found if found or not self.takes_foreign else self._foreign(text)

    def _foreign(self, text: str) -> Token | None:
        """A token that another service issued, known by what it says of itself."""
        type_, expires = _read(text)
        if expires is None:
            return None
        self._foreigners += 1
        token = Token(f"foreign-{self._foreigners}", type_, text, self._now(), expires)
        self._by_text[text] = token
        self.on_foreign(token)
        return token

    def state(self, text: str) -> TokenState:
        """What the token is worth now. It has expired from its last second on."""
        token = self.find(text)
        if token is None:
            return "unknown"
        return "expired" if self._now() >= token.expires else "live"

    def _add(self, type_: TokenType, text: str, issued: datetime, expires: datetime) -> Token:
        self._issued[type_] += 1
        token = Token(f"{type_}-{self._issued[type_]}", type_, text, issued, expires)
        self._by_text[text] = token
        self._journal.write("token.issued", token=token.name, type=type_, expires=expires)
        return token


def _embed_text(expires: datetime) -> str:
    sealed = gzip.compress(secrets.token_bytes(384), mtime=0)
    where = {
        "clusterUrl": f"https://{CLUSTER}",
        "exp": int(expires.timestamp()),
        "allowAccessOverPublicInternet": True,
    }
    readable = base64.b64encode(json.dumps(where, separators=(",", ":")).encode())
    return f"{base64.urlsafe_b64encode(sealed).decode()}.{readable.decode()}"


def _read(text: str) -> tuple[TokenType, datetime | None]:
    """Type and end of a token of any service, as it says itself; None for what is no token.

    Source: RFC 7519 (`exp` of an Entra token); for embed tokens the shape that public repositories show.
    """
    try:
        if text.count(".") == 2:
            return "entra", datetime.fromtimestamp(int(signing.claims_of(text)["exp"]), UTC)
        readable = json.loads(base64.b64decode(text.partition(".")[2], validate=True))
        return "embed", datetime.fromtimestamp(int(readable["exp"]), UTC)
    except (ValueError, LookupError, TypeError, OverflowError, jwt.InvalidTokenError):
        return "embed", None
