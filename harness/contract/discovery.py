"""The search for a page's token addresses, and for signs that its backend uses real time.

A token address is the URL of a request whose answer contained a token that an item accepted later.
"""

from collections.abc import Sequence
from datetime import timedelta
from glob import escape
from urllib.parse import urlsplit

from fake_pbi.token_answers import Shape
from harness.base.journal import Entry, Journal
from harness.contract.observation import Observation
from harness.contract.page import TokenUrl

SAME_ANSWER = timedelta(seconds=1)
"""The longest time between the two entries of one answer that a service worker passes on to its page."""


def token_urls(journal: Journal) -> tuple[TokenUrl, ...]:
    """Return the token addresses that a journal shows, in the order of their first requests.

    Each address makes two globs: one for the address alone, one for the address with a query. An answer that is the
    page's own document is no token endpoint and is left out.
    """
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


def real_clock(visits: Sequence[Observation]) -> str:
    """Return the sign that a page's backend uses real time, as a clause of a message; empty if there is none.

    There are three signs. The backend hands out a token of another service. The backend repeats a token, or hands out
    an expired one, although the fake cloud issued none between two answers.
    """
    for observed in visits:
        journal = observed.journal
        for entry in journal.of("token.applied"):
            if entry["token"].startswith("foreign-"):
                return f"{entry['token']} of {observed.when(entry)} was issued by another service."
        expires = {entry["token"]: entry["expires"] for entry in journal.of("token.issued")}
        previous: dict[str, Entry] = {}
        """The last answer of each URL."""
        for entry in journal.of("token.fetched"):
            name, last = entry["token"], previous.get(entry["url"])
            if last is not None and not _issued_between(journal, last, entry):
                if last["token"] == name and entry.at - last.at > SAME_ANSWER:
                    return f"it answered {name} at {observed.when(last)} and again at {observed.when(entry)}."
                if name in expires and expires[name] <= entry.at:
                    return f"at {observed.when(entry)} it answered {name}, which had expired."
            previous[entry["url"]] = entry
    return ""


def _issued_between(journal: Journal, begin: Entry, end: Entry) -> bool:
    return any(begin.at < entry.at <= end.at for entry in journal.of("token.issued"))
