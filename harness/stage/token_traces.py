"""The traces of a token's text in other texts: as it is, escaped, or in base64."""

import base64
import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from fake_pbi.tokens import Token
from harness.base.journal import Entry

TRACE_CHARACTERS = 72
"""Characters of a token that are searched for. No two tokens have that many in common."""
SHORTEST_SIGNATURE_CHARACTERS = 32
"""Characters of a signature that are enough to recognize a token."""
CHARACTERS = string.ascii_letters + string.digits + "+/.%~-_"
"""The characters of an escaped token, but for the "=" at its end."""
READABLE_PART = ".eyJ"
"""The beginning of the second part of an embed token: a dot, and `{"` in base64."""


def form_in(text: str, token: Token) -> str:
    """Return the form in which a token stands in a text: "as it is", "escaped" or "in base64"; empty if it does not."""
    if token.text in text:
        return "as it is"
    core, encoded = _traces(token.text)
    if core in text:
        return "escaped"
    return "in base64" if any(trace in text for trace in encoded) else ""


def concealed(entries: Iterable[Entry], tokens: Sequence[Token]) -> list[Entry]:
    """Return journal entries in which the name of a token, in angle brackets, stands in place of its text."""
    return [
        replace(entry, data=data) if (data := without_tokens(entry.data, tokens)) is not entry.data else entry
        for entry in entries
    ]


def without_tokens(value: Any, tokens: Sequence[Token]) -> Any:
    """Return a JSON value in which the names of tokens stand in place of their texts; `value` itself if it has none."""
    if isinstance(value, str):
        return _without(value, tokens) if len(value) >= SHORTEST_SIGNATURE_CHARACTERS else value
    if isinstance(value, dict):
        new: Any = {without_tokens(name, tokens): without_tokens(part, tokens) for name, part in value.items()}
    elif isinstance(value, list):
        new = [without_tokens(part, tokens) for part in value]
    else:
        return value
    return value if new == value else new


def _without(text: str, tokens: Sequence[Token]) -> str:
    for token in tokens:
        if form_in(text, token):
            text = text.replace(token.text, f"<{token.name}>")
            core, encoded = _traces(token.text)
            for trace in (core, *encoded):
                text = _without_trace(text, trace, f"<{token.name}>")
    return text


def _without_trace(text: str, trace: str, name: str) -> str:
    """Return a text with a name in place of each trace and of the characters around it that may be of the same token."""
    parts = []
    while (at := text.find(trace)) >= 0:
        begin = len(text[:at].rstrip(CHARACTERS))
        parts += [text[:begin], name]
        text = text[at + len(trace) :].lstrip(CHARACTERS).lstrip("=")
        if text.startswith(READABLE_PART):  # follows the "=" of the first part of an embed token
            text = text.lstrip(CHARACTERS).lstrip("=")
    return "".join([*parts, text])


@cache
def _traces(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the parts of a token that stay recognizable in any escaping, and in each alignment of base64."""
    # The signature of a JWT, or the part of an embed token after the beginning that all of them share.
    part = text.rpartition(".")[2] if text.count(".") == 2 else text[40:]
    # An escaping leaves letters, digits, "_" and "-". The end of an embed token is that of others with the same expiry.
    unchanged = max(re.split(r"[^\w-]", part.partition(".")[0]), key=len)
    candidates = (unchanged, part, text[-TRACE_CHARACTERS:])  # the mock of a backend may leave its tokens unsigned
    core = next((core for core in candidates if len(core) >= SHORTEST_SIGNATURE_CHARACTERS), text)[:TRACE_CHARACTERS]
    # The base64 of a token has neither + nor /, so the alphabet for URLs gives the same text.
    encoded = [base64.b64encode(b"." * shift + core.encode()).decode()[4:-4] for shift in range(3)]
    return core, tuple(trace for trace in encoded if trace)
