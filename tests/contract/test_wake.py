"""WAKE-1 to WAKE-5, on small journals."""

from collections.abc import Callable
from typing import Any

import pytest
from journals import OPENED, Visit, after, verdict

from harness.contract import PageFacts, Verdict
from harness.contract.observation import Observation, TabReturn

Happening = Callable[[Visit], None]
"""A function that writes a few entries of a visit."""
AWAY = {"WAKE-1": "frozen", "WAKE-5": "asleep"}
"""Rule -> the state of the tab until half an hour past the expiry."""
SECONDS = {"WAKE-1": 5, "WAKE-5": 60}
"""Rule -> the seconds after the return at which it checks the token."""
CHECKED = {"WAKE-1": "1:30:10", "WAKE-5": "1:31:05"}
"""Rule -> the time of its check."""
SPAN = {rule: f"The tab was {how} from 05:05 to 1:30:05; {SECONDS[rule]} s later" for rule, how in AWAY.items()}
"""Rule -> the beginning of its messages."""
NO_CHECK = {
    "WAKE-1": "The page does not check its token when it resumes, or checks it and does not renew. Check it on "
    "visibilitychange: the timers of a frozen tab do not run.",
    "WAKE-5": "The page sets a timer to the token's lifetime, and timers do not run while the machine sleeps. Compare "
    "the expiration with the clock in regular checks.",
}
TOO_MANY = "The page sent more than 60 requests."
NO_MARGIN = "The page renewed no token, so it has no renewal moment."
RETURNS = ("4:25", "11:30", "23:35", "2:27:40")
"""The returns of a visit whose tab is hidden three times while the token is fresh, and then for two lifetimes."""


def renewed() -> Observation:
    """Return a healthy visit whose page renews its item by setAccessToken 10 min before each expiry."""
    visit = Visit()
    visit.embed()
    visit.renew("50:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    visit.renew("2:30:00", "embed-4")
    return visit.end("3:12:00")


def returned(rule: str, *happenings: Happening, ended: str = "", **facts: Any) -> Observation:
    """Return the visit that WAKE-1 or WAKE-5 judges: the tab is frozen, or asleep, from 5:05 to 1:30:05.

    The visit ends when the rule checks the token, unless `ended` says another time. `facts` go to `Visit.end`.
    """
    visit = Visit(f"{AWAY[rule]}_past_expiry")
    visit.embed()
    visit.away("5:05", "1:30:05", AWAY[rule])
    for happens in happenings:
        happens(visit)
    return visit.end(ended or CHECKED[rule], returns=["1:30:05"], **facts)


def expire(visit: Visit) -> None:
    """Let the token expire while the user is away."""
    visit.expire("embed-1")


def renew(visit: Visit) -> None:
    """Let the token expire, and let the page renew its item a second after the return."""
    expire(visit)
    visit.renew("1:30:06", "embed-8")


def hidden(*happenings: Happening, **facts: Any) -> Observation:
    """Return the visit that WAKE-2 and WAKE-3 judge: the tab is hidden four times, last from 27:40 to 2:27:40.

    The page renews its item before each expiry. `facts` go to `Visit.end`.
    """
    visit = Visit("hidden")
    visit.embed()
    for away, back in zip(("4:05", "8:30", "15:35", "27:40"), RETURNS, strict=True):
        visit.away(away, back)
    visit.renew("50:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    for happens in happenings:
        happens(visit)
    return visit.end(**({"at": "2:27:46", "returns": RETURNS} | facts))


def use(visit: Visit) -> None:
    """Let the user interact with the item 5 s after the last return."""
    visit.use("2:27:45", "embed-3")


def tab_return(hidden: str, shown: str, item: str | None = "1") -> TabReturn:
    """Return the return to a tab, whose times are those of messages."""
    return TabReturn(item, OPENED + after(hidden), OPENED + after(shown))


def judged_on_return(
    *returns: TabReturn, renewed_at: str | None = None, healthy: Observation | None = None, **facts: Any
) -> Verdict:
    """Return WAKE-4's verdict on a page whose renewal moment was seen, with a renewal at a time, or without one."""
    visit = Visit("renewal_moment")
    visit.embed()
    visit.renew("50:00", "embed-2")
    if renewed_at:
        visit.renew(renewed_at, "embed-3")
    for back in returns:
        visit.write(back.hidden, "tab", state="hidden")
        visit.write(back.shown, "tab", state="shown")
    return verdict("WAKE-4", healthy or renewed(), visit.end("2:00:00", margin_returns=list(returns), **facts))


@pytest.mark.parametrize("rule", ["WAKE-1", "WAKE-2", "WAKE-3", "WAKE-4", "WAKE-5"])
@pytest.mark.parametrize(
    ("stopped", "message"), [("", "Nothing was embedded (EMB-1)."), (TOO_MANY, TOO_MANY)], ids=["complete", "stopped"]
)
def test_wake_rules_are_skipped_if_nothing_loads(rule: str, stopped: str, message: str) -> None:
    visit = Visit()
    visit.embed(loaded=False)

    found = verdict(rule, visit.end("30", stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", message)


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [("WAKE-1", "skipped"), ("WAKE-2", "skipped"), ("WAKE-3", "passed"), ("WAKE-4", "skipped"), ("WAKE-5", "skipped")],
)
def test_a_backend_in_real_time_prevents_the_judgement_of_renewals_and_not_of_requests_on_return(
    rule: str, outcome: str
) -> None:
    healthy = Visit()
    healthy.embed()
    healthy.request("5:00", token="embed-1")
    page = PageFacts("page", "https://app.test", has_own_backend=True)

    found = verdict(rule, healthy.end("3:12:00"), hidden(), page=page)

    assert found.outcome == outcome
    if outcome == "skipped":
        assert found.message == (
            "The page's backend uses real time, so its renewals cannot be judged: it answered embed-1 at 00:00.200 and "
            "again at 05:00.200."
        )


@pytest.mark.parametrize("rule", AWAY)
@pytest.mark.parametrize("at", ["1:30:05", "1:30:06"])
def test_wake_1_and_5_pass_when_a_token_is_applied_soon_after_the_return(rule: str, at: str) -> None:
    def renew_then(visit: Visit) -> None:
        expire(visit)
        visit.renew(at, "embed-8")

    found = verdict(rule, renewed(), returned(rule, renew_then))

    assert (found.outcome, found.message) == (
        "passed",
        f"The tab was shown at 1:30:05 after it was {AWAY[rule]} past the expiry; a new token was applied at {at}.",
    )
    assert [entry["token"] for entry in found.evidence] == ["embed-8"]


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_pass_when_the_token_is_still_valid_on_return(rule: str) -> None:
    """The token that the page set while the tab was visible has another lifetime than the first."""

    def set_long_token(visit: Visit) -> None:
        visit.issue("4:00", "embed-8", lifetime=2 * visit.lifetime)
        visit.apply("4:00", "embed-8")

    found = verdict(rule, renewed(), returned(rule, set_long_token))

    assert (found.outcome, found.message) == (
        "passed",
        f"The tab was shown at 1:30:05 after it was {AWAY[rule]} past the expiry; its token was still valid.",
    )
    assert not found.evidence


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_report_the_first_of_several_visits_and_judge_each(rule: str) -> None:
    first = returned(rule, renew, planned=2)

    renewed_twice = verdict(rule, renewed(), first, returned(rule, renew, planned=2, number=2))
    renewed_once = verdict(rule, renewed(), first, returned(rule, expire, planned=2, number=2))

    assert (renewed_twice.outcome, renewed_once.outcome) == ("passed", "failed")
    assert len(renewed_twice.evidence) == 1


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_fail_when_the_token_is_still_expired_some_seconds_after_the_return(rule: str) -> None:
    found = verdict(rule, renewed(), returned(rule, expire))

    assert (found.outcome, found.message) == (
        "failed",
        f"{SPAN[rule]} item 1 still had embed-1, which had expired.",
    )
    assert found.likely_cause == NO_CHECK[rule]
    assert [entry["state"] for entry in found.evidence][0::3] == ["hidden", "shown"]


@pytest.mark.parametrize("rule", AWAY)
@pytest.mark.parametrize(("late", "outcome"), [("", "passed"), (".1", "failed")], ids=["in time", "too late"])
def test_wake_1_and_5_accept_a_token_until_the_very_check(rule: str, late: str, outcome: str) -> None:
    def renew_at_the_check(visit: Visit) -> None:
        expire(visit)
        visit.renew(f"{CHECKED[rule]}{late}", "embed-8")

    found = verdict(rule, renewed(), returned(rule, renew_at_the_check, ended="1:32:00"))

    assert found.outcome == outcome


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_name_an_item_that_is_not_renewed_while_the_tab_is_visible_either(rule: str) -> None:
    healthy = Visit()
    healthy.embed()
    healthy.expire("embed-1")

    found = verdict(rule, healthy.end("3:12:00"), returned(rule, expire))

    assert found.message == f"{SPAN[rule]} item 1 still had embed-1, which had expired."
    assert found.likely_cause == (
        "The page does not renew this item while it is visible, either. Renew every item that the page has embedded."
    )


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_fail_when_the_page_gives_its_item_an_unusable_token_on_return(rule: str) -> None:
    def set_bearer_and_token(visit: Visit) -> None:
        expire(visit)
        visit.apply("1:30:06", "unknown")

    found = verdict(rule, renewed(), returned(rule, set_bearer_and_token))

    assert (found.outcome, found.message) == (
        "failed",
        f"{SPAN[rule]} item 1 still had unknown, which was never valid.",
    )
    assert found.likely_cause == (
        "The page gives the item a text that is no token for it. Pass the bare token to setAccessToken."
    )


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_judge_each_item(rule: str) -> None:
    def embed_another(visit: Visit) -> None:
        visit.embed("1", item="2", token="embed-2")
        visit.expire("embed-2", item="2")

    found = verdict(rule, renewed(), returned(rule, renew, embed_another))

    assert found.message == f"{SPAN[rule]} item 2 still had embed-2, which had expired."


def remove(visit: Visit) -> None:
    """Let the page remove its item a second after the return."""
    expire(visit)
    visit.write("1:30:06", "embed.gone", item="1")


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_fail_when_the_page_removes_its_item_on_return(rule: str) -> None:
    found = verdict(rule, renewed(), returned(rule, remove))

    assert (found.outcome, found.message) == ("failed", f"{SPAN[rule]} the page had no item.")
    assert [entry.kind for entry in found.evidence] == ["embed.gone"]


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_judge_the_item_that_the_page_embeds_in_place_of_the_first_on_return(rule: str) -> None:
    def embed_anew(visit: Visit) -> None:
        remove(visit)
        visit.embed("1:30:07", item="2", token="embed-2")

    found = verdict(rule, renewed(), returned(rule, embed_anew))

    assert (found.outcome, found.message) == (
        "passed",
        f"The tab was shown at 1:30:05 after it was {AWAY[rule]} past the expiry; a new token was applied at 1:30:07.",
    )


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_fail_when_the_new_item_has_no_token_at_the_check(rule: str) -> None:
    def embed_slowly(visit: Visit) -> None:
        remove(visit)
        visit.write("1:30:07", "embed.frame", item="2", path="/reportEmbed", url="https://app.powerbi.com/reportEmbed")
        visit.issue("1:30:07", "embed-2")
        visit.load(f"{CHECKED[rule]}.1", item="2")
        visit.apply(f"{CHECKED[rule]}.1", "embed-2", item="2", how="load")

    found = verdict(rule, renewed(), returned(rule, embed_slowly, ended="1:32:00"))

    assert (found.outcome, found.message) == ("failed", f"{SPAN[rule]} item 2 still had no token.")
    assert found.likely_cause == NO_CHECK[rule]


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_are_skipped_when_one_visit_ends_early(rule: str) -> None:
    first, second = returned(rule, renew, planned=2), returned(rule, planned=2, number=2, stopped=TOO_MANY)

    found = verdict(rule, renewed(), first, second)

    assert (found.outcome, found.message) == ("skipped", TOO_MANY)


@pytest.mark.parametrize("rule", AWAY)
def test_wake_1_and_5_are_skipped_when_nothing_loads_in_the_visit(rule: str) -> None:
    visit = Visit(f"{AWAY[rule]}_past_expiry")
    visit.embed(loaded=False)

    found = verdict(rule, renewed(), visit.end("30", title="away past expiry"))

    assert (found.outcome, found.message) == ("skipped", "Nothing was embedded in one visit (away past expiry).")


def test_wake_2_passes_when_the_interactions_after_each_long_absence_succeed() -> None:
    found = verdict("WAKE-2", renewed(), hidden(use, planned=2), hidden(use, planned=2, number=2))

    assert (found.outcome, found.message) == (
        "passed",
        "The tab was shown at 2:27:40 after two lifetimes hidden; 2 data requests succeeded.",
    )
    assert [entry["token"] for entry in found.evidence] == ["embed-3", "embed-3"]


@pytest.mark.parametrize(("token", "had"), [("embed-2", "an expired"), ("unknown", "an unusable")])
def test_wake_2_fails_when_the_interaction_after_the_return_is_refused(token: str, had: str) -> None:
    def use_in_vain(visit: Visit) -> None:
        visit.use("2:27:45", "embed-3")
        visit.use("2:27:45.5", token, state="unknown" if token == "unknown" else "expired")

    found = verdict("WAKE-2", renewed(), hidden(use_in_vain))

    assert (found.outcome, found.message) == (
        "failed",
        f"The tab was shown at 2:27:40 after two lifetimes hidden; the interaction at 2:27:45.500 carried {had} token.",
    )
    assert [entry["token"] for entry in found.evidence] == [token]


def test_wake_2_judges_only_data_requests_after_the_return_and_of_the_judged_item() -> None:
    def use_another(visit: Visit) -> None:
        visit.embed("1", item="2", token="embed-7")
        visit.expire("embed-7", item="2")
        visit.use("2:27:45", "embed-7", item="2")
        visit.use("2:27:39.9", "unknown")

    found = verdict("WAKE-2", renewed(), hidden(use, use_another, chosen="1"))

    assert found.message == "The tab was shown at 2:27:40 after two lifetimes hidden; 1 data request succeeded."


@pytest.mark.parametrize(
    ("at", "outcome"), [("2:27:45", "failed"), ("2:27:45.1", "passed")], ids=["at the check", "after the check"]
)
def test_wake_2_fails_when_the_page_removes_its_item_on_return(at: str, outcome: str) -> None:
    def go(visit: Visit) -> None:
        visit.write(at, "embed.gone", item="1")

    found = verdict("WAKE-2", renewed(), hidden(use, go))

    assert found.outcome == outcome
    if outcome == "failed":
        assert found.message == "The tab was shown at 2:27:40 after two lifetimes hidden; the page had no item."
        assert found.likely_cause == (
            "The page removes its item after a long absence. Keep the item and renew its token: the user's session has "
            "not ended."
        )
        assert [entry.kind for entry in found.evidence] == ["embed.gone"]


def test_wake_2_is_skipped_when_no_item_can_be_used() -> None:
    found = verdict("WAKE-2", renewed(), hidden())

    assert (found.outcome, found.message) == (
        "skipped",
        "No item of the page could be used after the tab was shown at 2:27:40, so no data request shows whether its "
        "token is valid.",
    )


@pytest.mark.parametrize("rule", ["WAKE-2", "WAKE-3"])
def test_wake_2_and_3_are_skipped_when_a_visit_ends_early(rule: str) -> None:
    visits = hidden(use, planned=2), hidden(planned=2, number=2, at="20:00", returns=RETURNS[:2], stopped=TOO_MANY)

    found = verdict(rule, renewed(), *visits)

    assert (found.outcome, found.message) == ("skipped", TOO_MANY)


def test_wake_3_passes_when_no_return_with_a_fresh_token_causes_a_token_request() -> None:
    def renew_on_last_return(visit: Visit) -> None:
        visit.renew("2:27:40", "embed-4")

    found = verdict("WAKE-3", renewed(), hidden(planned=2), hidden(renew_on_last_return, planned=2, number=2))

    assert (found.outcome, found.message) == (
        "passed",
        "6 returns to the tab with a fresh token, no token request.",
    )


@pytest.mark.parametrize(
    ("at", "outcome"),
    [("11:29.9", "passed"), ("11:30", "warned"), ("11:40", "warned"), ("11:40.1", "passed")],
)
def test_wake_3_warns_when_a_token_request_follows_a_return_with_a_fresh_token_within_10_s(
    at: str, outcome: str
) -> None:
    def request(visit: Visit) -> None:
        visit.request(at, answered=None)

    found = verdict("WAKE-3", renewed(), hidden(request))

    assert found.outcome == outcome


def test_wake_3_warns_even_if_the_visit_ends_early_after_the_request() -> None:
    def request(visit: Visit) -> None:
        visit.request("4:26")
        visit.request("4:27")

    found = verdict("WAKE-3", renewed(), hidden(request, at="20:00", returns=RETURNS[:2], stopped=TOO_MANY))

    assert (found.outcome, found.message) == (
        "warned",
        "The user returned to the tab at 04:25, and the page sent a token request at 04:26, although its token was "
        "valid for another 55.6 min.",
    )
    assert found.likely_cause == (
        "The visibilitychange listener renews without a check. Compare the expiration first: a user who switches tabs "
        "often causes many token requests."
    )
    assert [entry.kind for entry in found.evidence] == ["request", "request"]


@pytest.mark.parametrize(
    "renewed_at", ["1:39:55", "1:40:00", "1:40:06"], ids=["as the tab is hidden", "while it is hidden", "on return"]
)
def test_wake_4_passes_when_the_renewal_comes_within_a_second_of_the_return(renewed_at: str) -> None:
    found = judged_on_return(tab_return("1:39:55", "1:40:05"), renewed_at=renewed_at)

    assert (found.outcome, found.message) == (
        "passed",
        "The refresh margin began while the tab was hidden; shown at 1:40:05, renewed within 1 s.",
    )


@pytest.mark.parametrize(
    ("item", "renewed_at", "message"),
    [
        ("1", "1:40:06.1", "the refresh margin of item 1 began in between: the renewal came at 1:40:06.100."),
        ("1", None, "the refresh margin of item 1 began in between: no renewal came."),
        (None, "1:40:20", "the refresh margin began in between: the renewal came at 1:40:20."),
        (None, None, "the refresh margin began in between: no renewal came."),
    ],
)
def test_wake_4_warns_when_the_renewal_comes_later_than_a_second_after_the_return(
    item: str | None, renewed_at: str | None, message: str
) -> None:
    found = judged_on_return(tab_return("1:39:55", "1:40:05", item), renewed_at=renewed_at)

    assert (found.outcome, found.message) == (
        "warned",
        f"The tab was hidden at 1:39:55 and shown at 1:40:05, and {message}",
    )
    assert found.likely_cause == (
        "The page has no visibilitychange listener, or the listener does not check the token. Run the check on "
        "visibilitychange as well: a hidden tab's timers run late."
    )
    assert [entry["state"] for entry in found.evidence] == ["hidden", "shown"]


def test_wake_4_passes_when_the_tokens_are_requested_on_return_on_a_page_whose_items_take_turns() -> None:
    found = judged_on_return(tab_return("1:39:55", "1:40:05", None), renewed_at="1:40:05.5")

    assert found.outcome == "passed"


@pytest.mark.parametrize(("renewed_at", "outcome"), [("1:45:05", "passed"), ("1:45:20", "warned")])
def test_wake_4_judges_the_last_of_several_returns_and_reports_the_first_that_was_in_time(
    renewed_at: str, outcome: str
) -> None:
    found = judged_on_return(tab_return("49:55", "50:05"), tab_return("1:44:55", "1:45:05"), renewed_at=renewed_at)

    assert found.outcome == outcome
    assert ("shown at 50:05, renewed within 1 s" in found.message) == (outcome == "passed")


def with_provider(*, by_hand: bool) -> Observation:
    """Return a healthy visit with an item whose tokens come from a provider, but for one that the page may set."""
    visit = Visit()
    visit.embed(token="entra-1", type="entra", provider=True)
    visit.renew("50:00", "entra-2", how="setAccessToken" if by_hand else "hook", type="entra")
    return visit.end("1:30:00")


def test_wake_4_is_skipped_when_only_a_provider_renews() -> None:
    found = judged_on_return(tab_return("1:39:55", "1:40:05"), healthy=with_provider(by_hand=False))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page renews only by an accessTokenProvider: the service chooses the renewal moment, not the page.",
    )


def test_wake_4_judges_a_page_with_a_provider_that_also_sets_tokens_by_hand() -> None:
    found = judged_on_return(tab_return("1:39:55", "1:40:05"), healthy=with_provider(by_hand=True))

    assert found.outcome == "warned"


def test_wake_4_judges_a_page_that_renews_by_embedding_anew() -> None:
    visit = Visit()
    visit.embed()
    visit.write("50:00", "embed.gone", item="1")
    visit.embed("50:00", item="2", token="embed-2")

    found = judged_on_return(tab_return("1:39:55", "1:40:05", None), healthy=visit.end("1:30:00"))

    assert found.outcome == "warned"


def test_wake_4_is_skipped_when_the_healthy_visit_ends_early() -> None:
    visit = Visit()
    visit.embed()
    visit.renew("50:00", "embed-2")

    found = judged_on_return(
        tab_return("1:39:55", "1:40:05"), healthy=visit.end("1:00:00", planned=3, stopped=TOO_MANY)
    )

    assert (found.outcome, found.message) == ("skipped", TOO_MANY)


def test_wake_4_is_skipped_when_the_page_sets_no_token_after_the_first_30_s() -> None:
    visit = Visit()
    visit.embed()
    visit.renew("20", "embed-2")
    visit.expire("embed-2")

    found = judged_on_return(tab_return("1:39:55", "1:40:05"), healthy=visit.end("3:12:00"))

    assert (found.outcome, found.message) == ("skipped", NO_MARGIN)


def test_wake_4_is_skipped_when_the_visit_that_hides_the_tab_ends_early() -> None:
    found = judged_on_return(tab_return("1:39:55", "1:40:05"), stopped=TOO_MANY)

    assert (found.outcome, found.message) == ("skipped", TOO_MANY)


def test_wake_4_is_skipped_with_the_reason_for_which_the_page_has_no_renewal_moment() -> None:
    why = "The page did not renew item 1 again, so it has no renewal moment."

    found = judged_on_return(why_no_renewal_moment=why)

    assert (found.outcome, found.message) == ("skipped", why)
