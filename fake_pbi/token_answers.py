"""Answers in which a page gets a token: as GenerateToken and MSAL give them, in a shape of the page's own, or expired."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from fake_pbi.tenant import Tenant
from fake_pbi.tokens import Token, TokenBook, utc_text
from harness.base.journal import Now

Shape = Literal["embed", "aad"]
Template = Any
"""JSON in which "{token}", "{tokenId}", "{expiration}", "{expires_in}" and "{expires_on}" (in seconds), "{expires_in_minutes}" and
"{expires_on_ms}" stand for their values."""

ENDED_AGO = timedelta(minutes=1)
"""How long ago a token has ended that an endpoint hands out by mistake."""
ROUNDED = timedelta(seconds=2)
"""By how much a field may differ from the end of the token that it tells of."""
REMAINING = re.compile(r"expir|refresh|ttl|life|live|valid|remain|left|max_?age|lease|duration", re.IGNORECASE)
"""Names of fields that hold how long a token lives from now on."""
NUMBER = re.compile(r"^\d+$|\b\d{10}(\d{3})?\b")
"""In a text: all of it, or a count of seconds or milliseconds since 1970, as in ASP.NET's "/Date(1893502800000)/"."""

EMBED: Template = {"token": "{token}", "tokenId": "{tokenId}", "expiration": "{expiration}"}
AAD: Template = {
    "access_token": "{token}",
    "token_type": "Bearer",
    "expires_in": "{expires_in}",
    "expires_on": "{expires_on}",
}
"""Sources: the swagger file of PowerBI-CSharp (EmbedToken); MSAL's answers, `expires_on` in epoch seconds."""


class TokenAnswers:
    """Makes such answers with tokens of the cloud."""

    def __init__(self, now: Now, tenant: Tenant, tokens: TokenBook) -> None:
        self._now, self._tenant, self._tokens = now, tenant, tokens

    def text(self, shape: Shape, template: Template | None = None, *, ended: bool = False) -> str:
        """A new token in `template`, by default the shape's own, as JSON. `ended`: one that has ended a minute ago."""
        token = self._mint(shape)
        if ended:
            token = self._ended_like(token)
        filled = _filled(template if template is not None else EMBED if shape == "embed" else AAD, self._values(token))
        return json.dumps(filled)

    def _mint(self, shape: Shape) -> Token:
        tenant = self._tenant
        claims = {"oid": tenant.user_id, "upn": tenant.user_name} if shape == "aad" else None
        entra = self._tokens.mint_entra(
            tenant.lifetime, tenant_id=tenant.tenant_id, client_id=tenant.client_id, claims=claims
        )
        return entra if shape == "aad" else self._tokens.mint_embed(entra)

    def _values(self, token: Token) -> dict[str, str | int]:
        left = (token.expires - self._now()).total_seconds()
        return {
            "token": token.text,
            "tokenId": str(uuid4()),
            "expiration": utc_text(token.expires),
            "expires_in": int(left),
            "expires_in_minutes": int(left / 60),
            "expires_on": int(token.expires.timestamp()),
            "expires_on_ms": int(token.expires.timestamp() * 1000),
        }

    def expired(self, text: str) -> str:
        """The answer `text` as it would be with a token that has ended: every field says so.

        What holds no token of the cloud stays as it is.
        """
        try:
            body = json.loads(text)
        except ValueError:
            for token in self._tokens.found_in(text):
                text = text.replace(token.text, self._ended_like(token).text)
            return text
        found = self._tokens.found_in(json.dumps(body, ensure_ascii=False))
        for token in found:
            body = _changed(body, self._aged(token, self._ended_like(token)))
        return json.dumps(body) if found else text

    def _ended_like(self, token: Token) -> Token:
        """A token of the same kind and life that ended a minute ago."""
        return self._tokens.mint_ended(token, self._now() - ENDED_AGO)

    def _aged(self, token: Token, ended: Token) -> "Callable[[str, Any], Any]":
        """What becomes of a field of the answer, given its name and value."""
        now, earlier = self._now(), ended.expires - token.expires

        def changed(name: str, value: Any) -> Any:
            if isinstance(value, str):
                if token.text in value:
                    return value.replace(token.text, ended.text)
                instant = _instant(value)
                if instant and abs(instant - token.expires) <= ROUNDED:
                    return _like(value, instant + earlier)
                return NUMBER.sub(lambda number: str(changed(name, int(number.group()))), value)
            if isinstance(value, int | float) and not isinstance(value, bool):
                for unit in (1, 1000):  # seconds, milliseconds
                    if abs(value / unit - token.expires.timestamp()) <= ROUNDED.total_seconds():
                        return round(value + earlier.total_seconds() * unit)
                if REMAINING.search(name):
                    for per_second in (1.0, 1000.0, 1 / 60):
                        left = (token.expires - now).total_seconds() * per_second
                        if abs(value - left) <= max(ROUNDED.total_seconds() * per_second, 1):
                            return round((ended.expires - now).total_seconds() * per_second)
            return value

        return changed


def _filled(template: Template, values: dict[str, str | int]) -> Template:
    """A text that is nothing but a placeholder becomes the value itself; within a longer text it is put in."""
    if isinstance(template, dict):
        return {name: _filled(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    for name, value in values.items():
        if template == f"{{{name}}}":
            return value
        template = template.replace(f"{{{name}}}", str(value))
    return template


def _changed(body: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    if isinstance(body, dict):
        return {key: _changed(value, change, key) for key, value in body.items()}
    if isinstance(body, list):
        return [_changed(value, change, name) for value in body]
    return change(name, body)


def _instant(text: str) -> datetime | None:
    """The instant that an ISO text names; one without a zone is taken as UTC."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _like(text: str, instant: datetime) -> str:
    """An instant, written as `text` is."""
    written = instant.isoformat(sep=" " if " " in text else "T", timespec="milliseconds" if "." in text else "seconds")
    if text.endswith("Z"):
        return written.replace("+00:00", "Z")
    return written if "+" in text[10:] or "-" in text[10:] else written.removesuffix("+00:00")
