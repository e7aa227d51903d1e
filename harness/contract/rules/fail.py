"""FAIL-1 to FAIL-6: the token endpoint fails for a while; does the page come through, and does it leave the endpoint alone?"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from harness.base.journal import Entry
from harness.contract.observation import Observation, by_address, cut_short
from harness.contract.rule import Verdict, counted, failed, minutes, passed, rule, skipped
from harness.contract.scenarios import BRIEF_OUTAGE, HOT_LOOP_REQUESTS, LONG_OUTAGE, Scenarios

IN_TIME = (
    'The article: refresh the token "before it expires"; its check runs every 30 s, so that a failure can be made good.'
)
FAIR = LONG_OUTAGE / HOT_LOOP_REQUESTS
TOOK_ITS_PLACE = "A renewal that fails takes the place of the item, and nothing tries again."
TELLING = 20
"""Requests from which on their rate says something, where they ended the session before it had met all that would be fair."""
SPARINGLY = "RFC 6585 and Entra's guidance on throttling: a client that is refused waits before it asks again."


def _nothing_to_judge(scenarios: Scenarios) -> Verdict | None:
    """Why no outage can be judged on this page, if so."""
    first = scenarios.first
    if first.providers and not first.manual:
        return skipped("The item only has an accessTokenProvider: PROV-3 to PROV-5 cover its outages.")
    if not scenarios.token_urls:
        return skipped(
            "No request of the page brings its token (it stands in its HTML, or comes over a WebSocket), so there is nothing to "
            "put a fault in front of."
        )
    if cut := cut_short(first):
        return skipped(cut)
    if not any(first.renewed(item) for item in first.items):
        return skipped("The page renewed no token even without an outage (LIFE-1, LIFE-2).")
    return None


def _not_renewed(scenarios: Scenarios, observed: Observation) -> Verdict | None:
    """The finding that a token expired in an outage, if one did, of an item that is renewed without one."""
    hits = observed.journal.of("fault.hit")
    for item in _judged(scenarios, observed):
        for holding in observed.applied_tokens(item):
            if holding.expires and holding.expires <= observed.ended and holding.expired_in_use:
                later = f"the next token came at {observed.when(holding.until)}" if holding.until else "no other came"
                met = [hit for hit in hits if holding.at <= hit.at <= holding.expires] or hits
                gone = observed.gone(item)
                went = f" The item went away at {observed.when(gone)}." if gone and gone >= met[0].at else ""
                return failed(
                    f"{observed.heading} at {observed.when(met[0])}; {holding.token} expired at "
                    f"{observed.when(holding.expires)}: {later}.{went}",
                    [*met[:3], *observed.journal.of("token.expired", token=holding.token)],
                    TOOK_ITS_PLACE if went else _likely_cause(observed, met[0].at, holding.expires),
                )
    return None


def _likely_cause(observed: Observation, first: datetime, expires: datetime) -> str:
    if first + BRIEF_OUTAGE >= expires:
        return (
            f"The renewal begins so late that an outage of {minutes(BRIEF_OUTAGE)} outlasts the token; begin earlier (the article: "
            "10 min before its end)."
        )
    ends = [observed.responses(request)[:1] for request in observed.token_requests()]
    if sum("ERR_ABORTED" in str(end["error"]) for first in ends for end in first) > 1:
        return "The page gives its requests up before they are answered, and each is begun anew."
    return "A renewal that fails is not tried again in time, or its failure ends what would have tried."


def _judged(scenarios: Scenarios, observed: Observation) -> list[str]:
    """The items of which an outage is judged: those that are kept alive without one."""
    return sorted(set(observed.lasting) - scenarios.first.forgotten)


def _never_in_time(scenarios: Scenarios) -> Verdict | None:
    """Why nobody can say that an outage made a token expire, if so."""
    if _judged(scenarios, scenarios.first):
        return None
    return skipped("The page's tokens end in use even without an outage (LIFE-1, LIFE-2).")


def _renewed_all_the_same(scenarios: Scenarios, sessions: Sequence[Observation]) -> Verdict:
    tries = outages = 0
    for observed in sessions:
        if cut := cut_short(observed):
            return skipped(f"{observed.stopped} FAIL-5 says why." if observed.storm else cut)
        hits = observed.journal.of("fault.hit")
        if not hits:
            return skipped("No token request met the outage.")
        if verdict := _not_renewed(scenarios, observed):
            return verdict
        tries, outages = tries + len(hits), outages + len({hit["fault"] for hit in hits})
    return passed(
        f"{counted(tries, 'request')} failed in {counted(outages, 'outage')}, and every token was renewed in time."
    )


@rule("FAIL-1", "must", basis=IN_TIME)
def survives_errors(scenarios: Scenarios) -> Verdict:
    """2 min of status 500: renewed before expiry all the same."""
    return (
        _nothing_to_judge(scenarios) or _never_in_time(scenarios) or _renewed_all_the_same(scenarios, scenarios.errors)
    )


@rule("FAIL-2", "must", basis=IN_TIME)
def survives_drops(scenarios: Scenarios) -> Verdict:
    """2 min of dropped connections: renewed before expiry all the same."""
    return (
        _nothing_to_judge(scenarios) or _never_in_time(scenarios) or _renewed_all_the_same(scenarios, scenarios.drops)
    )


@rule(
    "FAIL-3",
    "should",
    basis="The article's check runs every 30 s: without a guard it asks again while an answer is on its way.",
)
def one_at_a_time(scenarios: Scenarios) -> Verdict:
    """The endpoint answers after 45 s: never two token requests for one item in flight together, and renewed."""
    if verdict := _nothing_to_judge(scenarios):
        return verdict
    for observed in scenarios.slow_answers:
        for address, requests in observed.token_requests_by_address().items():
            share = observed.tokens_needed(address)
            for request in requests:
                flying = [
                    other for other in requests if other.at <= request.at and _ends_after(observed, other, request)
                ]
                if len(flying) > share:
                    return failed(
                        f"{observed.heading}: at {observed.when(request)} a token request was sent while the one of "
                        f"{observed.when(flying[0])} was on its way.",
                        flying[:5],
                        "Nothing guards a request in flight: the interval, or the return to the tab, starts another one.",
                    )
        if cut := cut_short(observed):
            return skipped(cut)
        if not observed.journal.of("fault.hit"):
            return skipped("No token request met the slow answers.")
        if verdict := _never_in_time(scenarios) or _not_renewed(scenarios, observed):
            return verdict
    return passed("No two token requests were in flight together, and every token was renewed in time.")


def _ends_after(observed: Observation, other: Entry, request: Entry) -> bool:
    answered = observed.answered_at(other)
    return other is request or answered is None or answered > request.at


@rule(
    "FAIL-4",
    "must",
    basis=IN_TIME,
)
def survives_garbage(scenarios: Scenarios) -> Verdict:
    """2 min of garbage with status 200: nothing unusable is applied, and renewed before expiry."""
    if verdict := _nothing_to_judge(scenarios):
        return verdict
    for observed in scenarios.garbage:
        if verdict := _unusable_applied(observed):
            return verdict
    return _never_in_time(scenarios) or _renewed_all_the_same(scenarios, scenarios.garbage)


def _unusable_applied(observed: Observation) -> Verdict | None:
    for item in observed.items:
        unusable = observed.journal.of("token.applied", item=item, state="unknown")
        if unusable:
            return failed(
                f"{observed.heading}: at {observed.when(unusable[0])} the item was given something that is no token.",
                [*observed.journal.of("fault.hit")[:2], *unusable[:3]],
                "The page does not look at what it got before it applies it.",
            )
    return None


@rule("FAIL-5", "should", basis=SPARINGLY)
def no_hot_loop(scenarios: Scenarios) -> Verdict:
    """10 min of status 500: at most 1 request per 5 s on average."""
    return _nothing_to_judge(scenarios) or _sparing(scenarios.long_errors) or _calm(scenarios.long_errors)


@rule(
    "FAIL-6",
    "should",
    basis=SPARINGLY,
)
def survives_expired_tokens(scenarios: Scenarios) -> Verdict:
    """10 min of tokens that have already expired: no hot loop, and it recovers when the endpoint heals."""
    if verdict := _nothing_to_judge(scenarios) or _sparing(scenarios.expired_answers):
        return verdict
    for observed in scenarios.expired_answers:
        ended = observed.journal.of("fault.ended")
        if gone := observed.gone_for_good(scenarios.first):
            return failed(
                f"{observed.heading} and healed at {observed.when(ended[0])}; the item went away at {observed.when(gone[-1])}, and "
                "none came back.",
                [*ended, *gone[:3]],
                TOOK_ITS_PLACE,
            )
        for item in sorted(set(observed.items_at(observed.ended)) & set(_judged(scenarios, observed))):
            token = observed.current_token(item, observed.ended)
            if not token or not token.outlives(observed.ended):
                return failed(
                    f"{observed.heading} and healed at {observed.when(ended[0])}; at {observed.when(observed.ended)} item {item} "
                    "still had no token that lives.",
                    [*ended, *observed.journal.of("token.applied", item=item)[-3:]],
                    "The page believes in what it got, or gave up.",
                )
    return _calm(scenarios.expired_answers)


def _sparing(sessions: Sequence[Observation]) -> Verdict | None:
    for observed in sessions:
        hits = by_address(observed.journal.of("fault.hit"))
        for address, requests in hits.items():
            share = observed.tokens_needed(address)
            met = requests[: HOT_LOOP_REQUESTS * share + 1]
            first, span = met[0], met[-1].at - met[0].at
            if len(met) > HOT_LOOP_REQUESTS * share or (
                observed.storm and len(met) > max(TELLING, share * (1 + span / FAIR))
            ):
                seconds = max(1.0, span.total_seconds())
                return failed(
                    f"{observed.heading}: {len(met)} token requests in {seconds:.0f} s from {observed.when(first)} on; at most one in "
                    f"5 s{_for_each(share)} is fair.",
                    requests[:5],
                    _why_hot(span / len(met)),
                )
        if cut := cut_short(observed):
            return skipped(cut)
        if not hits:
            return skipped("No token request met the outage.")
    return None


def _why_hot(gap: timedelta) -> str:
    if gap < timedelta(seconds=1):
        return "What failed is tried again at once, or with a delay that came out as nothing."
    return f"What failed is tried again every {gap.total_seconds():.0f} s, and the pause does not grow."


def _calm(sessions: Sequence[Observation]) -> Verdict:
    met = [
        (len(requests), observed.tokens_needed(address))
        for observed in sessions
        for address, requests in by_address(observed.journal.of("fault.hit")).items()
    ]
    per, most, share = min((share * LONG_OUTAGE / requests, requests, share) for requests, share in met)
    return passed(
        f"At most {counted(most, 'request')} in 10 min, one in {per / timedelta(seconds=1):.0f} s{_for_each(share)}."
    )


def _for_each(share: int) -> str:
    return f" for each of {share} items" if share > 1 else ""
