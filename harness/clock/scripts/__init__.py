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

COOKIES_BINDING = f"__pbiCookies{secrets.token_hex(8)}"
"""The name under which a frame finds, at its first moment, the function that tells the clock of cookies."""
KEY = f"pbi-harness {secrets.token_hex(8)}"
HEARD = f"__pbiHeard{secrets.token_hex(8)}"
HANDLED_BINDING = f"__pbiHandled{secrets.token_hex(8)}"


def _source(name: str) -> str:
    return resources.script(f"clock/scripts/{name}")


SETTINGS = {
    "holdUrl": HOLD_URL,
    "newDocument": NEW_DOCUMENT,
    "key": KEY,
    "binding": HANDLED_BINDING,
    "cookies": COOKIES_BINDING,
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


def page_script(*, slept_ms: float) -> str:
    """What every frame of a page runs before its own scripts. `slept_ms`: for how long the machine has slept."""
    return _document_script(f"{_source('first_moment.js')}(hold, heard, settings);", slept_ms=slept_ms)


def popup_script(*, slept_ms: float) -> str:
    """What every frame of a popup runs before its own scripts."""
    return _document_script(slept_ms=slept_ms)


def _document_script(*first: str, slept_ms: float) -> str:
    return _script(
        *first,
        f"{_source('navigations.js')}(hold, wrap);",
        f"{_source('popups.js')}(hold, wrap, heard);",
        f"{_source('frames.js')}(hold, wrap);",
        f"{_source('animation_frames.js')}(wrap);",
        f"{_source('resource_timing.js')}(wrap, settings);",
        slept=slept_ms,
    )


def worker_script(*, of_worker: bool, slept_ms: float) -> str:
    """What a worker, of a page or of another worker, runs before its own script."""
    return _script(
        f"settings.noted = {_source('worker_notes.js')}(heard, take, settings);",
        f"{_source('worker_timers.js')}(wrap, heard, settings);",
        ofWorker=of_worker,
        slept=slept_ms,
    )


PAGE_TIME = f"(globalThis.{HEARD} ?? Date).now()"
"""The expression for the time of a page, frame or worker, without what was slept, in milliseconds since 1970. (A page may have
put a clock of its own in the place of `Date.now`.)"""


# Messages of the clock to documents and workers: expressions to evaluate there. Without the clock's script they do nothing.


def _message(call: str) -> str:
    return f"globalThis.{HEARD}?.{call}"


RESUME = _message("goOn()")
"""To every document: the clock resumes beside an endless request, in steps that fit the calls that it knows."""
ACKNOWLEDGE_CALLS = _message("known()")
"""To every document: an endless request is pending, and the clock knows all calls that have begun until now."""
STOP_KEEPING_BUSY = _message("rest()")
"""To every document: no endless request is pending any more."""
CHECK_BRIEF_HOLDS = _message("getOn()")
"""To every document: make a request for each brief time hold that has not progressed since this message came last."""
COUNT_STEP = _message("step()")
"""To documents and workers: a step of the clock is over; holds that last a number of steps count it."""
TIME_OUT_CALLS = _message("giveUp()")
"""To documents and workers: end the holds of calls that were pending when this message came last, and return a list of
`{call, since, url}`."""
IS_SHOWN = _message("shown()")
"""To every document: return whether its tab is shown."""
NEW_DOCUMENT_IS_SEEN = _message("seen?.()")
"""To a new document of the page: the clock has seen it, and a small budget has taken the place of the one in use."""
FIRE_TIMERS = _message("fire()")
"""To a worker: fire the timers that are due, then return its state as `WORKER_STATE` does."""
WORKER_STATE = _message("state()")
"""To a worker: return `{due, held, now}`: the page time at which its next timer is due (null: never), the number of its
pending calls, and page time, both times in milliseconds since 1970."""


def popup_is_seen(*, has_document: bool) -> str:
    """Return the message to every document that the clock watches a popup, or that a popup has got a document."""
    return _message(f"opened?.({json.dumps(has_document)})")


def slept(slept_ms: float) -> str:
    """Return the message to documents and workers that the machine has slept for this long altogether."""
    return _message(f"slept({slept_ms})")


def cookie_is_known(number: int) -> str:
    """Return the message to the document that wrote a cookie, under this number, that the clock knows when the cookie ends."""
    return _message(f"cookieIsKnown({number})")


def message_is_handled(marker: str) -> str:
    """Return the message to documents and workers that a worker has handled the message before this marker."""
    return _message(f"handled({json.dumps(marker)})")


def worker_has_ended(name: str) -> str:
    """Return the message to documents and workers that a worker has ended: it will not handle any further message."""
    return _message(f"ended({json.dumps(name)})")


def worker_name_in(marker: str) -> str:
    """Return the name that a document or worker gave the worker to which it sent a marker; empty if it gave none."""
    return marker.rpartition(" ")[0]
