"""The scripts that pages, popups and workers run before their own scripts, and the clock's messages to them.

Chromium's virtual time waits for the requests of documents and runs their timers. Virtual time knows nothing of the
browser's other threads and processes: there, a call that takes 3 ms ends hours of virtual time later. So the scripts
wrap the functions that begin such calls, and hold time until the end of each call (time_holds.js).

wrapped_functions.json lists all functions that the scripts wrap. The scripts are ES modules; page.js, popup.js and
worker.js are their entries.
"""

import json
import secrets
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from harness.base.es_modules import bundle

HOLD_URL = "https://hold.pbi-harness.invalid/"
"""The beginning of the address of each request that holds time. Nobody answers these requests."""
NEW_DOCUMENT = "new-document"
"""The end of the address of the request by which a new document of the page holds time."""

COOKIES_BINDING = f"__pbiCookies{secrets.token_hex(8)}"
"""The name of the function by which a document reports the cookies that its scripts write.

The clock's script deletes the function before other scripts run."""
HANDLED_BINDING = f"__pbiHandled{secrets.token_hex(8)}"
"""The name of the function by which a worker reports the messages that it has handled.
The clock's script deletes the function before other scripts run."""

_FOLDER = Path(__file__).parent
_MESSAGES_PROPERTY = f"__pbiMessages{secrets.token_hex(8)}"
_INTERNAL_KEY = f"pbi-harness {secrets.token_hex(8)}"


@cache
def wrapped_functions() -> list[dict[str, Any]]:
    """Return wrapped_functions.json, the list of the functions that the scripts wrap.

    The list has rows for docs/clock.md. A row has `apis`, a column `in_virtual_time`, and a name (`row`) unless the
    names of its APIs are its name. A row without `in_virtual_time` is not in the docs.

    An API has a name (`api`), `left_alone` (how late its calls would end if time were not held) or `why` (another reason
    for which it is wrapped), and `functions`. Each entry of `functions` has these keys:

    - `object`: the path of an object, such as `Cache.prototype`.
    - `functions`: names of functions of the object.
    - `kind`: `constructor`, `getter` or `setter`; without it, the functions are methods.
    - `ends`: how the end of a call is seen: `promise` (the result), or the first of `events` of the result or of the object.
    - `script`: instead of `ends`, the script that wraps these functions in a way of its own.
    - `where`: `documents`, `workers` (all kinds), `service workers`, `workers of workers`.
    """
    rows: list[dict[str, Any]] = json.loads((_FOLDER / "wrapped_functions.json").read_text("utf-8"))
    return rows


def _pending_calls(*places: str) -> Iterator[dict[str, Any]]:
    """Yield the pending calls (settings.js) of documents or workers."""
    for row in wrapped_functions():
        for api in row["apis"]:
            for entry in api["functions"]:
                if "ends" in entry and not set(places).isdisjoint(entry["where"]):
                    yield {key: entry[key] for key in ("object", "functions", "ends", "events") if key in entry}


def page_script(*, slept_ms: float) -> str:
    """Return the script that every frame of a page runs before its own scripts.

    `slept_ms`: milliseconds that the machine has slept.
    """
    return _script("page", "documents", sleptMs=slept_ms)


def popup_script(*, slept_ms: float) -> str:
    """Return the script that every frame of a popup runs before its own scripts."""
    return _script("popup", "documents", sleptMs=slept_ms)


def worker_script(*, of_worker: bool, slept_ms: float) -> str:
    """Return the script that a worker runs before its own script.

    `of_worker`: True if another worker made this worker.
    """
    return _script("worker", "workers", "service workers", isWorkerOfWorker=of_worker, sleptMs=slept_ms)


def _script(kind: str, *places: str, **settings: bool | float) -> str:
    """Return the script of a kind, with its settings (settings.js).

    The script does nothing in a window that has run it for an earlier document: the window of a popup may outlive its
    first document.
    """
    common = {
        "holdUrl": HOLD_URL,
        "newDocumentMark": NEW_DOCUMENT,
        "messagesProperty": _MESSAGES_PROPERTY,
        "internalKey": _INTERNAL_KEY,
        "handledBinding": HANDLED_BINDING,
        "cookiesBinding": COOKIES_BINDING,
        "pendingCalls": [*_pending_calls(*places)],
    }
    first = f"!Object.hasOwn(globalThis, {json.dumps(_MESSAGES_PROPERTY)})"
    return f"if ({first}) {bundle(_FOLDER / f'{kind}.js')}.main({json.dumps(common | settings)});"


VIRTUAL_TIME = f"(globalThis.{_MESSAGES_PROPERTY} ?? Date).now()"
"""The expression for virtual time in a document or worker: page time without the time asleep, in ms since 1970.

A page may have replaced `Date.now` by a function of its own, so the clock's script keeps the browser's."""


# Messages of the clock to documents and workers: expressions to evaluate there. Without the clock's script they do
# nothing.


def _message(call: str) -> str:
    return f"globalThis.{_MESSAGES_PROPERTY}?.{call}"


RESUME = _message("resume()")
"""To every document: the clock resumes while an endless request is pending, in steps that fit the calls that it
knows."""
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
"""To a worker: return `{due, held, now}`: the virtual time at which its next timer is due (null: never), the number of
its pending calls, and virtual time now, both times in milliseconds since 1970."""


def popup_is_seen(*, has_document: bool) -> str:
    """Return the message to every document that the clock watches a popup, or that a popup has got a document."""
    return _message(f"popupIsSeen?.({json.dumps(has_document)})")


def slept(slept_ms: float) -> str:
    """Return the message to documents and workers that the machine has slept for `slept_ms` altogether."""
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
