"""ZONE-1, on small journals. tests/contract/test_skew.py covers what its judgement has in common with SKEW-1."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from journals import Visit, verdict

from harness.base.journal import Entry, Journal
from harness.contract import PageFacts
from harness.contract.observation import Observation

HALF_A_YEAR = timedelta(days=182)
BY_URL = PageFacts("page", "http://localhost:3000/report")
"""A page that is given by its URL, whose backend may sign its user out."""
KOLKATA, ENDS = "in Asia/Kolkata, across midnight", "in America/Los_Angeles, as summer time ends"


def renewing(**facts: str) -> Observation:
    """Return a healthy visit whose item is renewed 10 min before each expiry."""
    visit = Visit()
    visit.embed()
    visit.renew("50:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    return visit.end("2:30:00", **facts)


def in_zone(title: str = ENDS) -> Visit:
    """Return a visit in another time zone, the first or the second of two."""
    return Visit("time_zones", facts={"title": title, "number": 1 + (title == ENDS), "planned": 2})


def in_time(title: str = KOLKATA) -> Observation:
    """Return a visit in another time zone in which every token is renewed in time."""
    visit = in_zone(title)
    visit.embed()
    visit.renew("50:00", "embed-2")
    visit.use("1:01:00", "embed-2")
    return visit.end("1:45:00")


def expired() -> Observation:
    """Return a visit in another time zone in which a token expires in use."""
    visit = in_zone(ENDS)
    visit.embed()
    visit.expire("embed-1")
    visit.use("1:01:00", "embed-1")
    return visit.end("1:45:00")


def later(observed: Observation, by: timedelta = HALF_A_YEAR) -> Observation:
    """Return the same visit at a later date."""

    def shifted(value: object) -> object:
        return value + by if isinstance(value, datetime) else value

    entries = [
        Entry(entry.at + by, entry.kind, {name: shifted(value) for name, value in entry.data.items()})
        for entry in observed.journal
    ]
    return replace(
        observed, opened=observed.opened + by, ended=observed.ended + by, journal=Journal.of_the_past(entries)
    )


def test_zone_1_passes_when_every_token_is_renewed_in_time_in_every_zone() -> None:
    found = verdict("ZONE-1", renewing(), in_time(KOLKATA), later(in_time(ENDS)), page=BY_URL)

    assert (found.outcome, found.message) == ("passed", f"No token expired in use in 2 visits ({KOLKATA}; {ENDS}).")


@pytest.mark.parametrize("by", [timedelta(0), HALF_A_YEAR])
def test_zone_1_fails_when_a_token_expires_in_use(by: timedelta) -> None:
    found = verdict("ZONE-1", renewing(), in_time(), later(expired(), by), page=BY_URL)

    assert (found.outcome, found.message, found.likely_cause) == (
        "failed",
        "In America/Los_Angeles, as summer time ends: at 1:01:00 a data request carried an expired token.",
        "The page or its backend writes or reads a time in local time, or drops the Z at its end. Keep every time in "
        "UTC.",
    )


def test_zone_1_is_skipped_when_nothing_is_embedded_at_a_later_date() -> None:
    signed_out = later(in_zone().end("0:30"))

    found = verdict("ZONE-1", renewing(), in_time(), signed_out, page=BY_URL)

    assert (found.outcome, found.message) == (
        "skipped",
        "In America/Los_Angeles, as summer time ends: by 2026-07-02 a sign-in may have ended: nothing was embedded.",
    )


def test_zone_1_is_skipped_when_the_page_goes_to_its_sign_in_at_a_later_date() -> None:
    visit = in_zone()
    visit.embed()
    opened = {"url": "http://localhost:3000/report", "landed": "http://localhost:3000/sign-in"}

    found = verdict("ZONE-1", renewing(), in_time(), later(visit.end("1:45:00", **opened)), page=BY_URL)

    assert (found.outcome, found.message) == (
        "skipped",
        "In America/Los_Angeles, as summer time ends: by 2026-07-02 a sign-in may have ended: the page went to "
        "http://localhost:3000/sign-in.",
    )


def test_zone_1_names_the_first_of_two_visits_after_a_sign_in_may_have_ended() -> None:
    visits = [later(in_zone(title).end("0:30")) for title in (KOLKATA, ENDS)]

    found = verdict("ZONE-1", renewing(), *visits, page=BY_URL)

    assert (found.outcome, found.message.partition(":")[0]) == ("skipped", "In Asia/Kolkata, across midnight")


def test_zone_1_fails_when_a_token_expires_in_use_after_a_visit_without_a_sign_in() -> None:
    signed_out = later(in_zone(KOLKATA).end("0:30"))

    assert verdict("ZONE-1", renewing(), signed_out, later(expired()), page=BY_URL).outcome == "failed"


@pytest.mark.parametrize(
    ("url", "landed"),
    [
        ("http://localhost:3000/", "http://localhost:3000/report"),
        ("http://localhost:3000", "https://localhost:3000"),
    ],
    ids=["moves as in the healthy visit", "does not move"],
)
def test_zone_1_judges_a_visit_at_a_later_date_whose_page_lands_where_it_did_before(url: str, landed: str) -> None:
    opened = {"url": url, "landed": landed}
    moved = replace(expired(), **opened)

    assert verdict("ZONE-1", renewing(**opened), in_time(), later(moved), page=BY_URL).outcome == "failed"


@pytest.mark.parametrize(
    ("page", "by"),
    [(PageFacts("page"), HALF_A_YEAR), (BY_URL, timedelta(0)), (BY_URL, timedelta(hours=2, minutes=30))],
    ids=["page of the local host", "visit on the same day", "visit that begins as the healthy one ends"],
)
def test_zone_1_fails_when_nothing_is_embedded_although_no_sign_in_can_have_ended(
    page: PageFacts, by: timedelta
) -> None:
    found = verdict("ZONE-1", renewing(), in_time(), later(in_zone().end("0:30"), by), page=page)

    assert (found.outcome, found.message) == (
        "failed",
        "In America/Los_Angeles, as summer time ends: nothing was embedded.",
    )


def test_zone_1_is_skipped_when_a_visit_at_a_later_date_ended_early() -> None:
    visit = in_zone()
    visit.embed()
    ended_early = visit.end("20:00", stopped="The page crashed.")

    found = verdict("ZONE-1", renewing(), in_time(), later(ended_early), page=BY_URL)

    assert (found.outcome, found.message) == ("skipped", "The page crashed.")


def test_zone_1_is_skipped_when_nothing_is_embedded_with_the_right_clock() -> None:
    found = verdict("ZONE-1", Visit().end("0:30"), page=BY_URL)

    assert (found.outcome, found.message) == ("skipped", "Nothing was embedded (EMB-1).")


def test_zone_1_is_skipped_when_the_backend_uses_real_time() -> None:
    visit = Visit()
    visit.embed()
    visit.issue("1:00", "foreign-1")
    visit.apply("1:00", "foreign-1")

    found = verdict("ZONE-1", visit.end("2:30:00"), page=replace(BY_URL, has_own_backend=True))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page's backend uses real time, so its renewals cannot be judged: foreign-1 of 01:00 was issued by another "
        "service.",
    )


def test_zone_1_is_skipped_when_the_clock_could_not_wait_for_a_call_before_the_finding() -> None:
    visit = in_zone()
    visit.embed()
    visit.write(
        "55:00", "clock", what="work without an end", url="", since=visit.expiries["embed-1"], call="caches.open()"
    )
    visit.expire("embed-1")
    visit.use("1:01:00", "embed-1")

    found = verdict("ZONE-1", renewing(), in_time(), visit.end("1:45:00"))

    assert found.outcome == "skipped"
    assert found.message.startswith(
        f"The clock could not wait for caches.open() at 55:00 ({ENDS}), so this finding may"
    )
