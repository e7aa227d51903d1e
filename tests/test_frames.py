"""What comes with a frame, the browser's drawing in real time, comes when it would in virtual time."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page
from site_of_pages import Site

from harness.stage import Stage

CLOSE = 200
"""Virtual milliseconds within which a wait has to end."""
BOX = "const box = document.createElement('div'); box.style.cssText = 'position: absolute; top: 0; width: 9px; height: 9px';"
COMES_WITH_A_FRAME = {
    "what an IntersectionObserver sees": f"""{BOX} document.body.append(box); let n = 0;
        new IntersectionObserver(() => seen.push(at())).observe(box);
        setInterval(() => {{ box.style.top = n++ % 2 ? '0' : '-99px'; }}, 15_000)""",
    "what a ResizeObserver sees": f"""{BOX} document.body.append(box); let n = 0;
        new ResizeObserver(() => seen.push(at())).observe(box);
        setInterval(() => {{ box.style.width = `${{++n}}px`; }}, 15_000)""",
    "the end of an animation": """(async () => {
        for (;;) { seen.push(at()); await document.body.animate({opacity: [0, 1]}, 15_000).finished; } })()""",
    "the end of an animation beside frames that are asked for": """
        const next = () => requestAnimationFrame(next); next(); seen.push(at());
        const animate = () => { document.body.animate({opacity: [0, 1]}, 15_000).onfinish = () => { seen.push(at()); animate(); }; };
        animate()""",
    "an idle moment": f"""{BOX} document.body.append(box); seen.push(at());
        setInterval(() => {{ box.textContent = at(); requestIdleCallback(() => seen.push(at())); }}, 15_000)""",
    "a view transition": """seen.push(at());
        setInterval(() => document.startViewTransition(() => { seen.push(at()); }), 15_000)""",
}


@pytest.fixture
def page(pbi_stage: Stage, pages: Site) -> Page:
    pbi_stage.open(pages.empty)
    return pbi_stage.page


def begin(page: Page, script: str) -> None:
    page.evaluate(f"() => {{ {script} }}")


@pytest.mark.parametrize("what", COMES_WITH_A_FRAME)
def test_what_comes_with_a_frame_comes_in_time(pbi_stage: Stage, page: Page, what: str) -> None:
    begin(page, COMES_WITH_A_FRAME[what])
    pbi_stage.clock.advance("10min")
    seen = page.evaluate("seen")
    assert len(seen) in (40, 41)
    assert all(15_000 - CLOSE <= after - before <= 15_000 + CLOSE for before, after in pairwise(seen))
    assert not pbi_stage.journal.of("clock")
    assert not pbi_stage.journal.of("page.error")


def test_an_animation_that_begins_before_the_first_frame_is_not_over_at_once(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(
        pages.made(
            """<body><script>const started = Date.now(); let over = null;
            document.body.animate({opacity: [0, 1]}, 15_000).onfinish = () => { over = Date.now() - started; }</script>"""
        )
    )
    pbi_stage.clock.advance("14s")
    assert pbi_stage.page.evaluate("over") is None
    pbi_stage.clock.advance("2s")
    assert 15_000 - CLOSE <= pbi_stage.page.evaluate("over") <= 15_000 + CLOSE


def test_an_animation_that_pauses_ends_later(pbi_stage: Stage, page: Page) -> None:
    begin(
        page,
        """const animation = document.body.animate({opacity: [0, 1]}, 15_000), from = at();
        animation.onfinish = () => seen.push(at() - from);
        setTimeout(() => animation.pause(), 10_000);
        setTimeout(() => { seen.push(animation.playState); animation.play(); }, 40_000)""",
    )
    pbi_stage.clock.advance("1min")
    state, ended = page.evaluate("seen")
    assert state == "paused"
    assert 45_000 - CLOSE <= ended <= 45_000 + CLOSE


@pytest.mark.parametrize("duration", ["1", "17", "2 ** 33"])
def test_animations_of_any_length_do_not_stop_time(pbi_stage: Stage, page: Page, duration: str) -> None:
    begin(
        page,
        f"(async () => {{ for (;;) {{ seen.push(at()); await document.body.animate([], {duration}).finished; }} }})()",
    )
    pbi_stage.clock.advance("3s")
    assert len(page.evaluate("seen")) in ((1,) if "**" in duration else range(100, 182))
    assert not pbi_stage.journal.of("clock")


def test_an_animation_does_not_end_behind_another_tab(pbi_stage: Stage, page: Page) -> None:
    begin(page, "document.body.animate({opacity: [0, 1]}, 15_000).onfinish = () => seen.push(at())")
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("1min")
        assert page.evaluate("seen") == []
        back = page.evaluate("at()")
    pbi_stage.clock.advance("1s")
    (ended,) = page.evaluate("seen")
    assert back <= ended <= back + CLOSE


def test_behind_another_tab_nothing_is_drawn(pbi_stage: Stage, page: Page) -> None:
    begin(page, COMES_WITH_A_FRAME["what a ResizeObserver sees"])
    pbi_stage.clock.advance("1s")
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("10min")
        assert len(page.evaluate("seen")) == 1
        back = page.evaluate("at()")
    pbi_stage.clock.advance("31s")
    seen = page.evaluate("seen")[1:]
    # The tick that is overdue comes before or after the first frame, as it happens.
    on_return = [at for at in seen if at <= back + CLOSE]
    assert len(on_return) in (1, 2)
    assert len(seen) - len(on_return) == 2
    assert not pbi_stage.journal.of("clock")


def test_a_page_that_changes_all_the_time_is_seen_now_and_then(pbi_stage: Stage, page: Page) -> None:
    begin(page, COMES_WITH_A_FRAME["what a ResizeObserver sees"].replace("15_000", "500"))
    pbi_stage.clock.advance("10min")
    seen = page.evaluate("seen")
    assert seen[9] < 500 * 12
    assert 24 <= len(seen) <= 40
    assert max(after - before for before, after in pairwise(seen)) <= 121_000


def test_a_page_that_does_all_it_does_when_idle_does_not_stop_time(pbi_stage: Stage, page: Page) -> None:
    begin(page, "const next = () => { seen.push(at()); requestIdleCallback(next); }; next()")
    began = pbi_stage.clock.now
    pbi_stage.clock.advance("1h")
    assert (pbi_stage.clock.now - began).total_seconds() == 3600
    assert len(page.evaluate("seen")) >= 20
    assert not pbi_stage.journal.of("clock")


def test_a_frame_that_is_not_drawn_holds_time_but_once(pbi_stage: Stage, page: Page) -> None:
    begin(
        page,
        """const frame = document.createElement('iframe'); frame.style.display = 'none'; document.body.append(frame);
        new frame.contentWindow.ResizeObserver(() => {}).observe(frame.contentDocument.body);
        setInterval(() => { frame.contentDocument.body.append('x'); }, 30_000)""",
    )
    began = pbi_stage.clock.now
    pbi_stage.clock.advance("1h")
    assert (pbi_stage.clock.now - began).total_seconds() == 3600
    assert not pbi_stage.journal.of("clock")
