"""Launch a browser, connect Playwright and a DevTools connection to it, and make isolated pages in it."""

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
from harness.browser.playwright_link import WAIT_METHOD, PlaywrightLink

START_TIMEOUT_S = 60.0
"""Timeout in real seconds for the browser to open its DevTools port."""
RETRY_DELAY_S = 0.01
"""Real seconds until the call that waits is repeated after Playwright has refused it."""

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
    # Virtual time belongs to one renderer process: frames, redirects to other sites, popups and goto() must stay in it.
    # The other features that are turned off:
    # - RenderDocument would give each document a page of its own inside the browser. history.back() would then stop
    #   the virtual time of the old page until the new document is there, and report that document only to the new page.
    # - LocalNetworkAccessChecks would keep a page of a public address from reaching loopback.
    # - WebUIOmnibox… would start a renderer of the browser's own for each window, which costs more than the page.
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--disable-features=IsolateOrigins,site-per-process,ProactivelySwapBrowsingInstance,BackForwardCache,"
    "RenderDocument,LocalNetworkAccessChecks,AutofillServerCommunication,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
)
LOOPBACK_ONLY = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]"
)
"""A flag that refuses the requests to other machines that do not go through a proxy."""

UNRELATED_MESSAGES = ("dbus/", "/cpufreq/", "zygote_linux.cc")
"""Parts of the lines that Chromium can print after the line that says why it ended."""


@dataclass(frozen=True)
class IsolatedPage:
    """A page with its own cookies and storage.

    `page` is Playwright's object for it, `session` its DevTools session. The callbacks of `ending` run once it is
    closed.
    """

    context_id: str
    target_id: str
    page: Page
    session: DevToolsSession
    ending: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


def is_tab(target: Event) -> bool:
    """Return whether a target is a tab and not a popup. `target` is a `TargetInfo` of DevTools."""
    return target["type"] == "page" and "openerId" not in target


class Browser:
    """A browser with a new profile, which ends with `close` or with this process."""

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
        """Start the browser and connect to it.

        Args:
            engine: The thread for the DevTools connection.
            playwright: Playwright's object, whose sync API is used.
            path: A full Chromium, Chrome or Edge. The old headless shell has no tabs that could be hidden.
            spki_hash: The hash of an additional certificate that the browser trusts; empty for none. The format is that
                of Chromium's flag `--ignore-certificate-errors-spki-list`.
            loopback_only: Refuse the requests to other machines that do not go through a proxy.
            hidden_requests: Hide the requests whose URL starts with this text from Playwright; empty for none.
            headed: Show the browser.
            slow_mo: Real milliseconds by which Playwright delays each of its calls.

        Raises:
            SetupError: The browser does not start.
        """
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
                [path, *flags, "about:blank"],  # if a new-tab page is open, a connection takes 5 s or fails
                env=os.environ | {"TMPDIR": str(profile)},  # a killed browser leaves files there
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                start_new_session=True,
            )
        except OSError as error:
            self._folder.close()
            self._stderr.close()
            raise self._not_started(f"this system cannot execute it ({error.strerror}).") from None
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
            raise self._not_started(f"Playwright could not connect to it: {error.message.splitlines()[0]}.") from None
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

        # A page reports its dedicated workers. Shared workers, service workers and popups are reported by the browser
        # alone.
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
        """Return the URL of the browser's websocket, which the browser writes into its profile once it listens.

        Raises `SetupError` if the browser ends, or after `START_TIMEOUT_S`.
        """
        port_file = self._folder.path / "DevToolsActivePort"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_TIMEOUT_S):
                while self._process.poll() is None:
                    with contextlib.suppress(FileNotFoundError, ValueError):
                        port, path = port_file.read_text().split()
                        return f"ws://127.0.0.1:{port}{path}"
                    await asyncio.sleep(0.01)
        ended = self._process.poll()
        what = (
            f"it opened no DevTools port in {START_TIMEOUT_S:.0f} s"
            if ended is None
            else f"it ended with exit code {ended}"
        )
        raise self._not_started(f"{what} and printed {self._last_message()}.")

    def _not_started(self, why: str) -> SetupError:
        remedy = "Pass another browser with --pbi-browser PATH, or run 'pbi-harness setup'."
        if self._headed and sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
            remedy = "--headed needs a display, and there is none. Leave --headed out, or use 'xvfb-run'."
        return SetupError(f"The browser {self.path} did not start: {why} {remedy}")

    def _last_message(self) -> str:
        """Return the quoted line of the browser's stderr that most likely names the problem, or "nothing"."""
        self._stderr.seek(0)
        printed = self._stderr.read().decode(errors="replace").strip().splitlines()
        lines = [line for line in printed if not any(part in line for part in UNRELATED_MESSAGES)] or printed
        by_level = [line for level in (":FATAL:", ":ERROR:") for line in lines if level in line]
        return repr([*by_level, *lines[-1:]][0].strip()) if lines else "nothing"

    def isolated_page(self, proxy: str = "") -> IsolatedPage:
        """Return a new page in a new browser context.

        The requests of the page to other machines go to the proxy at the URL `proxy`, unless that is empty. Raises
        `BrowserGone` if the browser has ended.
        """
        browser, options = self.devtools.browser, {"proxyServer": proxy} if proxy else {}
        context_id = self._engine.run(browser.call("Target.createBrowserContext", **options))["browserContextId"]
        # Playwright's new_context() would emulate focus, which keeps every page visible.
        blank = f"about:blank#{context_id}"  # unique, because Playwright may still be notified of other blank pages
        with self.playwright.contexts[0].expect_page(lambda page: page.url == blank) as opened:
            target_id = self._engine.run(browser.call("Target.createTarget", url=blank, browserContextId=context_id))[
                "targetId"
            ]
        attached = self._engine.run(browser.call("Target.attachToTarget", targetId=target_id, flatten=True))
        return IsolatedPage(context_id, target_id, opened.value, DevToolsSession(self.devtools, attached["sessionId"]))

    def dispose(self, page: IsolatedPage) -> None:
        """Close a page, delete its cookies and storage, and run its `ending`. Works for a browser that is gone, too."""

        async def end() -> None:
            with contextlib.suppress(BrowserGone):
                await self.devtools.browser.call("Target.disposeBrowserContext", browserContextId=page.context_id)
            page.ending.close()
            if page.session.id:
                self.devtools.forget(page.session.id)

        self._engine.run(end())

    def let_handlers_run(self, until: "concurrent.futures.Future[Any]") -> None:
        """Let Playwright run the test's handlers until the future `until` is done.

        Playwright's sync API runs handlers only inside its calls. This method uses a call that only waits. It raises
        the errors of handlers, except for Playwright's own errors.
        """
        with self._link.named(until) as name:
            while not until.done() and self.alive:
                try:
                    self._cdp.send(WAIT_METHOD, {"until": name})
                except PlaywrightError:
                    concurrent.futures.wait([until], timeout=RETRY_DELAY_S)

    @property
    def alive(self) -> bool:
        """True if the browser runs and both connections to it are open."""
        return self._process.poll() is None and not self.devtools.gone.done() and self.playwright.is_connected()

    def close(self) -> None:
        """End the browser and remove its profile."""
        with contextlib.suppress(Exception):  # the process is ended below, whether or not Playwright's call succeeds
            self.playwright.close()
        self._engine.run(self.devtools.close())
        self._end()

    def _end(self) -> None:
        self._engine.run(self._link.close())
        self._folder.close()
        self._process.wait()
        self._stderr.close()
