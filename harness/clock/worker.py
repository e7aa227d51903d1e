"""One worker: its timers, its pending calls, and its answers to the clock."""

import asyncio
from typing import Any

from harness.browser.devtools import DevToolsSession, or_gone, value_of
from harness.clock import scripts
from harness.clock.network import Network

ANSWER_TIMEOUT_S = 2.0
"""Real seconds within which a worker answers the clock. A worker in an endless loop does not."""
ANSWER_TIMEOUT_BESIDE_DELAYED_S = 1.0
"""Real seconds within which a worker answers the clock while a request is delayed. A worker in a synchronous request
does not answer until the request is answered."""


class Worker:
    """A running worker, with the state that it reported last."""

    def __init__(
        self, session: DevToolsSession, url: str, network: Network, *, is_shared: bool, is_of_page: bool
    ) -> None:
        """Make a worker of its DevTools session and the URL of its script.

        `is_shared` is true if several pages may give the worker work, `is_of_page` if a page made it for itself.
        """
        self.session, self._url, self._network = session, url, network
        self.is_shared, self.is_of_page = is_shared, is_of_page
        self.name = ""
        """The name by which documents know the worker; empty until it has handled a message."""
        self.due_ms: float | None = None
        """Virtual time at which the next timer of the worker is due, in milliseconds since 1970; None if there is no
        timer."""
        self.has_pending_calls = False
        """True if the worker holds time for a pending call."""
        self.is_state_known = False
        """True while `due_ms` and `has_pending_calls` are what the worker would answer now."""
        self._late_answer: asyncio.Future[Any] | None = None
        self._is_endless = False

    def note_handled(self, marker: str) -> None:
        """Note that the worker has handled the message before this marker."""
        self.is_state_known = False
        self.name = scripts.worker_name_in(marker) or self.name

    def forget_state(self) -> None:
        """Note that the worker may have done something since it reported its state."""
        self.is_state_known = False

    async def update_state(self, message: str = scripts.WORKER_STATE) -> float | None:
        """Ask the worker for its state by a message.

        Return virtual time as the worker read it, in milliseconds since 1970, or None if the worker does not answer.
        """
        state = await self.evaluate(message) or {}
        self.due_ms, self.has_pending_calls = state.get("due"), bool(state.get("held"))
        self.is_state_known = True
        now_ms: float | None = state.get("now")
        return now_ms

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the worker, or None if the worker has gone or does not answer.

        A worker does not answer while it is in a synchronous request that is delayed, or in a script that does not end.
        The journal names an endless script, and the clock does not wait for its worker until the worker answers.
        """
        if self._late_answer and (self._is_endless or not await self._answers_in_time(self._late_answer)):
            return None
        answer = self.session.evaluate(expression)
        if await self._answers_in_time(answer):
            return await or_gone(value_of(answer))
        self._late_answer = answer
        answer.add_done_callback(lambda _: self._answered_late(answer))
        return None

    async def _answers_in_time(self, answer: asyncio.Future[Any]) -> bool:
        if self._late_answer and self._network.delayed:
            return answer.done()
        for timeout_s in (ANSWER_TIMEOUT_BESIDE_DELAYED_S, ANSWER_TIMEOUT_S - ANSWER_TIMEOUT_BESIDE_DELAYED_S):
            done, _ = await asyncio.wait({answer}, timeout=timeout_s)
            if done or self._network.delayed:
                return bool(done)
        self._is_endless = True
        self._network.log.endless_work("a worker's script", url=self._url)
        return False

    def _answered_late(self, answer: asyncio.Future[Any]) -> None:
        self._late_answer, self.is_state_known, self._is_endless = None, False, False
        if not answer.cancelled():
            answer.exception()  # else asyncio logs an exception that nobody reads; the worker is asked again

    def cancel_late_answer(self) -> asyncio.Future[Any] | None:
        """Cancel and return the answer that is still pending, or return None."""
        if self._late_answer:
            self._late_answer.cancel()
        return self._late_answer
