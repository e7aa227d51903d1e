"""What time has to wait for beyond loads and timers, and how.

Chromium's virtual time waits for network loads and runs the timers of pages and frames, but knows nothing of other threads.

| API | what happens left alone | what is done | where |
|---|---|---|---|
| `new Worker`, `postMessage` to it | a message takes up to hours | time is held until the worker has handled it | `worker_messages.js` in every frame |
| a worker's `setTimeout`, `setInterval` | they never fire | the clock keeps the list and fires what is due | `worker_timers.js` in every dedicated worker |
"""

import json
import secrets
from functools import cache
from pathlib import Path

HOLD_URL = "https://hold.pbi-harness.invalid/"
"""A request that nobody answers: while a page waits for it, its time stands still."""

KEY = f"pbi-harness {secrets.token_hex(8)}"
RELEASE = f"__pbiRelease{secrets.token_hex(8)}"
BINDING = f"__pbiHandled{secrets.token_hex(8)}"


@cache
def _script(name: str, **settings: str) -> str:
    source = Path(__file__).with_name(name).read_text("utf-8").rstrip().rstrip(";")
    return f"{source}({json.dumps(settings)});"


def frame_script() -> str:
    """What every frame runs before its own scripts."""
    return _script("worker_messages.js", key=KEY, hold=HOLD_URL, release=RELEASE)


def worker_script() -> str:
    """What every dedicated worker runs before its own script."""
    return _script("worker_timers.js", key=KEY, binding=BINDING)


def worker_of(note: str) -> str:
    """The name that a frame gave the worker to which it sent a note."""
    return note.rpartition(" ")[0]


def handled(note: str) -> str:
    """The expression that tells a frame that a worker has handled what the note stands behind."""
    return f"globalThis.{RELEASE}?.handled({json.dumps(note)})"


def ended(worker: str) -> str:
    """The expression that tells a frame that a worker has ended: nothing will be handled any more."""
    return f"globalThis.{RELEASE}?.ended({json.dumps(worker)})"
