"""What time has to wait for beyond loads and timers, and how.

Chromium's virtual time waits for network loads and runs the timers of pages and frames, but knows nothing of its other
threads and processes. A call that works there comes back after minutes to hours of virtual time, unless the page stops time
meanwhile (`hold.js`): what has not ended after a moment does so while the clock moves by single milliseconds.

| API | left alone | one sees its end by | where |
|---|---|---|---|
| Web Crypto (`digest` in workers only); Cache API; `Blob.text()` and the like; files of the origin's own; `cookieStore`, permissions, storage estimates, `decode()`, font loads, `createImageBitmap`, `WebAssembly`, decoded and rendered audio, the list of media devices, clipboard, WebAuthn | up to a day | its promise | `other_threads.js` in every frame and worker |
| IndexedDB: opening, deleting, transactions | minutes to hours | its event (`blocked` is one) | the same |
| `FileReader` | seconds to hours | `loadend` | the same |
| Web Locks | up to hours | the callback; if it is another's, after a few steps of the clock, and again when one is given back | the same |
| `BroadcastChannel` | up to an hour | nothing: a few steps | the same |
| `WebSocket` | minutes | `open`; after `send()` the next message, at most some 40 steps | the same |
| a worker's `fetch`, `XMLHttpRequest`, bodies | up to an hour | its promise or `loadend` | the same, in workers |
| `document.cookie = …`, `cookieStore.set()` | the cookie ends in real time | the clock knows when it ends | `cookies.js` in every frame, also of popups |
| animation frames | up to hours | a timer of a 60th of a second brings them, too | `animation_frames.js` in every frame |
| `animate()` | over at once, up to hours late, or never | a timer brings it to its end | `frames.js` in every frame |
| what comes with a frame: `IntersectionObserver`, `ResizeObserver`, `startViewTransition()`; `requestIdleCallback()` | minutes to hours | the next frame; not each time where a page asks all the time | `frames.js` in every frame |
| `new Worker`, messages to workers, also through ports | up to hours | a note behind each message, which the worker hands on | `worker_messages.js` in every frame and worker, `worker_notes.js` in workers |
| `new SharedWorker` | up to hours | the worker says that a page has connected to it | the same |
| a service worker's installation | up to hours | its `statechange` | `service_workers.js` |
| what a service worker posts to its pages | up to hours | nothing: some steps | the same |
| what a worker posts to a port of its own | up to a timer's length | a message of the clock's, which comes after it | `worker_timers.js` in every worker |
| a worker's `setTimeout`, `setInterval`, `AbortSignal.timeout()`, `scheduler.postTask()` with a delay, animation frames | they never fire, or hours late | a timer of its page, or the clock, fires what is due | `worker_timers.js` in every worker, `worker_messages.js` in every frame |
| a navigation | the old document lives on for hours | the new document | `navigations.js` in every frame |
| `window.open()` | the page lives on for minutes before its popup is known | the clock watches the popup, which shows its document | `popups.js` in every frame |
| `Date`, `Temporal.Now`, `Intl.DateTimeFormat` | nothing: a machine's sleep has no place in virtual time | | `sleep.js` in every frame and worker |
| the resources that a page has loaded | the requests of `hold.js` are among them | | `resource_timing.js` in every frame |
| a page's new document | begins the grant under way anew | the clock has seen it | `first_moment.js` in the page |

All wrapped functions keep name, length, text and properties (`wrap.js`).
"""

import json
import secrets

from harness.base import resources

HOLD_URL = "https://hold.pbi-harness.invalid/"
"""A request that nobody answers: while a page waits for it, its time stands still."""
NEW_DOCUMENT = "new-document"
"""How the address of such a request ends when a new document of the page makes it."""

COOKIES = f"__pbiCookies{secrets.token_hex(8)}"
"""The name under which a frame finds, at its first moment, the function that tells the clock of cookies."""
KEY = f"pbi-harness {secrets.token_hex(8)}"
HEARD = f"__pbiHeard{secrets.token_hex(8)}"
BINDING = f"__pbiHandled{secrets.token_hex(8)}"


def _source(name: str) -> str:
    return resources.script(f"clock/scripts/{name}")


SETTINGS = {
    "holdUrl": HOLD_URL,
    "newDocument": NEW_DOCUMENT,
    "key": KEY,
    "binding": BINDING,
    "cookies": COOKIES,
}


def _script(*parts: str, **settings: bool | float) -> str:
    """The parts, and what is the same everywhere. They share `wrap`, `hold`, `keepBusy`, `settled`, `take`, and `heard`: what the
    clock tells the document or worker, and asks it."""
    return "\n".join(
        [
            "((settings) => {",
            f"if (Object.hasOwn(globalThis, {HEARD!r})) return;",  # a popup's window may outlive its first document
            f"const heard = {{ now: Date.now }}, wrap = {_source('wrap.js')}();",
            f"{_source('sleep.js')}(wrap, heard, settings);",
            f"const {{ hold, keepBusy, settled }} = {_source('hold.js')}(heard, settings);",
            f"const take = {_source('own_messages.js')}(settings);",
            f"Object.defineProperty(globalThis, {HEARD!r}, {{ value: heard }});",
            *parts,
            f"{_source('other_threads.js')}(hold, keepBusy, settled, wrap);",
            f"{_source('worker_messages.js')}(hold, wrap, heard, take, settings);",
            f"{_source('service_workers.js')}(hold, settled, wrap, settings);",
            f"{_source('cookies.js')}(hold, settled, wrap, heard, settings);",
            f"}})({json.dumps(SETTINGS | settings)});",
        ]
    )


def page_script(*, slept: float) -> str:
    """What every frame of a page runs before its own scripts. `slept`: for how long the machine has slept (milliseconds)."""
    return _document_script(f"{_source('first_moment.js')}(hold, heard, settings);", slept=slept)


def popup_script(*, slept: float) -> str:
    """What every frame of a popup runs before its own scripts."""
    return _document_script(slept=slept)


def _document_script(*first: str, slept: float) -> str:
    return _script(
        *first,
        f"{_source('navigations.js')}(hold, wrap);",
        f"{_source('popups.js')}(hold, wrap, heard);",
        f"{_source('frames.js')}(hold, wrap);",
        f"{_source('animation_frames.js')}(wrap);",
        f"{_source('resource_timing.js')}(wrap, settings);",
        slept=slept,
    )


def worker_script(*, of_worker: bool, slept: float) -> str:
    """What a worker, of a page or of another worker, runs before its own script."""
    return _script(
        f"settings.noted = {_source('worker_notes.js')}(heard, take, settings);",
        f"{_source('worker_timers.js')}(wrap, heard, settings);",
        ofWorker=of_worker,
        slept=slept,
    )


NOW = f"(globalThis.{HEARD} ?? Date).now()"
"""The expression for the time of a page, frame or worker, without what was slept, in milliseconds since 1970. (A page may have
put a clock of its own in the place of `Date.now`.)"""


def told(message: str) -> str:
    """The expression that tells a frame or worker something, or asks it: `step()`, `giveUp()`, `fire()`, `state()`."""
    return f"globalThis.{HEARD}?.{message}"


def worker_of(note: str) -> str:
    """The name that a frame gave the worker to which it sent a note."""
    return note.rpartition(" ")[0]


def handled(note: str) -> str:
    """Tells a frame that a worker has handled what the note stands behind."""
    return told(f"handled({json.dumps(note)})")


def ended(worker: str) -> str:
    """Tells a frame that a worker has ended: nothing will be handled any more."""
    return told(f"ended({json.dumps(worker)})")
