"""PROV-1 to PROV-5: the service calls the page's provider in time, its token is applied, and it survives outages."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest

from harness.base.journal import Entry
from harness.contract.observation import Observation, cut_short
from harness.contract.observations import FIRST_VISIT, Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.wording import counted
from harness.stage.token_history import AppliedToken

OBSERVED_EXPIRIES = 3
"""Expiries before which the provider has to bring a token (PROV-2)."""
LAST_MOMENT = timedelta(seconds=1)
"""Time at the end of a visit in which a call of the provider may stay without an answer."""
AFTER_THE_CALL = timedelta(minutes=10)
"""Time after a call of the provider in which the item's data requests show that the item works (PROV-5)."""
ANSWER_NULL = (
    'The article: "The accessTokenProvider event hook should never throw an exception. If it fails to generate a new '
    'token, return a Null value."'
)
WITH_PROVIDER = "pages with an item that has an `accessTokenProvider` and stays for more than 30 s"
PROVIDER_DUE = (
    "pages with an item that has an `accessTokenProvider` and stays, with one token from its load, until the service has "
    "to call the provider"
)
RENEWED_BY_HAND = "The page renewed every token by setAccessToken before the service would have called its provider."
NEVER_DUE = (
    "No item with an accessTokenProvider stayed, with one token from its load, until the service would have called the "
    "provider."
)


def _no_provider(observed: Observation) -> Verdict:
    """Return the skip of a page on which no provider can be judged."""
    if observed.registered:
        return skipped("The item that the page embedded with an accessTokenProvider was gone 30 s after opening.")
    return skipped("The page registers no accessTokenProvider.")


def _brought(observed: Observation, item: str) -> list[Entry]:
    """Return the `token.applied` entries of valid tokens that an item got from its provider.

    Some providers also set the token before they answer with it; such a token counts.
    """
    called = {entry["call"]: entry.at for entry in observed.journal.of("hook.called", item=item)}
    answers = observed.journal.of("hook.answered", item=item, answer="token")
    asked = {answer["token"]: called[answer["call"]] for answer in answers if answer["call"] in called}
    return [
        entry
        for entry in observed.journal.of("token.applied", item=item, state="live")
        if entry["how"] == "hook" or (entry["token"] in asked and asked[entry["token"]] <= entry.at)
    ]


def _is_renewed_by_hand(observed: Observation, item: str) -> bool:
    """Return whether the page renews an item by setAccessToken, so that its provider was never called."""
    return (
        item in observed.manual and item not in observed.forgotten and not observed.journal.of("hook.called", item=item)
    )


@rule(
    "PROV-1",
    "must",
    requires=(FIRST_VISIT,),
    source="The article: Power BI calls eventHooks.accessTokenProvider when the token is about to expire, and sets the "
    "token that the provider returns.",
    applies_to=f"{PROVIDER_DUE}, unless the page has renewed that token by `setAccessToken` before",
    why="The service asks the page for a token and gets none. The user meets an expired token when the first one ends.",
    wrong="""
        async function accessTokenProvider() {
          try {
            return await fetchUserToken(); // an object, but the SDK needs the token's text
          } catch {
            return null;
          }
        }
    """,
    right="""
        async function accessTokenProvider() {
          try {
            return (await fetchUserToken()).token;
          } catch {
            return null;
          }
        }
    """,
)
def provider_is_called_and_its_token_applied(seen: Observations) -> Verdict:
    """Require that a registered provider is called before the expiry, and its token is applied."""
    observed = seen.first
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
        if _is_renewed_by_hand(observed, item):
            by_hand = RENEWED_BY_HAND
            continue
        called = observed.between("hook.called", first.at, first.expires, item=item)
        applied = [entry for entry in _brought(observed, item) if first.at <= entry.at < first.expires]
        if not called:
            return failed(f"The provider of item {item} was not called before {observed.when(first.expires)}.")
        if not applied:
            answers = observed.journal.of("hook.answered", item=item)
            return failed(
                f"The provider of item {item} was called at {observed.when(called[0])} and brought no valid token "
                f"before the old one expired at {observed.when(first.expires)}: {_first_answer(answers)}.",
                answers[:5],
                _why_no_token(observed, answers[:1]),
            )
        evidence = evidence or [called[0], applied[0]]
    if not evidence:
        return skipped(by_hand or cut_short(observed) or NEVER_DUE)
    called_at, applied_at = map(observed.when, evidence)
    return passed(f"The provider was called at {called_at}; its token was applied at {applied_at}.", evidence)


def _first_due(observed: Observation, item: str) -> AppliedToken | None:
    """Return the first token from a load request that the item's provider had to renew; None if there is none.

    The provider has to renew a token if the item stays, and is not loaded with another token, until the token expires.
    """
    held = observed.applied_tokens(item)
    for token, following in zip_longest(held, held[1:]):
        until = following.at if following else observed.present_until(item)
        renewed = following is not None and following.how != "load"
        if token.how == "load" and (renewed or token.expires is None or token.expires <= until):
            return token
    return None


def _first_answer(answers: Sequence[Entry]) -> str:
    """Return a clause about a provider's first answer."""
    if not answers:
        return "no answer came at all"
    return f"the first answer was {_answer_text(answers[0])} with status {answers[0]['status']}"


def _answer_text(answer: Entry) -> str:
    """Return a provider's answer in words that contain no token."""
    if answer["answer"] == "token":
        return f"the token {answer['token']}"
    return str(answer["text"] or answer["answer"])


def _why_no_token(observed: Observation, answers: Sequence[Entry]) -> str:
    """Return the likely cause of answers of a provider that bring no valid token; empty if it is not known."""
    kinds = {answer["answer"] for answer in answers if answer["status"] == 200}
    useless = {entry["token"] for entry in observed.journal.of("token.applied", how="hook", state="unknown")}
    if any(answer["answer"] == "token" and answer["token"] in useless for answer in answers):
        return (
            'The provider answers a text that the service refuses: with "Bearer " before the token, or a token of '
            "another type. Answer the bare token that the service issued for this embed."
        )
    if "other" in kinds:
        return (
            "The provider answers the object that contains its token, or something else. Answer the token itself: the "
            "SDK needs a string."
        )
    if "undefined" in kinds:
        return "The provider has no `return` on some path. Return the token, or null after a failure."
    return ""


@rule(
    "PROV-2",
    "must",
    requires=(FIRST_VISIT,),
    source="The article: the hook is called whenever the token is about to expire.",
    applies_to=f"{PROVIDER_DUE}, unless the page has renewed that token by `setAccessToken` before",
    why="The first renewal works, so a short test finds nothing. The user meets an expired token after two lifetimes.",
    wrong="""
        let pending;

        function accessTokenProvider() {
          // Every later call gets the token of the first one.
          pending ??= fetchUserToken().then((next) => next.token, () => null);
          return pending;
        }
    """,
    right="""
        let pending;

        function accessTokenProvider() {
          pending ??= fetchUserToken()
            .then((next) => next.token, () => null)
            .finally(() => (pending = undefined));
          return pending;
        }
    """,
)
def provider_renews_before_each_expiry(seen: Observations) -> Verdict:
    """Require that the provider is called again for the 2nd and the 3rd expiry, and its tokens are applied."""
    observed = seen.first
    if not observed.providers:
        return _no_provider(observed)
    forgotten = observed.forgotten
    evidence: list[Entry] = []
    by_hand = ""
    for item in observed.providers:
        held = observed.applied_tokens(item)
        if _is_renewed_by_hand(observed, item):
            by_hand = RENEWED_BY_HAND
            continue
        applied = _brought(observed, item)
        brought = {entry["token"] for entry in applied}
        in_time = [new for old, new in pairwise(held) if new.token in brought and not old.expired_in_use]
        if len(in_time) < OBSERVED_EXPIRIES:
            loaded = [token.at for token in held if token.how == "load"][-1]
            stayed = observed.present_until(item) - loaded
            if item not in forgotten and stayed < OBSERVED_EXPIRIES * observed.lifetime:
                continue
            calls = observed.journal.of("hook.called", item=item)
            return failed(
                f"Over {OBSERVED_EXPIRIES} lifetimes the provider of item {item} was called "
                f"{counted(len(calls), 'time')} and brought {counted(len(brought), 'token')}, {len(in_time)} of them "
                f"in time. The answer to the last call: {_last_answer(observed, item)}.",
                calls[-5:],
                "The provider answers with a cached token, or the page embedded again without its provider. Fetch a "
                "new token in each call, and register the provider with each embed.",
            )
        evidence = evidence or applied[:OBSERVED_EXPIRIES]
    if not evidence:
        return skipped(by_hand or cut_short(observed) or NEVER_DUE)
    return passed("The provider's tokens were applied before the 1st, 2nd and 3rd expiry.", evidence)


def _last_answer(observed: Observation, item: str) -> str:
    """Return the answer of an item's provider to its last call, in words."""
    calls = [
        entry for entry in observed.journal.of("hook.called", item=item) if entry.at < observed.ended - LAST_MOMENT
    ]
    answered = observed.journal.of("hook.answered", item=item, call=calls[-1]["call"]) if calls else []
    if not calls:
        return "none, for there was no call"
    if not answered:
        return f"none (called at {observed.when(calls[-1])})"
    return f"{answered[-1]['answer']}, status {answered[-1]['status']}"


def _answers_during_outage(observed: Observation) -> Iterator[tuple[Entry, list[Entry]]]:
    """Yield each answer of a provider during whose call a token request of the page failed, with these failures."""
    failures = observed.journal.of("fault.hit")
    calls = {(entry["item"], entry["call"]): entry for entry in observed.journal.of("hook.called")}
    for answer in observed.journal.of("hook.answered"):
        call = calls.get((answer["item"], answer["call"]))
        if call:
            during = [entry for entry in failures if call.at <= entry.at <= answer.at]
            if during:
                yield answer, during


def _outages(observed: Observation) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Yield for each outage its beginning, its end, and the beginning of the next one or the end of the visit."""
    begins = [entry.at for entry in observed.journal.of("fault.began")]
    ends = [entry.at for entry in observed.journal.of("fault.ended")]
    return zip(begins, ends, [*begins[1:], observed.ended], strict=False)


def _never_answered(observed: Observation) -> Iterator[tuple[Entry, datetime]]:
    """Yield each call of a provider that had no answer when the token expired, with the expiry.

    Only outages count in which a token request of the page failed.
    """
    for began, ended, _ in _outages(observed):
        met = bool(observed.between("fault.hit", began, ended))
        for call in observed.between("hook.called", began, ended) if met else ():
            item = call["item"]
            token, until = observed.current_token(item, call.at), observed.present_until(item)
            if not (token and token.expires and token.expired_in_use and call.at < token.expires < until):
                continue
            if not observed.between("hook.answered", call.at, token.expires, item=item, call=call["call"]):
                yield call, token.expires


def _why_no_call(healthy: Observation, observed: Observation) -> str:
    """Return why no call of a provider met an outage."""
    if gone := observed.gone_for_good(healthy):
        return (
            f"The item was removed at {observed.when(gone[-1])}, before its provider had answered, and the page "
            "embedded no other (PROV-5)."
        )
    return "No token request failed during a call of the provider."


def _brings_a_new_token(observed: Observation, answer: Entry, failures: list[Entry]) -> bool:
    """Return whether the provider requested a token again after the failures, within the same call.

    Then its token is new to the item, or an endpoint answered it after the failures.
    """
    if not _is_a_token(answer):
        return False
    token, applied = answer["token"], observed.journal.of("token.applied", item=answer["item"])
    had = any(entry["token"] == token and entry.at < failures[0].at for entry in applied)
    return not had or bool(observed.between("token.fetched", failures[-1].at, answer.at, token=token))


def _is_a_token(answer: Entry) -> bool:
    """Return whether a provider answered a token that the service issued."""
    return bool(answer["answer"] == "token" and answer["token"] != "unknown")


@rule(
    "PROV-3",
    "must",
    requires=("provider_outages",),
    needs_renewals=False,
    source=ANSWER_NULL,
    applies_to=WITH_PROVIDER,
    why="The article promises another call only after an answer of `null`. If no call follows an exception, the "
    "user meets an expired token.",
    wrong="""
        async function accessTokenProvider() {
          const next = await fetchUserToken(); // rejects if the token endpoint fails
          return next.token;
        }
    """,
    right="""
        async function accessTokenProvider() {
          try {
            const next = await fetchUserToken();
            return next.token;
          } catch {
            return null;
          }
        }
    """,
)
def provider_does_not_throw_in_an_outage(seen: Observations) -> Verdict:
    """Require that the provider neither throws nor rejects when the token endpoint fails."""
    if not seen.first.providers:
        return _no_provider(seen.first)
    observed = seen.of("provider_outages")[0]
    answers = list(_answers_during_outage(observed))
    for answer, during in answers:
        if answer["status"] == 400:
            return failed(
                "While the token endpoint failed, the provider threw: the SDK answered the call at "
                f"{observed.when(answer)} with status 400.",
                [*during[:2], answer],
                "The provider awaits a request without a catch, or its catch throws again. Catch the error and return "
                "null.",
            )
    if cut := cut_short(observed):
        return skipped(cut)
    if not answers:
        return skipped(_why_no_call(seen.first, observed))
    return passed(
        f"{counted(len(answers), 'call')} of the provider while the token endpoint failed; none threw.",
        [answer for answer, _ in answers[:3]],
    )


@rule(
    "PROV-4",
    "must",
    requires=("provider_outages",),
    needs_renewals=False,
    source=ANSWER_NULL,
    applies_to=WITH_PROVIDER,
    why="Only `null` tells the service that there is no token yet. The service may take another answer for a "
    "token, and then the user's next click in the report fails.",
    wrong="""
        async function accessTokenProvider() {
          try {
            return (await fetchUserToken()).token;
          } catch (error) {
            console.warn("No token:", error); // and returns undefined
          }
        }
    """,
    right="""
        async function accessTokenProvider() {
          try {
            return (await fetchUserToken()).token;
          } catch (error) {
            console.warn("No token:", error);
            return null;
          }
        }
    """,
)
def provider_answers_null_in_an_outage(seen: Observations) -> Verdict:
    """Require that the provider answers exactly `null` when the token endpoint fails, and before the token expires.

    An answer of `undefined`, an empty text or an old token breaks the rule. A provider that requests a token again
    within the call may answer with the new token.
    """
    if not seen.first.providers:
        return _no_provider(seen.first)
    observed = seen.of("provider_outages")[0]
    answers = list(_answers_during_outage(observed))
    for answer, during in answers:
        if answer["status"] == 400:
            return failed(
                f"The provider threw at {observed.when(answer)} and answered no null (PROV-3).", [*during[:2], answer]
            )
        if answer["answer"] != "null" and not _brings_a_new_token(observed, answer, during):
            return failed(
                f"While the token endpoint failed, the provider answered {_answer_text(answer)} at "
                f"{observed.when(answer)}, not null.",
                [*during[:2], answer],
                "The provider has no `return` on this path, passes on the endpoint's answer, or answers with an old "
                "token. Return null: then the service calls the provider again.",
            )
    for call, expires in _never_answered(observed):
        return failed(
            f"While the token endpoint failed, the provider was called at {observed.when(call)} and had not answered "
            f"when the token expired at {observed.when(expires)}.",
            [call],
            "The provider waits for something that a failure left behind: a lock, or a promise that never settles. "
            "Release the lock in a finally block.",
        )
    if cut := cut_short(observed):
        return skipped(cut)
    if not answers:
        return skipped(_why_no_call(seen.first, observed))
    nulls = [answer for answer, _ in answers if answer["answer"] == "null"]
    new_tokens = len(answers) - len(nulls)
    kinds = f"{len(nulls)} answered null, {new_tokens} the token of another try" if new_tokens else "each answered null"
    return passed(
        f"{counted(len(answers), 'call')} of the provider while the token endpoint failed: {kinds}.",
        [answer for answer, _ in answers[:3]],
    )


@rule(
    "PROV-5",
    "must",
    requires=("provider_outages",),
    source="The article: the hook is called again; a null answer does not end the renewals.",
    applies_to=PROVIDER_DUE,
    why="The backend was down for a minute, and the user's report shows errors for the rest of the day.",
    wrong="""
        let failed = false;

        async function accessTokenProvider() {
          if (failed) return null;
          try {
            return (await fetchUserToken()).token;
          } catch {
            failed = true;
            return null;
          }
        }
    """,
    right="""
        async function accessTokenProvider() {
          try {
            return (await fetchUserToken()).token;
          } catch {
            return null; // The next call tries again.
          }
        }
    """,
)
def provider_recovers_after_an_outage(seen: Observations) -> Verdict:
    """Require that the provider brings a token again after an outage, and the item works with this token.

    The first call after the outage brings the token, or a call that was in flight when the outage ended.
    """
    if not seen.first.providers:
        return _no_provider(seen.first)
    observed = seen.of("provider_outages")[0]
    judged = 0
    for began, ended, until in _outages(observed):
        called = {entry["item"] for entry in observed.between("hook.called", began, ended)}
        failed_then = bool(observed.between("fault.hit", began, ended))
        concerned = [item for item in _due_between(observed, began, until) if failed_then or item in called]
        judged += bool(concerned)
        for item in concerned:
            if verdict := _not_recovered(observed, item, began, ended, until):
                return verdict
    if cut := cut_short(observed):
        return skipped(cut)
    if gone := observed.gone_for_good(seen.first):
        return failed(
            f"The token endpoint failed; the item was removed at {observed.when(gone[-1])}, and the page embedded no "
            "other.",
            [*observed.journal.of("fault.hit")[:2], *gone[:3]],
            "The page removes an item after a failure although its token is still valid. Keep the item: the service "
            "calls the provider again.",
        )
    if not judged:
        return skipped(
            "In no outage did a token request fail, or the service call a provider, for an item that stayed until its "
            "token expired."
        )
    return passed(f"{counted(judged, 'outage')}; after each the provider brought a token.")


def _due_between(observed: Observation, began: datetime, until: datetime) -> Iterator[str]:
    """Yield the items with a provider whose token at `began` expires before `until`.

    The item has to stay until this expiry, and must not be loaded with a new token before it.
    """
    for item in observed.providers:
        token = observed.current_token(item, began)
        ends = (token and token.expires) or until
        loaded = observed.between("token.applied", began, ends, item=item, how="load")
        if token and not loaded and ends <= min(until, observed.present_until(item)):
            yield item


def _not_recovered(
    observed: Observation, item: str, began: datetime, ended: datetime, until: datetime
) -> Verdict | None:
    """Return the finding, or the skip, of an item that got no token between an outage and the next one.

    None means that the item recovered. A call during the outage, or the page itself, may also have brought the token;
    then the service makes no further call.
    """
    calls = observed.between("hook.called", ended, until, item=item)
    answers = observed.journal.of("hook.answered", item=item, call=calls[0]["call"]) if calls else []
    brought = observed.between("token.applied", began, until, item=item, state="live")
    cut = cut_short(observed)
    if cut and until == observed.ended and not answers and not brought:
        return skipped(cut)
    if not calls and not brought:
        return failed(f"The token endpoint recovered at {observed.when(ended)}, and the provider was not called again.")
    if calls and not any(_is_a_token(answer) for answer in answers):
        seen = f"{_answer_text(answers[0])}, status {answers[0]['status']}" if answers else "nothing"
        return failed(
            f"The token endpoint recovered at {observed.when(ended)}; the next call of the provider, at "
            f"{observed.when(calls[0])}, brought {seen}.",
            [calls[0], *answers],
            _why_no_token(observed, answers)
            or "The provider remembers the failure, or no longer tries. Request a token again in each call.",
        )
    asked = (calls or brought)[0].at
    later = observed.between("data.request", asked, asked + AFTER_THE_CALL, item=item)
    if any(entry["state"] != "live" for entry in later):
        return failed(
            f"The token endpoint recovered at {observed.when(ended)}; after that the item's data requests carried no "
            "valid token.",
            later,
        )
    return None
