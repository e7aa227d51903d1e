"""LIFE-1 to LIFE-5, on small journals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from journals import HOUR, OPENED, TOKENS, Visit, after, verdict

from harness.base.journal import Entry
from harness.contract import Verdict
from harness.contract.observation import Observation

MINUTE = timedelta(minutes=1)
STORM = f"The page sent more than 60 requests to {TOKENS}*, so the clock was stopped."
STOPPED = "The page was stopped because it took too long in real time."


def started(lifetime: timedelta = HOUR) -> Visit:
    """Return a healthy visit whose item loads after 1 s and shows page 1."""
    visit = Visit(lifetime=lifetime)
    visit.embed("1")
    visit.use("1", "embed-1", action="render")
    return visit


def renewed(lifetime: timedelta = HOUR, *, lead: timedelta = 10 * MINUTE) -> Visit:
    """Return a healthy visit whose item is renewed each time when its token is valid for `lead` more, or 1 s less."""
    visit, wait = started(lifetime), lifetime - lead
    for number in range(1, int(3.2 * lifetime / wait) + 1):
        visit.renew(f"{number * wait / MINUTE}:01", f"embed-{number + 1}")
    return visit


def ended(visit: Visit, **facts: Any) -> Observation:
    """Return the observation of a healthy visit that ends as planned, after 3.2 lifetimes.

    Tokens that expire in use by then leave their entries.
    """
    end = 3.2 * visit.lifetime
    given = sorted((entry for entry in visit.entries if entry.kind == "token.applied"), key=lambda entry: entry.at)
    for place, entry in enumerate(given, 1):
        newer = [later.at for later in given[place:] if later["item"] == entry["item"]]
        if entry["state"] == "live" and entry["expires"] <= min([OPENED + end, *newer]):
            visit.expire(entry["token"], item=entry["item"])
    return visit.end(f"{end / MINUTE}:00", **facts)


def neglected() -> Visit:
    """Return a healthy visit whose item is never renewed, and is used when its token has expired."""
    visit = started()
    visit.use("1:05:00", "embed-1")
    visit.raise_error("1:05:00")
    return visit


def ask(visit: Visit, begin: str, count: int, every_s: float, *, apply: bool = True) -> None:
    """Let the page send token requests. Each is answered after 0.2 s, and the item is given the token at once.

    Without `apply` the item is given no token.
    """
    for number in range(count):
        at = after(begin).total_seconds() + number * every_s
        token = visit.issue(f"{at}", f"asked-{at:g}")
        visit.request(f"{at}", token=token)
        if apply:
            visit.apply(f"{at + 0.2}", token)


def test_life_1_passes_when_no_data_request_has_an_expired_token() -> None:
    visit = renewed()
    visit.use("5:00", "embed-1")
    visit.use("1:05:00", "embed-2")
    visit.raise_error("2:00:00", "OpenConnectionError")

    found = verdict("LIFE-1", ended(visit))

    assert (found.outcome, found.message) == (
        "passed",
        "3 data requests in 1 healthy visit, none with an expired token.",
    )


def test_life_1_passes_with_every_lifetime() -> None:
    visits = [renewed(minutes * MINUTE) for minutes in (60, 90, 35)]
    visits[1].use("5:00", "embed-1")

    found = verdict("LIFE-1", *(ended(visit, number=n, planned=3) for n, visit in enumerate(visits, 1)))

    assert (found.outcome, found.message) == (
        "passed",
        "4 data requests in 3 healthy visits, none with an expired token.",
    )


def test_life_1_fails_when_data_requests_carry_an_expired_token() -> None:
    visit = started()
    for number in range(6):
        visit.use(f"1:0{number}:10", "embed-1")
        visit.raise_error(f"1:0{number}:10.1")

    found = verdict("LIFE-1", ended(visit))

    assert (found.outcome, found.message) == (
        "failed",
        "With tokens of 60 min, 6 data requests carried an expired token, the first at 1:00:10; "
        "the item raised TokenExpired 6 times.",
    )
    assert [entry.kind for entry in found.evidence] == ["data.request"] * 5 + ["item.event"] * 5


def test_life_1_fails_when_only_a_visit_with_another_lifetime_meets_an_expired_token() -> None:
    late = started(35 * MINUTE)
    late.use("35:01", "embed-1")

    found = verdict("LIFE-1", ended(renewed(), number=1, planned=2), ended(late, number=2, planned=2))

    assert (found.outcome, found.message) == (
        "failed",
        "With tokens of 35 min, 1 data request carried an expired token, the first at 35:01; "
        "the item raised TokenExpired 0 times.",
    )


@pytest.mark.parametrize(("chosen", "outcome"), [("1", "passed"), ("2", "failed")])
def test_life_1_judges_only_the_chosen_item(chosen: str, outcome: str) -> None:
    visit = renewed()
    visit.embed("1", token="other", item="2")
    visit.use("1:05:00", "other", item="2")
    visit.raise_error("1:05:00", item="2")

    assert verdict("LIFE-1", ended(visit, chosen=chosen)).outcome == outcome


def test_life_1_is_skipped_when_a_visit_ends_early_without_an_expired_token() -> None:
    found = verdict("LIFE-1", renewed().end("50:00", stopped=STOPPED))

    assert (found.outcome, found.message) == ("skipped", STOPPED)


def test_life_1_fails_when_an_expired_token_is_met_before_the_visit_ends_early() -> None:
    assert verdict("LIFE-1", neglected().end("1:06:00", stopped=STOPPED)).outcome == "failed"


NEVER_REQUESTED = "The page never requested a new token."


def test_life_1_names_the_page_that_never_requests_a_token() -> None:
    found = verdict("LIFE-1", ended(neglected()))

    assert found.outcome == "failed"
    assert found.likely_cause.startswith(NEVER_REQUESTED)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("1:10:00", "The item was embedded with a token that had expired by then."),
        ("1:09:59", "The item was embedded with a token that had expired by then."),
        ("1:09:58", NEVER_REQUESTED),
    ],
)
def test_life_1_names_the_late_item_that_is_embedded_with_an_expired_token(error: str, cause: str) -> None:
    """The frame may raise its error up to 1 s before the journal has the token."""
    visit = started()
    visit.issue("1", "kept")
    visit.embed("1:10:00", token="kept", item="2", loaded=False)
    visit.raise_error(error, item="2")

    found = verdict("LIFE-1", ended(visit))

    assert found.message == (f"With tokens of 60 min, the item raised TokenExpired 1 time, the first at {error}.")
    assert found.likely_cause.startswith(cause)


def test_life_1_names_the_cache_that_answers_the_same_token_again() -> None:
    visit = neglected()
    visit.request("50:00")
    visit.apply("50:00.2", "embed-1")

    found = verdict("LIFE-1", ended(visit))

    assert found.likely_cause.startswith("The page or its backend answers with a cached token.")


@pytest.mark.parametrize(
    ("at", "token", "how"),
    [("1:06:00", "embed-1", "setAccessToken"), ("50:00", "unknown", "setAccessToken"), ("50:00", "embed-1", "load")],
    ids=["token is applied again later", "another token is applied", "token is loaded again"],
)
def test_life_1_does_not_name_a_cache_unless_the_item_was_given_its_token_again(at: str, token: str, how: str) -> None:
    visit = neglected()
    visit.apply(at, token, how=how)

    found = verdict("LIFE-1", ended(visit))

    assert found.likely_cause.startswith(NEVER_REQUESTED)


def test_life_1_names_the_question_that_no_user_answered() -> None:
    visit = neglected()
    visit.write("45:00", "page.dialog", type="confirm", text="Stay signed in?")
    visit.write("50:00", "page.dialog", type="prompt", text="Your   session\nends. " + 80 * "x")
    visit.write("55:00", "page.dialog", type="alert", text="Goodbye")
    visit.write("1:06:00", "page.dialog", type="confirm", text="Reload?")

    found = verdict("LIFE-1", ended(visit))

    assert found.likely_cause == (
        f"The page asked its user {'Your session ends. ' + 61 * 'x'!r} at 50:00, and nobody agreed. Renew without a "
        "question, or let an adapter answer it."
    )


def test_life_1_names_the_page_that_requests_a_token_only_when_the_old_one_has_expired() -> None:
    visit = neglected()
    visit.renew("1:05:01", "embed-2")

    found = verdict("LIFE-1", ended(visit))

    assert found.likely_cause.startswith("The page requested a new token only when the old one had expired.")


def test_life_1_names_the_page_that_gives_its_new_tokens_to_no_item() -> None:
    visit = neglected()
    ask(visit, "50:00", 1, 0, apply=False)

    found = verdict("LIFE-1", ended(visit))

    assert found.likely_cause.startswith("The page fetched new tokens, and gave none to the item.")


@pytest.mark.parametrize("how", ["setAccessToken", "hook"])
def test_life_1_names_the_page_that_renews_some_tokens_too_late(how: str) -> None:
    visit = started()
    visit.renew("50:00", "embed-2", how=how)
    visit.use("1:55:00", "embed-2")

    found = verdict("LIFE-1", ended(visit))

    assert found.likely_cause.startswith("The page renews some tokens too late or not at all.")


@pytest.mark.parametrize(
    ("lead", "message"),
    [
        (10 * MINUTE, "Every token was renewed at least 10 min before its expiry."),
        (MINUTE, "Every token was renewed at least 1 min before its expiry."),
    ],
)
def test_life_2_passes_when_every_token_is_renewed_60_s_before_its_expiry(lead: timedelta, message: str) -> None:
    found = verdict("LIFE-2", ended(renewed(lead=lead)))

    assert (found.outcome, found.message) == ("passed", message)


def test_life_2_passes_with_the_shortest_lead_of_all_items_and_visits() -> None:
    first, second = renewed(lead=10 * MINUTE), renewed(90 * MINUTE, lead=9 * MINUTE)
    second.embed("1", token="other-1", item="2")
    second.renew("83:01", "other-2", item="2")
    second.renew("163:01", "other-3", item="2")
    second.renew("243:01", "other-4", item="2")

    found = verdict("LIFE-2", ended(first, number=1, planned=2), ended(second, number=2, planned=2))

    assert (found.outcome, found.message) == ("passed", "Every token was renewed at least 7 min before its expiry.")


def test_life_2_warns_when_a_token_is_renewed_59_s_before_its_expiry() -> None:
    visit = started()
    visit.renew("59:02", "embed-2")

    found = verdict("LIFE-2", ended(visit))

    assert (found.outcome, found.message) == (
        "warned",
        "With tokens of 60 min, embed-1 was renewed at 59:02, only 59 s before its expiry.",
    )
    assert found.likely_cause.startswith("The refresh margin is too small, or in another unit than intended.")
    assert [entry["token"] for entry in found.evidence] == ["embed-1", "embed-2"]


@pytest.mark.parametrize(
    ("renewed_at", "later"),
    [("", ""), ("1:00:01", "; the next token came at 1:00:01"), ("1:05:00", "; the next token came at 1:05:00")],
    ids=["never renewed", "renewed at the expiry", "renewed 5 min later"],
)
def test_life_2_warns_when_a_token_expires_without_a_renewal(renewed_at: str, later: str) -> None:
    visit = started()
    if renewed_at:
        visit.renew(renewed_at, "embed-2")

    found = verdict("LIFE-2", ended(visit))

    assert (found.outcome, found.message) == (
        "warned",
        f"With tokens of 60 min, embed-1 expired at 1:00:01 without a renewal{later}.",
    )
    assert [(entry.kind, entry["token"]) for entry in found.evidence] == [("token.expired", "embed-1")]


def test_life_2_warns_when_the_item_is_given_something_other_than_a_token() -> None:
    visit = started()
    visit.renew("50:00", "embed-2")
    visit.request("1:40:00")
    visit.apply("1:40:00.2", "unknown")

    found = verdict("LIFE-2", ended(visit))

    assert (found.outcome, found.message) == (
        "warned",
        "With tokens of 60 min, embed-2 expired at 1:50:00 without a renewal.",
    )


def test_life_2_passes_when_the_page_corrects_an_unusable_token_before_the_old_one_expires() -> None:
    visit = started()
    visit.request("40:00")
    visit.apply("40:00.2", "unknown")
    for number in range(1, 4):
        visit.renew(f"{50 * number}:01", f"embed-{number + 1}")

    found = verdict("LIFE-2", ended(visit))

    assert (found.outcome, found.message) == ("passed", "Every token was renewed at least 10 min before its expiry.")


def test_life_2_warns_when_the_item_goes_before_its_first_token_expires_and_no_other_comes() -> None:
    visit = started()
    visit.write("30:00", "embed.gone", item="1")

    found = verdict("LIFE-2", ended(visit))

    assert (found.outcome, found.message) == ("warned", "The page never renewed a token.")


@pytest.mark.parametrize(("end", "outcome"), [("1:00:00", "skipped"), ("1:00:01", "warned")])
def test_life_2_judges_a_token_that_expires_by_the_early_end_of_the_visit(end: str, outcome: str) -> None:
    found = verdict("LIFE-2", started().end(end, stopped=STOPPED))

    assert found.outcome == outcome


def test_life_2_takes_the_next_item_for_the_renewal_of_an_item_that_goes() -> None:
    visit = started()
    visit.write("50:00", "embed.gone", item="1")
    visit.embed("50:00", token="embed-2", item="2")
    visit.write("1:30:00", "embed.gone", item="2")

    found = verdict("LIFE-2", ended(visit))

    assert (found.outcome, found.message) == ("passed", "Every token was renewed at least 10 min before its expiry.")


def test_life_2_is_skipped_when_the_visit_ends_early() -> None:
    found = verdict("LIFE-2", started().end("30:00", stopped=STOPPED))

    assert (found.outcome, found.message) == ("skipped", STOPPED)


AWAY = {
    "frozen_past_expiry": "frozen past expiry",
    "hidden": "hidden for a while, then for two lifetimes",
    "asleep_past_expiry": "asleep past expiry",
}
"""The scenarios in which the tab is away, and the titles of their visits."""


def returns(stormy: str = "") -> list[Observation]:
    """Return a visit of each scenario in which the tab is away. A request storm ends the visit of `stormy`."""
    visits = []
    for scenario, title in AWAY.items():
        visit = Visit(scenario)
        visit.embed("1")
        visit.away("5:06", "1:30:06", how="frozen" if scenario.startswith("frozen") else "hidden")
        if scenario == stormy:
            ask(visit, "1:30:06", 61, 0, apply=False)
        visits.append(visit.end("1:30:11", title=title, storm=scenario == stormy, stopped=STORM * (scenario == stormy)))
    return visits


def life_3(visit: Visit) -> Verdict:
    """Return the verdict of LIFE-3 on a page with this healthy visit, and with few requests when it was away."""
    return verdict("LIFE-3", ended(visit), *returns())


def test_life_3_passes_without_a_token_request() -> None:
    found = life_3(started())

    assert (found.outcome, found.message) == ("passed", "At most 0 token requests in any lifetime.")


@pytest.mark.parametrize(("wait", "most"), [(25 * MINUTE, 3), (15 * MINUTE, 4)])
def test_life_3_passes_with_at_most_four_requests_in_any_lifetime(wait: timedelta, most: int) -> None:
    found = life_3(renewed(lead=HOUR - wait))

    assert (found.outcome, found.message) == ("passed", f"At most {most} token requests in any lifetime.")


def test_life_3_passes_with_the_largest_number_of_requests_of_all_visits() -> None:
    visits = [renewed(), renewed(90 * MINUTE, lead=60 * MINUTE), renewed(35 * MINUTE)]

    found = verdict("LIFE-3", *(ended(visit, number=n, planned=3) for n, visit in enumerate(visits, 1)), *returns())

    assert (found.outcome, found.message) == ("passed", "At most 3 token requests in any lifetime.")


def test_life_3_fails_when_the_page_renews_at_a_short_fixed_interval() -> None:
    found = life_3(renewed(lead=49 * MINUTE))

    assert (found.outcome, found.message) == (
        "failed",
        "With tokens of 60 min, the page sent 6 token requests within one lifetime from 11:01 on.",
    )
    assert found.likely_cause == (
        "The page renews every 11 min, whatever the lifetime of its tokens. Renew when the token is about to expire: "
        "the expiration comes with the token."
    )
    assert [entry.kind for entry in found.evidence] == ["request"] * 5


def test_life_3_fails_with_five_requests_in_a_lifetime() -> None:
    found = life_3(renewed(lead=HOUR - timedelta(seconds=899)))

    assert (found.outcome, found.message) == (
        "failed",
        "With tokens of 60 min, the page sent 5 token requests within one lifetime from 15:00 on.",
    )


@pytest.mark.parametrize(
    ("failures", "outcome", "message"),
    [
        (1, "passed", "At most 4 token requests in any lifetime."),
        (
            2,
            "failed",
            "With tokens of 60 min, the page sent 3 token requests from 49:58 to 50:00 for one token that was applied.",
        ),
        (
            5,
            "failed",
            "With tokens of 60 min, the page sent 6 token requests from 49:55 to 50:00 for one token that was applied.",
        ),
    ],
)
def test_life_3_allows_two_requests_for_one_applied_token(failures: int, outcome: str, message: str) -> None:
    visit = started()
    for number in range(1, 4):
        renewal_s = (number * 50 * MINUTE).total_seconds()
        for failure in range(failures):
            visit.request(f"{renewal_s - failures + failure}", status=500)
        visit.renew(f"{renewal_s}", f"embed-{number + 1}")

    found = life_3(visit)

    assert (found.outcome, found.message) == (outcome, message)
    assert [entry.kind for entry in found.evidence] == ["request"] * (min(failures + 1, 5) if failures > 1 else 0)


def test_life_3_does_not_count_requests_while_the_page_embeds() -> None:
    visit = started()
    for number in range(10):
        visit.request(f"1{number}")
    visit.renew("50:00", "embed-2")

    assert life_3(visit).message == "At most 1 token request in any lifetime."


def test_life_3_does_not_count_preflights_and_tokens_that_are_given_back() -> None:
    visit = started()
    for number in range(5):
        visit.request(f"49:0{number}", method="OPTIONS")
        visit.request(f"50:0{number}", method="DELETE")
    visit.renew("51:00", "embed-2")

    assert life_3(visit).message == "At most 1 token request in any lifetime."


@pytest.mark.parametrize(("shared", "outcome"), [(False, "passed"), (True, "failed")])
def test_life_3_allows_two_requests_per_item_unless_the_items_share_their_token(shared: bool, outcome: str) -> None:
    visit = started()
    visit.embed("1", token="other-1", item="2")
    visit.request("49:58", status=500)
    visit.request("49:59", status=500)
    visit.renew("50:00", "embed-2")
    if shared:
        visit.apply("50:00", "embed-2", item="2")
    else:
        visit.renew("50:00", "other-2", item="2")

    found = life_3(visit)

    assert found.outcome == outcome


@pytest.mark.parametrize(("wait", "outcome"), [("15:00", "passed"), ("14:59", "failed")])
def test_life_3_allows_four_requests_per_item_in_a_lifetime(wait: str, outcome: str) -> None:
    visit = started()
    visit.embed("1", token="other-1", item="2")
    for number in range(1, 11):
        at = f"{number * after(wait).total_seconds()}"
        visit.renew(at, f"embed-{number + 1}")
        visit.renew(at, f"other-{number + 1}", item="2")

    found = life_3(visit)

    assert found.outcome == outcome


@pytest.mark.parametrize(("other", "outcome"), [("of=2", "passed"), ("of=1", "failed")])
def test_life_3_counts_requests_with_another_query_separately(other: str, outcome: str) -> None:
    """Each of two items has its own query, and its own token; together they may send four requests at a time."""
    visit = Visit()
    for item in "12":
        visit.issue("1", f"embed-{item}")
        visit.request("1", token=f"embed-{item}", url=f"{TOKENS}?of={item}")
        visit.embed("1", token=f"embed-{item}", item=item)
    visit.request("49:58", status=500, url=f"{TOKENS}?of=1")
    visit.request("49:59", status=500, url=f"{TOKENS}?{other}")
    for item in "12":
        visit.issue("50:00", f"new-{item}")
        visit.request("50:00", answered="0", token=f"new-{item}", url=f"{TOKENS}?of={item}")
        visit.apply("50:00", f"new-{item}", item=item)

    found = life_3(visit)

    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("view", "outcome"), [("Page2", "passed"), (None, "failed")], ids=["another view", "same view"]
)
def test_life_3_allows_one_more_request_for_a_view_that_is_shown_anew(view: str | None, outcome: str) -> None:
    visit = started()
    ask(visit, "10:00", 3, 1, apply=False)
    visit.load("10:03", page=view)
    visit.apply("10:03", "asked-602", how="load")

    found = life_3(visit)

    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("shown", "outcome"), [("10:00", "passed"), ("1:09:59", "passed"), ("1:10:00", "failed")], ids=str
)
def test_life_3_allows_one_more_request_in_the_lifetime_in_which_another_view_is_shown(
    shown: str, outcome: str
) -> None:
    """Five requests follow each other from 10:00 on, and no other comes within a lifetime of the second one."""
    visit = started()
    for number in range(5):
        visit.renew(f"{10 + number}:00", f"embed-{number + 2}")
    visit.load(shown, page="Page2")
    visit.apply(shown, "embed-6" if shown != "10:00" else "embed-2", how="load")

    assert life_3(visit).outcome == outcome


@pytest.mark.parametrize(("gap_s", "outcome"), [(0, "passed"), (600, "failed")])
def test_life_3_allows_one_request_per_lifetime_for_each_item_that_takes_its_turn(gap_s: int, outcome: str) -> None:
    """Items take turns every 10 min, so five new ones come in each lifetime; with `gap_s` the page asks in between."""
    visit = started()
    for turn in range(1, 19):
        visit.write(f"{10 * turn}:00", "embed.gone", item=str(turn))
        visit.embed(f"{10 * turn}:00", token=f"turn-{turn}", item=str(turn + 1))
    if gap_s:
        ask(visit, "5:00", 18, gap_s, apply=False)

    found = life_3(visit)

    assert found.outcome == outcome


@pytest.mark.parametrize("scenario", AWAY)
def test_life_3_fails_when_a_request_storm_follows_the_return_to_the_tab(scenario: str) -> None:
    found = verdict("LIFE-3", ended(renewed()), *returns(scenario))

    assert (found.outcome, found.message) == ("failed", f"{AWAY[scenario].capitalize()}: {STORM}")
    assert found.likely_cause.startswith("Checks queue up while the tab is away, and all run when it returns.")
    assert [entry["request"] for entry in found.evidence] == [f"request-{number}" for number in range(58, 63)]


def test_life_3_is_skipped_when_the_healthy_visit_ends_early() -> None:
    found = verdict("LIFE-3", renewed().end("50:00", stopped=STOPPED))

    assert (found.outcome, found.message) == ("skipped", STOPPED)


def test_life_3_fails_when_a_request_storm_ends_the_healthy_visit() -> None:
    visit = started()
    ask(visit, "50:00", 61, 1)

    found = verdict("LIFE-3", visit.end("51:00", storm=True, stopped=STORM))

    assert (found.outcome, found.message) == (
        "failed",
        f"With tokens of 60 min, the page sent more than 60 requests to {TOKENS}*, so the clock was stopped.",
    )
    assert [entry.at - visit.entries[0].at for entry in found.evidence] == [after(f"49:{59 + n}") for n in range(5)]


def test_life_3_fails_when_a_request_storm_ends_the_visit_while_the_page_embeds() -> None:
    visit = started()
    ask(visit, "2", 151, 0.1)

    found = verdict("LIFE-3", visit.end("17", storm=True, stopped=STORM))

    assert found.outcome == "failed"
    assert [entry.kind for entry in found.evidence] == ["request"] * 5


def test_life_3_fails_when_the_last_request_of_a_storm_comes_after_the_page_has_embedded() -> None:
    visit = started()
    ask(visit, "15", 151, 0.1)

    found = verdict("LIFE-3", visit.end("30", storm=True, stopped=STORM))

    assert found.outcome == "failed"
    assert [entry["request"] for entry in found.evidence] == ["request-152"]


def calls_a_provider(visit: Visit) -> None:
    """Let the service call a provider each minute, which answers the same token again."""
    visit.embed("1", item="2", token="entra-1", type="entra", provider=True)
    for number in range(50, 60):
        visit.request(f"{number}:00")
        visit.call(f"{number}:00", item="2", token="entra-1")


def renews_the_item_with_a_provider(visit: Visit) -> None:
    """Let the page renew an item with a provider by itself, each minute."""
    visit.embed("1", item="2", token="entra-1", type="entra", provider=True)
    for number in range(50, 60):
        visit.renew(f"{number}:00", f"entra-{number}", item="2", type="entra")


def asks(count: int, every_s: float, *, applied_after: str = "") -> Callable[[Visit], None]:
    """Return a function that lets the page request tokens, `every_s` apart, and apply each.

    With `applied_after` only the last token is applied, at this time after the last request.
    """

    def happens(visit: Visit) -> None:
        ask(visit, "50:00", count, every_s, apply=not applied_after)
        if applied_after:
            last_s = after("50:00").total_seconds() + (count - 1) * every_s
            visit.apply(f"{last_s + float(applied_after)}", f"asked-{last_s:g}")

    return happens


def asks_in_vain(visit: Visit) -> None:
    """Let the page request five tokens, and give none to its item."""
    ask(visit, "50:00", 5, 30, apply=False)


def asks_at(*times: str) -> Callable[[Visit], None]:
    """Return a function that lets the page request and apply a token at each of some times."""

    def happens(visit: Visit) -> None:
        for time in times:
            ask(visit, time, 1, 0)

    return happens


PROVIDER = "The provider answers with no newer token, so the service calls it again each minute"
NOT_APPLIED = "The page fetches tokens and gives none of them to its item"
FIXED = "The page renews every 1 min, whatever the lifetime of its tokens."
NAN = "Each answer is followed by another request at once, as if a computed delay were NaN or 0."
TOO_SHORT = "The interval is far shorter than intended (30 instead of 30 000 ms?)"
FORGETS = "The new token is already about to expire, or the page does not remember its expiration."


@pytest.mark.parametrize(
    ("happens", "cause"),
    [
        (calls_a_provider, PROVIDER),
        (renews_the_item_with_a_provider, FORGETS),
        (asks_in_vain, NOT_APPLIED),
        (asks(5, 30, applied_after="5.001"), NOT_APPLIED),
        (asks(5, 30, applied_after="5"), FORGETS),
        (asks(4, 30, applied_after="5.001"), FORGETS),
        (asks(5, 60), FORGETS),
        (asks(5, 61), FIXED),
        (asks_at("50:00", "51:01", "52:02", "54:02", "55:03"), FIXED),
        (asks_at("50:00", "51:01", "52:02", "54:03", "55:04"), FORGETS),
        (asks(5, 1), FORGETS),
        (asks(5, 0.999), NAN),
        (asks(5, 0.2), NAN),
        (asks(5, 0.199), TOO_SHORT),
        (asks_at(*(f"50:0{n / 2}" for n in range(11)), "51:00"), NAN),
        (asks_at(*(f"50:0{n / 2}" for n in range(10)), "51:00"), FORGETS),
    ],
)
def test_life_3_names_the_likely_cause_of_too_many_requests(happens: Callable[[Visit], None], cause: str) -> None:
    visit = started()
    happens(visit)

    found = life_3(visit)

    assert found.outcome == "failed"
    assert found.likely_cause.startswith(cause)


@pytest.mark.parametrize(
    ("answered", "cause"), [("0.5", NAN), ("0.501", TOO_SHORT), (None, TOO_SHORT)], ids=["at once", "later", "never"]
)
def test_life_3_names_the_short_interval_when_a_request_is_sent_before_the_answer_to_another(
    answered: str | None, cause: str
) -> None:
    visit = started()
    for number in range(6):
        visit.request(f"50:0{number / 2}", answered="0.2" if number else answered, status=500)
    visit.renew("50:03", "embed-2")

    assert life_3(visit).likely_cause.startswith(cause)


@pytest.mark.parametrize(("number", "message"), [(1, "1 renewal, each with"), (2, "2 renewals, each with")])
def test_life_4_passes_when_every_renewal_brings_a_newer_token(number: int, message: str) -> None:
    visit = started()
    for minute in range(number):
        visit.renew(f"{50 + minute}:00", f"embed-{minute + 2}")

    found = verdict("LIFE-4", ended(visit))

    assert (found.outcome, found.message) == ("passed", f"{message} a newer token.")


def test_life_4_counts_the_renewals_of_all_items_and_visits() -> None:
    first, second = renewed(), renewed(90 * MINUTE)
    first.embed("1", token="other-1", item="2")
    first.renew("40:00", "other-2", item="2")

    found = verdict("LIFE-4", ended(first, number=1, planned=2), ended(second, number=2, planned=2))

    assert (found.outcome, found.message) == ("passed", "7 renewals, each with a newer token.")


CACHED = "The page or its backend answers with a cached token."
APPLIED_TWICE = "The page applies the same answer twice"
NOT_THE_TOKEN = "The page applies something other than the bare token"


@pytest.mark.parametrize(
    ("at", "seen_at", "cause"),
    [
        ("50:01", "50:01", APPLIED_TWICE),
        ("50:01.1", "50:01.100", CACHED),
        ("1:40:00", "1:40:00", CACHED),
        ("1:50:00", "1:50:00", CACHED),
    ],
    ids=["1 s later", "more than 1 s later", "when it is about to expire", "when it has expired"],
)
def test_life_4_fails_when_an_item_is_given_its_token_again(at: str, seen_at: str, cause: str) -> None:
    visit = started()
    visit.renew("50:00", "embed-2")
    again = visit.apply(at, "embed-2")

    found = verdict("LIFE-4", ended(visit))

    assert (found.outcome, found.message) == (
        "failed",
        f"With tokens of 60 min, the page applied a token at {seen_at} that is no renewal: "
        "the item already had embed-2.",
    )
    assert found.likely_cause.startswith(cause)
    assert [entry["token"] for entry in found.evidence] == ["embed-2", "embed-2"]
    assert found.evidence[1] is again


@pytest.mark.parametrize(("at", "outcome"), [("31", "passed"), ("31.001", "failed")])
def test_life_4_ignores_a_token_that_is_applied_twice_within_30_s_of_the_adapters_arrival(
    at: str, outcome: str
) -> None:
    visit = started()
    visit.apply(at, "embed-1")

    assert verdict("LIFE-4", ended(visit, arrived="1")).outcome == outcome


def test_life_4_ignores_a_token_with_which_an_item_is_loaded_again() -> None:
    visit = started()
    visit.load("50:00")
    visit.apply("50:00", "embed-1", how="load")

    found = verdict("LIFE-4", ended(visit))

    assert (found.outcome, found.message) == ("passed", "0 renewals, each with a newer token.")


@pytest.mark.parametrize(("at", "outcome"), [("59:59", "passed"), ("1:00:01", "failed")])
def test_life_4_lets_a_provider_answer_with_the_valid_token_that_the_item_has(at: str, outcome: str) -> None:
    visit = Visit()
    visit.embed("1", token="entra-1", type="entra", provider=True)
    visit.call(at, token="entra-1", answered="0")
    visit.apply(at, "entra-1", how="hook", type="entra")

    assert verdict("LIFE-4", ended(visit)).outcome == outcome


@pytest.mark.parametrize(("at", "outcome"), [("50:01", "passed"), ("50:01.001", "failed")])
def test_life_4_lets_the_page_set_the_token_that_its_provider_has_just_answered(at: str, outcome: str) -> None:
    visit = Visit()
    visit.embed("1", token="entra-1", type="entra", provider=True)
    visit.renew("50:00", "entra-2", how="hook", type="entra")
    visit.apply(at, "entra-2", type="entra")

    assert verdict("LIFE-4", ended(visit)).outcome == outcome


@pytest.mark.parametrize(
    ("token", "type", "problem"),
    [
        ("unknown", "unknown", "the service did not issue it"),
        ("entra-2", "entra", "it is entra-2, and the item needs an embed token"),
        ("embed-2", "embed", "it is embed-2, and the item needs an Entra token"),
    ],
)
def test_life_4_fails_when_an_item_is_given_an_unusable_token(token: str, type: str, problem: str) -> None:
    visit = started()
    if token != "unknown":
        visit.issue("50:00", token, type=type)
    visit.request("50:00", token=token if token != "unknown" else None, answered="0")
    visit.apply("50:00", token, type=type, expires=None, state="unknown")

    found = verdict("LIFE-4", ended(visit))

    assert (found.outcome, found.message) == (
        "failed",
        f"With tokens of 60 min, the page applied a token at 50:00 that is no renewal: {problem}.",
    )
    assert found.likely_cause.startswith(NOT_THE_TOKEN)


def test_life_4_accepts_a_valid_token_after_an_unusable_one_that_was_given_while_the_page_embeds() -> None:
    visit = started()
    visit.apply("5", "unknown")
    visit.renew("50:00", "embed-2")

    found = verdict("LIFE-4", ended(visit))

    assert (found.outcome, found.message) == ("passed", "1 renewal, each with a newer token.")


@pytest.mark.parametrize(("at", "outcome"), [("51:00", "passed"), ("51:00.001", "failed")])
def test_life_4_accepts_a_token_that_expires_together_with_the_one_before_within_a_minute_of_its_issue(
    at: str, outcome: str
) -> None:
    visit = started()
    for token in ("embed-2", "embed-3"):
        visit.issue("50:00", token)
        visit.request("50:00", token=token)
    visit.apply("50:00.2", "embed-2")
    visit.apply(at, "embed-3")

    found = verdict("LIFE-4", ended(visit))

    assert found.outcome == outcome
    assert found.message.endswith(
        "2 renewals, each with a newer token."
        if outcome == "passed"
        else "at 51:00 that is no renewal: embed-3 expires no later than embed-2."
    )


def test_life_4_fails_when_an_item_is_given_an_earlier_token_again() -> None:
    visit = started()
    for token in ("embed-2", "embed-3"):
        visit.issue("50:00", token)
        visit.request("50:00", token=token)
        visit.apply("50:00.2", token)
    visit.apply("50:00.4", "embed-2")

    found = verdict("LIFE-4", ended(visit))

    assert found.outcome == "failed"
    assert found.message.endswith("at 50:00.400 that is no renewal: embed-2 expires no later than embed-3.")
    assert found.likely_cause.startswith(CACHED)


def test_life_4_is_skipped_when_a_request_storm_ends_the_visit() -> None:
    visit = started()
    visit.apply("50:00", "embed-1")

    found = verdict("LIFE-4", visit.end("51:00", storm=True, stopped=STORM))

    assert (found.outcome, found.message) == ("skipped", STORM)


def test_life_4_fails_when_a_token_is_no_renewal_before_the_visit_ends_early() -> None:
    visit = started()
    visit.apply("50:00", "embed-1")

    assert verdict("LIFE-4", visit.end("51:00", stopped=STOPPED)).outcome == "failed"


KEPT = "No renewal made an iframe or a load request; the active page and the filters were kept."
LOST = "the user is back on the first page of the report, without filters."


def test_life_5_passes_when_renewals_reload_nothing_and_keep_the_view() -> None:
    visit = renewed()
    visit.use("5:00", "embed-1", action="pageChange", page="Page2")
    visit.use("45:00", "embed-1", action="filter", page="Page2", filters=["Region is West"])
    visit.use("55:00", "embed-2", page="Page2", filters=["Region is West"])
    visit.use("1:05:00", "embed-2", action="pageChange", filters=["Region is West"])

    found = verdict("LIFE-5", ended(visit))

    assert (found.outcome, found.message) == ("passed", KEPT)


@pytest.mark.parametrize(
    ("comes", "goes", "outcome"),
    [
        ("50:00", "50:00", "failed"),
        ("50:30", "50:00", "failed"),
        ("50:30.001", "50:00", "passed"),
        ("50:00", "50:30", "failed"),
        ("50:00", "50:30.001", "passed"),
    ],
    ids=["at once", "30 s later", "later", "30 s before the other goes", "earlier"],
)
def test_life_5_fails_when_the_same_report_gets_a_new_iframe(comes: str, goes: str, outcome: str) -> None:
    visit = started()
    visit.write(goes, "embed.gone", item="1")
    visit.embed(comes, token="embed-2", item="2", id="1")

    found = verdict("LIFE-5", ended(visit))

    assert found.outcome == outcome
    assert found.message == (
        KEPT if outcome == "passed" else f"With tokens of 60 min, at {comes} the page made a new iframe: {LOST}"
    )
    assert [entry["item"] for entry in found.evidence] == ["2"] * (outcome == "failed")


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("/reportEmbed?reportId=AB&ctid=1", "/reportEmbed?reportId=ab&ctid=2", "failed"),
        ("/reportEmbed?reportId=AB", "/reportEmbed?reportId=AC", "passed"),
        ("/dashboardEmbed?dashboardId=AB", "/dashboardEmbed?dashboardId=ab", "failed"),
        ("/dashboardEmbed?dashboardId=AB", "/dashboardEmbed?dashboardId=AC", "passed"),
        ("/tileEmbed?dashboardId=AB&tileId=1", "/tileEmbed?dashboardId=AB&tileId=2", "passed"),
        ("/dashboardEmbed?dashboardId=AB", "/tileEmbed?dashboardId=AB", "passed"),
    ],
)
def test_life_5_compares_the_paths_and_ids_of_iframes_without_regard_to_case(
    first: str, second: str, outcome: str
) -> None:
    visit = Visit()
    for item, at, address in (("1", "1", first), ("2", "50:00", second)):
        visit.issue(at, f"embed-{item}")
        visit.request(at, token=f"embed-{item}")
        visit.write(
            at, "embed.frame", item=item, path=address.partition("?")[0], url=f"https://app.powerbi.com{address}"
        )
        visit.load(at, item=item, id="ab")
        visit.apply(at, f"embed-{item}", item=item, how="load")
        visit.write(at, "item.event", item=item, event="loaded", detail=None)
    visit.write("50:00", "embed.gone", item="1")

    assert verdict("LIFE-5", ended(visit)).outcome == outcome


@pytest.mark.parametrize(
    ("load", "outcome"),
    [({}, "failed"), ({"page": "Page2"}, "passed"), ({"visual": "Chart"}, "passed"), ({"id": "2"}, "passed")],
    ids=["same view", "another page", "another visual", "another report"],
)
@pytest.mark.parametrize("new_iframe", [True, False], ids=["in a new iframe", "in the same iframe"])
def test_life_5_passes_when_another_view_is_shown(new_iframe: bool, load: dict[str, str], outcome: str) -> None:
    visit = started()
    if new_iframe:
        visit.write("50:00", "embed.gone", item="1")
        visit.embed("50:00", token="embed-2", item="2", **{"id": "1"} | load)
    else:
        visit.issue("50:00", "embed-2")
        visit.request("50:00", token="embed-2", answered="0")
        visit.load("50:00", **load)
        visit.apply("50:00", "embed-2", how="load")

    assert verdict("LIFE-5", ended(visit)).outcome == outcome


def test_life_5_judges_the_first_load_of_an_iframe_and_its_latest_load() -> None:
    """The first iframe shows page 1 and then page 2; the second one begins with page 1 again."""
    visit = started()
    visit.load("20:00", page="Page2")
    visit.apply("20:00", "embed-1", how="load")
    visit.write("50:00", "embed.gone", item="1")
    visit.embed("50:00", token="embed-2", item="2", id="1")

    assert verdict("LIFE-5", ended(visit)).outcome == "failed"


@pytest.mark.parametrize(
    ("went", "outcome"), [("", "failed"), ("50:00", "failed"), ("50:00.5", "passed")], ids=["none", "before", "between"]
)
def test_life_5_passes_when_another_report_was_shown_in_between(went: str, outcome: str) -> None:
    """The first report goes at 50:00 and comes again at 50:01. Another one comes at 49:00, and goes at `went`."""
    visit = started()
    if went:
        visit.embed("49:00", token="embed-2", item="2")
        visit.write(went, "embed.gone", item="2")
    visit.write("50:00", "embed.gone", item="1")
    visit.embed("50:01", token="embed-3", item="3", id="1")

    assert verdict("LIFE-5", ended(visit)).outcome == outcome


@pytest.mark.parametrize("other", ["stays", "goes for good", "embedded anew"])
def test_life_5_fails_when_one_of_two_items_is_embedded_anew(other: str) -> None:
    visit = Visit()
    visit.embed("1", token="other-1", item="2")
    visit.embed("2", token="embed-1", item="1")
    visit.write("50:00", "embed.gone", item="1")
    visit.embed("50:00", token="embed-2", item="3", id="1")
    if other != "stays":
        visit.write("50:01", "embed.gone", item="2")
    if other == "embedded anew":
        visit.embed("50:01", token="other-2", item="4", id="2")

    assert verdict("LIFE-5", ended(visit)).outcome == "failed"


def test_life_5_fails_when_a_report_returns_after_a_pause_and_is_embedded_anew() -> None:
    visit = started()
    visit.write("10:00", "embed.gone", item="1")
    visit.embed("20:00", token="embed-2", item="2", id="1")
    visit.write("1:10:00", "embed.gone", item="2")
    visit.embed("1:10:00", token="embed-3", item="3", id="1")

    found = verdict("LIFE-5", ended(visit))

    assert (found.outcome, found.message) == (
        "failed",
        f"With tokens of 60 min, at 1:10:00 the page made a new iframe: {LOST}",
    )


def test_life_5_passes_when_reports_take_turns() -> None:
    visit = started()
    for turn in range(1, 12):
        visit.write(f"{15 * turn}:00", "embed.gone", item=str(turn))
        visit.embed(f"{15 * turn}:00", token=f"turn-{turn}", item=str(turn + 1), id=str(turn % 2 + 1))

    found = verdict("LIFE-5", ended(visit))

    assert (found.outcome, found.message) == ("passed", KEPT)


@pytest.mark.parametrize(("again", "outcome"), [("10:02", "passed"), ("10:30", "passed"), ("10:30.001", "failed")])
def test_life_5_passes_when_a_late_report_is_mounted_twice_within_30_s(again: str, outcome: str) -> None:
    visit = started()
    visit.embed("10:00", token="late-1", item="2")
    visit.write(again, "embed.gone", item="2")
    visit.embed(again, token="late-2", item="3", id="2")

    assert verdict("LIFE-5", ended(visit)).outcome == outcome


@pytest.mark.parametrize(("at", "outcome"), [("1:30", "passed"), ("1:30.001", "failed")])
@pytest.mark.parametrize("new_iframe", [True, False], ids=["in a new iframe", "in the same iframe"])
def test_life_5_passes_when_the_item_is_embedded_twice_within_30_s_of_the_adapters_arrival(
    new_iframe: bool, at: str, outcome: str
) -> None:
    visit = started()
    if new_iframe:
        visit.write(at, "embed.gone", item="1")
        visit.embed(at, token="embed-1", item="2", id="1")
    else:
        visit.load(at)
        visit.apply(at, "embed-1", how="load")

    assert verdict("LIFE-5", ended(visit, arrived="1:00")).outcome == outcome


@pytest.mark.parametrize("path", ["/report/load", "/report/prepare"])
def test_life_5_fails_when_the_page_sends_the_load_request_once_more(path: str) -> None:
    visit = renewed()
    load = visit.load("2:30:02")
    load.data["url"] = path
    visit.apply("2:30:02", "embed-4", how="load")

    found = verdict("LIFE-5", ended(visit))

    assert (found.outcome, found.message) == (
        "failed",
        f"With tokens of 60 min, at 2:30:02 the page sent {path} once more: {LOST}",
    )
    assert found.likely_cause.startswith("The page embeds or reloads the item to give it a new token.")
    assert list(found.evidence) == [load]


@pytest.mark.parametrize(
    ("action", "shown", "lost"),
    [
        ("render", {"page": "Page1"}, "the user was on Page1 and no longer on Page2"),
        ("filter", {"page": "Page1"}, "the user was on Page1 and no longer on Page2"),
        ("pageChange", {"page": "Page1"}, ""),
        ("render", {"filters": []}, "the user's filters were gone"),
        ("pageChange", {"filters": []}, "the user's filters were gone"),
        ("filter", {"filters": []}, ""),
        ("refresh", {}, ""),
    ],
)
def test_life_5_fails_when_the_view_changes_without_an_interaction(
    action: str, shown: dict[str, Any], lost: str
) -> None:
    visit = renewed()
    view = {"page": "Page2", "filters": ["Region is West"]}
    visit.use("40:00", "embed-1", action="pageChange", page="Page2")
    before = visit.use("45:00", "embed-1", action="filter", **view)
    after = visit.use("50:02", "embed-2", action=action, **view | shown)

    found = verdict("LIFE-5", ended(visit))

    assert (found.outcome, found.message) == (
        ("failed", f"With tokens of 60 min, by 50:02 {lost}.") if lost else ("passed", KEPT)
    )
    assert list(found.evidence) == ([before, after] if lost else [])


@pytest.mark.parametrize(("at", "outcome"), [("44:59", "failed"), ("45:00", "passed"), ("50:02", "passed")])
def test_life_5_accepts_another_page_after_another_view_was_loaded(at: str, outcome: str) -> None:
    visit = renewed()
    visit.load(at, id="2")
    visit.apply(at, "embed-2" if at == "50:02" else "embed-1", how="load")
    visit.use("45:00", "embed-1", action="pageChange", page="Page2")
    visit.use("50:02", "embed-2", action="render", page="Page1")

    assert verdict("LIFE-5", ended(visit)).outcome == outcome


def reset(
    visit: Visit,
    renewal: int,
    *,
    message_s: float = 1,
    change_s: float = 1,
    wait: timedelta = 50 * MINUTE,
    page: str = "Page1",
    **message: Any,
) -> Entry:
    """Let the user go to page 2 a minute before a renewal, and let the page send a message after it.

    `renewal` is the number of the renewal, each of which comes `wait` after the one before. `message_s` and `change_s`
    are the seconds from the renewal to the message, by default one that sets the active page, and to the data request
    for `page`. The function returns this data request.
    """
    at_s = (renewal * wait).total_seconds() + 1
    visit.use(f"{at_s - 60}", f"embed-{renewal}", action="pageChange", page="Page2")
    sent = {"item": "1", "direction": "received", "method": "PUT", "url": "/report/pages/active"} | message
    visit.write(f"{at_s + message_s}", "protocol", **sent, uid="uid-1", status=None)
    return visit.use(f"{at_s + change_s}", f"embed-{renewal + 1}", action="pageChange", page=page)


RESETS = "With tokens of 60 min, after each of 2 renewals the page itself changed the active page or the filters"


@pytest.mark.parametrize("timing", [{}, {"message_s": 0, "change_s": 0}, {"message_s": 4, "change_s": 5}])
@pytest.mark.parametrize(
    "message",
    [
        {},
        {"method": "PUT", "url": "/report/filters"},
        {"method": "DELETE", "url": "/report/pages/Page2/filters"},
        {"method": "POST", "url": "/report/filters"},
    ],
    ids=["sets the page", "sets filters", "removes filters", "adds filters"],
)
def test_life_5_fails_when_the_page_changes_the_view_after_each_renewal(
    message: dict[str, str], timing: dict[str, float]
) -> None:
    visit = renewed()
    changed = [reset(visit, renewal, **timing, **message) for renewal in (1, 2)]

    found = verdict("LIFE-5", ended(visit))

    assert (found.outcome, found.message) == (
        "failed",
        f"{RESETS}, the first time at 50:0{1 + timing.get('change_s', 1)}.",
    )
    assert found.likely_cause.startswith("After each renewal the page sets the active page or the filters again.")
    assert list(found.evidence) == changed


@pytest.mark.parametrize(
    "harmless",
    [
        {"change_s": 5.001, "message_s": 5},
        {"change_s": 2.001},
        {"change_s": 0.5},
        {"page": "Page2"},
        {"direction": "sent"},
        {"method": "GET"},
        {"url": "/report/pages"},
        {"item": "2"},
    ],
    ids=[
        "more than 5 s after the renewal",
        "more than 1 s after the message",
        "before the message",
        "page that the user sees",
        "message of the item",
        "question",
        "other address",
        "other item",
    ],
)
def test_life_5_passes_when_the_page_does_not_change_the_view_after_each_renewal(harmless: dict[str, Any]) -> None:
    visit = renewed()
    for renewal in (1, 2):
        reset(visit, renewal, **harmless)

    found = verdict("LIFE-5", ended(visit))

    assert (found.outcome, found.message) == ("passed", KEPT)


def test_life_5_passes_when_the_page_changes_the_view_after_one_renewal_only() -> None:
    visit = renewed()
    reset(visit, 1)

    assert verdict("LIFE-5", ended(visit)).outcome == "passed"


@pytest.mark.parametrize(("others", "outcome"), [(1, "failed"), (2, "passed")])
@pytest.mark.parametrize("embedding", [True, False], ids=["while the page embeds", "later"])
def test_life_5_passes_when_the_page_changes_the_view_as_often_at_other_times(
    embedding: bool, others: int, outcome: str
) -> None:
    """Two changes follow renewals. Changes while the page embeds do not count as changes at other times."""
    visit = renewed()
    for renewal in (1, 2):
        reset(visit, renewal)
    for number in range(others):
        at = f"2{number}" if embedding else f"2{number}:00"
        visit.write(
            at,
            "protocol",
            item="1",
            direction="received",
            method="PUT",
            url="/report/pages/active",
            uid="uid-1",
            status=None,
        )
        visit.use(at, "embed-1", action="pageChange", page=f"Page{2 - number % 2}")

    found = verdict("LIFE-5", ended(visit))

    assert found.outcome == ("failed" if embedding else outcome)


def test_life_5_shows_five_of_many_changes_of_the_view_by_the_page() -> None:
    visit = renewed(lead=45 * MINUTE)
    changed = [reset(visit, renewal, wait=15 * MINUTE) for renewal in range(1, 8)]

    found = verdict("LIFE-5", ended(visit))

    assert found.message.startswith("With tokens of 60 min, after each of 7 renewals the page itself changed")
    assert list(found.evidence) == changed[:5]


def test_life_5_is_skipped_when_the_visit_ends_early() -> None:
    found = verdict("LIFE-5", renewed().end("50:00", stopped=STOPPED))

    assert (found.outcome, found.message) == ("skipped", STOPPED)
