"""Launch a browser, connect to it twice (Playwright and DevTools), and make isolated pages in it."""

import asyncio
import concurrent.futures
import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Playwright

from harness.base.errors import SetupError
from harness.browser.devtools import DevTools, DevToolsSession, Event
from harness.browser.engine import Engine
from harness.browser.errors import BrowserGone
from harness.browser.guarded_folder import GuardedFolder
from harness.browser.playwright_link import WAIT, PlaywrightLink

START_PATIENCE = 60.0
"""Real seconds that a browser may take to open its DevTools port."""
NEXT_TRY = 0.01
"""Real seconds after which Playwright is asked again when it has refused."""

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
    # RenderDocument would give each document a page of its own inside the browser: history.back() stops the time of the old one
    # until the new document is there, and only the new page is told. LocalNetworkAccessChecks would keep a page of a public
    # address from reaching loopback; WebUIOmnibox… would start a renderer of the browser's own for each window, which costs more
    # than the page.
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--disable-features=IsolateOrigins,site-per-process,ProactivelySwapBrowsingInstance,BackForwardCache,"
    "RenderDocument,LocalNetworkAccessChecks,AutofillServerCommunication,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
)
LOOPBACK_ONLY = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]"
)
"""A flag with which requests that do not go through a proxy reach only this machine."""

NOISE = ("dbus/", "/cpufreq/", "zygote_linux.cc")
"""In lines that Chromium writes after the one that says why it ended."""


@dataclass(frozen=True)
class IsolatedPage:
    """A page with its own cookies and storage: Playwright's page, and our own session to it. `ending`: what is to be done once it
    has been closed."""

    context_id: str
    target_id: str
    page: Page
    session: DevToolsSession
    ending: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


def is_tab(target: Event) -> bool:
    """Whether a target, as DevTools tells of it, is a tab that no page has opened."""
    return target["type"] == "page" and "openerId" not in target


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
        spki_hash: str = "",
        loopback_only: bool = True,
        hidden_requests: str = "",
        headed: bool = False,
        slow_mo: float = 0,
    ) -> None:
        self._engine, self.path, self._headed = engine, path, headed
        self._folder = GuardedFolder()
        profile = self._folder.path
        flags = [*FLAGS, f"--user-data-dir={profile}"]
        if spki_hash:
            flags.append(f"--ignore-certificate-errors-spki-list={spki_hash}")
        if loopback_only:
            flags.append(LOOPBACK_ONLY)
        if not headed:
            flags.append("--headless=new")
        if os.name == "posix" and os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process that writes it)
        try:
            self._process = subprocess.Popen(
                [path, *flags, "about:blank"],  # beside the new-tab page, a connection takes 5 s or never comes
                env=os.environ | {"TMPDIR": str(profile)},  # what a killed browser leaves behind goes with its profile
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
            )
        except OSError as error:
            self._folder.close()
            self._stderr.close()
            raise self._useless(f"it is no program of this system ({error.strerror}).") from None
        self._folder.kill_first(self._process.pid)
        self._link = PlaywrightLink(hidden_requests)
        try:
            endpoint = engine.run(self._endpoint())
            address = engine.run(self._link.start(endpoint))
            self.playwright = playwright.chromium.connect_over_cdp(address, no_defaults=True, slow_mo=slow_mo)
            self._cdp = self.playwright.new_browser_cdp_session()
            self.devtools = engine.run(self._connect(endpoint))
        except PlaywrightError as error:
            self._end()
            raise self._useless(f"Playwright could not connect to it: {error.message.splitlines()[0]}.") from None
        except BaseException:
            self._end()
            raise

    @staticmethod
    async def _connect(endpoint: str) -> DevTools:
        devtools = await DevTools.connect(endpoint)
        browser = devtools.browser

        def attached(event: Event) -> None:
            target = event["targetInfo"]
            if event["waitingForDebugger"] and is_tab(target):
                DevToolsSession(devtools, event["sessionId"]).send("Runtime.runIfWaitingForDebugger")
                browser.send("Target.detachFromTarget", sessionId=event["sessionId"])

        # Pages tell of the workers that are theirs alone; of shared ones, and of popups, only the browser does.
        browser.on("Target.attachedToTarget", attached)
        await browser.call(
            "Target.setAutoAttach",
            autoAttach=True,
            waitForDebuggerOnStart=True,
            flatten=True,
            filter=[{"type": "shared_worker"}, {"type": "service_worker"}, {"type": "page"}],
        )
        return devtools

    async def _endpoint(self) -> str:
        """The websocket's address, which the browser writes into its profile once it listens."""
        port_file = self._folder.path / "DevToolsActivePort"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_PATIENCE):
                while self._process.poll() is None:
                    with contextlib.suppress(FileNotFoundError, ValueError):
                        port, path = port_file.read_text().split()
                        return f"ws://127.0.0.1:{port}{path}"
                    await asyncio.sleep(0.01)
        ended = self._process.poll()
        what = f"no port was opened in {START_PATIENCE:.0f} s" if ended is None else f"it ended with exit code {ended}"
        raise self._useless(f"{what}, and {self._last_words()}.")

    def _useless(self, why: str) -> SetupError:
        remedy = "Name another one with --pbi-browser PATH, or run 'pbi-harness setup'."
        if self._headed and sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
            remedy = "Showing it needs a display, and there is none; leave --headed out, or try 'xvfb-run'."
        return SetupError(f"The browser {self.path} did not start: {why} {remedy}")

    def _last_words(self) -> str:
        """The line of its stderr that most likely says what is wrong."""
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip().splitlines()
        lines = [line for line in said if not any(noise in line for noise in NOISE)] or said
        by_level = [line for level in (":FATAL:", ":ERROR:") for line in lines if level in line]
        return f"it said {[*by_level, *lines[-1:]][0].strip()!r}" if lines else "it said nothing"

    def isolated_page(self, proxy: str = "") -> IsolatedPage:
        """Return a new page in a browser context of its own. Its requests to other machines go to `proxy`, if there is one."""
        browser, by = self.devtools.browser, {"proxyServer": proxy} if proxy else {}
        context_id = self._engine.run(browser.call("Target.createBrowserContext", **by))["browserContextId"]
        # Not by Playwright's new_context(): its focus emulation would keep every page visible.
        blank = f"about:blank#{context_id}"  # Playwright may still be hearing of other blank pages
        with self.playwright.contexts[0].expect_page(lambda page: page.url == blank) as opened:
            target_id = self._engine.run(browser.call("Target.createTarget", url=blank, browserContextId=context_id))[
                "targetId"
            ]
        attached = self._engine.run(browser.call("Target.attachToTarget", targetId=target_id, flatten=True))
        return IsolatedPage(context_id, target_id, opened.value, DevToolsSession(self.devtools, attached["sessionId"]))

    def dispose(self, page: IsolatedPage) -> None:
        """Close the page and forget its cookies and storage. A browser that is gone has done so already."""

        async def end() -> None:
            with contextlib.suppress(BrowserGone):
                await self.devtools.browser.call("Target.disposeBrowserContext", browserContextId=page.context_id)
            page.ending.close()
            if page.session.id:
                self.devtools.forget(page.session.id)

        self._engine.run(end())

    def let_handlers_run(self, until: "concurrent.futures.Future[Any]") -> None:
        """Let Playwright run the test's own handlers until that is done: its sync API does so only inside its calls, and this one
        asks the browser for nothing. Raises what a handler raised, but for Playwright's own errors."""
        with self._link.named(until) as name:
            while not until.done() and self.alive:
                try:
                    self._cdp.send(WAIT, {"until": name})
                except PlaywrightError:
                    concurrent.futures.wait([until], timeout=NEXT_TRY)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and not self.devtools.gone.done() and self.playwright.is_connected()

    def close(self) -> None:
        with contextlib.suppress(Exception):  # whatever Playwright thinks of it, the process ends
            self.playwright.close()
        self._engine.run(self.devtools.close())
        self._end()

    def _end(self) -> None:
        self._engine.run(self._link.close())
        self._folder.close()
        self._process.wait()
        self._stderr.close()
