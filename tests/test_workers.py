"""Workers of every kind share the page's time: their timers, their requests, and what they are told."""

import math
from collections.abc import Iterator
from itertools import dropwhile, pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page
from site_of_pages import Site

from harness.stage import Stage

CLOSE = 200
"""Virtual milliseconds within which a wait has to end."""
ECHO = "onmessage = event => event.target.postMessage(event.data)"
SHARED = """() => { globalThis.seen = []; globalThis.shared = (source, name) => {
  const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
  const worker = new SharedWorker(url, name); worker.port.start(); return worker; }; }"""


def seen(page: Page) -> list[object]:
    found = page.evaluate("seen")
    assert isinstance(found, list)
    return found


@pytest.fixture
def page(pbi_stage: Stage, pages: Site) -> Iterator[Page]:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(SHARED)
    yield pbi_stage.page
    assert not pbi_stage.journal.of("clock")


class TestSharedWorkers:
    def test_an_interval_fires_at_its_millisecond(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => { globalThis.began = Date.now();
            shared(`onconnect = ({ports: [port]}) => setInterval(() => port.postMessage(Date.now()), 30_000)`)
              .port.onmessage = ({data}) => seen.push([data - began, Date.now() - began]); }"""
        )

        pbi_stage.clock.advance("1h")

        at = [(sent, heard) for sent, heard in seen(page)]  # type: ignore[misc]
        assert len(at) in (119, 120)
        assert at[0][0] <= 30_000 + CLOSE
        assert {after[0] - before[0] for before, after in pairwise(at)} == {30_000}
        assert all(sent == heard for sent, heard in at)

    def test_it_answers_at_once(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => { const {port} = shared(`onconnect = ({ports: [port]}) => { port.onmessage = async ({data}) => {
              await fetch('%(origin)s/slow'); setTimeout(() => port.postMessage(data), 1000); } }`);
            port.onmessage = ({data}) => seen.push(Date.now() - data);
            setInterval(() => port.postMessage(Date.now()), 600_000); }""".replace(
                "%(origin)s", page.url[: -len("/empty")]
            )
        )

        pbi_stage.clock.advance("65min")

        assert len(seen(page)) == 6
        assert all(1000 <= took <= 1000 + CLOSE for took in seen(page))  # type: ignore[operator]

    def test_it_is_there_at_once(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => setTimeout(() => { const made = Date.now();
            shared(`onconnect = ({ports: [port]}) => port.postMessage(1)`).port.onmessage = () => seen.push(Date.now() - made);
            }, 60_000)"""
        )

        pbi_stage.clock.advance("24h")

        assert len(seen(page)) == 1
        assert seen(page)[0] <= CLOSE  # type: ignore[operator]


class TestWorkersOfWorkers:
    def test_both_have_their_timers(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => { const inner = `setInterval(() => postMessage(Date.now()), 30_000)`;
            const outer = `new Worker(URL.createObjectURL(new Blob([${JSON.stringify(inner)}]))).onmessage =
              ({data}) => setTimeout(() => postMessage([data, Date.now()]), 1000)`;
            workerOf(outer).onmessage = ({data}) => seen.push([...data, Date.now()]); }"""
        )

        pbi_stage.clock.advance("1h")

        assert len(seen(page)) in (119, 120)
        for sent, through, heard in seen(page):  # type: ignore[misc]
            assert 1000 <= through - sent <= 1000 + CLOSE
            assert heard - through <= CLOSE

    def test_one_answers_the_other_at_once(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => { const inner = `onmessage = ({data}) => postMessage(data)`;
            const outer = `const inner = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(inner)}])));
              inner.onmessage = ({data}) => postMessage(data); setInterval(() => inner.postMessage(Date.now()), 600_000)`;
            workerOf(outer).onmessage = ({data}) => seen.push(Date.now() - data); }"""
        )

        pbi_stage.clock.advance("2h")

        assert len(seen(page)) in (11, 12)
        assert all(took <= CLOSE for took in seen(page))  # type: ignore[operator]


def test_a_module_worker_has_its_timers(pbi_stage: Stage, page: Page) -> None:
    page.evaluate(
        """() => { const source = URL.createObjectURL(new Blob(['export const every = 30_000'], {type: 'text/javascript'}));
        const url = URL.createObjectURL(new Blob([`import {every} from '${source}';
          setInterval(() => postMessage(Date.now()), every)`], {type: 'text/javascript'}));
        new Worker(url, {type: 'module'}).onmessage = ({data}) => seen.push([data, Date.now()]); }"""
    )

    pbi_stage.clock.advance("1h")

    assert len(seen(page)) in (119, 120)
    assert all(sent == heard for sent, heard in seen(page))  # type: ignore[misc]


def test_behind_another_tab_timers_of_workers_are_not_throttled(pbi_stage: Stage, page: Page) -> None:
    page.evaluate(
        """() => { globalThis.began = Date.now();
        workerOf('setInterval(() => postMessage(Date.now()), 1500)').onmessage = ({data}) => seen.push(data - began);
        setTimeout(() => { open('/empty', '', 'noopener');
          setTimeout(() => { globalThis.hidden = document.visibilityState; seen.length = 0; }, 1000); }, 1000); }"""
    )

    pbi_stage.clock.advance("10min")

    assert page.evaluate("hidden") == "hidden"
    assert len(seen(page)) in (398, 399)
    assert {after - before for before, after in pairwise(seen(page))} == {1500}  # type: ignore[operator]


def test_the_worker_of_a_popup_has_its_timers_in_front_and_behind(pbi_stage: Stage, page: Page) -> None:
    page.evaluate("() => setTimeout(() => { globalThis.popup = open('/empty'); }, 1000)")
    pbi_stage.clock.advance("2s")
    page.evaluate(
        """() => popup.setTimeout(() => {
          popup.workerOf('setInterval(() => postMessage(Date.now()), 1500)').onmessage =
            ({data}) => seen.push([popup.document.visibilityState, data]); }, 1000)"""
    )
    pbi_stage.clock.advance("5min")
    page.bring_to_front()
    pbi_stage.clock.advance("5min")

    told = seen(page)
    assert [state for state, _ in told] == ["visible"] * 199 + ["hidden"] * 200  # type: ignore[misc]
    assert {after - before for (_, before), (_, after) in pairwise(told)} == {1500}  # type: ignore[misc]


def test_delays_of_workers_are_whole_numbers_of_32_bits(page: Page, pbi_stage: Stage) -> None:
    page.evaluate(
        """() => { workerOf(`setTimeout(() => {
            const began = Date.now();
            for (const delay of [2 ** 31, Infinity, '7.9', -5, 2 ** 31 - 1])
              setTimeout(() => postMessage([delay, Date.now() - began]), delay);
          }, 1000)`).onmessage = ({data}) => seen.push(data); }"""
    )

    pbi_stage.clock.advance("24h")

    assert seen(page) == [[2**31, 1], [math.inf, 1], [-5, 1], ["7.9", 7]]


def test_a_timer_that_keeps_a_worker_busy_takes_no_time(page: Page, pbi_stage: Stage) -> None:
    page.evaluate(
        """() => { workerOf(`setInterval(() => {
            const began = Date.now();
            setTimeout(() => postMessage(Date.now() - began), 1);
            for (let n = 0; n < 3e6; n++) globalThis.n = n;
          }, 1000)`).onmessage = ({data}) => seen.push(data); }"""
    )

    pbi_stage.clock.advance("5500ms")

    took = seen(page)
    assert len(took) == 5
    # A machine that is busy, too, needs so long that time is held by a request; when one ends, the browser lets 10 ms pass.
    assert set(took) <= {1, 10, 11}


def test_a_timer_goes_on_though_the_clock_looks_while_it_fires(page: Page, pbi_stage: Stage) -> None:
    """The page has work for the clock as soon as it hears of a tick, when the worker has not finished with it yet."""
    page.evaluate(
        """() => { const {port1, port2} = new MessageChannel();
        workerOf(`onmessage = ({ports: [port]}) => setInterval(() => {
            port.postMessage(Date.now());
            for (let n = 0; n < 3e7; n++) globalThis.n = n;
          }, 20_000)`).postMessage(0, [port2]);
        port1.onmessage = ({data}) => { seen.push([data, Date.now()]); new BroadcastChannel('news').postMessage(1); }; }"""
    )

    pbi_stage.clock.advance("10min")

    assert len(seen(page)) in (29, 30)
    assert {after[0] - before[0] for before, after in pairwise(seen(page))} == {20_000}  # type: ignore[index]
    assert all(heard - sent <= CLOSE for sent, heard in seen(page))  # type: ignore[misc]


def test_a_timer_goes_on_when_it_was_not_waited_for(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    page = pbi_stage.page
    page.evaluate(
        """() => { const {port1, port2} = new MessageChannel();
        workerOf(`const {buffer} = new WebAssembly.Memory({initial: 1, maximum: 1, shared: true});
          onmessage = ({ports: [port]}) => { let ticks = 0; setInterval(() => {
            port.postMessage(Date.now());
            if (++ticks === 2) { Atomics.wait(new Int32Array(buffer), 0, 0, 8000); port.postMessage('awake'); }
          }, 20_000); }`).postMessage(0, [port2]);
        port1.onmessage = ({data}) => seen.push(data); }"""
    )

    def ticks() -> list[object]:
        """Those since it is awake."""
        return [*dropwhile(lambda told: told != "awake", seen(page))][1:]

    # The first is overdue. Only with the second one it is known that time waits for it again.
    pbi_stage.clock.advance_until(lambda: len(ticks()) == 2, within="24h")
    assert pbi_stage.journal.of("clock")

    pbi_stage.clock.advance("10min")

    since = ticks()[1:]
    assert len(since) in (30, 31, 32)
    assert {after - before for before, after in pairwise(since)} == {20_000}  # type: ignore[operator]


WAITS = {
    "an animation frame": ("requestAnimationFrame(() => done())", 1000 / 60, "undefined"),
    "AbortSignal.timeout()": ("AbortSignal.timeout(20_000).onabort = ({target}) => done(target.reason)", 20_000, "TimeoutError"),
    "a task with a delay": ("scheduler.postTask(() => 'x', {delay: 20_000}).then(done)", 20_000, "x"),
    "a task that is given up": (
        "const c = new TaskController(); setTimeout(() => c.abort(), 5000);"
        "scheduler.postTask(() => 'x', {delay: 20_000, signal: c.signal}).catch(done)",
        5000,
        "AbortError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wait", WAITS)
def test_all_that_waits_in_a_worker_does_so_by_the_clock(page: Page, pbi_stage: Stage, wait: str) -> None:
    source, length, result = WAITS[wait]
    page.evaluate(
        """source => { workerOf(`const began = Date.now(), done = (result) => postMessage([Date.now() - began, String(result?.name ?? result)]);
            ${source}`).onmessage = ({data}) => seen.push(data); }""",
        source,
    )
    pbi_stage.clock.advance("5min")
    ((took, came),) = page.evaluate("seen")
    assert length <= took + 1 <= length + CLOSE
    assert came == result


def test_a_synchronous_request_of_a_worker_takes_its_virtual_time(page: Page, pbi_stage: Stage) -> None:
    pbi_stage.delay_answers("*/slow", "200ms")
    page.evaluate(
        """() => { workerOf(`setInterval(() => {
            const request = new XMLHttpRequest(), asked = Date.now();
            request.open('GET', '${location.origin}/slow', false);
            request.send();
            postMessage([request.responseText, Date.now() - asked]);
        }, 30_000)`).onmessage = ({data}) => seen.push([...data, Date.now() - began]); const began = Date.now(); }"""
    )
    pbi_stage.clock.advance("65s")
    seen = page.evaluate("seen")
    assert [text for text, _, _ in seen] == ["slow", "slow"]
    assert [took for _, took, _ in seen] == pytest.approx([200, 200], abs=50)
    assert [at for _, _, at in seen] == pytest.approx([30_200, 60_200], abs=250)
    assert not pbi_stage.journal.of("clock")


def test_a_port_into_a_worker_waits_until_it_is_heard(pbi_stage: Stage, page: Page) -> None:
    page.evaluate(
        """() => { const {port1, port2} = new MessageChannel();
        workerOf(`onmessage = ({ports: [port]}) => { port.onmessage = async ({data}) => {
          await crypto.subtle.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, false, ['sign']);
          setTimeout(() => port.postMessage(data), 1000); } }`).postMessage(1, [port2]);
        port1.onmessage = ({data}) => seen.push(Date.now() - data);
        setInterval(() => port1.postMessage(Date.now()), 600_000); }"""
    )

    pbi_stage.clock.advance("65min")

    assert len(seen(page)) == 6
    assert all(1000 <= took <= 1000 + CLOSE for took in seen(page))  # type: ignore[operator]


PORTS_OF_WORKERS = {
    "a worker": "const source = workerOf(script + 'postMessage(0, [port2])');",
    "a port of a worker": """const {port1: source, port2: far} = new MessageChannel();
        workerOf(`onmessage = ({ports: [port]}) => { ${script} port.postMessage(0, [port2]); }`).postMessage(0, [far]);""",
    "a shared worker": """const source = new SharedWorker(URL.createObjectURL(new Blob([
        `onconnect = ({ports: [port]}) => { ${script} port.postMessage(0, [port2]); }`]))).port;""",
}


@pytest.mark.parametrize("giver", PORTS_OF_WORKERS)
def test_a_port_that_a_worker_gave_the_page_waits_until_it_is_heard(pbi_stage: Stage, page: Page, giver: str) -> None:
    page.evaluate(
        f"""() => {{ const script = `const {{port1, port2}} = new MessageChannel();
          port1.onmessage = async ({{data}}) => {{
            await crypto.subtle.generateKey({{name: 'ECDSA', namedCurve: 'P-256'}}, false, ['sign']);
            setTimeout(() => port1.postMessage(data), 1000); }};`;
        {PORTS_OF_WORKERS[giver]}
        source.onmessage = ({{ports: [port]}}) => {{ port.onmessage = ({{data}}) => seen.push(Date.now() - data);
          setInterval(() => port.postMessage(Date.now()), 600_000); }}; }}"""
    )

    pbi_stage.clock.advance("65min")

    assert len(seen(page)) == 6
    assert all(1000 <= took <= 1000 + CLOSE for took in seen(page))  # type: ignore[operator]


PORTS_OF_FRAMES = {
    "a frame": """const {port1: mine, port2: its} = new MessageChannel(); mine.onmessage = talk;
        one.eval(`onmessage = ({ports: [port]}) => { const {port1, port2} = new MessageChannel();
          top.frames[1].postMessage(0, '*', [port1]); port.postMessage(0, [port2]); }`);
        one.postMessage(0, '*', [its]);""",
    "a worker": """const {port1, port2} = new MessageChannel();
        other.postMessage(0, '*', [port1]);
        const worker = workerOf('onmessage = ({ports}) => postMessage(0, [...ports])');
        worker.onmessage = talk; worker.postMessage(0, [port2]);""",
}


@pytest.mark.parametrize("giver", PORTS_OF_FRAMES)
def test_a_frame_hears_nothing_but_what_it_was_sent(pbi_stage: Stage, page: Page, giver: str) -> None:
    """At the other end of a port that came to the page by others: its notes behind messages are for workers."""
    page.evaluate(
        f"""() => {{ (async () => {{ for (const _ of [1, 2]) {{ const frame = document.createElement('iframe'); frame.src = '/empty';
          const loaded = new Promise((done) => {{ frame.onload = done; }}); document.body.append(frame); await loaded; }}
        const one = frames[0], other = frames[1], talk = ({{ports: [port]}}) => {{ port.postMessage('first'); port.postMessage('second'); }};
        globalThis.heard = [];
        other.eval(`onmessage = ({{ports: [port]}}) => {{ port.onmessage = ({{data}}) => top.heard.push(data); }}`);
        {PORTS_OF_FRAMES[giver]} }})(); }}"""
    )

    pbi_stage.clock.advance("1min")

    assert page.evaluate("heard") == ["first", "second"]


def test_a_port_that_a_worker_gives_back_brings_what_was_sent(pbi_stage: Stage, page: Page) -> None:
    page.evaluate(
        """() => { const {port1, port2} = new MessageChannel();
        const worker = workerOf('onmessage = ({ports}) => postMessage(0, [...ports])');
        port1.onmessage = ({data}) => seen.push(['one', data]);
        worker.onmessage = ({ports: [port]}) => { port.onmessage = ({data}) => seen.push(['other', data]);
          port1.postMessage(1); port.postMessage(2); };
        worker.postMessage(0, [port2]); }"""
    )

    pbi_stage.clock.advance("1min")

    assert sorted(seen(page)) == [["one", 2], ["other", 1]]  # type: ignore[type-var]


class TestServiceWorkers:
    @pytest.fixture
    def controlled(self, pbi_stage: Stage, page: Page, request: pytest.FixtureRequest) -> Page:
        page.evaluate(
            """script => { const asked = Date.now(); navigator.serviceWorker.register(script);
            navigator.serviceWorker.addEventListener('controllerchange', () => seen.push(Date.now() - asked)); }""",
            getattr(request, "param", "/service_worker.js"),
        )
        pbi_stage.clock.advance("1min")
        (took,) = seen(page)
        assert took <= CLOSE  # type: ignore[operator]
        page.evaluate("seen.length = 0")
        return page

    @pytest.mark.parametrize("path", ["/cached", "/slow"])
    def test_time_waits_for_what_it_answers(self, pbi_stage: Stage, controlled: Page, path: str) -> None:
        controlled.evaluate(
            """path => setInterval(async () => { const asked = Date.now(); const text = await (await fetch(path)).text();
            seen.push([text, Date.now() - asked]); }, 600_000)""",
            path,
        )

        pbi_stage.clock.advance("65min")

        assert len(seen(controlled)) == 6
        assert {text for text, _ in seen(controlled)} == {path[1:]}  # type: ignore[misc]
        assert all(took <= CLOSE for _, took in seen(controlled))  # type: ignore[misc]

    def test_a_relayed_request_is_one_request(self, pbi_stage: Stage, controlled: Page) -> None:
        pbi_stage.delay_answers("*/slow", "45s")
        controlled.evaluate(
            "() => { const asked = Date.now(); fetch('/slow').then(() => seen.push(Date.now() - asked)); }"
        )

        pbi_stage.clock.advance("2min")

        (took,) = seen(controlled)
        assert 45_000 <= took <= 45_000 + CLOSE  # type: ignore[operator]
        (asked,) = [entry for entry in pbi_stage.journal.of("request") if entry["url"].endswith("/slow")]
        assert asked["source"] == "page"
        (answered,) = pbi_stage.journal.of("response", request=asked["request"])
        assert answered["status"] == 200

    def test_it_answers_messages_at_once(self, pbi_stage: Stage, controlled: Page) -> None:
        controlled.evaluate(
            """() => { navigator.serviceWorker.onmessage = ({data}) => seen.push(Date.now() - data);
            setInterval(() => navigator.serviceWorker.controller.postMessage(Date.now()), 600_000); }"""
        )

        pbi_stage.clock.advance("65min")

        assert len(seen(controlled)) == 6
        assert all(took <= CLOSE for took in seen(controlled))  # type: ignore[operator]

    @pytest.mark.parametrize(
        "controlled", [f"/service_worker.js{how}" for how in ("", "?bare", "?onfetch")], indirect=True
    )
    def test_it_does_not_see_how_time_is_held(self, pbi_stage: Stage, controlled: Page) -> None:
        controlled.evaluate(
            "() => { setTimeout(() => navigator.storage.estimate().then(() => fetch('/slow')).then(() => seen.push(1)), 1000); }"
        )
        pbi_stage.clock.advance("1min")
        controlled.evaluate(
            """() => { navigator.serviceWorker.onmessage = ({data}) => seen.push(data);
            navigator.serviceWorker.controller.postMessage('what was asked'); }"""
        )
        pbi_stage.clock.advance("1min")

        one, asked = seen(controlled)
        assert one == 1
        assert [urlsplit(url).path for url in asked] == ["/slow"]  # type: ignore[attr-defined]


class TestPopups:
    @pytest.mark.parametrize("path", ["/empty", "%(other)s/empty"])
    def test_time_waits_for_their_work(self, pbi_stage: Stage, pages: Site, page: Page, path: str) -> None:
        page.evaluate(
            """path => { addEventListener('message', ({data}) => data.asked && seen.push(data.took));
            setTimeout(() => { globalThis.popup = open(path); }, 1000); }""",
            path.replace("%(other)s", pages.other),
        )
        pbi_stage.clock.advance("1min")
        popup = next(other for other in page.context.pages if other is not page and other.url.endswith("/empty"))
        popup.evaluate(
            """() => { setTimeout(() => { const asked = Date.now(); indexedDB.open('d', 1).onsuccess =
            () => opener.postMessage({asked, took: Date.now() - asked}, '*'); }, 60_000); }"""
        )

        pbi_stage.clock.advance("24h")

        (took,) = seen(page)
        assert took <= CLOSE  # type: ignore[operator]
