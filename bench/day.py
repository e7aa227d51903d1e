"""The real time that 24 virtual hours of the article's page take.

The page checks its token every 30 s, and each renewal goes through MSAL and GenerateToken. The user changes the report
page every hour.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from playwright.sync_api import Playwright

from bench.figure import Figure
from harness.clock import real_time
from harness.stage.session import HarnessSession

HOURS = 24
TARGET_S = 2.5
RENEWALS = 28
"""Number of renewals in that time: a token has a lifetime of 60 min, and is renewed 10 min before its expiry."""


def figures(playwright: Playwright, session: HarnessSession) -> Iterator[Figure]:
    """Yield the time against its target, and against the time of Playwright's clock on the same page."""
    ours_s = min(_on_the_stage(session) for _ in range(3))
    stepped_s = _with_playwrights_clock(playwright, session)
    yield Figure("24 h of article_manual", ours_s, TARGET_S, "the target", 1)
    yield Figure(
        "24 h of article_manual", ours_s, stepped_s, "Playwright's page.clock stepped by 30 s on the same page", 1
    )


def _on_the_stage(session: HarnessSession) -> float:
    """Return the real seconds that the page takes on a stage."""
    with session.stage() as stage, session.host(stage) as host:
        item = stage.open(host.url("article_manual")).item()
        item.expect_loaded()
        began = real_time.seconds()
        for hour in range(HOURS):
            stage.clock.advance("1h")
            item.change_page(f"Page {hour % 3 + 1}")
        took_s = real_time.seconds() - began
        assert len(item.renewals) == RENEWALS, len(item.renewals)
        assert not stage.journal.expired_requests()
        return took_s


def _with_playwrights_clock(playwright: Playwright, session: HarnessSession) -> float:
    """Return the real seconds that the page takes with Playwright's fake timers, stepped from check to check.

    The tokens are invented, because no service checks them.
    """
    with session.stage() as stage, session.host(stage) as host:
        url, script = host.url("article_manual"), stage.page.request.get
        sdk = script(f"{host.origin}/npm/powerbi-client/dist/powerbi.min.js").body()
        html = script(url).body()
    browser = playwright.chromium.launch(executable_path=session.browser_path, args=["--no-sandbox"])
    try:
        page = browser.new_page()
        page.route("**/*", lambda route: route.abort())
        page.route("**/article_manual", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.route("**/powerbi.min.js", lambda route: route.fulfill(body=sdk, content_type="text/javascript"))
        start = datetime(2030, 1, 1, tzinfo=UTC)
        item = {"id": "1", "groupId": "1", "embedUrl": "https://app.powerbi.com/reportEmbed?reportId=1"}
        renewed: list[float] = []

        def token(route: object) -> None:
            now = page.evaluate("Date.now()") / 1000
            renewed.append(now)
            expiration = datetime.fromtimestamp(now + 3600, UTC).isoformat()
            route.fulfill(json={"token": f"t{len(renewed)}", "expiration": expiration})  # type: ignore[attr-defined]

        page.route("**/item/report", lambda route: route.fulfill(json=item))
        page.route("**/token/embed/report", token)
        page.clock.install(time=start)
        page.goto(url)
        page.evaluate(
            "powerbi.get = () => ({setAccessToken: async () => {}})"
        )  # there is no iframe: only the page is measured
        began = real_time.seconds()
        for _ in range(HOURS * 120):
            page.clock.run_for(30_000)
        took_s = real_time.seconds() - began
        assert len(renewed) >= HOURS, len(renewed)
        return took_s
    finally:
        browser.close()
