"""Answers of token endpoints, with valid or expired tokens.

The answers have the form of GenerateToken, the form of MSAL, or a form of the page's own.
"""

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
"""The form of an answer: GenerateToken's, with an embed token, or MSAL's, with an Entra token."""
Template = Any
"""JSON whose texts may contain placeholders.

The placeholders are "{token}", "{tokenId}", "{expiration}", "{expires_in}" and "{expires_on}" (both in seconds),
"{expires_in_minutes}" and "{expires_on_ms}".
"""

EXPIRED_AGO = timedelta(minutes=1)
"""The time since the expiry of a token that an endpoint gives out although it has expired."""
TOLERANCE = timedelta(seconds=2)
"""The largest difference between a token's expiry and a field that states this expiry; fields may be rounded."""
REMAINING = re.compile(r"expir|refresh|ttl|life|live|valid|remain|left|max_?age|lease|duration", re.IGNORECASE)
"""A pattern for the names of fields that can contain the remaining lifetime of a token."""
NUMBER = re.compile(r"^\d+$|\b\d{10}(\d{3})?\b")
"""A pattern for a number in a text: the whole text, or a count of seconds or milliseconds since 1970.

ASP.NET writes such a count inside a text: "/Date(1893502800000)/".
"""

EMBED: Template = {"token": "{token}", "tokenId": "{tokenId}", "expiration": "{expiration}"}
"""GenerateToken's answer. Source: the swagger file of PowerBI-CSharp (EmbedToken)."""
AAD: Template = {
    "access_token": "{token}",
    "token_type": "Bearer",
    "expires_in": "{expires_in}",
    "expires_on": "{expires_on}",
}
"""MSAL's answer. Source: answers of MSAL, with `expires_on` in seconds since 1970."""


class TokenAnswers:
    """A maker of the answers of token endpoints, with tokens of the fake cloud."""

    def __init__(self, now: Now, tenant: Tenant, tokens: TokenBook) -> None:
        self._now, self._tenant, self._tokens = now, tenant, tokens

    def text(self, shape: Shape, template: Template | None = None, *, expired: bool = False) -> str:
        """Return an answer with a new token, as JSON.

        `template` gives the answer another form than the usual one of `shape`. With `expired`, the token expired a
        minute ago.
        """
        token = self._issue(shape)
        if expired:
            token = self._expired_like(token)
        filled = _filled(template if template is not None else EMBED if shape == "embed" else AAD, self._values(token))
        return json.dumps(filled)

    def _issue(self, shape: Shape) -> Token:
        tenant = self._tenant
        claims = {"oid": tenant.user_id, "upn": tenant.user_name} if shape == "aad" else None
        entra = self._tokens.issue_entra(
            tenant.lifetime, tenant_id=tenant.tenant_id, client_id=tenant.client_id, claims=claims
        )
        return entra if shape == "aad" else self._tokens.issue_embed(entra)

    def _values(self, token: Token) -> dict[str, str | int]:
        """Return the values of the placeholders for a token."""
        remaining_s = (token.expires - self._now()).total_seconds()
        return {
            "token": token.text,
            "tokenId": str(uuid4()),
            "expiration": utc_text(token.expires),
            "expires_in": int(remaining_s),
            "expires_in_minutes": int(remaining_s / 60),
            "expires_on": int(token.expires.timestamp()),
            "expires_on_ms": int(token.expires.timestamp() * 1000),
        }

    def expired(self, text: str) -> str:
        """Return an endpoint's answer with expired tokens instead of its own, and with all fields changed to match.

        `text` is the body of the answer. A text without a token of the cloud is returned unchanged.
        """
        try:
            body = json.loads(text)
        except ValueError:
            for token in self._tokens.found_in(text):
                text = text.replace(token.text, self._expired_like(token).text)
            return text
        found = self._tokens.found_in(json.dumps(body, ensure_ascii=False))
        for token in found:
            body = _changed(body, self._expiring_change(token, self._expired_like(token)))
        return json.dumps(body) if found else text

    def _expired_like(self, token: Token) -> Token:
        """Return a new token that expired a minute ago, with the type and the lifetime of another one."""
        return self._tokens.issue_expired(token, self._now() - EXPIRED_AGO)

    def _expiring_change(self, token: Token, expired: Token) -> "Callable[[str, Any], Any]":
        """Return a function that takes a field's name and value, and returns its value for the expired token."""
        now, difference = self._now(), expired.expires - token.expires

        def changed(name: str, value: Any) -> Any:
            if isinstance(value, str):
                if token.text in value:
                    return value.replace(token.text, expired.text)
                instant = _instant(value)
                if instant and abs(instant - token.expires) <= TOLERANCE:
                    return _written_like(value, instant + difference)
                return NUMBER.sub(lambda number: str(changed(name, int(number.group()))), value)
            if isinstance(value, int | float) and not isinstance(value, bool):
                for units_per_second in (1.0, 1000.0):
                    if abs(value / units_per_second - token.expires.timestamp()) <= TOLERANCE.total_seconds():
                        return round(value + difference.total_seconds() * units_per_second)
                if REMAINING.search(name):
                    for units_per_second in (1.0, 1000.0, 1 / 60):
                        remaining = (token.expires - now).total_seconds() * units_per_second
                        if abs(value - remaining) <= max(TOLERANCE.total_seconds() * units_per_second, 1):
                            return round((expired.expires - now).total_seconds() * units_per_second)
            return value

        return changed


def _filled(template: Template, values: dict[str, str | int]) -> Template:
    """Return a template with the values of its placeholders.

    A text that is nothing but a placeholder becomes the value itself, so that a number stays a number.
    """
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
    """Return JSON with every value replaced by `change(name, value)`. Values in a list have the name of the list."""
    if isinstance(body, dict):
        return {key: _changed(value, change, key) for key, value in body.items()}
    if isinstance(body, list):
        return [_changed(value, change, name) for value in body]
    return change(name, body)


def _instant(text: str) -> datetime | None:
    """Return the instant that an ISO text names, or None for any other text. A text without a time zone means UTC."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _written_like(text: str, instant: datetime) -> str:
    """Return the text of an instant, written in the style of `text`."""
    written = instant.isoformat(sep=" " if " " in text else "T", timespec="milliseconds" if "." in text else "seconds")
    if text.endswith("Z"):
        return written.replace("+00:00", "Z")
    return written if "+" in text[10:] or "-" in text[10:] else written.removesuffix("+00:00")
