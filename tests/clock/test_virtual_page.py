"""The clock alone: any web page in virtual time, without a stage and without Power BI."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from aiohttp import web
from playwright.sync_api import Playwright
from support.serving import serving

from harness.base.errors import UsageError
from harness.clock import Conditions, VirtualBrowser
from harness.clock.errors import PageUnreachable

BLANK = "<!doctype html><title>blank</title>"


@pytest.fixture(scope="module")
def browser(playwright: Playwright, request: pytest.FixtureRequest) -> Iterator[VirtualBrowser]:
    with VirtualBrowser(playwright, browser_path=request.config.option.pbi_browser) as started:
        yield started


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Yield the origin of a server in real time: a page, and a sign-in whose session cookie lives for 20 minutes."""

    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text=BLANK, content_type="text/html")

    async def sign_in(_: web.Request) -> web.StreamResponse:
        response = web.Response(text="signed in")
        response.set_cookie("session", "1", max_age=1200, httponly=True)
        return response

    async def account(request: web.Request) -> web.StreamResponse:
        return web.Response(text="account", status=200 if "session" in request.cookies else 401)

    application = web.Application()
    application.add_routes([web.get("/", page), web.get("/sign-in", sign_in), web.get("/account", account)])
    with serving(application) as port:
        yield f"http://127.0.0.1:{port}"


def test_timer_of_any_page_fires_at_its_virtual_instant(browser: VirtualBrowser, server: str) -> None:
    with browser.open(server) as tab:
        tab.page.evaluate("globalThis.fired = []; setInterval(() => fired.push(Date.now()), 3_600_000)")
        began = tab.page.evaluate("Date.now()")
        tab.clock.advance("24h")

        fired = tab.page.evaluate("fired")
        assert [at - began for at in fired] == [hour * 3_600_000 for hour in range(1, 25)]
        assert tab.page.evaluate("Date.now()") == tab.clock.now.timestamp() * 1000


def test_session_cookie_ends_at_its_virtual_instant(browser: VirtualBrowser, server: str) -> None:
    with browser.open(server) as tab:

        def status() -> int:
            tab.page.evaluate("void fetch('/account').then(({ status }) => (globalThis.status = status))")
            tab.clock.advance("1s")
            return int(tab.page.evaluate("globalThis.status"))

        tab.page.evaluate("void fetch('/sign-in')")
        tab.clock.advance("19min")
        assert status() == 200

        tab.clock.advance("1min")
        assert status() == 401
        [expired] = tab.journal.of("cookie.expired")
        assert expired["name"] == "session"
        [signed_in] = tab.journal.of("request", url=f"{server}/sign-in")
        assert timedelta(0) <= expired.at - signed_in.at - timedelta(minutes=20) <= timedelta(milliseconds=100)


def test_pages_of_one_browser_have_clocks_and_cookies_of_their_own(browser: VirtualBrowser, server: str) -> None:
    with browser.open(server) as one, browser.open(server) as other:
        one.page.evaluate("document.cookie = 'mine=1'")
        one.clock.advance("1h")

        assert other.page.evaluate("document.cookie") == ""
        assert one.clock.now - other.clock.now >= timedelta(minutes=59)


def test_conditions_set_the_zone_and_the_error_of_the_pages_clock(browser: VirtualBrowser, server: str) -> None:
    conditions = Conditions(client_ahead=timedelta(minutes=10), time_zone="Asia/Kolkata")
    with browser.open(server, conditions) as tab:
        assert tab.page.evaluate("Date.now()") == (tab.clock.now.timestamp() + 600) * 1000
        assert tab.page.evaluate("new Date().getTimezoneOffset()") == -330


def test_uncaught_error_is_journalled(browser: VirtualBrowser, server: str) -> None:
    with browser.open(server) as tab:
        tab.page.evaluate("void setTimeout(() => { throw new Error('late'); }, 60_000)")
        tab.clock.advance("2min")

        [error] = tab.journal.of("page.error")
        assert error["text"].startswith("Error: late")


def test_address_that_is_none_is_refused(browser: VirtualBrowser) -> None:
    with pytest.raises(UsageError, match=r"'report' is not the address of a page"):
        browser.open("report")


def test_server_that_does_not_listen_is_reported(browser: VirtualBrowser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    with pytest.raises(PageUnreachable, match=r"could not be opened \(net::ERR_CONNECTION_REFUSED\)"):
        browser.open(f"http://127.0.0.1:{port}/")


def test_the_clock_loads_neither_power_bi_nor_pytest() -> None:
    code = "import sys, harness.clock.virtual_browser; print(sorted(m for m in sys.modules if m.startswith(('fake_pbi', 'pytest', 'harness.stage', 'harness.contract'))))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.stdout.strip(), ended.stderr) == ("[]", "")
