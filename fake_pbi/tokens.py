"""Entra tokens and embed tokens: issue them, find them by their text, and determine their state in service time."""

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
"""The state of a token: valid ("live"), expired, or unusable ("unknown")."""

POWER_BI = "https://analysis.windows.net/powerbi/api"
"""The resource for which Entra tokens are issued."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was issued.

    `name` is its name in the journal, `text` is what clients send. `issued` and `expires` are service time, in UTC.
    """

    name: str
    type: TokenType
    text: str
    issued: datetime
    expires: datetime


def utc_text(instant: datetime) -> str:
    """Return an instant in whole seconds as the service writes it: "2018-07-29T17:58:19Z"."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class TokenBook:
    """Every token that the cloud has issued."""

    def __init__(self, now: Now, journal: Journal) -> None:
        self._now = now
        self._journal = journal
        self._by_text: dict[str, Token] = {}
        self._issued: Counter[TokenType] = Counter()
        self._foreign_tokens = 0
        self.accepts_foreign = False
        """True if tokens of another service are accepted too. The text of such a token states its type and expiry."""
        self.on_foreign: Callable[[Token], None] = lambda _: None
        """Function that is called with each token of another service when it is first seen."""

    def issue_entra(
        self, lifetime: timedelta, *, tenant_id: str, client_id: str, claims: Mapping[str, Any] | None = None
    ) -> Token:
        """Issue an Entra token for Power BI that expires after `lifetime`, in whole seconds.

        `claims` describes the user, or the app itself. Source: Entra's access-token-claims (v1).
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

    def issue_embed(self, entra: Token, max_lifetime: timedelta | None = None) -> Token:
        """Issue an embed token that expires with an Entra token, or after `max_lifetime` if that is earlier.

        `entra` is the token that was sent with the request.

        Source: generate-embed-token ("set to the remaining lifetime of the Microsoft Entra token"). The form of the
        text is the one in ten public repositories; none of them shows the content of its first part.
        """
        now = self._now()
        latest = (now + max_lifetime).replace(microsecond=0) if max_lifetime else entra.expires
        expires = min(entra.expires, latest)
        return self._add("embed", _embed_text(expires), now, expires)

    def issue_expired(self, like: Token, expires: datetime) -> Token:
        """Issue a token that has already expired, with the type and the lifetime of another one.

        A stale cache gives out such tokens. `expires` is an instant in the past.
        """
        issued = expires - (like.expires - like.issued)
        expires = expires.replace(microsecond=0)
        if like.type == "entra":
            claims = signing.claims_of(like.text)
            claims |= {"iat": int(issued.timestamp()), "nbf": int(issued.timestamp()), "exp": int(expires.timestamp())}
            return self._add("entra", signing.sign(claims), issued, expires)
        return self._add("embed", _embed_text(expires), issued, expires)

    def all(self) -> list[Token]:
        """Return every token so far, oldest first."""
        return list(self._by_text.values())

    def found_in(self, text: str) -> list[Token]:
        """Return the known tokens whose text is part of `text`, oldest first."""
        return [token for token in self._by_text.values() if token.text in text]

    def find(self, text: str) -> Token | None:
        """Return the token of this text, or None. With `accepts_foreign` this can be a token of another service."""
        found = self._by_text.get(text)
        return found if found or not self.accepts_foreign else self._find_foreign(text)

    def _find_foreign(self, text: str) -> Token | None:
        """Return a token of another service, and remember it. Return None for a text that is no token."""
        type_, expires = _read_foreign(text)
        if expires is None:
            return None
        self._foreign_tokens += 1
        token = Token(f"foreign-{self._foreign_tokens}", type_, text, self._now(), expires)
        self._by_text[text] = token
        self.on_foreign(token)
        return token

    def state(self, text: str) -> TokenState:
        """Return the state of a token's text now. At the instant of its expiry the token has already expired."""
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
    """Return the text of a new embed token: random bytes, a dot, and readable JSON with the expiry."""
    sealed = gzip.compress(secrets.token_bytes(384), mtime=0)
    content = {
        "clusterUrl": f"https://{CLUSTER}",
        "exp": int(expires.timestamp()),
        "allowAccessOverPublicInternet": True,
    }
    readable = base64.b64encode(json.dumps(content, separators=(",", ":")).encode())
    return f"{base64.urlsafe_b64encode(sealed).decode()}.{readable.decode()}"


def _read_foreign(text: str) -> tuple[TokenType, datetime | None]:
    """Return the type and the expiry that a token's text states. The expiry of a text that is no token is None.

    Source: RFC 7519 for `exp` of an Entra token; public repositories for the form of embed tokens.
    """
    try:
        if text.count(".") == 2:
            return "entra", datetime.fromtimestamp(int(signing.claims_of(text)["exp"]), UTC)
        readable = json.loads(base64.b64decode(text.partition(".")[2], validate=True))
        return "embed", datetime.fromtimestamp(int(readable["exp"]), UTC)
    except (ValueError, LookupError, TypeError, OverflowError, jwt.InvalidTokenError):
        return "embed", None
