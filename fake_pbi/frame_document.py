"""The document of an iframe, with its style, its packages and its modules inside.

One request per file, even to a `data:` address, would take longer than everything else that a frame does.
"""

from functools import cache
from pathlib import Path

from harness.base.es_modules import bundle

APP_FOLDER = Path(__file__).parent / "embed_app"
ENTRY = "main.js"
"""The module of the app that starts it."""
PACKAGES = (
    "http-post-message/dist/httpPostMessage.min.js",
    "window-post-message-proxy/dist/windowPostMessageProxy.min.js",
    "powerbi-router/dist/router.min.js",
    "powerbi-models/dist/models.min.js",
)
"""Microsoft's own packages for the protocol between SDK and iframe, as paths in node_modules."""

SETTINGS = "__SETTINGS__"
"""The text in the document that is replaced by an item's settings."""


@cache
def frame_document(npm: Path, app: Path) -> str:
    """Return the document of the iframe app, with `SETTINGS` in the place of an item's settings.

    `app` is the folder of the app, in normal use `APP_FOLDER`. `npm` is a node_modules folder with `PACKAGES`. Raises
    `FileNotFoundError` if a file is missing.
    """
    parts = {
        "__STYLE__": (app / "style.css").read_text("utf-8"),
        "__PACKAGES__": "\n".join(f"<script>{(npm / script).read_text('utf-8')}</script>" for script in PACKAGES),
        "__MODULES__": bundle(app / ENTRY),
    }
    document = (app / "index.html").read_text("utf-8")
    for name, part in parts.items():
        document = document.replace(name, part)
    return document
