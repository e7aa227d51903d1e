"""Phrases that the messages of several rules share."""

from datetime import timedelta

from harness.base.journal import Entry

LONGEST_LINE_CHARACTERS = 160
"""Length at which an exception's first line is cut: the SDK puts whole configurations into one line."""


def counted(number: int, thing: str) -> str:
    """Return a number with its noun: "1 item", "2 items"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def minutes(length: timedelta) -> str:
    """Return a duration in minutes: "60 min", "9.7 min"."""
    return f"{round(length.total_seconds() / 60, 1):g} min"


def why_unusable(applied: Entry) -> str:
    """Return a clause that says why the service refuses a token.

    `applied` is the `token.applied` entry of such a token.
    """
    if applied["state"] != "unknown":
        return f"the token had {applied['state']}"
    if applied["token"] == "unknown":
        return "the service did not issue it"
    needed = "an Entra" if applied["type"] == "embed" else "an embed"
    return f"it is {applied['token']}, and the item needs {needed} token"


def first_line(text: str) -> str:
    """Return the first line of an exception's text, cut at `LONGEST_LINE_CHARACTERS`."""
    line = text.partition("\n")[0]
    return line if len(line) <= LONGEST_LINE_CHARACTERS else line[: LONGEST_LINE_CHARACTERS - 1] + "…"
