"""The history of an item's tokens, read from the journal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from harness.base.journal import Entry, Journal

How = Literal["load", "setAccessToken", "hook"]
"""The way in which a token reached an item: with its load request, by the SDK's call, or from the provider."""


@dataclass(frozen=True)
class AppliedToken:
    """A token that an item was given.

    Attributes:
        item: The number of the item, "1" for the first.
        token: The token's name in the journal.
        how: The way in which the token reached the item.
        at: Service time at which the item was given the token.
        expires: The token's expiry; None if the service does not know the token.
        live: True if the token was valid when the item was given it.
        until: Service time at which the item was given the next valid token; None if there was none.
    """

    item: str
    token: str
    how: How
    at: datetime
    expires: datetime | None
    live: bool
    until: datetime | None

    def outlives(self, instant: datetime) -> bool:
        """Return whether this token is valid at an instant."""
        return self.live and self.expires is not None and self.expires > instant

    @property
    def expired_in_use(self) -> bool:
        """True if this token expired before the item was given the next valid one."""
        return self.expires is not None and (self.until is None or self.until >= self.expires)


@dataclass(frozen=True)
class Renewal:
    """A newer token that an item accepted before its current token expired.

    Attributes:
        item: The number of the item.
        token: The name of the new token.
        how: The way in which the new token reached the item.
        at: Service time at which the item accepted the new token.
        expires: The expiry of the new token.
        replaced: The token before.
        lead: The time from `at` to the expiry of the token before.
    """

    item: str
    token: str
    how: How
    at: datetime
    expires: datetime
    replaced: AppliedToken
    lead: timedelta


def items(journal: Journal) -> list[str]:
    """Return the numbers of the items that were given a token, in the order in which their frames were served."""
    took = {entry["item"] for entry in journal.of("token.applied")}
    return [entry["item"] for entry in journal.of("embed.frame") if entry["item"] in took]


def applied_tokens(journal: Journal, item: str) -> list[AppliedToken]:
    """Return the tokens that an item was given, oldest first. A token that is applied twice in a row counts once."""
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
    """Return the renewals of an item, oldest first.

    A token that came after the expiry of the one before is a recovery.
    """
    return [
        Renewal(item, new.token, new.how, new.at, new.expires, old, old.expires - new.at)
        for old, new in pairwise(applied_tokens(journal, item))
        if new.live and new.expires and old.expires and new.at < old.expires
    ]


def current_token(journal: Journal, item: str, instant: datetime) -> AppliedToken | None:
    """Return the last token that an item was given by an instant; None if there was none."""
    given = [token for token in applied_tokens(journal, item) if token.at <= instant]
    return given[-1] if given else None
