"""Small journals, written by hand, and the verdicts of rules on them.

A `Visit` writes the journal of one visit. Its times are those of messages: "50:20" is 50 min 20 s after the opening of
the page, "1:00:00" an hour. Entries may be written in any order.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from harness.base.journal import Entry, Journal
from harness.base.journal_kinds import AnyKind
from harness.contract import RULES, PageFacts, RecordedPage, Verdict, judge
from harness.contract.observation import Observation
from harness.contract.recording import line_of

OPENED = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""The instant at which the page is opened."""
HOUR = timedelta(hours=1)
TOKENS = "http://localhost:3000/api/token"
"""The token address."""
PAGE = PageFacts("page")
FRAMES = {"report": "/reportEmbed", "dashboard": "/dashboardEmbed", "tile": "/tileEmbed"}


def after(time: str) -> timedelta:
    """Return the time since the opening that "50", "50:20" or "1:00:00" stands for: seconds, min:s, h:min:s."""
    seconds = 0.0
    for part in time.split(":"):
        seconds = 60 * seconds + float(part)
    return timedelta(seconds=seconds)


def verdict(rule: str, *visits: Observation, page: PageFacts = PAGE) -> Verdict:
    """Return the verdict of a rule on a page with these visits and no other."""
    return judge(RULES[rule], RecordedPage(page, visits))


@dataclass
class Visit:
    """The journal of a visit, to be written.

    `scenario` names the scenario, `lifetime` is that of the tokens, and `facts` are more facts of the visit.
    """

    scenario: str = "healthy"
    lifetime: timedelta = HOUR
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entries: list[Entry] = []
        self.expiries: dict[str, datetime] = {}
        """Token -> its expiry."""
        self._requests = 0
        self._calls = Counter[str]()
        """Item -> the calls of its provider. Each item numbers its own calls."""

    def write(self, at: str | datetime, kind: str, **data: Any) -> Entry:
        """Write any entry. Its kind must have this data."""
        instant = OPENED + after(at) if isinstance(at, str) else at
        entry = Entry(instant, kind, data)
        msgspec.convert(msgspec.to_builtins(line_of(entry)), AnyKind)
        self.entries.append(entry)
        return entry

    def issue(self, at: str, token: str, *, lifetime: timedelta | None = None, type: str = "embed") -> str:
        """Let the fake cloud issue a token at a time, and return its name."""
        expires = OPENED + after(at) + (self.lifetime if lifetime is None else lifetime)
        self.write(at, "token.issued", token=token, type=type, expires=expires)
        self.expiries[token] = expires
        return token

    def request(
        self,
        at: str,
        *,
        token: str | None = None,
        answered: str | None = "0.2",
        status: int | None = 200,
        error: str | None = None,
        url: str = TOKENS,
        method: str = "GET",
        source: str = "page",
    ) -> str:
        """Let the page send a request, for a token by default, and return the number of the request.

        `answered` is the time from the request to its answer; None if no answer comes. `token` is the token in the
        answer. `status` is None if the request fails with `error`.
        """
        self._requests += 1
        number = f"request-{self._requests}"
        self.write(at, "request", request=number, url=url, method=method, type="Fetch", source=source)
        if answered is not None:
            then = OPENED + after(at) + after(answered)
            self.write(then, "response", request=number, status=status, error=error)
            if token:
                self.write(then, "token.fetched", token=token, url=url, by="Fetch")
        return number

    def embed(
        self,
        at: str = "0",
        *,
        token: str = "embed-1",
        item: str = "1",
        kind: str = "report",
        provider: bool = False,
        loaded: bool = True,
        type: str = "embed",
        **load: Any,
    ) -> None:
        """Let the page embed an item with a new token, and let the item raise `loaded`, unless `loaded` is False.

        `load` are more data of the load request: id, page, visual. The iframe's address names the same id.
        """
        if token not in self.expiries:
            self.issue(at, token, type=type)
            self.request(at, token=token)
        path = FRAMES[kind]
        url = f"https://app.powerbi.com{path}?{kind}Id={load.get('id', item)}"
        self.write(at, "embed.frame", item=item, path=path, url=url)
        self.load(at, item=item, kind=kind, provider=provider, **load)
        self.apply(at, token, item=item, how="load", type=type)
        if loaded:
            self.write(at, "item.event", item=item, event="loaded", detail=None)

    def load(self, at: str, *, item: str = "1", kind: str = "report", provider: bool = False, **load: Any) -> Entry:
        """Let an item receive a load request, without a token."""
        more = {"sdk": "2.23.1", "provider": provider, "id": item, "page": None, "visual": None} | load
        return self.write(
            at,
            "protocol",
            item=item,
            direction="received",
            method="POST",
            url=f"/{kind}/load",
            uid=f"uid-{item}",
            status=None,
            **more,
        )

    def apply(
        self, at: str, token: str, *, item: str = "1", how: str = "setAccessToken", type: str = "embed", **more: Any
    ) -> Entry:
        """Give an item a token. The token is valid, expired, or, if it was never issued, unusable."""
        expires = self.expiries.get(token)
        state = "unknown" if expires is None else "live" if OPENED + after(at) < expires else "expired"
        data = {"type": type if expires else "unknown", "expires": expires, "how": how, "state": state} | more
        return self.write(at, "token.applied", item=item, token=token, **data)

    def renew(self, at: str, token: str, *, item: str = "1", how: str = "setAccessToken", type: str = "embed") -> None:
        """Let the page request a new token, which is answered at once, and give it to an item."""
        self.issue(at, token, type=type)
        self.request(at, token=token, answered="0")
        self.apply(at, token, item=item, how=how, type=type)

    def expire(self, token: str, *, item: str = "1") -> None:
        """Let the current token of an item expire, at its expiry."""
        self.write(self.expiries[token], "token.expired", item=item, token=token)

    def use(
        self, at: str, token: str, *, item: str = "1", action: str = "refresh", page: str = "Page1", **more: Any
    ) -> Entry:
        """Let an item send a data request with a token."""
        expires = self.expiries.get(token)
        state = "unknown" if expires is None else "live" if OPENED + after(at) < expires else "expired"
        data = {
            "action": action,
            "detail": None,
            "page": page,
            "filters": [],
            "state": state,
            "status": 200 if state == "live" else 403,
        }
        return self.write(at, "data.request", item=item, token=token, **(data | more))

    def call(
        self,
        at: str,
        *,
        item: str = "1",
        answer: str | None = "token",
        token: str | None = None,
        status: int = 200,
        answered: str = "0.2",
    ) -> None:
        """Let the service call an item's provider.

        `answer` is the kind of its answer; None if it never answers. A token that it answers is not given to the item.
        """
        self._calls[item] += 1
        self.write(at, "hook.called", item=item, call=self._calls[item], uid=f"uid-{item}", attempt=1)
        if answer is None:
            return
        then = OPENED + after(at) + after(answered)
        extra = {"token": token or "unknown"} if answer == "token" else {"text": "a text"} if answer == "other" else {}
        self.write(then, "hook.answered", item=item, call=self._calls[item], status=status, answer=answer, **extra)

    def away(self, hidden: str, shown: str, how: str = "hidden") -> None:
        """Hide the tab from one time to another; with `how`, the tab is also frozen or its machine asleep meanwhile."""
        ends = {"frozen": "resumed", "asleep": "awake"}
        self.write(hidden, "tab", state="hidden")
        if how in ends:
            self.write(hidden, "tab", state=how)
            self.write(shown, "tab", state=ends[how])
        self.write(shown, "tab", state="shown")

    def raise_error(self, at: str, code: str = "TokenExpired", *, item: str = "1") -> Entry:
        """Let an item raise the event `error`, because the service refused a request with this code."""
        detail = {"message": code, "detailedMessage": "a text", "errorCode": "403", "level": 6}
        return self.write(at, "item.event", item=item, event="error", detail=detail)

    def throw(self, at: str, text: str, *, rejection: bool = False) -> Entry:
        """Let the page leave an exception uncaught, or, with `rejection`, a promise rejected."""
        return self.write(at, "page.error", text=text, rejection=rejection, url="http://localhost:3000/page.js")

    def outage(self, began: str, ended: str, *hits: str, fault: str = "fault-1", url: str = TOKENS) -> None:
        """Let the token endpoint fail from one time to another, and let token requests meet the failure."""
        self.write(began, "fault.began", fault=fault, url=url)
        for at in hits:
            self.request(at, status=500)
            self.write(at, "fault.hit", fault=fault, url=url, method="GET")
        self.write(ended, "fault.ended", fault=fault, url=url)

    def end(self, at: str, **facts: Any) -> Observation:
        """End the visit, and return its observation. `facts` are more facts of the visit, their times as above."""
        given = {"title": self.scenario, "token_urls": [f"{TOKENS}*"], "number": 1, "planned": 1} | self.facts | facts
        times = {name: OPENED + after(value) for name, value in given.items() if name in ("removed", "arrived")}
        times |= {"returns": [OPENED + after(time) for time in given.get("returns", ())]}
        return Observation(
            scenario=self.scenario,
            journal=Journal.of_the_past(sorted(self.entries, key=lambda entry: entry.at)),
            lifetime=self.lifetime,
            opened=OPENED,
            ended=OPENED + after(at),
            **(given | times),
        )
