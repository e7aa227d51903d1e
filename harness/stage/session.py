"""What the tests of one process share: an engine thread, a browser, a certificate."""

from pathlib import Path

from playwright.sync_api import Playwright

from fake_pbi.certificate import Certificate
from harness.base.errors import SetupError
from harness.base.resources import fixture_folders, node_modules
from harness.browser.engine import Engine
from harness.browser.errors import BrowserGone
from harness.browser.find import find_browser
from harness.browser.guarded_folder import GuardedFolder
from harness.browser.launch import Browser
from harness.clock.scripts import HOLD_URL
from harness.stage.host import Host
from harness.stage.stage import Conditions, Stage

ORDINARY = Conditions()


class HarnessSession:
    """Makes stages and hosts. Use it in a `with` block: it ends the browser and the engine thread.

    `browser_path` None means the first browser found (docs/setup.md has the order). Raises `SetupError` if there is none,
    or if Microsoft's packages are not installed.
    """

    def __init__(
        self, playwright: Playwright, *, browser_path: Path | None = None, headed: bool = False, slow_mo: float = 0
    ) -> None:
        self._playwright, self._headed, self._slow_mo = playwright, headed, slow_mo
        path = find_browser(browser_path)
        if path is None:
            raise SetupError("No browser was found; run 'pbi-harness setup', or name one with --pbi-browser PATH.")
        self.browser_path = path
        self._npm = node_modules()
        if not (self._npm / "powerbi-client/dist/powerbi.min.js").is_file():
            raise SetupError("Microsoft's powerbi-client is not installed; run 'pbi-harness setup'.")
        self._certificate = Certificate()
        self._folder = GuardedFolder()
        self._ca_file = self._certificate.write_ca(self._folder.path / "ca.pem")
        self._engine = Engine()
        self._browser: Browser | None = None
        self._useless: SetupError | None = None
        """Why the first browser did not start: then none is tried for the tests that follow."""
        self._worked = False

    @property
    def spki_hash(self) -> str:
        """Names the fake cloud's certificate to another browser: --ignore-certificate-errors-spki-list."""
        return self._certificate.spki_hash

    def stage(self, conditions: Conditions = ORDINARY) -> Stage:
        """A new isolated tab. A browser that has died in an earlier test is replaced."""
        try:
            return self._stage(conditions)
        except BrowserGone:  # it had died, unnoticed until now
            return self._stage(conditions)

    def _stage(self, conditions: Conditions) -> Stage:
        if self._useless:
            raise self._useless
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
                self._useless = None if self._worked else error
                raise
            self._worked = True
        return Stage(self._browser, self._engine, self._certificate, npm=self._npm, conditions=conditions)

    def host(self, stage: Stage, *, folder: Path | None = None) -> Host:
        """A local host page server whose backend gets its tokens from the stage's fake Power BI.

        `folder` is searched for pages before those that come with the product.
        """
        folders = [folder, *fixture_folders()] if folder else None
        return Host(self._engine, stage.cloud, self._ca_file, folders=folders)

    def _close_browser(self) -> None:
        browser, self._browser = self._browser, None
        if browser:
            browser.close()

    def close(self) -> None:
        self._close_browser()
        self._engine.close()
        self._folder.close()

    def __enter__(self) -> "HarnessSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
