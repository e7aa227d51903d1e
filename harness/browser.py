"""Launch a browser, connect to it twice (Playwright and DevTools), and make isolated pages in it."""

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, Playwright

from harness.devtools import DevTools, Session
from harness.engine import Engine
from harness.errors import BrowserGone, SetupError

START_PATIENCE = 60.0
"""Real seconds that a browser may take to open its DevTools port."""

FLAGS = (
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-popup-blocking",
    "--disable-search-engine-choice-screen",
    "--password-store=basic",
    "--use-mock-keychain",
    # One process holds one virtual time: frames, redirects to another site, popups and goto() must all stay in it.
    # LocalNetworkAccessChecks would keep a page of a public address from reaching loopback.
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--disable-features=IsolateOrigins,site-per-process,ProactivelySwapBrowsingInstance,BackForwardCache,"
    "LocalNetworkAccessChecks,PaintHolding,PaintHoldingCrossOrigin",
    # Whatever would not go through a stage's gateway goes nowhere but to this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
)

# Lives as long as this process does, however that ends: then it kills the browser's process group and removes its profile.
GUARD = 'cat >/dev/null; kill -s KILL -- "-$1" 2>/dev/null; n=0; while ! rm -rf "$2" 2>/dev/null && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done'


@dataclass(frozen=True)
class IsolatedPage:
    """A page with its own cookies and storage: Playwright's page, and our own session to it."""

    context_id: str
    target_id: str
    page: Page
    session: Session


class Browser:
    """One browser for a test session.

    `path` is a full Chromium, Chrome or Edge (the old headless shell has no tabs to hide). `spki_hash` names the one
    certificate that it trusts beside the real ones. Raises `SetupError` if the browser does not start.
    """

    def __init__(
        self,
        engine: Engine,
        playwright: Playwright,
        path: Path,
        *,
        spki_hash: str,
        headed: bool = False,
        slow_mo: float = 0,
    ) -> None:
        self._engine, self.path = engine, path
        self._profile = tempfile.mkdtemp(prefix="pbi-harness-")
        flags = [*FLAGS, f"--user-data-dir={self._profile}", f"--ignore-certificate-errors-spki-list={spki_hash}"]
        if not headed:
            flags.append("--headless=new")
        if os.name == "posix" and os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process that writes it)
        self._process = subprocess.Popen(
            [path, *flags, "about:blank"],  # beside the new-tab page, a connection takes 5 s or never comes
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,
        )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(self._process.pid), self._profile],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            endpoint = engine.run(self._endpoint())
            self.playwright = playwright.chromium.connect_over_cdp(endpoint, no_defaults=True, slow_mo=slow_mo)
            self.devtools = engine.run(DevTools.connect(endpoint))
        except BaseException:
            self._end_process()
            raise

    async def _endpoint(self) -> str:
        """The websocket's address, which the browser writes into its profile once it listens."""
        port_file = Path(self._profile, "DevToolsActivePort")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_PATIENCE):
                while self._process.poll() is None:
                    with contextlib.suppress(FileNotFoundError, ValueError):
                        port, path = port_file.read_text().split()  # noqa: ASYNC240 (a line on the local disk)
                        return f"ws://127.0.0.1:{port}{path}"
                    await asyncio.sleep(0.01)
        raise SetupError(
            f"The browser {self.path} did not start: {self._last_words()} "
            "Name another one with --pbi-browser PATH, or run 'pbi-harness setup'."
        )

    def _last_words(self) -> str:
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        ended = self._process.poll()
        said = f"it said {lines[-1].strip()!r}." if lines else "it said nothing."
        return f"it ended with exit code {ended}, and {said}" if ended is not None else f"no port was opened; {said}"

    def isolated_page(self, proxy: str) -> IsolatedPage:
        """A new page in a browser context of its own, whose requests to anything but this machine go to `proxy`."""
        browser = self.devtools.browser
        context_id = self._engine.run(browser.call("Target.createBrowserContext", proxyServer=proxy))[
            "browserContextId"
        ]
        # Not by Playwright's new_context(): its focus emulation would keep every page visible.
        with self.playwright.contexts[0].expect_page(lambda page: page.url == "about:blank") as opened:
            target_id = self._engine.run(
                browser.call("Target.createTarget", url="about:blank", browserContextId=context_id)
            )["targetId"]
        attached = self._engine.run(browser.call("Target.attachToTarget", targetId=target_id, flatten=True))
        return IsolatedPage(context_id, target_id, opened.value, Session(self.devtools, attached["sessionId"]))

    def dispose(self, page: IsolatedPage) -> None:
        """Close the page and forget its cookies and storage. A browser that is gone has done so already."""

        async def end() -> None:
            with contextlib.suppress(BrowserGone):
                await self.devtools.browser.call("Target.disposeBrowserContext", browserContextId=page.context_id)
            if page.session.id:
                self.devtools.forget(page.session.id)

        self._engine.run(end())

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and not self.devtools.gone.done()

    def close(self) -> None:
        with contextlib.suppress(Exception):  # whatever Playwright thinks of it, the process ends
            self.playwright.close()
        self._engine.run(self.devtools.close())
        self._end_process()

    def _end_process(self) -> None:
        self._guard.communicate()  # its stdin ends: it kills the browser and removes the profile
        self._process.wait()
        self._stderr.close()


@contextlib.contextmanager
def browser(
    engine: Engine, playwright: Playwright, path: Path, *, spki_hash: str, headed: bool = False, slow_mo: float = 0
) -> Iterator[Browser]:
    """A `Browser` that is closed at the end of the block."""
    running = Browser(engine, playwright, path, spki_hash=spki_hash, headed=headed, slow_mo=slow_mo)
    try:
        yield running
    finally:
        running.close()
