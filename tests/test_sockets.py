"""Sockets that stay open: time goes on beside them, and what is asked over them is answered in time."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from site_of_pages import Site

from harness.clock.virtual_time import VirtualTime
from harness.stage import Stage

CLOSE = 200
"""Virtual milliseconds within which an answer has to come."""
SIGNALR = "/npm/@microsoft/signalr/dist/browser/signalr.min.js"


def open_page(stage: Stage, pages: Site, script: str, *, library: str = "") -> None:
    stage.open(pages.empty)
    if library:
        stage.page.add_script_tag(url=library)
    stage.page.evaluate(f"""() => {{
        globalThis.ticks = [];
        setInterval(() => ticks.push(at()), 30_000);
        const socketOf = (path) => new WebSocket(`ws://${{location.host}}${{path}}`);
        {script}
    }}""")


def an_hour_passes(stage: Stage) -> None:
    """And is one, for the page's interval too."""
    before = stage.clock.now
    stage.clock.advance("1h 1s")  # so that what is asked at its end is answered
    assert stage.clock.now - before == timedelta(hours=1, seconds=1)
    ticks = stage.page.evaluate("ticks")
    assert len(ticks) == 120
    assert all(30_000 - CLOSE <= after - before <= 30_000 + CLOSE for before, after in pairwise(ticks))
    assert not stage.journal.of("clock")


def test_one_that_speaks_all_the_time(pbi_stage: Stage, pages: Site) -> None:
    script = """globalThis.heard = 0;
        const socket = socketOf('/chatter');
        socket.onmessage = () => heard++;
        socket.onclose = () => { heard = NaN; };"""
    open_page(pbi_stage, pages, script)
    pbi_stage.clock.advance_until(lambda: pbi_stage.page.evaluate("heard > 0"), "10s", every="0.01s")
    pbi_stage.page.evaluate("() => { ticks.length = 0; }")

    an_hour_passes(pbi_stage)

    assert pbi_stage.page.evaluate("heard > 0")


def test_one_that_is_asked_every_15_s(pbi_stage: Stage, pages: Site) -> None:
    script = """const socket = socketOf('/echo');
        socket.onmessage = ({ data }) => seen.push(at() - data);
        setInterval(() => socket.send(at()), 15_000);"""
    open_page(pbi_stage, pages, script)

    an_hour_passes(pbi_stage)

    seen = pbi_stage.page.evaluate("seen")
    assert len(seen) == 240
    assert max(seen) <= CLOSE


HUB = """const { HttpTransportType, HubConnectionBuilder } = signalR;
    const hub = new HubConnectionBuilder().withAutomaticReconnect()
        .withUrl('/hub', { skipNegotiation: true, transport: HttpTransportType.WebSockets }).build();
    hub.start();"""


def test_signalr_that_is_asked_beside_its_pings_which_nobody_answers(
    pbi_stage: Stage, pages: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """setInterval(async () => { const asked = at(); await hub.invoke('Echo', asked); seen.push(at() - asked); }, 20_000);"""
    open_page(pbi_stage, pages, HUB + script, library=SIGNALR)
    grants, grant = [], VirtualTime.grant

    async def counted(time: VirtualTime, *args: Any, **options: Any) -> None:
        grants.append(args)
        await grant(time, *args, **options)

    monkeypatch.setattr(VirtualTime, "grant", counted)

    an_hour_passes(pbi_stage)

    seen = pbi_stage.page.evaluate("seen")
    assert len(seen) == 180
    assert max(seen) <= CLOSE
    assert not pbi_stage.journal.of("page.error")
    assert len(grants) <= 3000  # time was held for the first few pings, and not for each of 240


def test_signalr_that_hears_nothing_for_30_s_connects_anew(pbi_stage: Stage, pages: Site) -> None:
    """Its server lives in real time: what it says every 15 s by itself does not come every 15 virtual ones."""
    script = """let lost;
        hub.onreconnecting(() => { lost = at(); });
        hub.onreconnected(() => seen.push(at() - lost));"""
    open_page(pbi_stage, pages, HUB + script, library=SIGNALR)

    an_hour_passes(pbi_stage)

    seen = pbi_stage.page.evaluate("seen")
    assert 100 <= len(seen) <= 120
    assert max(seen) <= CLOSE
