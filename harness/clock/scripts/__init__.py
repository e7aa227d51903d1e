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
from pathlib import Path

from harness.base.es_modules import bundle

HOLD_URL = "https://hold.pbi-harness.invalid/"
"""The beginning of the address of each request that holds time. Nobody answers these requests."""
NEW_DOCUMENT = "new-document"
"""The end of the address of the request by which a new document of the page holds time."""

COOKIES_BINDING = f"__pbiCookies{secrets.token_hex(8)}"
"""The name of the function by which a document reports the cookies that its scripts write. The script of the clock deletes the
function before other scripts run."""
HANDLED_BINDING = f"__pbiHandled{secrets.token_hex(8)}"
"""The name of the function by which a worker reports the messages that it has handled, deleted likewise."""

_MESSAGES_PROPERTY = f"__pbiMessages{secrets.token_hex(8)}"
_INTERNAL_KEY = f"pbi-harness {secrets.token_hex(8)}"


def page_script(*, slept_ms: float) -> str:
    """Return the script that every frame of a page runs before its own scripts.

    `slept_ms`: milliseconds that the machine has slept.
    """
    return _script("page", sleptMs=slept_ms)


def popup_script(*, slept_ms: float) -> str:
    """Return the script that every frame of a popup runs before its own scripts."""
    return _script("popup", sleptMs=slept_ms)


def worker_script(*, of_worker: bool, slept_ms: float) -> str:
    """Return the script that a worker runs before its own script.

    `of_worker`: whether another worker made this worker.
    """
    return _script("worker", isWorkerOfWorker=of_worker, sleptMs=slept_ms)


def _script(kind: str, **settings: bool | float) -> str:
    """Return a script with its settings (settings.js). It does nothing in a window that has run it already, for another document:
    the window of a popup may outlive the first document."""
    common = {
        "holdUrl": HOLD_URL,
        "newDocumentMark": NEW_DOCUMENT,
        "messagesProperty": _MESSAGES_PROPERTY,
        "internalKey": _INTERNAL_KEY,
        "handledBinding": HANDLED_BINDING,
        "cookiesBinding": COOKIES_BINDING,
    }
    first = f"!Object.hasOwn(globalThis, {json.dumps(_MESSAGES_PROPERTY)})"
    return f"if ({first}) {_bundle(kind)}.main({json.dumps(common | settings)});"


def _bundle(kind: str) -> str:
    return bundle(Path(__file__).with_name(f"{kind}.js"))


PAGE_TIME = f"(globalThis.{_MESSAGES_PROPERTY} ?? Date).now()"
"""The expression for the time of a page, frame or worker, without what was slept, in milliseconds since 1970. (A page may have
put a clock of its own in the place of `Date.now`.)"""


# Messages of the clock to documents and workers: expressions to evaluate there. Without the clock's script they do nothing.


def _message(call: str) -> str:
    return f"globalThis.{_MESSAGES_PROPERTY}?.{call}"


RESUME = _message("resume()")
"""To every document: the clock resumes beside an endless request, in steps that fit the calls that it knows."""
ACKNOWLEDGE_CALLS = _message("acknowledgeCalls()")
"""To every document: an endless request is pending, and the clock knows all calls that have begun until now."""
STOP_KEEPING_BUSY = _message("stopKeepingBusy()")
"""To every document: no endless request is pending any more."""
CHECK_BRIEF_HOLDS = _message("checkBriefHolds()")
"""To every document: make a request for each brief time hold that has not progressed since this message came last."""
COUNT_STEP = _message("countStep()")
"""To documents and workers: a step of the clock is over; holds that last a number of steps count it."""
TIME_OUT_CALLS = _message("timeOutCalls()")
"""To documents and workers: end the holds of calls that were pending when this message came last, and return a list of
`{call, since, url}`."""
IS_SHOWN = _message("isShown()")
"""To every document: return whether its tab is shown."""
NEW_DOCUMENT_IS_SEEN = _message("newDocumentIsSeen?.()")
"""To a new document of the page: the clock has seen it, and a small budget has taken the place of the one in use."""
FIRE_TIMERS = _message("fireTimers()")
"""To a worker: fire the timers that are due, then return its state as `WORKER_STATE` does."""
WORKER_STATE = _message("state()")
"""To a worker: return `{due, held, now}`: the page time at which its next timer is due (null: never), the number of its
pending calls, and page time, both times in milliseconds since 1970."""


def popup_is_seen(*, has_document: bool) -> str:
    """Return the message to every document that the clock watches a popup, or that a popup has got a document."""
    return _message(f"popupIsSeen?.({json.dumps(has_document)})")


def slept(slept_ms: float) -> str:
    """Return the message to documents and workers that the machine has slept for this long altogether."""
    return _message(f"setSlept({slept_ms})")


def cookie_is_known(number: int) -> str:
    """Return the message to the document that wrote a cookie, under this number, that the clock knows when the cookie ends."""
    return _message(f"cookieIsKnown({number})")


def message_is_handled(marker: str) -> str:
    """Return the message to documents and workers that a worker has handled the message before this marker."""
    return _message(f"messageIsHandled({json.dumps(marker)})")


def worker_has_ended(name: str) -> str:
    """Return the message to documents and workers that a worker has ended: it will not handle any further message."""
    return _message(f"workerHasEnded({json.dumps(name)})")


def worker_name_in(marker: str) -> str:
    """Return the name that a document or worker gave the worker to which it sent a marker; empty if it gave none."""
    return marker.rpartition(" ")[0]
