"""wrapped_functions.json lists exactly the functions that the clock's scripts wrap, and docs/clock.md shows the list."""

import json
from pathlib import Path

import pytest
from support.site_of_pages import Site
from wrapped_functions import listed

from harness.clock import scripts
from harness.stage import Stage

DOCS = Path(__file__).resolve().parents[3] / "docs" / "clock.md"

CHANGED = """(() => {
  const functions = () => {
    const found = new Map(), visited = new Set();
    const visit = (path, object) => {
      if (visited.has(object)) return;
      visited.add(object);
      for (const [name, { value, get, set }] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
        if (name === "constructor") continue;
        for (const [key, made] of [[`${path}.${name}`, value], [`get ${path}.${name}`, get], [`set ${path}.${name}`, set]]) {
          if (typeof made === "function" && !found.has(key)) found.set(key, made);
        }
      }
    };
    const visitValue = (path, value) => {
      visit(path, value);
      if (value.prototype?.constructor === value) visit(`${path}.prototype`, value.prototype);
    };
    for (let scope = globalThis; scope !== EventTarget.prototype; scope = Object.getPrototypeOf(scope)) visit("globalThis", scope);
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
      if (Object(value) !== value || value === globalThis) continue;
      visitValue(name, value);
      if (typeof value === "function") continue;
      for (const [key, { value: inner }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
        if (Object(inner) === inner) visitValue(`${name}.${key}`, inner);
      }
    }
    return found;
  };
  for (const name of BINDINGS) globalThis[name] = () => {};
  const before = functions();
  (0, eval)(SCRIPT);
  const wrapped = [...functions()].filter(([name, made]) => before.has(name) && before.get(name) !== made).map(([name]) => name);
  return JSON.stringify({ wrapped, all: [...before.keys()] });
})()"""
"""A program that runs a script of the clock once more and returns the paths of the functions that the script replaces."""
PLACES = {
    "document": {"documents"},
    "dedicated worker": {"workers"},
    "worker of a worker": {"workers", "workers of workers"},
    "shared worker": {"workers"},
    "service worker": {"workers", "service workers"},
}
START = {
    "document": "(program) => report((0, eval)(program))",
    "dedicated worker": "(program) => { workerOf(`postMessage(${program})`).onmessage = ({ data }) => report(data); }",
    "shared worker": """(program) => {
        const url = URL.createObjectURL(new Blob([`onconnect = ({ ports: [port] }) => port.postMessage(${program})`]));
        new SharedWorker(url).port.onmessage = ({ data }) => report(data); }""",
    "service worker": """(program) => {
        const text = encodeURIComponent('onmessage = ({ data, source }) => source.postMessage((0, eval)(data))');
        navigator.serviceWorker.onmessage = ({ data }) => report(data);
        navigator.serviceWorker.register(`/slow?type=text/javascript&text=${text}`).then(({ installing }) => installing.postMessage(program)); }""",
}


def replaced_in(stage: Stage, pages: Site, place: str) -> tuple[set[str], set[str]]:
    """Return the functions that the clock's script replaces in a place, and all functions that there are in this place."""
    of_worker = place == "worker of a worker"
    script = (
        scripts.popup_script(slept_ms=0)
        if place == "document"
        else scripts.worker_script(of_worker=of_worker, slept_ms=0)
    )
    again = script.replace("__pbiMessages", "__pbiMessagesOfTheTest")
    program = CHANGED.replace("SCRIPT", json.dumps(again), 1).replace(
        "BINDINGS", json.dumps([scripts.COOKIES_BINDING, scripts.HANDLED_BINDING]), 1
    )
    stage.open(pages.empty)
    stage.page.evaluate("() => { globalThis.report = (text) => { globalThis.reported = JSON.parse(text); }; }")
    stage.page.evaluate(START["dedicated worker" if of_worker else place], program)
    stage.clock.advance("5s")
    reported = stage.page.evaluate("reported")
    return set(reported["wrapped"]), set(reported["all"])


@pytest.mark.parametrize("place", PLACES)
def test_scripts_wrap_exactly_the_listed_functions(pbi_stage: Stage, pages: Site, place: str) -> None:
    wrapped, all_functions = replaced_in(pbi_stage, pages, place)

    expected = {str(function) for function in listed() if function.where in PLACES[place]}
    assert wrapped - expected == set()
    assert (expected & all_functions) - wrapped == set()
    missing = expected - all_functions
    assert not missing if place == "document" else missing != expected


def test_docs_show_the_listed_apis() -> None:
    """Each row of wrapped_functions.json that has a text for the docs is a row of the table in docs/clock.md."""
    lines = DOCS.read_text("utf-8").splitlines()
    for row in scripts.wrapped_functions():
        if "in_virtual_time" in row:
            name = row.get("row") or ", ".join(api["api"] for api in row["apis"])
            assert f"| {name} | yes | {row['in_virtual_time']} |" in lines


def test_each_listed_function_names_a_script_that_exists_or_how_its_end_is_seen() -> None:
    folder = Path(scripts.__file__).parent
    for row in scripts.wrapped_functions():
        for api in row["apis"]:
            assert ("left_alone" in api) != ("why" in api), api["api"]
            for entry in api["functions"]:
                assert ("ends" in entry) != ("script" in entry), entry
                assert "script" not in entry or (folder / entry["script"]).is_file(), entry
                assert ("events" in entry) == entry.get("ends", "").startswith("event"), entry
