"""PROV-1 to PROV-5, on small journals.

The service calls a provider again every minute until it brings a token. The journals leave out the calls that make no
difference.
"""

from collections.abc import Callable

import pytest
from journals import Visit, verdict

from harness.contract import PageFacts
from harness.contract.observation import Observation

Happening = Callable[[Visit], None]
"""A function that writes a few entries of a visit."""
Answer = Callable[[Visit, str], None]
"""A function that lets the service call the provider at a time, and the provider answer 0.2 s later."""
ALL = ("PROV-1", "PROV-2", "PROV-3", "PROV-4", "PROV-5")
OF_OUTAGES = ("PROV-3", "PROV-4", "PROV-5")
NEVER_DUE = (
    "No item with an accessTokenProvider stayed, with one token from its load, until the service would have called the "
    "provider."
)
BY_HAND = "The page renewed every token by setAccessToken before the service would have called its provider."
USELESS = (
    'The provider answers a text that the service refuses: with "Bearer " before the token, or a token of another '
    "type. Answer the bare token that the service issued for this embed."
)
OBJECT = (
    "The provider answers the object that contains its token, or something else. Answer the token itself: the SDK "
    "needs a string."
)
NO_RETURN = "The provider has no `return` on some path. Return the token, or null after a failure."
REMEMBERS = "The provider remembers the failure, or no longer tries. Request a token again in each call."
TOO_MANY = "The page sent more than 60 requests."


def embedded(scenario: str = "healthy", *, provider: bool = True) -> Visit:
    """Return a visit whose item was embedded with an Entra token and, by default, a provider."""
    visit = Visit(scenario)
    visit.embed(token="entra-1", type="entra", provider=provider)
    return visit


def bring(visit: Visit, at: str, token: str, *, item: str = "1") -> None:
    """Let the service call an item's provider, which brings a new token at once, and give it to the item."""
    visit.issue(at, token, type="entra")
    visit.request(at, token=token, answered="0")
    visit.call(at, item=item, token=token, answered="0")
    visit.apply(at, token, item=item, how="hook", type="entra")


def set_token(visit: Visit, at: str, token: str, *, item: str = "1") -> None:
    """Let the page request a new token and give it to an item by setAccessToken."""
    visit.renew(at, token, item=item, type="entra")


def renewed() -> Observation:
    """Return a healthy visit whose provider brings three tokens, each 10 min before an expiry."""
    visit = embedded()
    bring(visit, "50:00", "entra-2")
    bring(visit, "1:40:00", "entra-3")
    bring(visit, "2:30:00", "entra-4")
    return visit.end("3:12:00")


def renewed_by_hand(*, provider: bool = True) -> Visit:
    """Return a healthy visit whose page sets three tokens before the service would call the provider."""
    visit = embedded(provider=provider)
    for at, token in (("45:00", "entra-2"), ("1:30:00", "entra-3"), ("2:15:00", "entra-4")):
        set_token(visit, at, token)
    return visit


def in_outage() -> Visit:
    """Return a visit in whose outage one token request fails, at 50:00. The provider has not been called yet."""
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01", "50:00")
    return visit


def recovered() -> Visit:
    """Return a visit whose provider answers null in an outage, brings a token after it, and whose item works."""
    visit = in_outage()
    visit.call("50:00", answer="null")
    bring(visit, "56:00", "entra-2")
    visit.use("58:00", "entra-2")
    visit.use("1:01:00", "entra-2")
    return visit


@pytest.mark.parametrize("rule", ALL)
def test_provider_rules_are_skipped_without_a_provider(rule: str) -> None:
    found = verdict(rule, renewed_by_hand(provider=False).end("3:12:00"))

    assert (found.outcome, found.message) == ("skipped", "The page registers no accessTokenProvider.")


@pytest.mark.parametrize("rule", ALL)
def test_provider_rules_are_skipped_if_the_item_with_the_provider_goes_in_the_first_seconds(rule: str) -> None:
    visit = embedded()
    visit.write("8", "embed.gone", item="1")
    visit.embed("8", item="2", token="embed-1")

    found = verdict(rule, visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The item that the page embedded with an accessTokenProvider was gone 30 s after opening.",
    )


@pytest.mark.parametrize("rule", ALL)
@pytest.mark.parametrize(
    ("stopped", "message"), [("", "Nothing was embedded (EMB-1)."), (TOO_MANY, TOO_MANY)], ids=["complete", "stopped"]
)
def test_provider_rules_are_skipped_if_nothing_loads(rule: str, stopped: str, message: str) -> None:
    visit = Visit()
    visit.embed(token="entra-1", type="entra", provider=True, loaded=False)

    found = verdict(rule, visit.end("30", stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", message)


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [("PROV-1", "skipped"), ("PROV-2", "skipped"), ("PROV-3", "passed"), ("PROV-4", "passed"), ("PROV-5", "skipped")],
)
def test_a_backend_in_real_time_prevents_the_judgement_of_renewals_and_not_of_answers_in_an_outage(
    rule: str, outcome: str
) -> None:
    visit = embedded()
    visit.request("5:00", token="entra-1")

    found = verdict(
        rule,
        visit.end("3:12:00"),
        recovered().end("1:01:00"),
        page=PageFacts("page", "https://app.test", has_own_backend=True),
    )

    assert found.outcome == outcome
    if outcome == "skipped":
        assert found.message == (
            "The page's backend uses real time, so its renewals cannot be judged: it answered entra-1 at 00:00.200 and "
            "again at 05:00.200."
        )


@pytest.mark.parametrize(
    ("at", "outcome"), [("49:00", "skipped"), ("51:00", "failed")], ids=["before the answer", "after the answer"]
)
def test_prov_3_is_skipped_if_the_clock_could_not_wait_for_a_browser_call_before_the_provider_threw(
    at: str, outcome: str
) -> None:
    visit = in_outage()
    visit.call("50:00", answer="other", status=400)
    visit.write(at, "clock", what="work without an end", url="", since=visit.entries[0].at, call="navigator.locks")

    found = verdict("PROV-3", renewed(), visit.end("1:01:00", title="outages"))

    assert found.outcome == outcome
    assert ("could not wait for navigator.locks at 49:00 (outages)" in found.message) == (outcome == "skipped")


def test_prov_1_is_skipped_if_the_clock_could_not_wait_for_a_browser_call_and_the_provider_was_not_called() -> None:
    visit = embedded()
    visit.expire("entra-1")
    visit.write("49:00", "clock", what="work without an end", url="", since=visit.entries[0].at, call="navigator.locks")

    found = verdict("PROV-1", visit.end("3:12:00", title="healthy"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The clock could not wait for navigator.locks at 49:00 (healthy), so this finding may be wrong: The provider of "
        "item 1 was not called before 1:00:00.",
    )


def test_prov_1_passes_when_the_provider_is_called_and_its_token_is_applied_before_the_expiry() -> None:
    found = verdict("PROV-1", renewed())

    assert (found.outcome, found.message) == (
        "passed",
        "The provider was called at 50:00; its token was applied at 50:00.",
    )
    assert [entry.kind for entry in found.evidence] == ["hook.called", "token.applied"]


def test_prov_1_reports_the_first_of_several_items_and_judges_each() -> None:
    visit = embedded()
    visit.embed("5:00", item="2", token="entra-2", type="entra", provider=True)
    bring(visit, "50:00", "entra-3")

    assert verdict("PROV-1", visit.end("59:00")).message == (
        "The provider was called at 50:00; its token was applied at 50:00."
    )
    assert verdict("PROV-1", visit.end("3:12:00")).message == "The provider of item 2 was not called before 1:05:00."

    bring(visit, "55:00", "entra-4", item="2")

    assert verdict("PROV-1", visit.end("3:12:00")).message == (
        "The provider was called at 50:00; its token was applied at 50:00."
    )


@pytest.mark.parametrize("how", ["setAccessToken", "hook"], ids=["set before the answer", "set after the answer"])
def test_prov_1_and_2_pass_when_the_provider_also_sets_the_token_that_it_answers(how: str) -> None:
    """The provider of a second item, which is called 5 min later, does not."""
    visit = embedded()
    visit.embed("5:00", item="2", token="entra-5", type="entra", provider=True)
    for number, at in enumerate(("55:00", "1:45:00", "2:35:00"), 6):
        bring(visit, at, f"entra-{number}", item="2")
    for at, token in (("50:00", "entra-2"), ("1:40:00", "entra-3"), ("2:30:00", "entra-4")):
        visit.issue(at, token, type="entra")
        visit.call(at, token=token, answered="0.2")
        visit.apply(f"{at}.{'1' if how == 'setAccessToken' else '2'}", token, how=how, type="entra")
        visit.apply(f"{at}.3", token, how="setAccessToken", type="entra")
    observed = visit.end("3:12:00")

    assert verdict("PROV-1", observed).outcome == "passed"
    assert verdict("PROV-2", observed).outcome == "passed"


@pytest.mark.parametrize("calls", [(), ("1:00:01",)], ids=["no call", "late call"])
def test_prov_1_fails_when_the_provider_is_not_called_before_the_expiry(calls: tuple[str, ...]) -> None:
    visit = embedded()
    visit.expire("entra-1")
    for at in calls:
        bring(visit, at, "entra-2")

    found = verdict("PROV-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == ("failed", "The provider of item 1 was not called before 1:00:00.")
    assert found.likely_cause == ""


def answer_null(visit: Visit, at: str) -> None:
    visit.call(at, answer="null")


def answer_nothing(visit: Visit, at: str) -> None:
    visit.call(at, answer=None)


def throw(visit: Visit, at: str) -> None:
    visit.call(at, answer="other", status=400)


def answer_an_object(visit: Visit, at: str) -> None:
    visit.call(at, answer="other")


def answer_undefined(visit: Visit, at: str) -> None:
    visit.call(at, answer="undefined")


def answer_the_old_token(visit: Visit, at: str) -> None:
    visit.call(at, token="entra-1")


def answer_bearer_and_the_token(visit: Visit, at: str) -> None:
    visit.call(at)
    visit.apply(f"{at}.2", "unknown", how="hook")


def answer_a_token_of_the_other_type(visit: Visit, at: str) -> None:
    visit.issue(at, "embed-1")
    visit.call(at, token="embed-1")
    visit.apply(f"{at}.2", "embed-1", how="hook", state="unknown", expires=None)


@pytest.mark.parametrize(
    ("answer", "said", "cause"),
    [
        (answer_nothing, "no answer came at all", ""),
        (answer_null, "the first answer was null with status 200", ""),
        (throw, "the first answer was a text with status 400", ""),
        (answer_the_old_token, "the first answer was the token entra-1 with status 200", ""),
        (answer_an_object, "the first answer was a text with status 200", OBJECT),
        (answer_undefined, "the first answer was undefined with status 200", NO_RETURN),
        (answer_bearer_and_the_token, "the first answer was the token unknown with status 200", USELESS),
        (answer_a_token_of_the_other_type, "the first answer was the token embed-1 with status 200", USELESS),
    ],
)
def test_prov_1_fails_when_the_provider_brings_no_valid_token(answer: Answer, said: str, cause: str) -> None:
    visit = embedded()
    answer(visit, "50:00")
    visit.expire("entra-1")

    found = verdict("PROV-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "The provider of item 1 was called at 50:00 and brought no valid token before the old one expired at 1:00:00: "
        f"{said}.",
    )
    assert found.likely_cause == cause


def test_prov_1_fails_when_the_token_comes_at_the_very_expiry() -> None:
    visit = embedded()
    visit.issue("1:00:00", "entra-2", type="entra")
    visit.call("50:00", token="entra-2", answered="10:00")
    visit.apply("1:00:00", "entra-2", how="hook", type="entra")

    found = verdict("PROV-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "The provider of item 1 was called at 50:00 and brought no valid token before the old one expired at 1:00:00: "
        "the first answer was the token entra-2 with status 200.",
    )
    assert found.likely_cause == ""


def test_prov_1_names_the_cause_of_the_first_answer_and_shows_five() -> None:
    visit = embedded()
    for minute in range(50, 56):
        visit.call(f"{minute}:00", answer="null" if minute == 50 else "undefined")
    visit.expire("entra-1")

    found = verdict("PROV-1", visit.end("3:12:00"))

    assert (found.likely_cause, len(found.evidence)) == ("", 5)
    assert "the first answer was null" in found.message


def test_prov_1_does_not_count_a_token_that_the_page_set_before_the_provider_was_called() -> None:
    """The provider answers the token that the page set 50 min earlier."""
    visit = embedded()
    visit.issue("0", "entra-2", type="entra")
    visit.apply("20", "entra-2", type="entra")
    visit.call("50:00", token="entra-2")
    visit.expire("entra-2")

    found = verdict("PROV-1", visit.end("3:12:00"))

    assert found.outcome == "failed"
    assert "the first answer was the token entra-2" in found.message


def test_prov_1_does_not_count_a_token_whose_call_is_not_in_the_journal() -> None:
    visit = embedded()
    visit.call("49:00", answer="null")
    visit.issue("50:00", "entra-2", type="entra")
    visit.apply("50:00", "entra-2", type="entra")
    visit.write("50:00.2", "hook.answered", item="1", call=7, status=200, answer="token", token="entra-2")

    assert verdict("PROV-1", visit.end("3:12:00")).outcome == "failed"


def test_prov_1_is_skipped_for_an_item_that_was_loaded_with_an_unusable_token() -> None:
    visit = embedded()
    visit.load("1", item="1", provider=True)
    visit.apply("1", "unknown", how="load")

    found = verdict("PROV-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "Item 1 was loaded with a token that the service does not know.",
    )


@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2"])
def test_prov_1_and_2_are_skipped_when_the_page_renews_every_token_by_hand(rule: str) -> None:
    found = verdict(rule, renewed_by_hand().end("3:12:00"))

    assert (found.outcome, found.message) == ("skipped", BY_HAND)


def test_prov_1_and_2_judge_the_provider_of_each_item_by_its_own_calls() -> None:
    """The page gives the second item the tokens of the first item's provider, once they have expired."""
    visit = embedded()
    visit.embed(item="2", token="entra-5", type="entra", provider=True)
    for at, token in (("50:00", "entra-2"), ("1:40:00", "entra-3"), ("2:30:00", "entra-4")):
        bring(visit, at, token)
    visit.call("50:10", item="2", answer="undefined")
    visit.call("51:10", item="2", answer="null")
    visit.expire("entra-5", item="2")
    visit.apply("1:10:00", "entra-2", item="2", type="entra")
    observed = visit.end("3:12:00")

    first, each = verdict("PROV-1", observed), verdict("PROV-2", observed)

    assert first.message == (
        "The provider of item 2 was called at 50:10 and brought no valid token before the old one expired at 1:00:00: "
        "the first answer was undefined with status 200."
    )
    assert first.likely_cause == NO_RETURN
    assert each.message == (
        "Over 3 lifetimes the provider of item 2 was called 2 times and brought 0 tokens, 0 of them in time. The answer "
        "to the last call: null, status 200."
    )


@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2"])
def test_prov_1_and_2_pass_when_one_item_is_renewed_by_hand_and_the_provider_of_another_works(rule: str) -> None:
    visit = renewed_by_hand()
    visit.embed(item="2", token="entra-5", type="entra", provider=True)
    bring(visit, "50:00", "entra-6", item="2")
    bring(visit, "1:40:00", "entra-7", item="2")
    bring(visit, "2:30:00", "entra-8", item="2")

    assert verdict(rule, visit.end("3:12:00")).outcome == "passed"


def test_prov_1_and_2_fail_when_the_page_renews_by_hand_only_once_and_the_provider_is_never_called() -> None:
    visit = embedded()
    set_token(visit, "45:00", "entra-2")
    visit.expire("entra-2")
    observed = visit.end("3:12:00")

    first, each = verdict("PROV-1", observed), verdict("PROV-2", observed)

    assert (first.outcome, first.message) == ("failed", "The provider of item 1 was not called before 1:00:00.")
    assert (each.outcome, each.message) == (
        "failed",
        "Over 3 lifetimes the provider of item 1 was called 0 times and brought 0 tokens, 0 of them in time. The answer "
        "to the last call: none, for there was no call.",
    )


def goes(visit: Visit) -> None:
    visit.write("59:59", "embed.gone", item="1")


def is_loaded_again(visit: Visit) -> None:
    for number, at in enumerate(("20:00", "1:10:00", "2:00:00", "2:50:00"), 2):
        visit.issue(at, f"entra-{number}", type="entra")
        visit.load(at, provider=True)
        visit.apply(at, f"entra-{number}", how="load", type="entra")


@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2"])
@pytest.mark.parametrize("happens", [goes, is_loaded_again])
@pytest.mark.parametrize(("stopped", "message"), [("", NEVER_DUE), (TOO_MANY, TOO_MANY)], ids=["complete", "stopped"])
def test_prov_1_and_2_are_skipped_when_no_token_stays_until_a_call_is_due(
    rule: str, happens: Happening, stopped: str, message: str
) -> None:
    visit = embedded()
    happens(visit)

    found = verdict(rule, visit.end("3:12:00", stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", message)


@pytest.mark.parametrize(
    ("ends", "outcome"), [("1:00:00", "failed"), ("59:59", "skipped")], ids=["at the expiry", "before the expiry"]
)
def test_prov_1_expects_a_call_if_the_item_stays_until_the_very_expiry(ends: str, outcome: str) -> None:
    assert verdict("PROV-1", embedded().end(ends)).outcome == outcome


def test_prov_1_judges_the_token_of_the_load_after_which_the_item_stays() -> None:
    visit = embedded()
    visit.issue("5:00", "entra-2", type="entra")
    visit.load("5:00", provider=True)
    visit.apply("5:00", "entra-2", how="load", type="entra")
    visit.expire("entra-2")

    assert verdict("PROV-1", visit.end("3:12:00")).message == "The provider of item 1 was not called before 1:05:00."


def test_prov_2_passes_when_the_provider_brings_a_token_before_each_of_three_expiries() -> None:
    found = verdict("PROV-2", renewed())

    assert (found.outcome, found.message) == (
        "passed",
        "The provider's tokens were applied before the 1st, 2nd and 3rd expiry.",
    )
    assert [entry["token"] for entry in found.evidence] == ["entra-2", "entra-3", "entra-4"]


def test_prov_2_shows_the_tokens_of_the_first_of_two_items() -> None:
    visit = embedded()
    visit.embed(item="2", token="entra-2", type="entra", provider=True)
    for number, at in enumerate(("50:00", "1:40:00", "2:30:00"), 1):
        bring(visit, at, f"entra-{2 * number + 1}")
        bring(visit, at, f"entra-{2 * number + 2}", item="2")

    found = verdict("PROV-2", visit.end("3:12:00"))

    assert found.outcome == "passed"
    assert [entry["item"] for entry in found.evidence] == ["1", "1", "1"]


def test_prov_2_fails_when_the_provider_brings_a_token_only_once() -> None:
    visit = embedded()
    bring(visit, "50:00", "entra-2")
    for minute in range(40, 47):
        visit.call(f"1:{minute}:00", token="entra-2")
    visit.expire("entra-2")

    found = verdict("PROV-2", visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "Over 3 lifetimes the provider of item 1 was called 8 times and brought 1 token, 1 of them in time. The answer "
        "to the last call: token, status 200.",
    )
    assert found.likely_cause == (
        "The provider answers with a cached token, or the page embedded again without its provider. Fetch a new token "
        "in each call, and register the provider with each embed."
    )
    assert len(found.evidence) == 5


def test_prov_2_does_not_count_tokens_that_come_after_the_expiry() -> None:
    visit = embedded()
    visit.call("50:00", answer="null")
    visit.expire("entra-1")
    bring(visit, "1:00:00", "entra-2")
    bring(visit, "1:50:00", "entra-3")
    bring(visit, "2:40:00", "entra-4")

    found = verdict("PROV-2", visit.end("3:12:00"))

    assert found.outcome == "failed"
    assert "called 4 times and brought 3 tokens, 2 of them in time" in found.message


def test_prov_2_fails_when_the_provider_answers_null_and_the_page_sets_each_token_afterwards() -> None:
    visit = embedded()
    for call, at, token in (
        ("50:00", "55:00", "entra-2"),
        ("1:45:00", "1:50:00", "entra-3"),
        ("2:40:00", "2:45:00", "entra-4"),
    ):
        visit.call(call, answer="null")
        set_token(visit, at, token)

    complete, brief = verdict("PROV-2", visit.end("3:00:00")), verdict("PROV-2", visit.end("2:59:59"))

    assert (complete.outcome, complete.message) == (
        "failed",
        "Over 3 lifetimes the provider of item 1 was called 3 times and brought 0 tokens, 0 of them in time. The answer "
        "to the last call: null, status 200.",
    )
    assert (brief.outcome, brief.message) == ("skipped", NEVER_DUE)


@pytest.mark.parametrize(
    ("ended", "answer"),
    [
        ("3:12:00", "none (called at 3:10:00)"),
        ("3:10:00.5", "null, status 200"),
        ("3:10:01", "null, status 200"),
        ("3:10:01.1", "none (called at 3:10:00)"),
    ],
    ids=[
        "long after the call",
        "half a second after the call",
        "a second after the call",
        "just over a second after the call",
    ],
)
def test_prov_2_leaves_out_a_call_in_the_last_second_of_the_visit(ended: str, answer: str) -> None:
    visit = embedded()
    visit.call("50:00", answer="null")
    visit.call("3:10:00", answer=None)
    visit.expire("entra-1")

    found = verdict("PROV-2", visit.end(ended))

    assert found.outcome == "failed"
    assert found.message.endswith(f"The answer to the last call: {answer}.")


def test_prov_2_fails_for_an_item_that_goes_early_if_its_token_had_expired() -> None:
    visit = embedded()
    visit.expire("entra-1")
    visit.write("1:10:00", "embed.gone", item="1")

    assert verdict("PROV-2", visit.end("3:12:00")).outcome == "failed"


def test_prov_3_passes_when_no_call_in_an_outage_throws() -> None:
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01", "50:00", "51:00", "52:00", "53:00")
    for minute in range(50, 54):
        visit.call(f"{minute}:00", answer="null")

    found = verdict("PROV-3", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "passed",
        "4 calls of the provider while the token endpoint failed; none threw.",
    )
    assert [entry.kind for entry in found.evidence] == ["hook.answered"] * 3


def test_prov_3_and_4_fail_when_the_provider_throws_in_an_outage() -> None:
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01", "50:00", "50:00.1", "50:00.2")
    visit.call("50:00", answer="other", status=400)
    observed = visit.end("51:00", stopped=TOO_MANY)

    third, fourth = (verdict(rule, renewed(), observed) for rule in ("PROV-3", "PROV-4"))

    assert (third.outcome, third.message) == (
        "failed",
        "While the token endpoint failed, the provider threw: the SDK answered the call at 50:00.200 with status 400.",
    )
    assert third.likely_cause == (
        "The provider awaits a request without a catch, or its catch throws again. Catch the error and return null."
    )
    assert (fourth.outcome, fourth.message) == (
        "failed",
        "The provider threw at 50:00.200 and answered no null (PROV-3).",
    )
    for found in (third, fourth):
        assert [entry.kind for entry in found.evidence] == ["fault.hit", "fault.hit", "hook.answered"]


def test_prov_3_passes_over_a_call_that_throws_without_a_failed_request() -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    visit.call("51:00", answer="other", status=400)

    found = verdict("PROV-3", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "passed",
        "1 call of the provider while the token endpoint failed; none threw.",
    )


@pytest.mark.parametrize("rule", OF_OUTAGES)
def test_outage_rules_are_skipped_when_the_visit_ends_early(rule: str) -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")

    found = verdict(rule, renewed(), visit.end("54:00", stopped=TOO_MANY))

    assert (found.outcome, found.message) == ("skipped", TOO_MANY)


NO_CALL = "No token request failed during a call of the provider."


def call_nothing(visit: Visit) -> None:
    """Leave the failed request at 50:00 alone: it belongs to no call."""


def call_at_another_time(visit: Visit) -> None:
    visit.call("51:00", answer="null")


def answer_a_call_that_is_not_in_the_journal(visit: Visit) -> None:
    visit.write("50:00.2", "hook.answered", item="1", call=7, status=200, answer="null")


@pytest.mark.parametrize("rule", ["PROV-3", "PROV-4"])
@pytest.mark.parametrize("happens", [call_nothing, call_at_another_time, answer_a_call_that_is_not_in_the_journal])
def test_prov_3_and_4_are_skipped_when_no_request_of_a_call_fails(rule: str, happens: Happening) -> None:
    visit = in_outage()
    happens(visit)

    found = verdict(rule, renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == ("skipped", NO_CALL)


@pytest.mark.parametrize("rule", ["PROV-3", "PROV-4"])
@pytest.mark.parametrize(
    ("gone_anyway", "message"),
    [
        (
            False,
            "The item was removed at 50:00.200, before its provider had answered, and the page embedded no other "
            "(PROV-5).",
        ),
        (True, NO_CALL),
    ],
    ids=["removed after the failure", "removed in the healthy visit, too"],
)
def test_prov_3_and_4_are_skipped_when_the_item_goes_before_its_provider_answers(
    rule: str, gone_anyway: bool, message: str
) -> None:
    healthy, visit = embedded(), in_outage()
    if gone_anyway:
        healthy.write("50:00", "embed.gone", item="1")
    visit.call("50:00", answer=None)
    visit.write("50:00.2", "embed.gone", item="1")

    found = verdict(rule, healthy.end("3:12:00"), visit.end("1:01:00"))

    assert (found.outcome, found.message) == ("skipped", message)


def test_prov_4_passes_when_the_provider_answers_null() -> None:
    found = verdict("PROV-4", renewed(), recovered().end("1:01:00"))

    assert (found.outcome, found.message) == (
        "passed",
        "1 call of the provider while the token endpoint failed: each answered null.",
    )
    assert [entry["answer"] for entry in found.evidence] == ["null"]


def test_prov_4_passes_when_another_try_in_the_same_call_brings_a_new_token() -> None:
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01", "50:00", "51:00", "52:00", "54:30")
    for at in ("50:00", "51:00", "52:00"):
        visit.call(at, answer="null")
    visit.issue("55:10", "entra-2", type="entra")
    visit.request("55:10", token="entra-2", answered="0")
    visit.call("54:30", token="entra-2", answered="40")
    visit.apply("55:10", "entra-2", how="hook", type="entra")

    found = verdict("PROV-4", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "passed",
        "4 calls of the provider while the token endpoint failed: 3 answered null, 1 the token of another try.",
    )
    assert len(found.evidence) == 3


def test_prov_4_passes_when_the_provider_answers_a_token_that_the_item_never_had() -> None:
    """The provider answers the token of another item, which the page fetched before the outage."""
    visit = in_outage()
    visit.embed("40:00", item="2", token="entra-2", type="entra")
    visit.call("50:00", token="entra-2")
    visit.apply("50:00.2", "entra-2", how="hook", type="entra")

    assert verdict("PROV-4", renewed(), visit.end("1:01:00")).outcome == "passed"


@pytest.mark.parametrize(
    ("at", "fetched", "outcome"),
    [("49:59.9", "entra-1", "failed"), ("50:00.1", "entra-1", "passed"), ("50:00.1", "entra-2", "failed")],
    ids=["before the failure", "after the failure", "another token after the failure"],
)
def test_prov_4_accepts_the_current_token_only_if_the_endpoint_answered_it_after_the_failure(
    at: str, fetched: str, outcome: str
) -> None:
    visit = in_outage()
    visit.issue("45:00", "entra-2", type="entra")
    visit.request(at, token=fetched, answered="0")
    visit.call("50:00", token="entra-1")

    assert verdict("PROV-4", renewed(), visit.end("1:01:00")).outcome == outcome


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (answer_undefined, "undefined"),
        (answer_an_object, "a text"),
        (answer_the_old_token, "the token entra-1"),
        (answer_bearer_and_the_token, "the token unknown"),
    ],
)
def test_prov_4_fails_when_the_provider_answers_something_other_than_null(answer: Answer, said: str) -> None:
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01", "50:00", "50:00.1", "50:00.2")
    answer(visit, "50:00")

    found = verdict("PROV-4", renewed(), visit.end("1:01:00", stopped=TOO_MANY))

    assert (found.outcome, found.message) == (
        "failed",
        f"While the token endpoint failed, the provider answered {said} at 50:00.200, not null.",
    )
    assert found.likely_cause == (
        "The provider has no `return` on this path, passes on the endpoint's answer, or answers with an old token. "
        "Return null: then the service calls the provider again."
    )
    assert [entry.kind for entry in found.evidence] == ["fault.hit", "fault.hit", "hook.answered"]


def locked() -> Visit:
    """Return a visit whose provider answers null at 50:00, and never answers the call at 51:00."""
    visit = in_outage()
    visit.call("50:00", answer="null")
    visit.call("51:00", answer=None)
    return visit


def test_prov_4_fails_when_a_call_in_an_outage_has_no_answer_at_the_expiry() -> None:
    visit = locked()
    visit.expire("entra-1")

    found = verdict("PROV-4", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "While the token endpoint failed, the provider was called at 51:00 and had not answered when the token expired "
        "at 1:00:00.",
    )
    assert found.likely_cause == (
        "The provider waits for something that a failure left behind: a lock, or a promise that never settles. Release "
        "the lock in a finally block."
    )
    assert [entry.at for entry in found.evidence] == [visit.expiries["entra-1"] - 9 * visit.lifetime / 60]


def test_prov_4_fails_when_a_call_has_no_answer_although_later_calls_and_those_of_another_item_have() -> None:
    visit = locked()
    visit.embed(item="2", token="entra-2", type="entra", provider=True)
    visit.call("50:00", item="2", answer="null")
    visit.call("51:10", item="2", answer="null")
    visit.call("52:00", answer="null")
    visit.expire("entra-1")

    assert "the provider was called at 51:00 and had not answered" in (
        verdict("PROV-4", renewed(), visit.end("1:01:00")).message
    )


def test_prov_4_accepts_a_call_without_an_answer_if_the_token_is_renewed_in_time() -> None:
    visit = locked()
    bring(visit, "56:00", "entra-2")

    assert verdict("PROV-4", renewed(), visit.end("1:01:00")).outcome == "passed"


def test_prov_4_accepts_a_call_without_an_answer_if_the_item_goes_before_the_expiry() -> None:
    visit = locked()
    visit.write("59:00", "embed.gone", item="1")
    visit.embed("59:00", item="2", token="entra-2", type="entra", provider=True)

    assert verdict("PROV-4", renewed(), visit.end("1:01:00")).outcome == "passed"


def test_prov_4_accepts_an_answer_that_comes_before_the_expiry() -> None:
    visit = in_outage()
    visit.call("50:00", answer="null", answered="9:59")
    visit.expire("entra-1")

    assert verdict("PROV-4", renewed(), visit.end("1:01:00")).outcome == "passed"


def test_prov_4_is_skipped_if_no_request_met_the_outage_in_which_a_call_had_no_answer() -> None:
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01")
    visit.call("51:00", answer=None)
    visit.expire("entra-1")

    found = verdict("PROV-4", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == ("skipped", NO_CALL)


def test_prov_5_passes_when_the_provider_brings_a_token_after_each_outage() -> None:
    visit = recovered()
    visit.outage("1:44:00", "1:51:01", "1:46:00", fault="fault-2")
    visit.call("1:46:00", answer="null")
    bring(visit, "1:52:00", "entra-3")

    found = verdict("PROV-5", renewed(), visit.end("1:57:00"))

    assert (found.outcome, found.message) == ("passed", "2 outages; after each the provider brought a token.")


def test_prov_5_passes_when_the_page_itself_sets_a_token_after_the_outage() -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    set_token(visit, "55:30", "entra-2")

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == ("passed", "1 outage; after each the provider brought a token.")


def test_prov_5_judges_an_outage_that_no_call_met() -> None:
    """The page requests a token for another purpose, and the service calls the provider neither then nor later."""
    visit = in_outage()
    visit.expire("entra-1")

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "The token endpoint recovered at 55:01, and the provider was not called again.",
    )


def test_prov_5_judges_each_item_by_its_own_calls_and_tokens() -> None:
    visit = recovered()
    visit.embed(item="2", token="entra-3", type="entra", provider=True)
    visit.call("50:00", item="2", answer="null")
    visit.call("56:30", item="2", answer="null")
    visit.expire("entra-3", item="2")

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "The token endpoint recovered at 55:01; the next call of the provider, at 56:30, brought null, status 200.",
    )


def test_prov_5_does_not_blame_an_item_for_the_calls_and_data_requests_of_another_without_a_provider() -> None:
    visit = recovered()
    visit.embed(item="2", token="entra-3", type="entra")
    visit.expire("entra-3", item="2")
    visit.use("1:01:00", "entra-3", item="2")

    assert verdict("PROV-5", renewed(), visit.end("1:01:00")).outcome == "passed"


def test_prov_5_fails_for_an_item_that_stays_while_another_is_loaded_anew() -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    visit.embed("52:00", item="2", token="entra-3", type="entra")
    visit.expire("entra-1")

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert found.message == "The token endpoint recovered at 55:01, and the provider was not called again."


def test_prov_5_expects_nothing_of_an_item_that_is_embedded_after_the_outage() -> None:
    visit = recovered()
    visit.outage("1:44:00", "1:51:01", "1:46:00", fault="fault-2")
    visit.call("1:46:00", answer="null")
    bring(visit, "1:52:00", "entra-3")
    visit.embed("1:45:00", item="2", token="entra-4", type="entra", provider=True)

    found = verdict("PROV-5", renewed(), visit.end("1:57:00"))

    assert (found.outcome, found.message) == ("passed", "2 outages; after each the provider brought a token.")


def test_prov_5_judges_an_outage_that_only_a_call_met() -> None:
    """The provider asks its own backend, which no token address covers, or does not ask at all."""
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01")
    visit.call("50:00", answer="null")
    visit.expire("entra-1")

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "The token endpoint recovered at 55:01, and the provider was not called again.",
    )


def test_prov_5_judges_the_first_outage_of_a_visit_that_ended_in_the_second() -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    visit.expire("entra-1")
    visit.outage("1:48:00", "1:55:01", "1:49:00", fault="fault-2")

    found = verdict("PROV-5", renewed(), visit.end("1:56:00", stopped=TOO_MANY))

    assert (found.outcome, found.message) == (
        "failed",
        "The token endpoint recovered at 55:01, and the provider was not called again.",
    )


@pytest.mark.parametrize(
    ("answer", "brought", "cause"),
    [
        (answer_nothing, "nothing", REMEMBERS),
        (answer_null, "null, status 200", REMEMBERS),
        (throw, "a text, status 400", REMEMBERS),
        (answer_an_object, "a text, status 200", OBJECT),
        (answer_undefined, "undefined, status 200", NO_RETURN),
        (answer_bearer_and_the_token, "the token unknown, status 200", USELESS),
    ],
)
def test_prov_5_fails_when_the_next_call_after_the_outage_brings_no_token(
    answer: Answer, brought: str, cause: str
) -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    answer(visit, "56:00")
    visit.expire("entra-1")

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "failed",
        f"The token endpoint recovered at 55:01; the next call of the provider, at 56:00, brought {brought}.",
    )
    assert found.likely_cause == cause
    assert [entry.kind for entry in found.evidence] == ["hook.called", "hook.answered"][
        : 1 if answer is answer_nothing else 2
    ]


@pytest.mark.parametrize(("at", "outcome"), [("1:06:00", "failed"), ("1:06:01", "passed")])
def test_prov_5_fails_when_a_data_request_within_10_min_of_the_call_carries_no_valid_token(
    at: str, outcome: str
) -> None:
    visit = recovered()
    used = visit.use(at, "unknown")

    found = verdict("PROV-5", renewed(), visit.end("1:10:00"))

    assert found.outcome == outcome
    if outcome == "failed":
        assert found.message == (
            "The token endpoint recovered at 55:01; after that the item's data requests carried no valid token."
        )
        assert used in found.evidence


@pytest.mark.parametrize("brought", [True, False], ids=["after the token came", "before the provider is called again"])
def test_prov_5_is_skipped_when_the_visit_ends_early_after_the_last_outage(brought: bool) -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    if brought:
        bring(visit, "56:00", "entra-2")
    else:
        visit.expire("entra-1")

    found = verdict("PROV-5", renewed(), visit.end("1:00:30", stopped=TOO_MANY))

    assert (found.outcome, found.message) == ("skipped", TOO_MANY)


def test_prov_5_fails_in_a_visit_that_ends_early_after_the_item_lost_the_token_that_the_page_had_set() -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    set_token(visit, "55:30", "entra-2")
    visit.apply("56:00", "unknown")
    visit.use("58:00", "unknown")

    assert verdict("PROV-5", renewed(), visit.end("1:00:30", stopped=TOO_MANY)).message == (
        "The token endpoint recovered at 55:01; after that the item's data requests carried no valid token."
    )


def test_prov_5_is_skipped_when_the_visit_ends_early_during_a_call() -> None:
    """The page has set an unusable token, so the service calls the provider at once."""
    visit = in_outage()
    visit.call("50:00", answer="null")
    visit.apply("55:30", "unknown")
    visit.call("55:30", answer=None)

    found = verdict("PROV-5", renewed(), visit.end("1:00:30", stopped=TOO_MANY))

    assert (found.outcome, found.message) == ("skipped", TOO_MANY)


def test_prov_5_fails_in_a_visit_that_ends_early_after_the_provider_answered_null_again() -> None:
    visit = in_outage()
    visit.call("50:00", answer="null")
    visit.call("56:00", answer="null")
    visit.expire("entra-1")

    assert verdict("PROV-5", renewed(), visit.end("1:00:30", stopped=TOO_MANY)).outcome == "failed"


def test_prov_5_fails_when_the_page_removes_its_item_after_a_failure() -> None:
    visit = embedded("provider_outages")
    visit.outage("48:00", "55:01", "50:00", "50:00.1", "50:00.2")
    visit.call("50:00", answer=None)
    visit.write("50:00.2", "embed.gone", item="1")

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "The token endpoint failed; the item was removed at 50:00.200, and the page embedded no other.",
    )
    assert found.likely_cause == (
        "The page removes an item after a failure although its token is still valid. Keep the item: the service calls "
        "the provider again."
    )
    assert [entry.kind for entry in found.evidence] == ["fault.hit", "fault.hit", "embed.gone"]


def replaced(visit: Visit) -> None:
    visit.outage("48:00", "55:01", "50:00")
    visit.write("51:00", "embed.gone", item="1")
    visit.embed("51:00", item="2", token="entra-2", type="entra", provider=True)


def loaded_anew(visit: Visit) -> None:
    visit.outage("48:00", "55:01", "50:00")
    visit.issue("56:00", "entra-2", type="entra")
    visit.load("56:00", provider=True)
    visit.apply("56:00", "entra-2", how="load", type="entra")


def met_by_nothing(visit: Visit) -> None:
    visit.outage("48:00", "55:01")
    visit.expire("entra-1")


def over_long_before_the_expiry(visit: Visit) -> None:
    visit.outage("20:00", "25:00", "21:00")
    visit.outage("48:00", "55:01", fault="fault-2")


@pytest.mark.parametrize("happens", [replaced, loaded_anew, met_by_nothing, over_long_before_the_expiry])
def test_prov_5_is_skipped_when_no_outage_concerns_an_item_that_stays(happens: Happening) -> None:
    visit = embedded("provider_outages")
    happens(visit)

    found = verdict("PROV-5", renewed(), visit.end("1:01:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "In no outage did a token request fail, or the service call a provider, for an item that stayed until its token "
        "expired.",
    )


def test_prov_5_judges_an_unusable_token_although_it_has_no_expiry_and_prov_4_the_answers_alone() -> None:
    visit = embedded("provider_outages")
    visit.apply("45:00", "unknown")
    minutes = [f"{minute}:00" for minute in range(45, 61)]
    visit.outage("48:00", "55:01", *minutes[3:11])
    for at in minutes:
        visit.call(at, answer="null" if at != "51:00" else None)

    observed = visit.end("1:01:00")

    assert verdict("PROV-5", renewed(), observed).message == (
        "The token endpoint recovered at 55:01; the next call of the provider, at 56:00, brought null, status 200."
    )
    assert verdict("PROV-4", renewed(), observed).outcome == "passed"
