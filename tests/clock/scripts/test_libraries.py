"""Libraries that replace functions of the browser work together with the clock's scripts, and time waits for their calls."""

import pytest
from support.site_of_pages import Site
from test_other_threads import CLOSE_MS, IN_DOCUMENTS, WORKS
from untouched_world import in_both_worlds

from harness.base.resources import node_modules
from harness.stage import Stage

ZONE = "zone.js/bundles/zone.umd.js"
CORE_JS = "core-js-bundle/minified.js"
REACT = ["react/umd/react.development.js", "react-dom/umd/react-dom.development.js"]
MONITOR = """(() => {
  const around = (target, name, before) => {
    const original = target[name];
    target[name] = function (...args) { before?.(args); calls[name] = (calls[name] ?? 0) + 1; return original.apply(this, args); };
    target[name].__original__ = original;
  };
  const guarded = (callback) => typeof callback !== 'function' ? callback
    : function (...args) { try { return callback.apply(this, args); } catch (error) { calls.caught = true; throw error; } };
  globalThis.calls = {};
  for (const name of ['setTimeout', 'setInterval', 'requestAnimationFrame']) around(window, name, (args) => { args[0] = guarded(args[0]); });
  around(window, 'fetch');
  for (const name of ['open', 'send']) around(XMLHttpRequest.prototype, name);
  around(EventTarget.prototype, 'addEventListener', (args) => { args[1] = guarded(args[1]); });
  around(history, 'pushState');
})()"""
"""A script that wraps functions as error monitors such as Sentry's do."""
LIBRARIES = {"zone.js": [ZONE], "core-js": [CORE_JS], "React": REACT, "a monitor": []}

WORK = {
    **{
        name: WORKS[name]
        for name in (
            "IndexedDB",
            "a signature",
            "the Cache API",
            "a Web Lock",
            "BroadcastChannel",
            "a blob",
            "a WebSocket",
        )
    },
    **IN_DOCUMENTS,
    "a request": "fetch('/slow').then((answer) => answer.text())",
    "an XMLHttpRequest": """new Promise((done, failed) => { const request = new XMLHttpRequest(); request.open('GET', '/slow');
        request.addEventListener('load', done); request.addEventListener('error', failed); request.send(); })""",
    "a timer": "new Promise((done) => setTimeout(done, 20))",
}
USE = f"""async function use(into) {{
  const works = {{ {", ".join(f"{name!r}: () => {work}" for name, work in WORK.items())} }};
  for (const [name, work] of Object.entries(works)) {{
    const asked = Date.now();
    try {{ await work(); into[name] = Date.now() - asked; }} catch (error) {{ into[name] = String(error); }}
  }}
}}
const took = {{ first: {{}}, then: {{}} }};"""


def scripts(library: str) -> str:
    tags = "".join(f'<script src="/npm/{path}"></script>' for path in LIBRARIES[library])
    return tags or f"<script>{MONITOR}</script>"


@pytest.mark.parametrize("first", ["the library", "the page"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_time_waits_for_calls_in_a_page_with_a_library(pbi_stage: Stage, pages: Site, library: str, first: str) -> None:
    parts = [scripts(library), f"<script>{USE} use(took.first)</script>"]
    if first == "the page":
        parts.reverse()
    pbi_stage.open(pages.made(f"<body>{''.join(parts)}<script>setTimeout(() => use(took.then), 60_000)</script>"))

    pbi_stage.clock.advance("2h")

    for took in pbi_stage.page.evaluate("[took.first, took.then]"):
        assert took.keys() == WORK.keys()
        assert {name: ms for name, ms in took.items() if not isinstance(ms, int) or ms > CLOSE_MS} == {}
    assert not pbi_stage.journal.of("clock", "page.error")


ZONES = """(() => {
  const zones = globalThis.zones = {}, here = (name) => () => { zones[name] = Zone.current.name; };
  Zone.current.fork({ name: 'app' }).run(() => setTimeout(() => {
    const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])));
    const reader = new FileReader(), request = new XMLHttpRequest(), socket = new WebSocket(`ws://${location.host}/echo`);
    const channels = [new BroadcastChannel('zones'), new BroadcastChannel('zones')];
    setTimeout(here('timeout'));
    const often = setInterval(() => { here('interval')(); clearInterval(often); });
    requestAnimationFrame(here('frame'));
    Promise.resolve().then(here('promise'));
    fetch('/slow').then(here('fetch'));
    request.open('GET', '/slow'); request.onload = here('request'); request.send();
    crypto.subtle?.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt']).then(here('key'));
    navigator.locks.request('zones', () => here('lock')()).then(here('lock given back'));
    navigator.permissions.query({ name: 'geolocation' }).then(here('permission'));
    indexedDB.open('zones').onsuccess = here('database');
    caches.open('zones').then(here('cache'));
    new Blob(['x']).text().then(here('blob'));
    reader.onload = here('reader'); reader.readAsText(new Blob(['x']));
    worker.onmessage = here('worker'); worker.addEventListener('message', here('worker, listener'));
    socket.onopen = here('socket');
    channels[0].onmessage = here('channel'); channels[1].postMessage(1);
    (async () => { await fetch('/slow'); here('await')(); })();
  }, 60_000));
})()"""


def test_zone_js_finds_the_same_zones_in_callbacks_of_wrapped_functions(pbi_stage: Stage, pages: Site) -> None:
    """The zones are compared with those in a world in which no function is wrapped."""
    zone = (node_modules() / ZONE).read_text("utf-8")
    pbi_stage.open(pages.empty)
    in_both_worlds(pbi_stage, f"{zone}\n;{ZONES}")

    pbi_stage.clock.advance("24h")

    wrapped, untouched = in_both_worlds(pbi_stage, "globalThis.zones")
    assert len(untouched) == 19
    assert wrapped == untouched


REPLACED = """(() => {
  const own = (holder) => Object.entries(Object.getOwnPropertyDescriptors(holder)).map(([name, found]) => [name, found.value ?? found.get]);
  const look = () => { const seen = new Map();
    for (const [name, value] of own(window)) {
      seen.set(name, value);
      if (typeof value !== 'function' || !value.prototype) continue;
      for (const holder of [value, value.prototype])
        for (const [key, inner] of own(holder)) seen.set(`${name}${holder === value ? '.' : '#'}${key}`, inner);
    }
    return seen; };
  const before = look();
  %s
  globalThis.replaced = [...look()].filter(([name, value]) => before.get(name) !== value).map(([name]) => name).sort();
})()"""


def test_core_js_replaces_no_wrapped_function_that_it_would_not_replace_otherwise(
    pbi_stage: Stage, pages: Site
) -> None:
    """The feature detection of core-js replaces the same functions in a world in which no function is wrapped."""
    core_js = (node_modules() / CORE_JS).read_text("utf-8")
    pbi_stage.open(pages.empty)
    in_both_worlds(pbi_stage, REPLACED % f"{core_js};")

    wrapped, untouched = in_both_worlds(pbi_stage, "globalThis.replaced")
    assert wrapped == untouched
    assert untouched


APP = """
const { createElement: h, useEffect, useState } = React;
function App() {
  const [shown, show] = useState([]);
  useEffect(() => {
    const timer = setInterval(async () => {
      const asked = Date.now();
      const answer = await (await fetch('/slow')).text();
      await new Promise((done) => { indexedDB.open('d').onsuccess = done; });
      show((before) => [...before, `${answer} ${Date.now() - asked <= 200}`]);
    }, 600_000);
    return () => clearInterval(timer);
  }, []);
  return h('ul', null, shown.map((text, n) => h('li', { key: n }, text)));
}
globalThis.errors = [];
console.error = (...args) => errors.push(String(args[0]));
ReactDOM.createRoot(document.querySelector('#app')).render(h(React.StrictMode, null, h(App)));
"""


def test_app_of_a_development_build_of_react_runs_without_errors(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.made(f"<body><div id=app></div>{scripts('React')}<script>{APP}</script>"))

    pbi_stage.clock.advance("65min")

    assert pbi_stage.page.locator("li").all_text_contents() == ["slow true"] * 6
    assert pbi_stage.page.evaluate("errors") == []
    assert not pbi_stage.journal.of("clock", "page.error")


def test_error_monitor_sees_only_the_calls_of_the_page(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.made(f"{scripts('a monitor')}"))
    pbi_stage.page.evaluate(
        """() => { setTimeout(async () => { await fetch('/slow'); await new Blob(['x']).text(); new WebSocket(`ws://${location.host}/echo`);
        new Worker(URL.createObjectURL(new Blob(['']))); indexedDB.open('d'); requestAnimationFrame(() => {}); }, 1000); }"""
    )
    before = pbi_stage.page.evaluate("calls")

    pbi_stage.clock.advance("1h")

    assert before == {"setTimeout": 1}
    assert pbi_stage.page.evaluate("calls") == {"setTimeout": 1, "fetch": 1, "requestAnimationFrame": 1}
