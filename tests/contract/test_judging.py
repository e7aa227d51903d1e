"""The skips that are common to all rules, and the severity of findings, on small journals."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from journals import HOUR, OPENED, PAGE, TOKENS, Visit, verdict

from harness.contract import RULES, PageFacts, RecordedPage
from harness.contract.observations import Observations

OWN_BACKEND = PageFacts("page", url="http://localhost:3000/", has_own_backend=True)
STOPPED = "The page was stopped because it took too long in real time."
MINUTE = timedelta(minutes=1)
END = "3:12:00"
"""The end of a healthy visit with tokens of 60 min."""


def started() -> Visit:
    """Return a healthy visit whose item loads after 1 s."""
    visit = Visit()
    visit.embed("1")
    return visit


def neglected() -> Visit:
    """Return a healthy visit whose item carries an expired token at 1:05:00 and at 1:10:00."""
    visit = started()
    visit.expire("embed-1")
    visit.use("1:05:00", "embed-1")
    visit.use("1:10:00", "embed-1")
    return visit


def stop_waiting(visit: Visit, at: str) -> None:
    """Let the clock stop waiting for a browser call that began when the page was opened."""
    call = {"url": "http://localhost:3000/", "since": OPENED, "call": "Worker.postMessage()"}
    visit.write(at, "clock", what="work without an end", **call)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES.values() if rule.needs_items])
@pytest.mark.parametrize(("stopped", "message"), [("", "Nothing was embedded (EMB-1)."), (STOPPED, STOPPED)])
def test_rule_that_needs_an_item_is_skipped_when_nothing_loads(rule: str, stopped: str, message: str) -> None:
    visit = Visit()
    visit.throw("1", "TypeError: config is null")

    found = verdict(rule, visit.end("30", stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", message)


def test_rule_that_needs_an_item_is_skipped_when_the_item_loads_only_with_an_expired_token() -> None:
    visit = Visit()
    visit.issue("0", "embed-1", lifetime=-visit.lifetime)
    visit.embed("1", token="embed-1")

    assert verdict("LIFE-1", visit.end("30")).message == "Nothing was embedded (EMB-1)."


def test_rule_that_needs_no_item_is_judged_when_nothing_loads() -> None:
    assert verdict("EMB-1", Visit().end("30")).outcome == "failed"


def loads_a_token_of_another_service(visit: Visit) -> None:
    """Let the page embed a second item with a token of another service."""
    visit.expiries["foreign-1"] = OPENED + HOUR
    visit.request("2", token="foreign-1")
    visit.embed("2.2", token="foreign-1", item="2")


def answers_again(visit: Visit, at: str, url: str = TOKENS) -> None:
    """Let an answer bring the token of the load again."""
    visit.request(at, token="embed-1", answered="0", url=url)


def answers_at_its_expiry(visit: Visit) -> None:
    """Let an answer bring a token at the instant at which the token expires."""
    visit.issue("1", "embed-2", lifetime=40 * MINUTE)
    visit.request("40:01", token="embed-2", answered="0")


SIGNS: dict[str, tuple[Callable[[Visit], None], str]] = {
    "token of another service": (
        loads_a_token_of_another_service,
        "foreign-1 of 00:02.200 was issued by another service.",
    ),
    "same token again": (
        lambda visit: answers_again(visit, "2.201"),
        "it answered embed-1 at 00:01.200 and again at 00:02.200.",
    ),
    "expired token": (answers_at_its_expiry, "at 40:01 it answered embed-2, which had expired."),
}
"""Signs that the backend uses real time, and what the message says of them."""


@pytest.mark.parametrize("sign", SIGNS)
def test_rule_that_needs_renewals_is_skipped_when_the_backend_uses_real_time(sign: str) -> None:
    happens, said = SIGNS[sign]
    visit = neglected()
    happens(visit)

    found = verdict("LIFE-1", visit.end(END), page=OWN_BACKEND)

    assert (found.outcome, found.message) == (
        "skipped",
        f"The page's backend uses real time, so its renewals cannot be judged: {said}",
    )


@pytest.mark.parametrize("rule", [rule.id for rule in RULES.values() if rule.needs_renewals])
def test_every_rule_that_needs_renewals_is_skipped_when_the_backend_uses_real_time(rule: str) -> None:
    visit = started()
    answers_again(visit, "50:00")

    found = verdict(rule, visit.end(END), page=OWN_BACKEND)

    assert found.outcome == "skipped"
    assert found.message.startswith("The page's backend uses real time")


def test_rule_that_needs_renewals_is_skipped_when_a_later_healthy_visit_shows_that_the_backend_uses_real_time() -> None:
    second = started()
    answers_again(second, "50:00")

    found = verdict("LIFE-1", neglected().end(END, planned=2), second.end(END, number=2, planned=2), page=OWN_BACKEND)

    assert found.outcome == "skipped"


@pytest.mark.parametrize("sign", SIGNS)
def test_page_of_the_local_host_is_judged_whatever_its_answers_bring(sign: str) -> None:
    happens, _ = SIGNS[sign]
    visit = neglected()
    happens(visit)

    assert verdict("LIFE-1", visit.end(END)).outcome == "failed"


@pytest.mark.parametrize("sign", SIGNS)
def test_rule_that_needs_no_renewals_is_judged_when_the_backend_uses_real_time(sign: str) -> None:
    happens, _ = SIGNS[sign]
    visit = started()
    happens(visit)
    visit.load("50:00")

    assert verdict("LIFE-5", visit.end(END), page=OWN_BACKEND).outcome == "failed"


def answers_a_new_token(visit: Visit) -> None:
    """Let an answer bring a token that the fake cloud has just issued."""
    visit.issue("1:11:00", "embed-2")
    visit.request("1:11:00", token="embed-2")


def issues_another_token_before_it_answers_again(visit: Visit) -> None:
    """Let the fake cloud issue a token at the instant of an answer that brings the token of the load again."""
    visit.issue("50:00", "embed-2")
    answers_again(visit, "50:00")


@pytest.mark.parametrize(
    "happens",
    [
        answers_a_new_token,
        issues_another_token_before_it_answers_again,
        lambda visit: answers_again(visit, "2.2"),
        lambda visit: answers_again(visit, "50:00", url=f"{TOKENS}/other"),
    ],
    ids=["new token", "token issued in between", "answer passed on by a service worker", "other address"],
)
def test_rule_that_needs_renewals_is_judged_when_the_backend_shows_no_sign_of_real_time(
    happens: Callable[[Visit], None],
) -> None:
    visit = neglected()
    happens(visit)

    assert verdict("LIFE-1", visit.end(END), page=OWN_BACKEND).outcome == "failed"


FINDING = (
    "With tokens of 60 min, 2 data requests carried an expired token, the first at 1:05:00; "
    "the item raised TokenExpired 0 times."
)


@pytest.mark.parametrize(
    ("at", "seen_at"),
    [("5:00", "05:00"), ("1:07:00", "1:07:00"), ("1:10:00", "1:10:00")],
    ids=["before the evidence", "amid the evidence", "with the last evidence"],
)
def test_finding_is_skipped_when_the_clock_stopped_waiting_for_a_call_by_the_last_evidence(
    at: str, seen_at: str
) -> None:
    visit = neglected()
    stop_waiting(visit, at)

    found = verdict("LIFE-1", visit.end(END))

    assert (found.outcome, found.message) == (
        "skipped",
        f"The clock could not wait for Worker.postMessage() at {seen_at} (healthy), so this finding may be wrong: "
        f"{FINDING}",
    )


def test_finding_holds_when_the_clock_stopped_waiting_for_a_call_after_the_last_evidence() -> None:
    visit = neglected()
    stop_waiting(visit, "1:10:00.001")

    found = verdict("LIFE-1", visit.end(END))

    assert (found.outcome, found.message) == ("failed", FINDING)


def test_finding_holds_when_the_clock_stopped_waiting_for_a_request_only() -> None:
    visit = neglected()
    visit.write("5:00", "clock", what="request without an end", url=TOKENS, since=OPENED)

    assert verdict("LIFE-1", visit.end(END)).outcome == "failed"


def test_finding_holds_when_the_clock_stopped_waiting_in_a_visit_without_evidence() -> None:
    second = started()
    stop_waiting(second, "5:00")

    found = verdict("LIFE-1", neglected().end(END, planned=2), second.end(END, number=2, planned=2))

    assert found.outcome == "failed"


def goes_without_a_renewal() -> Visit:
    """Return a healthy visit whose item goes before its token expires, which LIFE-2 finds without evidence."""
    visit = started()
    visit.write("30:00", "embed.gone", item="1")
    return visit


def test_finding_without_evidence_is_skipped_when_the_clock_stopped_waiting_for_a_call_at_any_time() -> None:
    visit = goes_without_a_renewal()
    stop_waiting(visit, END)

    found = verdict("LIFE-2", visit.end(END))

    assert (found.outcome, found.message) == (
        "skipped",
        f"The clock could not wait for Worker.postMessage() at {END} (healthy), so this finding may be wrong: "
        "The page never renewed a token.",
    )


def test_finding_without_evidence_holds_when_the_clock_stopped_waiting_in_a_visit_that_the_rule_does_not_look_at() -> (
    None
):
    other = Visit("hidden")
    other.embed("1")
    stop_waiting(other, "5:00")

    found = verdict("LIFE-2", goes_without_a_renewal().end(END), other.end("2:00:00"))

    assert (found.outcome, found.message) == ("warned", "The page never renewed a token.")


def test_page_that_keeps_a_rule_passes_although_the_clock_stopped_waiting_for_a_call() -> None:
    visit = started()
    visit.renew("50:00", "embed-2")
    stop_waiting(visit, "5:00")

    assert verdict("LIFE-4", visit.end(END)).outcome == "passed"


def test_finding_that_does_not_depend_on_time_holds_when_the_clock_stopped_waiting_for_a_call() -> None:
    visit = started()
    stop_waiting(visit, "5:00")
    visit.write("10:00", "token.leaked", token="embed-1", where="console", detail="log", form="as it is")

    assert verdict("LEAK-1", visit.end(END)).outcome == "failed"


@pytest.mark.parametrize(("rule", "outcome"), [("LIFE-1", "failed"), ("LIFE-2", "warned")])
def test_broken_must_fails_and_broken_should_is_a_warning(rule: str, outcome: str) -> None:
    assert verdict(rule, neglected().end(END)).outcome == outcome


def test_rule_cannot_look_at_a_scenario_that_it_does_not_require() -> None:
    seen = Observations(RecordedPage(PAGE, [started().end(END)]), ["hidden", "removal"])

    with pytest.raises(LookupError, match="looks at 'healthy', and requires only hidden, removal"):
        seen.of("healthy")
