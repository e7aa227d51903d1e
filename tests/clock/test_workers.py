"""Timers, requests and messages of workers of every kind follow the virtual time of the page."""

import math
from collections.abc import Iterator
from itertools import dropwhile, pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page
from support.site_of_pages import Site

from harness.stage import Stage

TOLERANCE_MS = 200
"""Virtual milliseconds by which a wait may exceed its own length."""
ECHO = "onmessage = event => event.target.postMessage(event.data)"
SHARED_WORKER_HELPERS = """() => { globalThis.seen = []; globalThis.shared = (source, name) => {
  const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
  const worker = new SharedWorker(url, name); worker.port.start(); return worker; }; }"""
"""A function that defines the page's globals: the list `seen`, and `shared`, which starts a shared worker."""


def seen(page: Page) -> list[object]:
    """Return the values that the page has put into its global list `seen`."""
    found = page.evaluate("seen")
    assert isinstance(found, list)
    return found


@pytest.fixture
def page(pbi_stage: Stage, pages: Site) -> Iterator[Page]:
    """Yield an empty page with helpers for workers, and check that the journal has no clock entry after the test."""
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(SHARED_WORKER_HELPERS)
    yield pbi_stage.page
    assert not pbi_stage.journal.of("clock")


class TestSharedWorkers:
    def test_interval_of_a_shared_worker_fires_at_its_millisecond(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => { globalThis.began = Date.now();
            shared(`onconnect = ({ports: [port]}) => setInterval(() => port.postMessage(Date.now()), 30_000)`)
              .port.onmessage = ({data}) => seen.push([data - began, Date.now() - began]); }"""
        )

        pbi_stage.clock.advance("1h")

        at = [(sent, heard) for sent, heard in seen(page)]  # type: ignore[misc]
        assert len(at) in (119, 120)
        assert at[0][0] <= 30_000 + TOLERANCE_MS
        assert {after[0] - before[0] for before, after in pairwise(at)} == {30_000}
        assert all(sent == heard for sent, heard in at)

    def test_answer_of_a_shared_worker_takes_only_the_workers_own_delay(self, pbi_stage: Stage, page: Page) -> None:
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
        assert all(1000 <= took <= 1000 + TOLERANCE_MS for took in seen(page))  # type: ignore[operator]

    def test_new_shared_worker_starts_at_once(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => setTimeout(() => { const made = Date.now();
            shared(`onconnect = ({ports: [port]}) => port.postMessage(1)`).port.onmessage = () => seen.push(Date.now() - made);
            }, 60_000)"""
        )

        pbi_stage.clock.advance("24h")

        assert len(seen(page)) == 1
        assert seen(page)[0] <= TOLERANCE_MS  # type: ignore[operator]


class TestWorkersOfWorkers:
    def test_timers_of_a_worker_and_of_its_inner_worker_fire_in_time(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => { const inner = `setInterval(() => postMessage(Date.now()), 30_000)`;
            const outer = `new Worker(URL.createObjectURL(new Blob([${JSON.stringify(inner)}]))).onmessage =
              ({data}) => setTimeout(() => postMessage([data, Date.now()]), 1000)`;
            workerOf(outer).onmessage = ({data}) => seen.push([...data, Date.now()]); }"""
        )

        pbi_stage.clock.advance("1h")

        assert len(seen(page)) in (119, 120)
        for sent, through, heard in seen(page):  # type: ignore[misc]
            assert 1000 <= through - sent <= 1000 + TOLERANCE_MS
            assert heard - through <= TOLERANCE_MS

    def test_inner_worker_answers_its_outer_worker_at_once(self, pbi_stage: Stage, page: Page) -> None:
        page.evaluate(
            """() => { const inner = `onmessage = ({data}) => postMessage(data)`;
            const outer = `const inner = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(inner)}])));
              inner.onmessage = ({data}) => postMessage(data); setInterval(() => inner.postMessage(Date.now()), 600_000)`;
            workerOf(outer).onmessage = ({data}) => seen.push(Date.now() - data); }"""
        )

        pbi_stage.clock.advance("2h")

        assert len(seen(page)) in (11, 12)
        assert all(took <= TOLERANCE_MS for took in seen(page))  # type: ignore[operator]


def test_interval_of_a_module_worker_fires_and_its_messages_arrive_at_once(pbi_stage: Stage, page: Page) -> None:
    page.evaluate(
        """() => { const source = URL.createObjectURL(new Blob(['export const every = 30_000'], {type: 'text/javascript'}));
        const url = URL.createObjectURL(new Blob([`import {every} from '${source}';
          setInterval(() => postMessage(Date.now()), every)`], {type: 'text/javascript'}));
        new Worker(url, {type: 'module'}).onmessage = ({data}) => seen.push([data, Date.now()]); }"""
    )

    pbi_stage.clock.advance("1h")

    assert len(seen(page)) in (119, 120)
    assert all(sent == heard for sent, heard in seen(page))  # type: ignore[misc]


def test_timers_of_workers_are_not_throttled_in_a_tab_behind_another_tab(pbi_stage: Stage, page: Page) -> None:
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


def test_interval_of_a_popups_worker_keeps_its_length_in_a_visible_and_in_a_hidden_popup(
    pbi_stage: Stage, page: Page
) -> None:
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

    ticks = seen(page)
    assert [state for state, _ in ticks] == ["visible"] * 199 + ["hidden"] * 200  # type: ignore[misc]
    assert {after - before for (_, before), (_, after) in pairwise(ticks)} == {1500}  # type: ignore[misc]


def test_delays_of_worker_timers_are_converted_to_whole_32_bit_numbers(page: Page, pbi_stage: Stage) -> None:
    page.evaluate(
        """() => { workerOf(`setTimeout(() => {
            const began = Date.now();
            for (const delay of [2 ** 31, Infinity, '7.9', -5, 2 ** 31 - 1])
              setTimeout(() => postMessage([delay, Date.now() - began]), delay);
          }, 1000)`).onmessage = ({data}) => seen.push(data); }"""
    )

    pbi_stage.clock.advance("24h")

    assert seen(page) == [[2**31, 1], [math.inf, 1], [-5, 1], ["7.9", 7]]


def test_virtual_time_does_not_pass_while_a_workers_timer_callback_computes(page: Page, pbi_stage: Stage) -> None:
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
    # On a busy machine, the callback computes for so long that a time hold by a request pauses the clock.
    # The browser lets 10 ms pass when the request of a time hold ends.
    assert set(took) <= {1, 10, 11}


def test_interval_of_a_worker_keeps_its_length_when_the_page_holds_time_during_each_callback(
    page: Page, pbi_stage: Stage
) -> None:
    """The page holds time as soon as a tick's message arrives, while the worker's callback for this tick still runs."""
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
    assert all(heard - sent <= TOLERANCE_MS for sent, heard in seen(page))  # type: ignore[misc]


def test_interval_of_a_worker_keeps_its_length_again_after_the_clock_timed_out_on_a_blocked_callback(
    pbi_stage: Stage, pages: Site
) -> None:
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
        """Return the ticks since the worker woke."""
        return [*dropwhile(lambda message: message != "awake", seen(page))][1:]

    # The first tick after the worker wakes is overdue. The second tick shows that the clock waits for the worker again.
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
"""Per wait: the script, the length in virtual milliseconds, and the text of the result."""


@pytest.mark.parametrize("wait", WAITS)
def test_wait_in_a_worker_lasts_its_length_in_virtual_time(page: Page, pbi_stage: Stage, wait: str) -> None:
    source, length_ms, result = WAITS[wait]
    page.evaluate(
        """source => { workerOf(`const began = Date.now(), done = (result) => postMessage([Date.now() - began, String(result?.name ?? result)]);
            ${source}`).onmessage = ({data}) => seen.push(data); }""",
        source,
    )
    pbi_stage.clock.advance("5min")
    ((took, came),) = page.evaluate("seen")
    assert length_ms <= took + 1 <= length_ms + TOLERANCE_MS
    assert came == result


def test_synchronous_request_of_a_worker_takes_the_virtual_time_of_its_delayed_answer(
    page: Page, pbi_stage: Stage
) -> None:
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


def test_clock_waits_for_a_workers_answer_over_a_port_from_the_page(pbi_stage: Stage, page: Page) -> None:
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
    assert all(1000 <= took <= 1000 + TOLERANCE_MS for took in seen(page))  # type: ignore[operator]


PORTS_OF_WORKERS = {
    "a worker": "const source = workerOf(script + 'postMessage(0, [port2])');",
    "a port of a worker": """const {port1: source, port2: far} = new MessageChannel();
        workerOf(`onmessage = ({ports: [port]}) => { ${script} port.postMessage(0, [port2]); }`).postMessage(0, [far]);""",
    "a shared worker": """const source = new SharedWorker(URL.createObjectURL(new Blob([
        `onconnect = ({ports: [port]}) => { ${script} port.postMessage(0, [port2]); }`]))).port;""",
}
"""Scripts that define `source`, the object through which a worker gives the page a port."""


@pytest.mark.parametrize("giver", PORTS_OF_WORKERS)
def test_clock_waits_for_a_workers_answer_over_a_port_that_the_worker_gave_the_page(
    pbi_stage: Stage, page: Page, giver: str
) -> None:
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
    assert all(1000 <= took <= 1000 + TOLERANCE_MS for took in seen(page))  # type: ignore[operator]


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
"""Scripts by which a frame or a worker gives the page a port whose other end is in another frame."""


@pytest.mark.parametrize("giver", PORTS_OF_FRAMES)
def test_frame_receives_only_the_pages_own_messages_over_a_port_that_others_passed_on(
    pbi_stage: Stage, page: Page, giver: str
) -> None:
    """The harness sends a marker after each message to a worker. A frame must receive no marker."""
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


def test_port_that_a_worker_gives_back_delivers_messages_in_both_directions(pbi_stage: Stage, page: Page) -> None:
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
        """Return the page under the control of a service worker."""
        page.evaluate(
            """script => { const asked = Date.now(); navigator.serviceWorker.register(script);
            navigator.serviceWorker.addEventListener('controllerchange', () => seen.push(Date.now() - asked)); }""",
            getattr(request, "param", "/service_worker.js"),
        )
        pbi_stage.clock.advance("1min")
        (took,) = seen(page)
        assert took <= TOLERANCE_MS  # type: ignore[operator]
        page.evaluate("seen.length = 0")
        return page

    @pytest.mark.parametrize("path", ["/cached", "/slow"])
    def test_clock_waits_for_the_answers_of_a_service_worker(
        self, pbi_stage: Stage, controlled: Page, path: str
    ) -> None:
        controlled.evaluate(
            """path => setInterval(async () => { const asked = Date.now(); const text = await (await fetch(path)).text();
            seen.push([text, Date.now() - asked]); }, 600_000)""",
            path,
        )

        pbi_stage.clock.advance("65min")

        assert len(seen(controlled)) == 6
        assert {text for text, _ in seen(controlled)} == {path[1:]}  # type: ignore[misc]
        assert all(took <= TOLERANCE_MS for _, took in seen(controlled))  # type: ignore[misc]

    def test_request_relayed_by_a_service_worker_is_one_request_in_the_journal(
        self, pbi_stage: Stage, controlled: Page
    ) -> None:
        pbi_stage.delay_answers("*/slow", "45s")
        controlled.evaluate(
            "() => { const asked = Date.now(); fetch('/slow').then(() => seen.push(Date.now() - asked)); }"
        )

        pbi_stage.clock.advance("2min")

        (took,) = seen(controlled)
        assert 45_000 <= took <= 45_000 + TOLERANCE_MS  # type: ignore[operator]
        (asked,) = [entry for entry in pbi_stage.journal.of("request") if entry["url"].endswith("/slow")]
        assert asked["source"] == "page"
        (answered,) = pbi_stage.journal.of("response", request=asked["request"])
        assert answered["status"] == 200

    def test_service_worker_answers_messages_at_once(self, pbi_stage: Stage, controlled: Page) -> None:
        controlled.evaluate(
            """() => { navigator.serviceWorker.onmessage = ({data}) => seen.push(Date.now() - data);
            setInterval(() => navigator.serviceWorker.controller.postMessage(Date.now()), 600_000); }"""
        )

        pbi_stage.clock.advance("65min")

        assert len(seen(controlled)) == 6
        assert all(took <= TOLERANCE_MS for took in seen(controlled))  # type: ignore[operator]

    @pytest.mark.parametrize(
        "controlled", [f"/service_worker.js{query}" for query in ("", "?bare", "?onfetch")], indirect=True
    )
    def test_service_worker_receives_no_request_of_a_time_hold(self, pbi_stage: Stage, controlled: Page) -> None:
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
    def test_clock_waits_for_indexed_db_in_a_popup(self, pbi_stage: Stage, pages: Site, page: Page, path: str) -> None:
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
        assert took <= TOLERANCE_MS  # type: ignore[operator]
