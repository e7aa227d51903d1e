"""The real time until an isolated page is open and its item loaded, compared with plain Playwright.

Plain Playwright opens the same two documents.
"""

from collections.abc import Iterator
from statistics import median

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.clock import real_time
from harness.stage.session import HarnessSession

ROUNDS = 9


def figures(playwright: Playwright, session: HarnessSession) -> Iterator[Figure]:
    """Yield the one figure, from medians of `ROUNDS` rounds."""
    ours_s, plain_s = [], []
    with session.stage() as service, session.host(service) as host:
        url = host.url("article_manual")
        certificate = f"--ignore-certificate-errors-spki-list={session.spki_hash}"
        browser = playwright.chromium.launch(executable_path=session.browser_path, args=["--no-sandbox", certificate])
        try:
            for _ in range(ROUNDS):
                began = real_time.seconds()
                context = browser.new_context(proxy={"server": service.cloud.gateway.url, "bypass": "127.0.0.1"})
                page = context.new_page()
                page.goto(url)
                page.frame_locator("iframe").get_by_role("tab", name="Page 1").wait_for()
                context.close()
                plain_s.append(real_time.seconds() - began)
                began = real_time.seconds()
                with session.stage() as stage, session.host(stage) as own:
                    stage.open(own.url("article_manual")).item().expect_loaded()
                ours_s.append(real_time.seconds() - began)
        finally:
            browser.close()
    yield Figure("an isolated page, opened and loaded", median(ours_s), median(plain_s), "plain Playwright", 1.5)
