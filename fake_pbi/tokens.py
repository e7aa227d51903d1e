"""Entra access tokens and embed tokens: mint them, know them again, judge them by the clock."""

import base64
import gzip
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fake_pbi import signing
from fake_pbi.hosts import CLUSTER
from fake_pbi.journal import Journal, Now

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
        sealed = gzip.compress(secrets.token_bytes(384), mtime=0)
        where = {
            "clusterUrl": f"https://{CLUSTER}",
            "exp": int(expires.timestamp()),
            "allowAccessOverPublicInternet": True,
        }
        readable = base64.b64encode(json.dumps(where, separators=(",", ":")).encode())
        text = f"{base64.urlsafe_b64encode(sealed).decode()}.{readable.decode()}"
        return self._add("embed", text, now, expires)

    def find(self, text: str) -> Token | None:
        """The issued token of this text."""
        return self._by_text.get(text)

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
