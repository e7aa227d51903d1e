"""Tests of `BackgroundTasks`: tasks run without being awaited, and end when their owner is closed."""

import asyncio
import gc

from support.own_loop import result_of

from harness.base.background_tasks import BackgroundTasks


def test_started_coroutine_runs_without_being_awaited() -> None:
    async def run() -> bool:
        done = asyncio.Event()

        async def work() -> None:
            await asyncio.sleep(0)
            done.set()

        tasks = BackgroundTasks()
        tasks.start(work())
        async with asyncio.timeout(5):
            await done.wait()
        return done.is_set()

    assert result_of(run())


def test_start_returns_the_task_that_can_be_awaited() -> None:
    async def run() -> tuple[bool, list[str]]:
        steps: list[str] = []

        async def work() -> None:
            await asyncio.sleep(0)
            steps.append("worked")

        tasks = BackgroundTasks()
        task = tasks.start(work())
        await asyncio.wait({task})
        return task.done(), steps

    assert result_of(run()) == (True, ["worked"])


def test_running_task_survives_garbage_collection() -> None:
    async def run() -> list[str]:
        tasks, steps = BackgroundTasks(), list[str]()

        async def work() -> None:
            try:
                # Only the task itself refers to this future, so nothing but BackgroundTasks keeps the task alive.
                await asyncio.get_running_loop().create_future()
            finally:
                steps.append("ended")

        tasks.start(work())
        await asyncio.sleep(0)
        gc.collect()
        before_close = list(steps)
        await tasks.close()
        return [*before_close, "closed", *steps]

    assert result_of(run()) == ["closed", "ended"]


def test_close_cancels_running_tasks_and_waits_for_their_cleanup() -> None:
    async def run() -> list[str]:
        tasks, steps = BackgroundTasks(), list[str]()

        async def work(name: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                steps.append(name)

        tasks.start(work("first"))
        tasks.start(work("second"))
        await asyncio.sleep(0)
        await tasks.close()
        return sorted(steps)

    assert result_of(run()) == ["first", "second"]


def test_close_ignores_a_task_that_fails_while_it_is_cancelled() -> None:
    async def run() -> bool:
        tasks = BackgroundTasks()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError("failed while cancelled")

        task = tasks.start(work())
        await asyncio.sleep(0)
        await tasks.close()
        return isinstance(task.exception(), ValueError)

    assert result_of(run())


def test_close_leaves_a_finished_task_alone() -> None:
    async def run() -> bool:
        tasks = BackgroundTasks()

        async def work() -> None:
            await asyncio.sleep(0)

        task = tasks.start(work())
        await task
        await tasks.close()
        return task.cancelled()

    assert not result_of(run())
