"""The harness session: the resources that the tests of one process share."""

from pathlib import Path

from playwright.sync_api import Playwright

from fake_pbi.certificate import Certificate
from harness.base.errors import SetupError
from harness.base.resources import fixture_folders, node_modules
from harness.browser.engine import Engine
from harness.browser.errors import BrowserGone
from harness.browser.find import require_browser
from harness.browser.guarded_folder import GuardedFolder
from harness.browser.launch import Browser
from harness.clock.scripts import HOLD_URL
from harness.stage.host import Host
from harness.stage.stage import Conditions, Stage

ORDINARY = Conditions()


class HarnessSession:
    """A browser, an engine thread and a certificate; makes stages and hosts.

    Use it in a `with` block: the block's end closes the browser and ends the engine thread. The browser starts with the
    first stage.
    """

    def __init__(
        self, playwright: Playwright, *, browser_path: Path | None = None, headed: bool = False, slow_mo: float = 0
    ) -> None:
        """Find the browser and start the engine thread.

        Args:
            playwright: Playwright's own object, such as pytest-playwright's fixture `playwright`.
            browser_path: A full Chromium, Chrome or Edge; None for the first one found (docs/setup.md has the order).
            headed: Show the browser.
            slow_mo: Real milliseconds by which Playwright slows each of its actions down.

        Raises:
            SetupError: There is no browser, or Microsoft's npm packages are not installed.
            UsageError: `browser_path` is not a program.
        """
        self._playwright, self._headed, self._slow_mo = playwright, headed, slow_mo
        path = require_browser(browser_path)
        self.browser_path = path
        self._npm = node_modules()
        if not (self._npm / "powerbi-client/dist/powerbi.min.js").is_file():
            raise SetupError("Microsoft's powerbi-client is not installed; run 'pbi-harness setup'.")
        self._certificate = Certificate()
        self._folder = GuardedFolder()
        self._ca_file = self._certificate.write_ca(self._folder.path / "ca.pem")
        self._engine = Engine()
        self._browser: Browser | None = None
        self._start_error: SetupError | None = None
        """The error with which the first browser did not start; later stages raise it at once."""
        self._has_started = False

    @property
    def spki_hash(self) -> str:
        """The hash of the fake cloud's certificate, for a browser's flag --ignore-certificate-errors-spki-list."""
        return self._certificate.spki_hash

    def stage(self, conditions: Conditions = ORDINARY) -> Stage:
        """Return a new stage. A browser that ended in an earlier test is replaced.

        Raises `SetupError` if the browser does not start.
        """
        try:
            return self._stage(conditions)
        except BrowserGone:  # the browser had ended unnoticed
            return self._stage(conditions)

    def _stage(self, conditions: Conditions) -> Stage:
        if self._start_error:
            raise self._start_error
        if self._browser and not self._browser.alive:
            self._close_browser()
        if self._browser is None:
            try:
                self._browser = Browser(
                    self._engine,
                    self._playwright,
                    self.browser_path,
                    spki_hash=self._certificate.spki_hash,
                    hidden_requests=HOLD_URL,
                    headed=self._headed,
                    slow_mo=self._slow_mo,
                )
            except SetupError as error:
                self._start_error = None if self._has_started else error
                raise
            self._has_started = True
        return Stage(self._browser, self._engine, self._certificate, npm=self._npm, conditions=conditions)

    def host(self, stage: Stage, *, folder: Path | None = None) -> Host:
        """Return a host whose token backend uses the stage's fake cloud. Close it before the stage.

        Args:
            stage: The stage whose fake cloud issues the tokens.
            folder: A folder to search for pages before those that come with the product.
        """
        folders = [folder, *fixture_folders()] if folder else None
        return Host(self._engine, stage.cloud, self._ca_file, folders=folders)

    def _close_browser(self) -> None:
        browser, self._browser = self._browser, None
        if browser:
            browser.close()

    def close(self) -> None:
        """Close the browser, end the engine thread and remove the temporary folder."""
        self._close_browser()
        self._engine.close()
        self._folder.close()

    def __enter__(self) -> "HarnessSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
