"""Comparison of the page with an isolated world of the same frame.

The harness wraps none of the browser's functions in the isolated world.
"""

from typing import Any

from harness.stage import Stage


def in_both_worlds(stage: Stage, expression: str) -> tuple[Any, Any]:
    """Return the value of an expression in the page's own world, and in a world that no script has touched.

    Promises are not awaited.
    """
    session = stage.virtual.devtools

    async def ask() -> tuple[Any, Any]:
        frame = (await session.call("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        world = await session.call("Page.createIsolatedWorld", frameId=frame, worldName="untouched")
        untouched = await session.js(expression, context=world["executionContextId"], wait=False)
        return await session.js(expression, wait=False), untouched

    return stage.virtual.run(ask())
