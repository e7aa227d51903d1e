"""Random small programs in a real page: all happens when the model of them says that it must, and nothing else does."""

import logging
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import freezegun
import pytest
from hypothesis import HealthCheck, given, seed, settings
from model_of_programs import FRACTION, LEAVES, ROUNDING, Event, Run, Stretch, complaints
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Playwright
from programs import Act, Document, Go, Interval, Leave, Program, Timer, Wait, programs
from site_of_programs import WAITS, ProgramSite, site_of_programs

from harness.base.errors import HarnessError
from harness.clock import real_time
from harness.stage import Stage
from harness.stage.session import HarnessSession
from harness.stage.tab import Tab

freezegun.configure(extend_ignore_list=["hypothesis"])  # it gives up by real time

LOG = logging.getLogger(__name__)
SEEDS = 8
PROGRAMS = 25
SHRINKING = 20.0
"""Real seconds in which a program that went wrong is made smaller."""
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture(scope="module")
def program_site() -> Iterator[ProgramSite]:
    with site_of_programs() as site:
        yield site


class Runner:
    """Runs programs one after another in the same tab; after one that went wrong, in another."""

    def __init__(self, session: HarnessSession, site: ProgramSite) -> None:
        self._session, self._site = session, site
        self._stage: Stage | None = None
        self._bad: dict[Program, list[str]] = {}
        self._give_up = math.inf

    def judge(self, program: Program) -> list[str]:
        """What the model complains of. Long after the first complaint no new programs are tried."""
        if program in self._bad or real_time.seconds() > self._give_up:
            return self._bad.get(program, [])
        try:
            seen = self.watch(program)
            found = complaints(program, seen) + self._inexact()
        except HarnessError as error:
            seen, found = None, [str(error)]
        if found:
            LOG.warning("\n".join([str(program), *found, *told(seen)]))  # a rare one may not come again
            self.close()
            self._bad[program] = found
            self._give_up = min(self._give_up, real_time.seconds() + SHRINKING)
        return found

    def watch(self, program: Program) -> Run:
        """What is seen of a program in a page on the virtual clock."""
        self._stage = self._stage or self._session.stage()
        return run(self._stage, self._site, program)

    def _inexact(self) -> list[str]:
        """What time did not wait for."""
        return [f"{entry['what']}: {entry['call']}" for entry in self._stage.journal.of("clock")] if self._stage else []

    def close(self) -> None:
        stage, self._stage = self._stage, None
        if stage:
            stage.close()


@pytest.fixture
def runner(pbi_session: HarnessSession, program_site: ProgramSite) -> Iterator[Runner]:
    runner = Runner(pbi_session, program_site)
    yield runner
    runner.close()


def run(stage: Stage, site: ProgramSite, program: Program) -> Run:
    """What is seen of a program in a page on the virtual clock. At the end the tab is shown for a second."""
    before, url = len(stage.journal.of("tab")), site.add(program)
    stage.goto(url)
    gone = []
    for act in [*program.acts, Act("shown", 1000)]:
        if isinstance(act, Go):
            put(stage.tab, "shown")
            gone.append(milliseconds(stage.clock.now))
            go(stage, act.how, f"{url}?{len(gone)}")
        else:
            put(stage.tab, act.tab)
            stage.clock.advance(act.length * MILLISECOND)
    events = journal_of(stage)
    changes = [(milliseconds(entry.at), entry["state"]) for entry in stage.journal.of("tab")[before:]]
    return Run(events, gone, stretches(changes, milliseconds(stage.clock.now)), hidden_before=before > 0)


def told(seen: Run | None) -> Iterator[str]:
    """All that was seen, in milliseconds from its beginning."""
    if seen:
        began = seen.events[0].at
        yield from (f"{one.began - began} to {one.ended - began}: {one.tab}" for one in seen.stretches)
        yield from (f"{event.at - began} {event.key} {event.begins or ''}" for event in seen.events)


def journal_of(stage: Stage) -> list[Event]:
    """What the page noted, once no document of it is about to be replaced."""
    while True:
        try:
            events = [Event(*event) for event in stage.page.evaluate("events")]
            if not events[-1].key.endswith(LEAVES):
                return events
        except PlaywrightError:  # just replaced
            pass
        stage.clock.advance("100ms")


def go(stage: Stage, how: str, url: str) -> None:
    """Do what the user does; who cannot go back reloads."""
    if how == "goto":
        stage.goto(url)
    elif how == "back" and stage.page.evaluate("canGoBack()"):
        stage.back()
    else:
        stage.reload()


def put(tab: Tab, state: str) -> None:
    """Show, hide or freeze the tab."""
    if state == tab.state:
        return
    hide = tab.resume if tab.state == "frozen" else tab.hide
    {"shown": tab.show, "hidden": hide, "frozen": tab.freeze}[state]()


def stretches(changes: list[tuple[int, str]], ended: int) -> list[Stretch]:
    """What the tab was, from what was noted of its changes."""
    made, away_since = [], 0
    for (began, state), (until, _) in pairwise([(0, "shown"), *changes, (ended, "")]):
        tab = state.replace("resumed", "hidden")
        away_since = began if made and made[-1].tab == "shown" else away_since
        made.append(Stretch(tab, began, until, away_since))
    return made


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


@pytest.mark.parametrize("number", range(SEEDS))
def test_all_happens_when_it_must(runner: Runner, number: int) -> None:
    @seed(number)
    @settings(max_examples=PROGRAMS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(programs(list(WAITS)))
    def each(program: Program) -> None:
        assert runner.judge(program) == []

    each()


FOUND = {
    "time stood still after history.back()": Program(
        (Document((), Leave(1000, "elsewhere")), Document((), Leave(1000, "back"))), (Act("shown", 10_000),)
    ),
    "time ran on behind the clock": Program(
        (
            Document(
                (Interval(250, 60, (Wait("blob"),)), Interval(7001, 4, (Wait("permission"), Wait("slow request"))))
            ),
        ),
        (Act("hidden", 1000), Act("shown", 333)) * 6,
    ),
    "a tick was left out that was too close to a late one": Program(
        (Document((Interval(16, 4, (Interval(250, 60),)),)),), (Act("frozen", 1000),)
    ),
    "time jumped when a page with a worker was shown": Program(
        (Document((Interval(250, 60), Wait("message to a worker", (Interval(16, 60),)))),),
        (Act("shown", 190), Act("hidden", 10_000)),
    ),
}


@pytest.mark.parametrize("found", FOUND)
def test_what_was_found_with_such_programs_stays_mended(runner: Runner, found: str) -> None:
    assert runner.judge(FOUND[found]) == []


TRIES = 5
IN_THREE_SECONDS = [
    Program((Document(steps, leave), Document(then)), (Act("shown", 2500),))
    for steps, leave, then in [
        ((Interval(300, 8), Timer(450), Timer(1650)), None, ()),
        ((Wait("request", (Timer(500, (Wait("request", (Timer(700),)),)),)), Timer(2500)), None, ()),
        ((Wait("slow request"), Timer(800, (Wait("slow request"),)), Timer(1600, (Wait("request"),))), None, ()),
        ((Wait("IndexedDB"), Timer(900, (Wait("IndexedDB", (Timer(300),)),))), None, ()),
        ((Timer(500, (Wait("key"),)), Timer(1400, (Wait("Cache API"),)), Timer(2300, (Wait("blob"),))), None, ()),
        ((Timer(400, (Wait("lock during a request"), Wait("lock"))), Timer(1500, (Wait("file"),))), None, ()),
        ((Timer(300, (Wait("message to a frame"),)), Timer(1500, (Wait("message to another tab"),))), None, ()),
        ((Timer(300, (Wait("message to a worker"),)), Timer(1700, (Wait("message to a worker"),))), None, ()),
        ((Timer(500, (Wait("WebSocket"),)),), Leave(1400, "reload"), (Timer(600, (Wait("permission"),)),)),
        ((Timer(500),), Leave(1000, "redirect"), (Wait("request"), Interval(500, 2))),
    ]
]


def test_the_same_happens_in_real_time(
    runner: Runner, program_site: ProgramSite, pbi_session: HarnessSession, playwright: Playwright
) -> None:
    """In real time a busy machine may take longer for something than the events are apart; then that program has another try."""
    expected = {program: order(runner.watch(program).events) for program in IN_THREE_SECONDS}
    runner.close()  # and Python's time is real again

    different = dict(expected)
    for _ in range(TRIES):
        real = in_real_time(playwright, pbi_session.browser_path, [program_site.add(program) for program in different])
        different = {program: seen for program, seen in zip(different, real, strict=True) if seen != expected[program]}
        if not different:
            break
    assert different == {program: expected[program] for program in different}


def order(events: list[Event]) -> list[str]:
    """What happened, without when."""
    return [f"{event.key} begins" if event.begins else event.key for event in events]


def in_real_time(playwright: Playwright, path: Path, urls: list[str]) -> list[list[str]]:
    """What the pages note in tabs side by side of a browser without a virtual clock, until they have been quiet for a while."""
    with playwright.chromium.launch(executable_path=path, args=["--renderer-process-limit=1"]) as browser:
        context = browser.new_context()
        tabs = [context.new_page() for _ in urls]
        for tab, url in zip(tabs, urls, strict=True):
            tab.goto(url)
        for tab in tabs:
            tab.wait_for_function("performance.now() > 3000 && Date.now() - events.at(-1)[1] > 1000", polling=100)
        return [order([Event(*event) for event in tab.evaluate("events")]) for tab in tabs]


TWO_THINGS = Program((Document((Interval(1000, 2), Wait("lock", (Timer(50),)), Wait("lock"))),), (Act("shown", 3000),))
GOOD = [
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
        (GOOD, None),
        ([*GOOD[:-1], Event("0/0#2", 7001)], f"0/0#2 happened at 2001, not at {2000 - ROUNDING} to 2000"),
        (GOOD[:-1], f"0/0#2 did not happen at {2000 - ROUNDING} to 2000"),
        ([*GOOD, Event("0/0#3", 8000)], "0/0#3 happened at 3000 for no reason"),
        ([*GOOD, GOOD[-1]], "0/0#2 happened 2 times"),
        ([*GOOD[:3], Event("0/1", 5201), Event("0/2", 5201), Event("0/1/0", 5251), *GOOD[6:]], "0/1 happened at 201, not at 0 to 200"),
        ([*GOOD[:3], GOOD[4], Event("0/1", 5031), Event("0/1/0", 5081), *GOOD[6:]], "('lock', 'lock during a request') began in the order ['0/1', '0/2'] and ended in the order ['0/2', '0/1']"),
    ],
)  # fmt: skip
def test_the_model_complains_of_what_is_late_or_lost_or_doubled(events: list[Event], complaint: str | None) -> None:
    assert complaints(TWO_THINGS, Run(events, [], [Stretch("shown", 0, 8000, 0)]))[:1] == (
        [complaint] if complaint else []
    )


@pytest.mark.parametrize(
    ("hidden_at", "complaint"),
    [(7000, []), (7001, [f"0/0#2 happened at 2500, not at {2000 - ROUNDING} to 2000"])],
)
def test_the_model_knows_that_a_tab_may_change_just_before_or_after_a_tick(
    hidden_at: int, complaint: list[str]
) -> None:
    stretches = [
        Stretch("shown", 0, hidden_at, 0),
        Stretch("frozen", hidden_at, 7500, hidden_at),
        Stretch("shown", 7500, 9000, hidden_at),
    ]
    assert complaints(TWO_THINGS, Run([*GOOD[:-1], Event("0/0#2", 7500)], [], stretches)) == complaint


@pytest.mark.parametrize(
    ("at", "complaint"),
    [(7001, []), (7002, [f"0/0#2 happened at 2002, not at {2000 - ROUNDING} to {2000 + FRACTION}"])],
)
def test_the_model_knows_that_timers_of_a_page_that_was_hidden_tick_at_a_fraction(
    at: int, complaint: list[str]
) -> None:
    events = [*GOOD[:-1], Event("0/0#2", at)]
    stretches = [Stretch("shown", 0, 5600, 0), Stretch("hidden", 5600, 6500, 5600), Stretch("shown", 6500, 9000, 5600)]
    assert complaints(TWO_THINGS, Run(events, [], stretches)) == complaint
    assert complaints(TWO_THINGS, Run(events, [], [Stretch("shown", 0, 9000, 0)], hidden_before=True)) == complaint
