"""PROV-1 to PROV-5: the automatic way. Is the provider called, is what it brings applied, and what does it do when it fails?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest

from harness.base.journal import Entry
from harness.contract.observation import Observation, cut_short
from harness.contract.rule import Verdict, counted, failed, passed, rule, skipped
from harness.contract.scenarios import Scenarios
from harness.stage.token_history import AppliedToken

NULL = 'The article: "The accessTokenProvider event hook should never throw an exception. If it fails to generate a new token, return a Null value."'
BY_HAND = "The page renewed every token by hand (setAccessToken) before the service would have asked its provider."
NEVER_DUE = (
    "No item with an accessTokenProvider stayed, with one token from its load, until the service would have had to ask."
)


def _no_provider(observed: Observation) -> Verdict:
    if observed.registered:
        return skipped("What the page embedded with an accessTokenProvider was gone 30 s after opening.")
    return skipped("The page registers no accessTokenProvider.")


def _brought(observed: Observation, item: str) -> list[Entry]:
    """When the item took a token of its provider. Some providers set the token, too, before they answer with it."""
    called = {entry["call"]: entry.at for entry in observed.journal.of("hook.called", item=item)}
    answers = observed.journal.of("hook.answered", item=item, answer="token")
    asked = {answer["token"]: called[answer["call"]] for answer in answers if answer["call"] in called}
    return [
        entry
        for entry in observed.journal.of("token.applied", item=item, state="live")
        if entry["how"] == "hook" or (entry["token"] in asked and asked[entry["token"]] <= entry.at)
    ]


def _renewed_by_hand(observed: Observation, item: str) -> bool:
    return (
        item in observed.manual and item not in observed.forgotten and not observed.journal.of("hook.called", item=item)
    )


@rule(
    "PROV-1",
    "must",
    basis="The article: Power BI calls eventHooks.accessTokenProvider when the token is about to expire, and sets what it returns.",
)
def called_and_applied(scenarios: Scenarios) -> Verdict:
    """A registered provider is called before expiry and its token is applied."""
    observed = scenarios.first
    if not observed.providers:
        return _no_provider(observed)
    evidence: list[Entry] = []
    by_hand = ""
    for item in observed.providers:
        first = _first_due(observed, item)
        if not first:
            continue
        if first.expires is None:
            return skipped(f"Item {item} was loaded with a token that the service does not know.")
        if _renewed_by_hand(observed, item):
            by_hand = BY_HAND
            continue
        called = observed.between("hook.called", first.at, first.expires, item=item)
        applied = [entry for entry in _brought(observed, item) if first.at <= entry.at < first.expires]
        if not called:
            return failed(f"The provider of item {item} was not called before {observed.when(first.expires)}.")
        if not applied:
            answers = observed.journal.of("hook.answered", item=item)
            return failed(
                f"The provider of item {item} was called at {observed.when(called[0])}, and no token that works came of it before "
                f"the old one expired at {observed.when(first.expires)}: {_first_of(answers)}.",
                answers[:5],
                _why_no_token(observed, answers[:1]),
            )
        evidence = evidence or [called[0], applied[0]]
    if not evidence:
        return skipped(by_hand or cut_short(observed) or NEVER_DUE)
    called_at, applied_at = map(observed.when, evidence)
    return passed(f"Called at {called_at}; its token was applied at {applied_at}.", evidence)


def _first_due(observed: Observation, item: str) -> AppliedToken | None:
    """The first token with which the item was loaded that its provider had to renew: neither did the item go, or the session end,
    before it expired, nor was the item loaded with another."""
    held = observed.applied_tokens(item)
    for token, following in zip_longest(held, held[1:]):
        until = following.at if following else observed.present_until(item)
        renewed = following is not None and following.how != "load"
        if token.how == "load" and (renewed or token.expires is None or token.expires <= until):
            return token
    return None


def _first_of(answers: Sequence[Entry]) -> str:
    if not answers:
        return "no answer came at all"
    return f"the first answer was {_said(answers[0])} with status {answers[0]['status']}"


def _said(answer: Entry) -> str:
    """What a provider answered, as far as it may be written down."""
    if answer["answer"] == "token":
        return f"the token {answer['token']}"
    return str(answer["text"] or answer["answer"])


def _why_no_token(observed: Observation, answers: Sequence[Entry]) -> str:
    said = {answer["answer"] for answer in answers if answer["status"] == 200}
    useless = {entry["token"] for entry in observed.journal.of("token.applied", how="hook", state="unknown")}
    if any(answer["answer"] == "token" and answer["token"] in useless for answer in answers):
        return "What the provider answers is no token as the service issued it for this embed: with something before it, or another."
    if "other" in said:
        return "The provider answers what its token came in, or something else, and not the token: that has to be a string."
    return "The provider forgets `return`." if "undefined" in said else ""


@rule(
    "PROV-2",
    "must",
    basis="The article: the hook is called whenever the token is about to expire.",
)
def called_again(scenarios: Scenarios) -> Verdict:
    """The provider is called again for the 2nd and the 3rd expiry, and its tokens are applied."""
    observed = scenarios.first
    if not observed.providers:
        return _no_provider(observed)
    forgotten = observed.forgotten
    evidence: list[Entry] = []
    by_hand = ""
    for item in observed.providers:
        held = observed.applied_tokens(item)
        if _renewed_by_hand(observed, item):
            by_hand = BY_HAND
            continue
        applied = _brought(observed, item)
        brought = {entry["token"] for entry in applied}
        in_time = [new for old, new in pairwise(held) if new.token in brought and not old.expired_in_use]
        if len(in_time) < OBSERVED:
            loaded = [token.at for token in held if token.how == "load"][-1]
            stayed = observed.present_until(item) - loaded
            if item not in forgotten and stayed < OBSERVED * observed.lifetime:
                continue
            calls = observed.journal.of("hook.called", item=item)
            return failed(
                f"Over {OBSERVED} lifetimes the provider of item {item} was called {counted(len(calls), 'time')} and brought "
                f"{counted(len(brought), 'token')}, {len(in_time)} of them in time; the last call was answered so: "
                f"{_last_answer(observed, item)}.",
                calls[-5:],
                "The provider answers with what it has cached, or was lost when the page embedded again.",
            )
        evidence = evidence or applied[:OBSERVED]
    if not evidence:
        return skipped(by_hand or cut_short(observed) or NEVER_DUE)
    return passed("Its tokens were applied before the 1st, 2nd and 3rd expiry.", evidence)


OBSERVED = 3
A_MOMENT = timedelta(seconds=1)


def _last_answer(observed: Observation, item: str) -> str:
    calls = [entry for entry in observed.journal.of("hook.called", item=item) if entry.at < observed.ended - A_MOMENT]
    answered = observed.journal.of("hook.answered", item=item, call=calls[-1]["call"]) if calls else []
    if not calls:
        return "it was never called"
    if not answered:
        return f"not at all (asked at {observed.when(calls[-1])})"
    return f"{answered[-1]['answer']}, status {answered[-1]['status']}"


def _answers_during_outage(observed: Observation) -> Iterator[tuple[Entry, list[Entry]]]:
    """Each answer of a provider to a call during which a token request of the page failed, with those failures."""
    failures = observed.journal.of("fault.hit")
    calls = {(entry["item"], entry["call"]): entry for entry in observed.journal.of("hook.called")}
    for answer in observed.journal.of("hook.answered"):
        call = calls.get((answer["item"], answer["call"]))
        if call:
            during = [entry for entry in failures if call.at <= entry.at <= answer.at]
            if during:
                yield answer, during


def _outages(observed: Observation) -> Iterator[tuple[datetime, datetime, datetime]]:
    """From when to when the token endpoint failed each time, and until when it was well after that."""
    begins = [entry.at for entry in observed.journal.of("fault.began")]
    heals = [entry.at for entry in observed.journal.of("fault.ended")]
    return zip(begins, heals, [*begins[1:], observed.ended], strict=False)


def _never_answered(observed: Observation) -> Iterator[tuple[Entry, datetime]]:
    """The calls in an outage that the page met to which a provider had said nothing when the token expired that it was to renew, and
    when that was."""
    for began, healed, _ in _outages(observed):
        met = bool(observed.between("fault.hit", began, healed))
        for call in observed.between("hook.called", began, healed) if met else ():
            item = call["item"]
            token, until = observed.current_token(item, call.at), observed.present_until(item)
            if not (token and token.expires and token.expired_in_use and call.at < token.expires < until):
                continue
            if not observed.between("hook.answered", call.at, token.expires, item=item, call=call["call"]):
                yield call, token.expires


def _why_no_call(healthy: Observation, observed: Observation) -> str:
    if gone := observed.gone_for_good(healthy):
        return f"The item went away at {observed.when(gone[-1])}, before its provider had answered, and none came back (PROV-5)."
    return "No token request failed during a call of the provider."


def _came_of_another_try(observed: Observation, answer: Entry, failures: list[Entry]) -> bool:
    """Whether the provider asked again within the call: its token is new to the item, or was given out after the failures."""
    if not _is_a_token(answer):
        return False
    token, applied = answer["token"], observed.journal.of("token.applied", item=answer["item"])
    had = any(entry["token"] == token and entry.at < failures[0].at for entry in applied)
    return not had or bool(observed.between("token.fetched", failures[-1].at, answer.at, token=token))


def _is_a_token(answer: Entry) -> bool:
    return bool(answer["answer"] == "token" and answer["token"] != "unknown")


@rule("PROV-3", "must", basis=NULL)
def does_not_throw(scenarios: Scenarios) -> Verdict:
    """When the token endpoint fails, the provider does not throw or reject."""
    if not scenarios.first.providers:
        return _no_provider(scenarios.first)
    observed = scenarios.provider_outages
    answers = list(_answers_during_outage(observed))
    for answer, during in answers:
        if answer["status"] == 400:
            return failed(
                f"While the token endpoint failed, the provider threw: the SDK answered the call at {observed.when(answer)} "
                "with status 400.",
                [*during[:2], answer],
                "An await without a catch, or a catch that throws on.",
            )
    if cut := cut_short(observed):
        return skipped(cut)
    if not answers:
        return skipped(_why_no_call(scenarios.first, observed))
    return passed(
        f"{counted(len(answers), 'call')} while the token endpoint failed, none threw.",
        [answer for answer, _ in answers[:3]],
    )


@rule(
    "PROV-4",
    "must",
    basis=NULL,
)
def answers_null(scenarios: Scenarios) -> Verdict:
    """When the token endpoint fails, the provider answers exactly `null`."""
    if not scenarios.first.providers:
        return _no_provider(scenarios.first)
    observed = scenarios.provider_outages
    answers = list(_answers_during_outage(observed))
    for answer, during in answers:
        if answer["status"] == 400:
            return failed(f"It threw instead, at {observed.when(answer)} (PROV-3).", [*during[:2], answer])
        if answer["answer"] != "null" and not _came_of_another_try(observed, answer, during):
            return failed(
                f"While the token endpoint failed, the provider answered {_said(answer)} at {observed.when(answer)}, not null.",
                [*during[:2], answer],
                "The provider forgets `return`, passes on what it got, or falls back on an old token.",
            )
    for call, ends in _never_answered(observed):
        return failed(
            f"While the token endpoint failed, the provider was called at {observed.when(call)}, and had not answered when the "
            f"token expired at {observed.when(ends)}.",
            [call],
            "It waits for something that a failure has left behind: a lock, or a promise that is never settled.",
        )
    if cut := cut_short(observed):
        return skipped(cut)
    if not answers:
        return skipped(_why_no_call(scenarios.first, observed))
    nulls = [answer for answer, _ in answers if answer["answer"] == "null"]
    tried_again = len(answers) - len(nulls)
    return passed(
        f"{counted(len(answers), 'call')} while the token endpoint failed; null was the answer of "
        f"{f'{len(nulls)}, the token of another try that of {tried_again}' if tried_again else 'each'}.",
        [answer for answer, _ in answers[:3]],
    )


@rule(
    "PROV-5",
    "must",
    basis="The article: the hook is called again; a null answer is not the end.",
)
def recovers(scenarios: Scenarios) -> Verdict:
    """Once the endpoint has healed, the next call of the provider brings a token and the item works."""
    if not scenarios.first.providers:
        return _no_provider(scenarios.first)
    observed = scenarios.provider_outages
    seen = 0
    for began, healed, until in _outages(observed):
        called = {entry["item"] for entry in observed.between("hook.called", began, healed)}
        failed_then = bool(observed.between("fault.hit", began, healed))
        concerned = [item for item in _due_between(observed, began, until) if failed_then or item in called]
        seen += bool(concerned)
        for item in concerned:
            if verdict := _not_recovered(observed, item, began, healed, until):
                return verdict
    if cut := cut_short(observed):
        return skipped(cut)
    if gone := observed.gone_for_good(scenarios.first):
        return failed(
            f"The token endpoint failed; the item went away at {observed.when(gone[-1])}, and none came back.",
            [*observed.journal.of("fault.hit")[:2], *gone[:3]],
            "A failure takes the place of an item whose token still lives.",
        )
    if not seen:
        return skipped(
            "In no outage did a token request fail, or was a provider called, whose item stayed until it was due."
        )
    return passed(f"{counted(seen, 'outage')}; after each the provider brought a token.")


def _due_between(observed: Observation, began: datetime, until: datetime) -> Iterator[str]:
    """The items that were there from an instant on until the token ended that they had then, if it did by another, and that were
    not loaded with a new one."""
    for item in observed.providers:
        token = observed.current_token(item, began)
        ends = (token and token.expires) or until
        loaded = observed.between("token.applied", began, ends, item=item, how="load")
        if token and not loaded and ends <= min(until, observed.present_until(item)):
            yield item


def _not_recovered(
    observed: Observation, item: str, began: datetime, healed: datetime, until: datetime
) -> Verdict | None:
    """The finding that an item did not get its token after the endpoint had healed, and before it failed again; or why nobody
    can say. A call during the outage may have brought it, or the page itself; then there is no other."""
    calls = observed.between("hook.called", healed, until, item=item)
    answers = observed.journal.of("hook.answered", item=item, call=calls[0]["call"]) if calls else []
    brought = observed.between("token.applied", began, until, item=item, state="live")
    cut = cut_short(observed)
    if cut and until == observed.ended and not answers and not brought:
        return skipped(cut)
    if not calls and not brought:
        return failed(f"The endpoint healed at {observed.when(healed)}; the provider was not called again.")
    if calls and not any(_is_a_token(answer) for answer in answers):
        seen = f"{_said(answers[0])}, status {answers[0]['status']}" if answers else "nothing"
        return failed(
            f"The endpoint healed at {observed.when(healed)}; the next call, at {observed.when(calls[0])}, brought {seen}.",
            [calls[0], *answers],
            _why_no_token(observed, answers) or "The provider gave up, or remembers the failure.",
        )
    asked = (calls or brought)[0].at
    later = observed.between("data.request", asked, asked + timedelta(minutes=10), item=item)
    if any(entry["state"] != "live" for entry in later):
        return failed(f"After the endpoint had healed at {observed.when(healed)}, the item did not work.", later)
    return None
