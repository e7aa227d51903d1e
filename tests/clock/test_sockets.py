"""WebSockets that stay open: virtual time passes beside them, and messages over them are answered in time."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from support.site_of_pages import Site

from harness.clock.budget import Budget
from harness.stage import Stage

ANSWER_LIMIT_MS = 200
"""Virtual milliseconds within which an answer has to arrive."""
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


def advance_an_hour(stage: Stage) -> None:
    """Advance by an hour, and assert that the page's interval ticked regularly all the time."""
    before = stage.clock.now
    stage.clock.advance("1h 1s")  # the second is for the answer to the last message
    assert stage.clock.now - before == timedelta(hours=1, seconds=1)
    ticks = stage.page.evaluate("ticks")
    assert len(ticks) == 120
    assert all(
        30_000 - ANSWER_LIMIT_MS <= after - before <= 30_000 + ANSWER_LIMIT_MS for before, after in pairwise(ticks)
    )
    assert not stage.journal.of("clock")


def test_hour_beside_a_socket_that_sends_all_the_time(pbi_stage: Stage, pages: Site) -> None:
    script = """globalThis.received = 0;
        const socket = socketOf('/chatter');
        socket.onmessage = () => received++;
        socket.onclose = () => { received = NaN; };"""
    open_page(pbi_stage, pages, script)
    pbi_stage.clock.advance_until(lambda: pbi_stage.page.evaluate("received > 0"), "10s", every="0.01s")
    pbi_stage.page.evaluate("() => { ticks.length = 0; }")

    advance_an_hour(pbi_stage)

    assert pbi_stage.page.evaluate("received > 0")


def test_socket_answers_every_15_s_in_time(pbi_stage: Stage, pages: Site) -> None:
    script = """const socket = socketOf('/echo');
        socket.onmessage = ({ data }) => seen.push(at() - data);
        setInterval(() => socket.send(at()), 15_000);"""
    open_page(pbi_stage, pages, script)

    advance_an_hour(pbi_stage)

    seen = pbi_stage.page.evaluate("seen")
    assert len(seen) == 240
    assert max(seen) <= ANSWER_LIMIT_MS


HUB = """const { HttpTransportType, HubConnectionBuilder } = signalR;
    const hub = new HubConnectionBuilder().withAutomaticReconnect()
        .withUrl('/hub', { skipNegotiation: true, transport: HttpTransportType.WebSockets }).build();
    hub.start();"""


def test_signalr_calls_are_answered_in_time_beside_pings_without_an_answer(
    pbi_stage: Stage, pages: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """setInterval(async () => { const began = at(); await hub.invoke('Echo', began); seen.push(at() - began); }, 20_000);"""
    open_page(pbi_stage, pages, HUB + script, library=SIGNALR)
    budgets, give = [], Budget.give

    async def counting(budget: Budget, *args: Any, **options: Any) -> None:
        budgets.append(args)
        await give(budget, *args, **options)

    monkeypatch.setattr(Budget, "give", counting)

    advance_an_hour(pbi_stage)

    seen = pbi_stage.page.evaluate("seen")
    assert len(seen) == 180
    assert max(seen) <= ANSWER_LIMIT_MS
    assert not pbi_stage.journal.of("page.error")
    assert len(budgets) <= 3000  # the clock waited for answers to the first few pings, and not for each of 240


def test_signalr_reconnects_after_30_s_without_a_message(pbi_stage: Stage, pages: Site) -> None:
    """The server sends its pings every 15 s of real time, so they do not arrive every 15 virtual seconds."""
    script = """let lost;
        hub.onreconnecting(() => { lost = at(); });
        hub.onreconnected(() => seen.push(at() - lost));"""
    open_page(pbi_stage, pages, HUB + script, library=SIGNALR)

    advance_an_hour(pbi_stage)

    seen = pbi_stage.page.evaluate("seen")
    assert 100 <= len(seen) <= 120
    assert max(seen) <= ANSWER_LIMIT_MS
