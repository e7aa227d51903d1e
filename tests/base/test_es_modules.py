"""A bundle of ES modules does in one script what the modules do."""

from graphlib import CycleError
from pathlib import Path
from typing import Any

import pytest
from support.site_of_pages import Site

from harness.base.es_modules import bundle
from harness.stage import Stage


def entry_of(folder: Path, **modules: str) -> Path:
    """Write modules, the first of which is the entry, and return the path of the entry."""
    for name, source in modules.items():
        (folder / f"{name}.js").write_text(source, "utf-8")
    return folder / f"{next(iter(modules))}.js"


def evaluated(stage: Stage, pages: Site, expression: str) -> Any:
    stage.open(pages.empty)
    return stage.page.evaluate(expression)


def test_value_of_a_bundle_is_the_exports_of_its_entry(pbi_stage: Stage, pages: Site, tmp_path: Path) -> None:
    entry = entry_of(
        tmp_path,
        entry='import { Counter, limit } from "./counter.js";\n'
        "export function count() {\n  return new Counter(limit).left;\n}\nexport const twice = 2 * limit;\n"
        "export async function later() {}\nexport class Empty {}",
        counter="export const limit = 3;\nexport class Counter {\n  constructor(limit) {\n    this.left = limit;\n  }\n}",
    )
    made = evaluated(
        pbi_stage,
        pages,
        f"(({{count, twice, later, Empty}}) => [count(), twice, typeof later, typeof Empty])({bundle(entry)})",
    )
    assert made == [3, 6, "function", "function"]


def test_each_module_runs_once_after_the_modules_that_it_imports(pbi_stage: Stage, pages: Site, tmp_path: Path) -> None:
    entry = entry_of(
        tmp_path,
        a_entry='import { b } from "./b.js";\nimport { z } from "./z.js";\nlog.push("entry");\nexport const all = [b, z];',
        b='import { z } from "./z.js";\nlog.push("b");\nexport const b = `b of ${z}`;',
        z='log.push("z");\nexport const z = "z";',
    )
    ran = evaluated(pbi_stage, pages, f"(() => {{ globalThis.log = []; return [{bundle(entry)}.all, log]; }})()")
    assert ran == [["b of z", "z"], ["z", "b", "entry"]]


def test_modules_are_strict_and_leave_no_global_name(pbi_stage: Stage, pages: Site, tmp_path: Path) -> None:
    entry = entry_of(tmp_path, entry="export const own = 1;\nexport function receiver() {\n  return typeof this;\n}")
    expression = f"""(() => {{ const before = Reflect.ownKeys(globalThis);
        const {{ receiver }} = {bundle(entry)};
        return [receiver(), Reflect.ownKeys(globalThis).filter((name) => !before.includes(name))]; }})()"""
    assert evaluated(pbi_stage, pages, expression) == ["undefined", []]


def test_bundle_has_no_module_that_its_entry_does_not_need(tmp_path: Path) -> None:
    entry = entry_of(
        tmp_path, entry='import { a } from "./a.js";\na();', a="export function a() {}", other="of_no_use();"
    )
    assert "of_no_use" not in bundle(entry)


def test_bundle_has_no_comments_that_fill_lines(pbi_stage: Stage, pages: Site, tmp_path: Path) -> None:
    source = """// of one line
/** in a line */
/**
 * of lines
 */
export function add(a, b) {
  // inside
  const address = "https://a.test/*"; // behind code
  return `${address}${a + b}`; /* behind code */
}
// at the end"""
    made = bundle(entry_of(tmp_path, entry=source))

    assert made.count("behind code") == 2
    assert not any(text in made for text in ("of one line", "in a line", "of lines", "inside", "at the end"))
    assert evaluated(pbi_stage, pages, f"{made}.add(1, 2)") == "https://a.test/*3"


@pytest.mark.parametrize(
    "line",
    [
        'import value from "./a.js";',
        'import "./a.js";',
        'import { a } from "./folder/a.js";',
        "export default 1;",
        "export let changing = 1;",
        "export { a };",
        'export { a } from "./a.js";',
    ],
)
def test_module_syntax_that_the_bundler_does_not_support_is_refused(tmp_path: Path, line: str) -> None:
    entry = entry_of(tmp_path, entry=f"const a = 1;\n{line}", a="export const a = 1;")
    with pytest.raises(ValueError, match=r"^entry\.js: the bundler does not support this line: "):
        bundle(entry)


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    entry = entry_of(
        tmp_path,
        entry='import { a } from "./a.js";\nexport const b = a;',
        a='import { b } from "./entry.js";\nexport const a = b;',
    )
    with pytest.raises(CycleError):
        bundle(entry)


def test_import_of_a_missing_module_is_refused(tmp_path: Path) -> None:
    entry = entry_of(tmp_path, entry='import { a } from "./missing.js";\na();')
    with pytest.raises(FileNotFoundError):
        bundle(entry)
