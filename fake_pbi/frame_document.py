"""The document of an iframe, with its style, its packages and its modules inside.

One request per file, even to a `data:` address, would take longer than everything else that a frame does.
"""

import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

APP_FOLDER = Path(__file__).parent / "embed_app"
PACKAGES = (
    "http-post-message/dist/httpPostMessage.min.js",
    "window-post-message-proxy/dist/windowPostMessageProxy.min.js",
    "powerbi-router/dist/router.min.js",
    "powerbi-models/dist/models.min.js",
)
"""Microsoft's own packages for the protocol between SDK and iframe, as paths in node_modules."""

SETTINGS = "__SETTINGS__"
"""The placeholder in the document that the settings of an item replace."""
IMPORT = re.compile(r'^import (\{.*\}) from "\./(.+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:class|function) (\w+))", re.MULTILINE)


@cache
def frame_document(npm: Path, app: Path) -> str:
    """Return the document of the iframe app, with `SETTINGS` in the place of an item's settings.

    `app` is the folder of the app, in normal use `APP_FOLDER`. `npm` is a node_modules folder with `PACKAGES`. Raises
    `FileNotFoundError` if a file is missing.
    """
    parts = {
        "__STYLE__": (app / "style.css").read_text("utf-8"),
        "__PACKAGES__": "\n".join(f"<script>{(npm / script).read_text('utf-8')}</script>" for script in PACKAGES),
        "__MODULES__": _in_one(app),
    }
    document = (app / "index.html").read_text("utf-8")
    for name, part in parts.items():
        document = document.replace(name, part)
    return document


def _in_one(app: Path) -> str:
    """The modules of a folder as one, each in a function of its own after those that it imports from. They import by name, and
    export functions and classes."""
    sources = {module.name: module.read_text("utf-8") for module in sorted(app.glob("*.js"))}
    imports = {name: [of for _, of in IMPORT.findall(source)] for name, source in sources.items()}
    order = TopologicalSorter(imports).static_order()
    return "\n".join(["const modules = {};", *(_in_a_function(name, sources[name]) for name in order)])


def _in_a_function(name: str, source: str) -> str:
    body = EXPORT.sub("", IMPORT.sub(r'const \1 = modules["\2"];', source))
    exported = ", ".join(EXPORT.findall(source))
    return f'modules["{name}"] = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();'
