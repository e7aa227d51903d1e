"""Runs programs in a browser: a web site whose page does what a program says and keeps a journal of it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from programs import Program, as_json

from harness.engine import Engine

WAITS = {
    "request": "fetch('/answer').then(answer => answer.text())",
    "slow request": "fetch('/answer?ms=40').then(answer => answer.text())",
}

PAGE = """<!doctype html><title>program</title><link rel="icon" href="data:,"><body><script>
const events = [];
const journal = (key) => events.push([key, Date.now()]);
const WAITS = {%(waits)s};
const does = {
  Timer: (key, { after, then }) => setTimeout(() => happened(key, then), after),
  Interval: (key, { every, times, then }) => {
    let tick = 0;
    const timer = setInterval(() => {
      if (++tick === times) clearInterval(timer);
      happened(`${key}#${tick}`, then);
    }, every);
  },
  Wait: (key, { what, then }) => {
    journal(`${key} begins`);
    WAITS[what](key).then(() => happened(key, then), (error) => journal(`${key} failed: ${error}`));
  },
};
const run = (key, steps) => steps.forEach((step, place) => does[step.kind](`${key}/${place}`, step));
const happened = (key, then) => (journal(key), run(key, then));
happened("", %(steps)s);
</script>"""


class ProgramSite:
    """Serves programs: `/program/0`, and so on."""

    def __init__(self) -> None:
        self.origin = ""
        self._programs: list[Program] = []

    def add(self, program: Program) -> str:
        """The address of a page that does what the program says."""
        self._programs.append(program)
        return f"{self.origin}/program/{len(self._programs) - 1}"

    async def page(self, request: web.Request) -> web.Response:
        program = self._programs[int(request.match_info["number"])]
        waits = ",\n".join(f"{json.dumps(name)}: (key) => {work}" for name, work in WAITS.items())
        text = PAGE % {"waits": waits, "steps": json.dumps(as_json(program.steps))}
        return web.Response(text=text, content_type="text/html")

    async def answer(self, request: web.Request) -> web.Response:
        await asyncio.sleep(int(request.query.get("ms", 0)) / 1000)
        return web.Response(text="answer")


@contextmanager
def site_of_programs() -> Iterator[ProgramSite]:
    engine, site = Engine(), ProgramSite()
    runner = engine.run(_start(site))
    try:
        yield site
    finally:
        engine.run(runner.cleanup())
        engine.close()


async def _start(site: ProgramSite) -> web.AppRunner:
    app = web.Application()
    app.router.add_get("/program/{number}", site.page)
    app.router.add_get("/answer", site.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner
