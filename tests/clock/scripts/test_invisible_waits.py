"""A page cannot tell that functions are wrapped: each wrapped function looks like the browser's own.

The functions are compared with those of a world of the same frame in which no function is wrapped. test_same_behaviour.py compares
what the functions do.
"""

import json

import pytest
from support.site_of_pages import Site
from untouched_world import in_both_worlds
from wrapped_functions import interfaces_of_documents, listed, methods_of_documents

from harness.stage import Stage

OTHER_OBJECTS = ["Date", "Temporal.Now", "Intl.DateTimeFormat.prototype", "WebAssembly"]

LOOK = """(({interfaces, objects, functions}) => {
  const flags = (property) => property && [property.writable, property.enumerable, property.configurable, !!property.get];
  const about = (made) => typeof made !== "function" ? typeof made : {
    name: made.name,
    length: made.length,
    text: Function.prototype.toString.call(made),
    own: Reflect.ownKeys(made).map(String),
    parent: Object.getPrototypeOf(made)?.name,
    prototype: "prototype" in made && made.prototype?.constructor === made,
  };
  const seen = {};
  const look = (name, object) => {
    for (const key of Reflect.ownKeys(object)) {
      const property = Object.getOwnPropertyDescriptor(object, key);
      seen[`${name}.${String(key)}`] = [about(property.value), about(property.get), about(property.set), flags(property)];
    }
  };
  for (const name of interfaces) look(`${name}.prototype`, window[name].prototype);
  for (const name of objects) look(name, name.split(".").reduce((object, key) => object[key], window));
  for (const name of [...interfaces, ...functions]) {
    seen[name] = [about(window[name]), flags(Object.getOwnPropertyDescriptor(window, name))];
  }
  return seen;
})(%s)"""


def test_wrapped_functions_look_like_functions_of_the_browser(pbi_stage: Stage, pages: Site) -> None:
    methods = methods_of_documents()
    interfaces, functions = interfaces_of_documents(), methods.pop("globalThis")
    prototypes = {f"{name}.prototype" for name in interfaces}
    objects = {function.object for function in listed() if function.where == "documents"}
    assert objects - prototypes - {"globalThis"} == set(OTHER_OBJECTS)
    pbi_stage.open(pages.empty)
    look = LOOK % json.dumps({"interfaces": interfaces, "objects": OTHER_OBJECTS, "functions": functions})

    wrapped, untouched = in_both_worlds(pbi_stage, look)

    assert wrapped.keys() == untouched.keys()
    assert {name: about for name, about in wrapped.items() if about != untouched[name]} == {}


@pytest.mark.parametrize(
    "expression",
    [
        "(document.cookie = { toString: () => 'c=1; max-age=60' }) && document.cookie === 'c=1'",
        "(() => { try { Object.getOwnPropertyDescriptor(Document.prototype, 'cookie').set.call({}, 'c=1'); } catch (error) { return error instanceof TypeError; } })()",
        "cookieStore.set('c', '1').then(() => document.cookie === 'c=1')",
        "cookieStore.set({ name: 'c', value: '1', path: 'x' }).catch((error) => error instanceof TypeError)",
        "Object.getOwnPropertyNames(window).filter((name) => /pbi.*cookie/i.test(name)).length === 0",
        "new Date() instanceof Date && Object.getPrototypeOf(new Date()) === Date.prototype && new Date().constructor === Date",
        "typeof Date() === 'string' && new Date(0).getTime() === 0 && new Date(2020, 0).getFullYear() === 2020",
        "new (class Own extends Date {})() instanceof Date",
        "(() => { try { new Intl.DateTimeFormat('en').format(NaN); } catch (error) { return error instanceof RangeError; } })()",
        "new Intl.DateTimeFormat('en').format.name === '' && new Intl.DateTimeFormat('en').format.length === 1",
        "(() => { try { new PerformanceObserver(); } catch (error) { return error instanceof TypeError; } })()",
        "new (class Own extends PerformanceObserver {})(() => {}) instanceof PerformanceObserver",
        "new Promise((done) => { const observer = new PerformanceObserver(function (list, by, more) { done(this === observer && by === observer && more.droppedEntriesCount === 0 && list.getEntriesByName('m').length === 1); }); observer.observe({ type: 'mark' }); performance.mark('m'); })",
        "Temporal.Now.instant() instanceof Temporal.Instant && Temporal.Now.plainDateISO() instanceof Temporal.PlainDate",
    ],
)
def test_expression_that_uses_wrapped_functions_is_true(pbi_stage: Stage, pages: Site, expression: str) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(f"() => {{ Promise.resolve({expression}).then((is) => {{ globalThis.is = is; }}); }}")
    pbi_stage.clock.advance("1s")

    assert pbi_stage.page.evaluate("globalThis.is") is True


def test_time_waits_in_a_page_that_replaces_wrapped_functions(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        """() => {
        Object.freeze(Object.prototype);
        const { fetch, Worker, Promise } = window;
        window.fetch = (...args) => { globalThis.asked = true; return fetch(...args); };
        window.Worker = class extends Worker {};
        IDBFactory.prototype.open = new Proxy(IDBFactory.prototype.open, {});
        setTimeout(async () => {
          await fetch('/favicon.ico'); await window.fetch('/favicon.ico');
          const began = Date.now();
          await new Promise((done) => { indexedDB.open('d').onsuccess = done; });
          await new Promise((done) => { new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = done; });
          globalThis.tookMs = Date.now() - began;
        }, 60_000);
        }"""
    )
    pbi_stage.clock.advance("2h")

    assert pbi_stage.page.evaluate("[asked, tookMs <= 300]") == [True, True]


def test_page_observes_only_its_own_requests(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        """() => {
        const others = new BroadcastChannel('loaded'); // a hold for its messages always makes a request
        const keep = ({ name }) => {
          seen.push(name);
          others.postMessage(name);
        };
        new PerformanceObserver((list) => list.getEntries().forEach(keep)).observe({ type: 'resource' });
        setTimeout(async () => (await fetch('/slow')).text(), 60_000);
        }"""
    )
    pbi_stage.clock.advance("61s")

    assert pbi_stage.page.evaluate("seen") == [f"{pages.origin}/slow"]
    assert f"{pages.origin}/slow" in pbi_stage.page.evaluate("performance.getEntries().map(({ name }) => name)")
    assert pbi_stage.page.evaluate("performance.getEntries().filter(({ name }) => /hold/.test(name)).length") == 0
