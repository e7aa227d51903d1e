"""What the journal says of an item's tokens: which it held, from when to when, and which of the changes were renewals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from harness.base.journal import Entry, Journal

How = Literal["load", "setAccessToken", "hook"]


@dataclass(frozen=True)
class AppliedToken:
    """A token in an item's hands, from `at` until the next one came that lived (`until`, None: it is the last)."""

    item: str
    token: str
    how: How
    at: datetime
    expires: datetime | None
    live: bool
    until: datetime | None

    def outlives(self, instant: datetime) -> bool:
        """Whether this token still lives at an instant."""
        return self.live and self.expires is not None and self.expires > instant

    @property
    def expired_in_use(self) -> bool:
        """Whether its end came before the next token did."""
        return self.expires is not None and (self.until is None or self.until >= self.expires)


@dataclass(frozen=True)
class Renewal:
    """A new token that an item accepted before its old one expired: `lead` earlier, by `how`."""

    item: str
    token: str
    how: How
    at: datetime
    expires: datetime
    replaced: AppliedToken
    lead: timedelta


def items(journal: Journal) -> list[str]:
    """The items that took a token, in the order in which their frames were served."""
    took = {entry["item"] for entry in journal.of("token.applied")}
    return [entry["item"] for entry in journal.of("embed.frame") if entry["item"] in took]


def applied_tokens(journal: Journal, item: str) -> list[AppliedToken]:
    """The tokens that an item held, one after the other. The same token applied again is the same holding."""
    applied: list[Entry] = []
    for entry in journal.of("token.applied", item=item):
        if not applied or applied[-1]["token"] != entry["token"]:
            applied.append(entry)
    return [
        AppliedToken(
            item,
            entry["token"],
            entry["how"],
            entry.at,
            entry["expires"],
            entry["state"] == "live",
            next((following.at for following in applied[place:] if following["state"] == "live"), None),
        )
        for place, entry in enumerate(applied, 1)
    ]


def renewals(journal: Journal, item: str) -> list[Renewal]:
    """The renewals of an item, oldest first. A token that came after the old one's end is a recovery, not a renewal."""
    return [
        Renewal(item, new.token, new.how, new.at, new.expires, old, old.expires - new.at)
        for old, new in pairwise(applied_tokens(journal, item))
        if new.live and new.expires and old.expires and new.at < old.expires
    ]


def current_token(journal: Journal, item: str, instant: datetime) -> AppliedToken | None:
    """The token that an item held at an instant."""
    held = [holding for holding in applied_tokens(journal, item) if holding.at <= instant]
    return held[-1] if held else None
