"""The scenarios in which the token endpoint fails."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from harness.contract.measures import BRIEF_OUTAGE, HOT_LOOP_REQUESTS, LONG_OUTAGE
from harness.contract.scenario import Setting, scenario
from harness.contract.visit import GENEROUS_REQUEST_LIMIT, PageVisit, Plan

REQUESTS_OUTSIDE_OUTAGE = 4
"""The further token requests, per item, of a visit with a long outage: as many as LIFE-3 allows in a lifetime."""
LONG_OUTAGE_REQUEST_LIMIT = HOT_LOOP_REQUESTS + REQUESTS_OUTSIDE_OUTAGE

Fault = dict[str, Any]
GARBAGE: dict[str, Fault] = {
    "HTML": {"garbage": "html"},
    "cut JSON": {"garbage": "json"},
    "JSON without a token": {"garbage": "no token"},
}
"""The faults with an unusable answer, by the name that messages give them."""
PROVIDER_OUTAGES: tuple[Fault, ...] = ({"status": 500}, {"drop": True}, *GARBAGE.values())
BEFORE_THE_SERVICE_ASKS = timedelta(minutes=12)
"""The time before the expiry at which a provider's outage begins: 2 min before the service asks the provider."""
FROM_FIRST_REQUEST = "from the first token request after a third of the token's lifetime on"


@scenario(
    "Only for providers. The endpoint fails at each of five renewals: status 500, a dropped connection, HTML, cut JSON, "
    "JSON without a token. Each outage lasts from 12 min before the first of their tokens expires to 5 min before the "
    "last one expires. If the page renews by `setAccessToken` before the service calls the provider, the outage begins "
    "after a third of the token's lifetime.",
    is_outage=True,
)
def provider_outages(setting: Setting) -> list[Plan]:
    """Plan the visit whose token endpoint fails at each renewal in another way, and recovers 5 min before the expiry."""
    renews_by_itself = set(setting.first.manual) & set(setting.first.providers)
    before = setting.lifetime * 2 / 3 if renews_by_itself else BEFORE_THE_SERVICE_ASKS

    def fail_at_each_renewal(visit: PageVisit) -> None:
        stage = visit.stage
        for kind in PROVIDER_OUTAGES:
            earliest, latest = _expiries(visit, visit.observed.providers)
            # If the last token expires soon, count from now, so that the outage does not end before it begins.
            latest = max(latest, stage.clock.now + BEFORE_THE_SERVICE_ASKS)
            stage.clock.advance_to(max(stage.clock.now, earliest - before))
            fault = stage.faults.add(*visit.observed.token_urls, **kind)
            stage.clock.advance_to(latest - timedelta(minutes=5, seconds=-1))
            stage.faults.end(fault)
            stage.clock.advance_to(latest - timedelta(minutes=2))
            visit.interact()
            stage.clock.advance_to(latest + timedelta(minutes=1))
            visit.interact()

    title = "the token endpoint fails at each renewal"
    return [Plan(title, fail_at_each_renewal, request_limit=GENEROUS_REQUEST_LIMIT)]


def _expiries(visit: PageVisit, wanted: Sequence[str] = ()) -> tuple[datetime, datetime]:
    """Return the first and the last expiry of the current tokens of the items on the page.

    Only the wanted items count, if any of them is on the page. If no item has a valid token, both expiries are those of
    a token that is issued now.
    """
    items, now = visit.items(), visit.stage.clock.now
    tokens = [item.token for item in [item for item in items if item.name in wanted] or items]
    expiries = [token.expires for token in tokens if token and token.expires and token.outlives(now)]
    issued_now = now + visit.observed.lifetime
    return min(expiries, default=issued_now), max(expiries, default=issued_now)


@scenario(f"The endpoint answers with status 500 for 2 min, {FROM_FIRST_REQUEST}.", is_outage=True)
def status_500(setting: Setting) -> list[Plan]:
    """Plan the visits with an outage of 2 min, status 500."""
    return _outages(setting, "answers 500 for 2 min", {"status": 500})


@scenario(f"The endpoint drops connections for 2 min, {FROM_FIRST_REQUEST}.", is_outage=True)
def dropped_connections(setting: Setting) -> list[Plan]:
    """Plan the visits with an outage of 2 min, dropped connections."""
    return _outages(setting, "drops connections for 2 min", {"drop": True})


@scenario(
    "The endpoint gives unusable answers for 2 min at each of three renewals: HTML, cut JSON, JSON without a token. The "
    "next outage begins when every item's token would have expired.",
    is_outage=True,
)
def unusable_answers(setting: Setting) -> list[Plan]:
    """Plan the visits with an outage of 2 min at each of three renewals, each with another kind of unusable answer."""
    return _outages(setting, f"answers {', '.join(GARBAGE)} for 2 min", *GARBAGE.values())


@scenario(f"The endpoint takes 45 s for each answer, {FROM_FIRST_REQUEST}.", is_outage=True)
def slow_answers(setting: Setting) -> list[Plan]:
    """Plan the visits in which the token endpoint takes 45 s for each answer, from a renewal on."""
    return _outages(setting, "answers after 45 s", {"slow": "45s"}, length=None)


@scenario(f"The endpoint answers with status 500 for 10 min, {FROM_FIRST_REQUEST}.", is_outage=True)
def long_status_500(setting: Setting) -> list[Plan]:
    """Plan the visits with an outage of 10 min, status 500. They end early if the page is in a hot loop."""
    limit = LONG_OUTAGE_REQUEST_LIMIT
    return _outages(setting, "answers 500 for 10 min", {"status": 500}, length=LONG_OUTAGE, request_limit=limit)


@scenario(f"The endpoint hands out expired tokens for 10 min, {FROM_FIRST_REQUEST}.", is_outage=True)
def expired_tokens(setting: Setting) -> list[Plan]:
    """Plan the visits whose token endpoint hands out expired tokens for 10 min."""
    fault, limit = {"expired_tokens": True}, LONG_OUTAGE_REQUEST_LIMIT
    return _outages(setting, "hands out expired tokens for 10 min", fault, length=LONG_OUTAGE, request_limit=limit)


def _outages(
    setting: Setting,
    title: str,
    *faults: Fault,
    length: timedelta | None = BRIEF_OUTAGE,
    request_limit: int = GENEROUS_REQUEST_LIMIT,
) -> list[Plan]:
    """Return the plan of a visit with one outage per fault, each at a renewal of its own.

    In a thorough run there is a plan for each lifetime and each of two renewals. An outage begins with the first token
    request that it meets, and lasts for `length`, or, without one, until a minute after the expiry of the current token.
    """
    title = f"the token endpoint {title}"
    if not setting.thorough:
        return [Plan(title, _fail(faults, length, renewal=1), request_limit=request_limit)]
    return [
        Plan(
            f"{title}, renewal {renewal}, lifetime {lifetime.total_seconds() / 60:.0f} min",
            _fail(faults, length, renewal=renewal),
            lifetime=lifetime,
            request_limit=request_limit,
        )
        for lifetime in setting.lifetimes
        for renewal in (1, 2)
    ]


def _fail(faults: Sequence[Fault], length: timedelta | None, *, renewal: int) -> Callable[[PageVisit], None]:
    """Return the course of a visit with outages, the first of them at a renewal given by its number."""

    def act(visit: PageVisit) -> None:
        stage, globs = visit.stage, visit.observed.token_urls
        if renewal > 1:
            stage.clock.advance_to(_expiries(visit)[1] + timedelta(minutes=1))
        else:
            # A page may embed further items after a while. The request for such an item is no renewal.
            stage.clock.advance(visit.observed.lifetime / 3)
        for kind in faults:
            _, expires = _expiries(visit)
            fault = stage.faults.add(*globs, for_=length, from_first_request=True, **kind)
            stage.clock.advance_to(expires - timedelta(seconds=1))
            visit.interact()
            stage.clock.advance_to(expires + (length or timedelta(0)) + timedelta(minutes=1))
            visit.interact()
            # The first request of the outage may be one that the interaction after the expiry caused.
            if fault.ends and fault.ends > stage.clock.now:
                stage.clock.advance_to(fault.ends + timedelta(minutes=1))
            stage.faults.end(fault)

    return act
