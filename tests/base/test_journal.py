"""Tests of the journal: the order of entries, and entries that are scheduled."""

from datetime import timedelta

import pytest
from support.manual_clock import START, Clock

from harness.base.journal import Journal


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(clock: Clock) -> Journal:
    return Journal(clock.now)


def test_scheduled_entries_are_in_order_of_time_and_before_entries_written_later(
    journal: Journal, clock: Clock
) -> None:
    journal.schedule(START + timedelta(minutes=2), "tab", state="second")
    journal.schedule(START + timedelta(minutes=1), "tab", state="first")
    journal.schedule(START + timedelta(hours=1), "tab", state="not yet")
    assert len(journal) == 0
    clock.advance(minutes=3)
    journal.write("tab", state="third")
    assert [(entry.at - START, entry["state"]) for entry in journal] == [
        (timedelta(minutes=1), "first"),
        (timedelta(minutes=2), "second"),
        (timedelta(minutes=3), "third"),
    ]


@pytest.mark.parametrize("cancelled", [True, False])
def test_scheduled_entry_is_dropped_if_unless_is_true_when_it_is_due(
    journal: Journal, clock: Clock, cancelled: bool
) -> None:
    unwanted = False
    journal.schedule(START + timedelta(minutes=1), "tab", unless=lambda: unwanted)
    unwanted = cancelled
    clock.advance(minutes=1)
    assert len(journal) == (0 if cancelled else 1)


def test_latest_is_the_time_of_the_last_entry(journal: Journal, clock: Clock) -> None:
    assert journal.latest is None
    journal.schedule(START + timedelta(minutes=1), "tab")
    clock.advance(minutes=2)
    assert journal.latest == START + timedelta(minutes=1)


def test_of_returns_the_entries_with_this_kind_and_data(journal: Journal) -> None:
    journal.write("tab", state="hidden")
    shown = journal.write("tab", state="shown")
    journal.write("page.error", state="shown")
    assert journal.of("tab", state="shown") == [shown]
