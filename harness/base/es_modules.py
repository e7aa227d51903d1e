"""ES modules as one script.

A document that runs one script starts sooner than a document that requests every module.
"""

import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([^"/]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|const|function) (\w+))", re.MULTILINE)
_COMMENT_LINES = re.compile(r"^[ \t]*(?://.*|/\*[\s\S]*?\*/[ \t]*)(?:\n|\Z)", re.MULTILINE)
_MODULE_SYNTAX = re.compile(r"^(?:import\b(?!\().*|export\b.*)", re.MULTILINE)


@cache
def bundle(entry: Path) -> str:
    """Return the module at `entry` and the modules that it imports as one JavaScript expression.

    The value of the expression is an object with the exports of `entry`. Evaluating the expression adds no global name.
    Each module runs once, in strict mode, after the modules that it imports from.

    Two forms are supported, each on one line: `import { a, b } from "./module.js";` from the same folder, and `export`
    before a `class`, `function` or `const` that has a name. An exported value is read when its module has run, so it
    must not change. Comments that fill whole lines are left out, because a browser reads the bundle for each frame. So
    no line of a template literal may begin with `//` or `/*`.

    Raises `ValueError` for another form, `graphlib.CycleError` for modules that import each other, and
    `FileNotFoundError` for a module that does not exist.
    """
    sources: dict[str, str] = {}
    imports: dict[str, list[str]] = {}
    unread = [entry.name]
    while unread:
        name = unread.pop()
        sources[name] = source = _COMMENT_LINES.sub("", entry.with_name(name).read_text("utf-8"))
        imports[name] = [imported for _, imported in _IMPORT.findall(source)]
        unread += [imported for imported in imports[name] if imported not in sources]
    order = [name for name in TopologicalSorter(imports).static_order() if name != entry.name]
    modules = "\n".join(f'modules["{name}"] = {_function_call(name, sources[name])};' for name in order)
    return f'(() => {{\n"use strict";\nconst modules = {{}};\n{modules}\nreturn {_function_call(entry.name, sources[entry.name])};\n}})()'


def _function_call(name: str, source: str) -> str:
    """Return a module as the call of a function that returns the module's exports."""
    exported = ", ".join(_EXPORT.findall(source))
    body = _EXPORT.sub("", _IMPORT.sub(r'const \1 = modules["\2"];', source)).strip()
    if unsupported := _MODULE_SYNTAX.search(body):
        raise ValueError(f"{name}: the bundler does not support this line: {unsupported[0]}")
    return f"(() => {{\n{body}\nreturn {{ {exported} }};\n}})()"
