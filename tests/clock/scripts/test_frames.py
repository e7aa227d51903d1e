"""Work that the browser does only with an animation frame is done on time in virtual time.

The browser draws animation frames in real time. Hours of virtual time could pass between two of them.
"""

from itertools import pairwise

import pytest
from playwright.sync_api import Page
from support.site_of_pages import Site

from harness.stage import Stage

TOLERANCE_MS = 200
"""Virtual milliseconds by which work may come too early or too late."""
BOX = "const box = document.createElement('div'); box.style.cssText = 'position: absolute; top: 0; width: 9px; height: 9px';"
"""JavaScript that creates a box for observers, and for changes that the browser has to draw."""
WORK_OF_ANIMATION_FRAMES = {
    "calls of an IntersectionObserver": f"""{BOX} document.body.append(box); let n = 0;
        new IntersectionObserver(() => seen.push(at())).observe(box);
        setInterval(() => {{ box.style.top = n++ % 2 ? '0' : '-99px'; }}, 15_000)""",
    "calls of a ResizeObserver": f"""{BOX} document.body.append(box); let n = 0;
        new ResizeObserver(() => seen.push(at())).observe(box);
        setInterval(() => {{ box.style.width = `${{++n}}px`; }}, 15_000)""",
    "the end of an animation": """(async () => {
        for (;;) { seen.push(at()); await document.body.animate({opacity: [0, 1]}, 15_000).finished; } })()""",
    "the end of an animation beside requested animation frames": """
        const next = () => requestAnimationFrame(next); next(); seen.push(at());
        const animate = () => { document.body.animate({opacity: [0, 1]}, 15_000).onfinish = () => { seen.push(at()); animate(); }; };
        animate()""",
    "an idle callback": f"""{BOX} document.body.append(box); seen.push(at());
        setInterval(() => {{ box.textContent = at(); requestIdleCallback(() => seen.push(at())); }}, 15_000)""",
    "a view transition": """seen.push(at());
        setInterval(() => document.startViewTransition(() => { seen.push(at()); }), 15_000)""",
}
"""Scripts by the kind of work. Each causes its work every 15 virtual seconds, and appends the time to `seen`."""


@pytest.fixture
def page(pbi_stage: Stage, pages: Site) -> Page:
    pbi_stage.open(pages.empty)
    return pbi_stage.page


def run_script(page: Page, script: str) -> None:
    """Run a script in the page."""
    page.evaluate(f"() => {{ {script} }}")


@pytest.mark.parametrize("work", WORK_OF_ANIMATION_FRAMES)
def test_work_of_an_animation_frame_is_done_on_time(pbi_stage: Stage, page: Page, work: str) -> None:
    run_script(page, WORK_OF_ANIMATION_FRAMES[work])
    pbi_stage.clock.advance("10min")
    seen = page.evaluate("seen")
    assert len(seen) in (40, 41)
    assert all(15_000 - TOLERANCE_MS <= after - before <= 15_000 + TOLERANCE_MS for before, after in pairwise(seen))
    assert not pbi_stage.journal.of("clock")
    assert not pbi_stage.journal.of("page.error")


def test_animation_that_begins_before_the_first_animation_frame_lasts_its_duration(
    pbi_stage: Stage, pages: Site
) -> None:
    pbi_stage.open(
        pages.made(
            """<body><script>const started = Date.now(); let over = null;
            document.body.animate({opacity: [0, 1]}, 15_000).onfinish = () => { over = Date.now() - started; }</script>"""
        )
    )
    pbi_stage.clock.advance("14s")
    assert pbi_stage.page.evaluate("over") is None
    pbi_stage.clock.advance("2s")
    assert 15_000 - TOLERANCE_MS <= pbi_stage.page.evaluate("over") <= 15_000 + TOLERANCE_MS


def test_paused_animation_ends_later_by_the_length_of_the_pause(pbi_stage: Stage, page: Page) -> None:
    run_script(
        page,
        """const animation = document.body.animate({opacity: [0, 1]}, 15_000), from = at();
        animation.onfinish = () => seen.push(at() - from);
        setTimeout(() => animation.pause(), 10_000);
        setTimeout(() => { seen.push(animation.playState); animation.play(); }, 40_000)""",
    )
    pbi_stage.clock.advance("1min")
    state, ended = page.evaluate("seen")
    assert state == "paused"
    assert 45_000 - TOLERANCE_MS <= ended <= 45_000 + TOLERANCE_MS


@pytest.mark.parametrize("duration", ["1", "17", "2 ** 33"])
def test_repeated_animation_of_any_duration_does_not_stop_virtual_time(
    pbi_stage: Stage, page: Page, duration: str
) -> None:
    run_script(
        page,
        f"(async () => {{ for (;;) {{ seen.push(at()); await document.body.animate([], {duration}).finished; }} }})()",
    )
    pbi_stage.clock.advance("3s")
    assert len(page.evaluate("seen")) in ((1,) if "**" in duration else range(100, 182))
    assert not pbi_stage.journal.of("clock")


def test_animation_in_a_hidden_tab_ends_only_when_the_tab_is_shown(pbi_stage: Stage, page: Page) -> None:
    run_script(page, "document.body.animate({opacity: [0, 1]}, 15_000).onfinish = () => seen.push(at())")
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("1min")
        assert page.evaluate("seen") == []
        back = page.evaluate("at()")
    pbi_stage.clock.advance("1s")
    (ended,) = page.evaluate("seen")
    assert back <= ended <= back + TOLERANCE_MS


def test_resize_observer_is_not_called_in_a_hidden_tab_and_resumes_when_the_tab_is_shown(
    pbi_stage: Stage, page: Page
) -> None:
    run_script(page, WORK_OF_ANIMATION_FRAMES["calls of a ResizeObserver"])
    pbi_stage.clock.advance("1s")
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("10min")
        assert len(page.evaluate("seen")) == 1
        back = page.evaluate("at()")
    pbi_stage.clock.advance("31s")
    seen = page.evaluate("seen")[1:]
    # The overdue tick of the interval can come before or after the first animation frame of the shown tab.
    on_return = [at for at in seen if at <= back + TOLERANCE_MS]
    assert len(on_return) in (1, 2)
    assert len(seen) - len(on_return) == 2
    assert not pbi_stage.journal.of("clock")


def test_observer_of_a_constantly_changing_page_is_called_less_often_but_every_two_minutes(
    pbi_stage: Stage, page: Page
) -> None:
    run_script(page, WORK_OF_ANIMATION_FRAMES["calls of a ResizeObserver"].replace("15_000", "500"))
    pbi_stage.clock.advance("10min")
    seen = page.evaluate("seen")
    assert seen[9] < 500 * 12
    assert 24 <= len(seen) <= 40
    assert max(after - before for before, after in pairwise(seen)) <= 121_000


def test_page_that_always_requests_idle_callbacks_does_not_stop_virtual_time(pbi_stage: Stage, page: Page) -> None:
    run_script(page, "const next = () => { seen.push(at()); requestIdleCallback(next); }; next()")
    began = pbi_stage.clock.now
    pbi_stage.clock.advance("1h")
    assert (pbi_stage.clock.now - began).total_seconds() == 3600
    assert len(page.evaluate("seen")) >= 20
    assert not pbi_stage.journal.of("clock")


def test_observer_in_a_frame_that_is_not_displayed_does_not_stop_virtual_time(pbi_stage: Stage, page: Page) -> None:
    """A frame that is not displayed has no animation frames.

    A time hold that waits for an animation frame of this frame must therefore be limited.
    """
    run_script(
        page,
        """const frame = document.createElement('iframe'); frame.style.display = 'none'; document.body.append(frame);
        new frame.contentWindow.ResizeObserver(() => {}).observe(frame.contentDocument.body);
        setInterval(() => { frame.contentDocument.body.append('x'); }, 30_000)""",
    )
    began = pbi_stage.clock.now
    pbi_stage.clock.advance("1h")
    assert (pbi_stage.clock.now - began).total_seconds() == 3600
    assert not pbi_stage.journal.of("clock")
