"""Where a page's tokens come from: the requests in whose answers a token stood that later reached an item."""

from collections.abc import Sequence
from datetime import timedelta
from glob import escape
from urllib.parse import urlsplit

from fake_pbi.token_answers import Shape
from harness.base.journal import Entry, Journal
from harness.contract.observation import Observation
from harness.contract.page import TokenUrl

SEEN_TWICE = timedelta(seconds=1)
"""Within so much an answer that a service worker passes on is seen in the worker and in its page."""


def token_urls(journal: Journal) -> tuple[TokenUrl, ...]:
    """Globs for each address that brought a token which an item took, in the order in which they were asked: one for the address
    itself, one for it with a query."""
    applied = {entry["token"]: entry["type"] for entry in journal.of("token.applied")}
    found: dict[str, TokenUrl] = {}
    for entry in journal.of("token.fetched"):
        if entry["token"] in applied and entry["by"] != "Document":
            parts = urlsplit(entry["url"])
            address = escape(f"{parts.scheme}://{parts.netloc}{parts.path}")
            shape: Shape = "aad" if applied[entry["token"]] == "entra" else "embed"
            for glob in (address, f"{address}[?]*"):
                found.setdefault(glob, TokenUrl(glob, shape))
    return tuple(found.values())


def real_clock(sessions: Sequence[Observation]) -> str:
    """What shows that a backend lives in real time: it repeats a token or serves a dead one, and the cloud issued none in
    between; or its tokens are another service's. Empty if nothing does."""
    for observed in sessions:
        journal = observed.journal
        for entry in journal.of("token.applied"):
            if entry["token"].startswith("foreign-"):
                return f"{entry['token']} of {observed.when(entry)} was issued by another service."
        expires = {entry["token"]: entry["expires"] for entry in journal.of("token.issued")}
        before: dict[str, Entry] = {}
        for entry in journal.of("token.fetched"):
            name, last = entry["token"], before.get(entry["url"])
            if last is not None and not _issued_between(journal, last, entry):
                if last["token"] == name and entry.at - last.at > SEEN_TWICE:
                    return f"it answered {name} at {observed.when(last)} and again at {observed.when(entry)}."
                if name in expires and expires[name] <= entry.at:
                    return f"at {observed.when(entry)} it answered {name}, which had expired."
            before[entry["url"]] = entry
    return ""


def _issued_between(journal: Journal, begin: Entry, end: Entry) -> bool:
    return any(begin.at < entry.at <= end.at for entry in journal.of("token.issued"))
