"""The lifetime that a `Set-Cookie` line states."""

import pytest

from harness.clock.cookie_lifetime import StatedLifetime, stated_in

DAY = 86_400.0
NOON = "Wed, 25 Nov 2026 12:00:00 GMT"
LINES = {
    "a=1": StatedLifetime("a"),
    "a=1; Max-Age=60; Expires=" + NOON: StatedLifetime("a", seconds=60),
    "a=1; max-age=-1": StatedLifetime("a", seconds=-1),
    "a=1; max-age=soon; HttpOnly": StatedLifetime("a"),
    "a=b=c; Expires=" + NOON: StatedLifetime("a", until_s=1795608000.0),
    "a=1; Expires=Wednesday, 25-Nov-26 12:00:00 GMT": StatedLifetime("a", until_s=1795608000.0),
    "a=1; expires=Wed Nov 25 12:00:00 2026": StatedLifetime("a", until_s=1795608000.0),
    "a=1; Expires=tomorrow": StatedLifetime("a"),
    "a=1; Expires=Wed, 99 Foo 99999 12:00:00 GMT": StatedLifetime("a"),
    "nameless; Max-Age=5": StatedLifetime("", seconds=5),
    "": StatedLifetime(""),
}


@pytest.mark.parametrize("line", LINES)
def test_lifetime_is_read_from_a_set_cookie_line(line: str) -> None:
    assert stated_in(line) == LINES[line]


def test_lifetime_by_expires_is_relative_to_the_servers_date() -> None:
    assert stated_in("a=1; Expires=" + NOON, date="Tue, 24 Nov 2026 12:00:00 GMT") == StatedLifetime("a", seconds=DAY)
