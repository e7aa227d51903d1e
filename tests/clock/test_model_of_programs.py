"""The model of programs complains of each wrong event, and accepts the right ones."""

import pytest
from model_of_programs import FRACTION_MS, ROUNDING_MS, Event, Run, Stretch, complaints
from programs import Act, Document, Interval, Program, Timer, Wait

INTERVAL_AND_LOCKS = Program(
    (Document((Interval(1000, 2), Wait("lock", (Timer(50),)), Wait("lock"))),), (Act("shown", 3000),)
)
EXPECTED_EVENTS = [
    Event("0", 5000),
    Event("0/1", 5000, "lock"),
    Event("0/2", 5000, "lock"),
    Event("0/1", 5030),
    Event("0/2", 5031),
    Event("0/1/0", 5080),
    Event("0/0#1", 6000),
    Event("0/0#2", 7000),
]


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        (EXPECTED_EVENTS, None),
        ([*EXPECTED_EVENTS[:-1], Event("0/0#2", 7001)], f"0/0#2 happened at 2001, not at {2000 - ROUNDING_MS} to 2000"),
        (EXPECTED_EVENTS[:-1], f"0/0#2 did not happen at {2000 - ROUNDING_MS} to 2000"),
        ([*EXPECTED_EVENTS, Event("0/0#3", 8000)], "0/0#3 happened at 3000 without a cause"),
        ([*EXPECTED_EVENTS, EXPECTED_EVENTS[-1]], "0/0#2 happened 2 times"),
        ([*EXPECTED_EVENTS[:3], Event("0/1", 5201), Event("0/2", 5201), Event("0/1/0", 5251), *EXPECTED_EVENTS[6:]], "0/1 happened at 201, not at 0 to 200"),
        ([*EXPECTED_EVENTS[:3], EXPECTED_EVENTS[4], Event("0/1", 5031), Event("0/1/0", 5081), *EXPECTED_EVENTS[6:]], "('lock', 'lock during a request') began in the order ['0/1', '0/2'] and ended in the order ['0/2', '0/1']"),
    ],
)  # fmt: skip
def test_model_complains_of_events_that_are_late_missing_repeated_or_out_of_order(
    events: list[Event], complaint: str | None
) -> None:
    assert complaints(INTERVAL_AND_LOCKS, Run(events, [], [Stretch("shown", 0, 8000, 0)]))[:1] == (
        [complaint] if complaint else []
    )


@pytest.mark.parametrize(
    ("hidden_at", "complaint"),
    [(7000, []), (7001, [f"0/0#2 happened at 2500, not at {2000 - ROUNDING_MS} to 2000"])],
)
def test_model_allows_a_tick_before_or_after_a_tab_change_in_the_same_millisecond(
    hidden_at: int, complaint: list[str]
) -> None:
    stretches = [
        Stretch("shown", 0, hidden_at, 0),
        Stretch("frozen", hidden_at, 7500, hidden_at),
        Stretch("shown", 7500, 9000, hidden_at),
    ]
    assert (
        complaints(INTERVAL_AND_LOCKS, Run([*EXPECTED_EVENTS[:-1], Event("0/0#2", 7500)], [], stretches)) == complaint
    )


@pytest.mark.parametrize(
    ("at", "complaint"),
    [(7001, []), (7002, [f"0/0#2 happened at 2002, not at {2000 - ROUNDING_MS} to {2000 + FRACTION_MS}"])],
)
def test_model_allows_timers_of_a_page_that_was_hidden_a_fraction_of_a_millisecond(
    at: int, complaint: list[str]
) -> None:
    events = [*EXPECTED_EVENTS[:-1], Event("0/0#2", at)]
    stretches = [Stretch("shown", 0, 5600, 0), Stretch("hidden", 5600, 6500, 5600), Stretch("shown", 6500, 9000, 5600)]
    assert complaints(INTERVAL_AND_LOCKS, Run(events, [], stretches)) == complaint
    assert (
        complaints(INTERVAL_AND_LOCKS, Run(events, [], [Stretch("shown", 0, 9000, 0)], hidden_before=True)) == complaint
    )
