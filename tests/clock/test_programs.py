"""Random small programs in a real page: every event happens when the model of programs says, and no other one does."""

import logging
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import freezegun
import pytest
from hypothesis import HealthCheck, given, seed, settings
from model_of_programs import LEAVES, Event, Run, Stretch, complaints
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Playwright
from programs import Act, Document, Go, Interval, Leave, Program, Timer, Wait, programs
from site_of_programs import WAITS, ProgramSite, site_of_programs

from harness.base.errors import HarnessError
from harness.clock import real_time
from harness.stage import Stage
from harness.stage.session import HarnessSession
from harness.stage.tab import Tab

freezegun.configure(extend_ignore_list=["hypothesis"])  # hypothesis reads real time for its own timeouts

LOG = logging.getLogger(__name__)
SEEDS = 8
SEEDS_OF_A_NORMAL_RUN = 3
PROGRAMS_PER_SEED = 25
SHRINKING_S = 20.0
"""Real seconds in which hypothesis may look for a smaller program that fails as well."""
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture(scope="module")
def program_site() -> Iterator[ProgramSite]:
    with site_of_programs() as site:
        yield site


class Runner:
    """A runner of programs, one after another in the same tab. A program that failed is followed by a new tab."""

    def __init__(self, session: HarnessSession, site: ProgramSite) -> None:
        self._session, self._site = session, site
        self._stage: Stage | None = None
        self._failed: dict[Program, list[str]] = {}
        self._end_by_s = math.inf

    def judge(self, program: Program) -> list[str]:
        """Run a program, and return the complaints of the model.

        `SHRINKING_S` after the first complaint, no program that is new is run.
        """
        if program in self._failed or real_time.seconds() > self._end_by_s:
            return self._failed.get(program, [])
        try:
            seen = self.watch(program)
            found = complaints(program, seen) + self._calls_not_awaited()
        except HarnessError as error:
            seen, found = None, [str(error)]
        if found:
            LOG.warning("\n".join([str(program), *found, *described(seen)]))  # a rare failure may not come again
            self.close()
            self._failed[program] = found
            self._end_by_s = min(self._end_by_s, real_time.seconds() + SHRINKING_S)
        return found

    def watch(self, program: Program) -> Run:
        """Run a program on this runner's stage, and return its record."""
        self._stage = self._stage or self._session.stage()
        return run(self._stage, self._site, program)

    def _calls_not_awaited(self) -> list[str]:
        """Return the browser calls for which the clock did not wait."""
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
    """Run a program in a page on the virtual clock, and return its record. At the end, show the tab for a second."""
    before, url = len(stage.journal.of("tab")), site.add(program)
    stage.goto(url)
    navigated_ms: list[int] = []
    for act in [*program.acts, Act("shown", 1000)]:
        if isinstance(act, Go):
            put(stage.tab, "shown")
            navigated_ms.append(milliseconds(stage.clock.now))
            go(stage, act.how, f"{url}?{len(navigated_ms)}")
        else:
            put(stage.tab, act.tab)
            stage.clock.advance(act.length_ms * MILLISECOND)
    events = journal_of(stage)
    changes = [(milliseconds(entry.at), entry["state"]) for entry in stage.journal.of("tab")[before:]]
    return Run(events, navigated_ms, stretches(changes, milliseconds(stage.clock.now)), hidden_before=before > 0)


def described(seen: Run | None) -> Iterator[str]:
    """Yield the record line by line, with instants in milliseconds since its first event."""
    if seen:
        began = seen.events[0].at_ms
        yield from (f"{one.began_ms - began} to {one.ended_ms - began}: {one.tab}" for one in seen.stretches)
        yield from (f"{event.at_ms - began} {event.key} {event.begins or ''}" for event in seen.events)


def journal_of(stage: Stage) -> list[Event]:
    """Return the page's journal, once no document of the page is about to be replaced."""
    while True:
        try:
            events = [Event(*event) for event in stage.page.evaluate("events")]
            if not events[-1].key.endswith(LEAVES):
                return events
        except PlaywrightError:  # the document was replaced during the call
            pass
        stage.clock.advance("100ms")


def go(stage: Stage, how: str, url: str) -> None:
    """Navigate as the user does. Where there is nothing to go back to, reload."""
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
    """Return the states of the tab, from its changes: each the instant and the new state."""
    made: list[Stretch] = []
    away_since = 0
    for (began, state), (until, _) in pairwise([(0, "shown"), *changes, (ended, "")]):
        tab = state.replace("resumed", "hidden")
        away_since = began if made and made[-1].tab == "shown" else away_since
        made.append(Stretch(tab, began, until, away_since))
    return made


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=[pytest.mark.soak] if n >= SEEDS_OF_A_NORMAL_RUN else []) for n in range(SEEDS)],
)
def test_every_event_of_a_random_program_happens_when_the_model_says(runner: Runner, number: int) -> None:
    @seed(number)
    @settings(max_examples=PROGRAMS_PER_SEED, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(programs(list(WAITS)))
    def each(program: Program) -> None:
        assert runner.judge(program) == []

    each()


FIXED_BUGS = {
    "standstill after history.back()": Program(
        (Document((), Leave(1000, "elsewhere")), Document((), Leave(1000, "back"))), (Act("shown", 10_000),)
    ),
    "virtual time passed without the clock": Program(
        (
            Document(
                (Interval(250, 60, (Wait("blob"),)), Interval(7001, 4, (Wait("permission"), Wait("slow request"))))
            ),
        ),
        (Act("hidden", 1000), Act("shown", 333)) * 6,
    ),
    "an interval skipped a tick close after a late one": Program(
        (Document((Interval(16, 4, (Interval(250, 60),)),)),), (Act("frozen", 1000),)
    ),
    "virtual time jumped when a page with a worker was shown": Program(
        (Document((Interval(250, 60), Wait("message to a worker", (Interval(16, 60),)))),),
        (Act("shown", 190), Act("hidden", 10_000)),
    ),
}


@pytest.mark.parametrize("bug", FIXED_BUGS)
def test_bug_that_a_random_program_found_stays_fixed(runner: Runner, bug: str) -> None:
    assert runner.judge(FIXED_BUGS[bug]) == []


TRIES = 5
THREE_SECOND_PROGRAMS = [
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


def test_programs_have_the_same_events_in_the_same_order_in_real_time(
    runner: Runner, program_site: ProgramSite, pbi_session: HarnessSession, playwright: Playwright
) -> None:
    """Run each program on the virtual clock and in a browser without one, up to `TRIES` times.

    In real time a busy machine may delay an event until after the next one.
    """
    expected = {program: order(runner.watch(program).events) for program in THREE_SECOND_PROGRAMS}
    runner.close()  # which gives Python its real time back

    different = dict(expected)
    for _ in range(TRIES):
        real = in_real_time(playwright, pbi_session.browser_path, [program_site.add(program) for program in different])
        different = {program: seen for program, seen in zip(different, real, strict=True) if seen != expected[program]}
        if not different:
            break
    assert different == {program: expected[program] for program in different}


def order(events: list[Event]) -> list[str]:
    """Return the events without their instants."""
    return [f"{event.key} begins" if event.begins else event.key for event in events]


def in_real_time(playwright: Playwright, path: Path, urls: list[str]) -> list[list[str]]:
    """Return the journals of pages in tabs of a browser without a virtual clock, after a second without an event."""
    with playwright.chromium.launch(executable_path=path, args=["--renderer-process-limit=1"]) as browser:
        context = browser.new_context()
        tabs = [context.new_page() for _ in urls]
        for tab, url in zip(tabs, urls, strict=True):
            tab.goto(url)
        for tab in tabs:
            tab.wait_for_function("performance.now() > 3000 && Date.now() - events.at(-1)[1] > 1000", polling=100)
        return [order([Event(*event) for event in tab.evaluate("events")]) for tab in tabs]
