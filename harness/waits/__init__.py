"""What time has to wait for beyond loads and timers, and how.

Chromium's virtual time waits for network loads and runs the timers of pages and frames, but knows nothing of other threads.

| API | what happens left alone | what is done | where |
|---|---|---|---|
| `new Worker`, `postMessage` to it | a message takes up to hours | time is held until the worker has handled it | `worker_messages.js` in every frame |
| a navigation | the old document lives on, for minutes to hours | time is held until the new one is there | `navigations.js` in every frame |
| a page's new document | begins the grant under way anew | time is held until the clock has seen it | `first_moment.js` in the page |
| a worker's `setTimeout`, `setInterval` | they never fire | the clock keeps the list and fires what is due | `worker_timers.js` in every dedicated worker |
"""

import json
import secrets
from functools import cache
from pathlib import Path

HOLD_URL = "https://hold.pbi-harness.invalid/"
"""A request that nobody answers: while a page waits for it, its time stands still."""
NEW_DOCUMENT = "new-document"
"""How the address of such a request ends when a new document of the page makes it."""

IN_FRAMES = ("first_moment.js", "navigations.js", "worker_messages.js")
"""The parts that run in every frame. They share `hold` (`hold.js`), and `heard`: what the clock tells the frame."""

KEY = f"pbi-harness {secrets.token_hex(8)}"
HEARD = f"__pbiHeard{secrets.token_hex(8)}"
BINDING = f"__pbiHandled{secrets.token_hex(8)}"


@cache
def _source(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8").rstrip()


def frame_script() -> str:
    """What every frame runs before its own scripts."""
    settings = json.dumps({"holdUrl": HOLD_URL, "newDocument": NEW_DOCUMENT, "key": KEY})
    shared = f"const hold = {_source('hold.js')}(settings), heard = {{}};"
    listen = f"Object.defineProperty(window, {HEARD!r}, {{ value: heard }});"
    parts = "\n".join(f"{_source(name)}(hold, heard, settings);" for name in IN_FRAMES)
    return f"((settings) => {{\n{shared}\n{listen}\n{parts}\n}})({settings});"


def worker_script() -> str:
    """What every dedicated worker runs before its own script."""
    return f"{_source('worker_timers.js')}({json.dumps({'key': KEY, 'binding': BINDING})});"


def seen() -> str:
    """The expression that tells a new document that the clock has seen it."""
    return f"globalThis.{HEARD}?.seen?.()"


def worker_of(note: str) -> str:
    """The name that a frame gave the worker to which it sent a note."""
    return note.rpartition(" ")[0]


def handled(note: str) -> str:
    """The expression that tells a frame that a worker has handled what the note stands behind."""
    return f"globalThis.{HEARD}?.handled({json.dumps(note)})"


def ended(worker: str) -> str:
    """The expression that tells a frame that a worker has ended: nothing will be handled any more."""
    return f"globalThis.{HEARD}?.ended({json.dumps(worker)})"
