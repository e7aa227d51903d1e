"""The document of an iframe, which brings all that it runs: a request for each of its files would take longer than all else
that a frame does."""

import base64
import json
from functools import cache
from pathlib import Path

APP_FOLDER = Path(__file__).parent / "embed_app"
PACKAGES = (
    "http-post-message/dist/httpPostMessage.min.js",
    "window-post-message-proxy/dist/windowPostMessageProxy.min.js",
    "powerbi-router/dist/router.min.js",
    "powerbi-models/dist/models.min.js",
)
"""Microsoft's own packages that speak the wire protocol, as far as the app uses them."""


SETTINGS = "__SETTINGS__"
"""What stands in the document where an item's settings belong."""


@cache
def frame_document(npm: Path, app: Path) -> str:
    """The document of the iframe app in a folder (`APP_FOLDER`), but for an item's settings.

    `npm` is a node_modules folder with `PACKAGES`; without one, a `FileNotFoundError`.
    """
    modules = {module.name: _address(module) for module in sorted(app.glob("*.js"))}
    parts = {
        "__STYLE__": (app / "style.css").read_text("utf-8"),
        "__PACKAGES__": "\n".join(f"<script>{(npm / script).read_text('utf-8')}</script>" for script in PACKAGES),
        "__MODULES__": json.dumps({"imports": modules}),
    }
    document = (app / "index.html").read_text("utf-8")
    for name, part in parts.items():
        document = document.replace(name, part)
    return document


def _address(module: Path) -> str:
    """An address that holds the module itself. It cannot import what lies beside it, so its imports become bare names, which
    the document's import map knows."""
    source = module.read_text("utf-8").replace('from "./', 'from "') + f"\n//# sourceURL=embed_app/{module.name}\n"
    return f"data:text/javascript;base64,{base64.b64encode(source.encode()).decode()}"
