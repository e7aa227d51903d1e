"""LEAK-1, on small journals."""

import pytest
from journals import Visit, verdict

from harness.base.journal import Entry
from harness.contract import PageFacts

OWN_CAUSE = (
    "A log line, a cache or a link contains the token. Remove the token from it: a script or a person that can read the "
    "place can open the report."
)
MSAL_CAUSE = (
    'MSAL\'s cacheLocation is "localStorage" or "sessionStorage". Set it to "memoryStorage": then no other script can '
    "read the tokens."
)
MSAL_KEY = "msal.2|oid.tid|login.windows.net|accesstoken|client|tenant|scope"


def visit_of(scenario: str = "healthy") -> Visit:
    """Return a visit in which an item was embedded."""
    visit = Visit(scenario)
    visit.embed()
    return visit


def leak(visit: Visit, at: str, where: str, detail: str, *, form: str = "as it is", token: str = "embed-1") -> Entry:
    """Let a token be seen in a place that is not meant for it."""
    return visit.write(at, "token.leaked", token=token, where=where, detail=detail, form=form)


def test_leak_1_passes_when_no_visit_has_a_leaked_token() -> None:
    found = verdict("LEAK-1", visit_of("discovery").end("55:00"), visit_of().end("55:00"))

    assert (found.outcome, found.message) == ("passed", "No leaked token in 2 visits.")


@pytest.mark.parametrize(
    ("form", "said"),
    [("as it is", ""), ("escaped", ", escaped"), ("in base64", ", in base64")],
)
def test_leak_1_fails_and_names_the_place_and_the_form_of_a_leaked_token(form: str, said: str) -> None:
    visit = visit_of()
    seen = leak(visit, "50:00", "URL", "http://localhost:3000/log", form=form)

    found = verdict("LEAK-1", visit.end("55:00"))

    assert (found.outcome, found.message, found.likely_cause, found.evidence) == (
        "failed",
        f"At 50:00 (healthy) embed-1 was in the URL{said}. Places: URL (http://localhost:3000/log).",
        OWN_CAUSE,
        [seen],
    )


def test_leak_1_names_at_most_four_places_in_their_order() -> None:
    visit = visit_of()
    for at, where in zip("543210", ("Referer", "IndexedDB", "cookie", "console", "URL", "console"), strict=True):
        leak(visit, at, where, "x")

    found = verdict("LEAK-1", visit.end("55:00"))

    assert found.message == (
        "At 00:00 (healthy) embed-1 was in the console. Places: IndexedDB (x); Referer (x); URL (x); console (x)."
    )
    assert len(found.evidence) == 5


@pytest.mark.parametrize("where", ["local storage", "session storage"])
@pytest.mark.parametrize(
    "key",
    [
        MSAL_KEY,
        "oid.tid-login.windows.net-AccessToken-client-tenant-scope--",
        "oid.tid|login.windows.net|AccessToken|client|tenant|scope",
    ],
    ids=["current", "with dashes", "with bars"],
)
def test_leak_1_warns_of_tokens_in_the_cache_of_msal(where: str, key: str) -> None:
    visit = visit_of()
    seen = [leak(visit, at, where, key, token=f"entra-{at}") for at in "1234"]

    found = verdict("LEAK-1", visit.end("55:00"))

    assert (found.outcome, found.message, found.likely_cause, found.evidence) == (
        "warned",
        f"MSAL keeps tokens in the {where} ({key}), where every script of the page can read them.",
        MSAL_CAUSE,
        seen[:3],
    )


@pytest.mark.parametrize(
    ("where", "detail"),
    [("local storage", "token"), ("session storage", "msal"), ("cookie", MSAL_KEY), ("local storage", "accesstoken")],
)
def test_leak_1_fails_for_a_place_that_is_not_the_cache_of_msal(where: str, detail: str) -> None:
    visit = visit_of()
    leak(visit, "1", where, detail)

    assert verdict("LEAK-1", visit.end("55:00")).outcome == "failed"


def test_leak_1_warns_of_the_first_visit_with_tokens_in_the_cache_of_msal() -> None:
    first, second = visit_of(), visit_of("hidden")
    leak(first, "1", "local storage", MSAL_KEY)
    leak(second, "1", "session storage", MSAL_KEY)

    found = verdict("LEAK-1", first.end("55:00"), second.end("55:00"))

    assert (found.outcome, "in the local storage" in found.message) == ("warned", True)


def test_leak_1_fails_for_a_leak_in_a_visit_after_one_with_tokens_in_the_cache_of_msal() -> None:
    first, second = visit_of(), visit_of("hidden")
    leak(first, "1", "local storage", MSAL_KEY)
    leak(second, "0", "local storage", MSAL_KEY)
    own = leak(second, "1", "console", "log")

    found = verdict("LEAK-1", first.end("55:00"), second.end("55:00"))

    assert (found.outcome, found.message, found.evidence) == (
        "failed",
        "At 00:01 (hidden) embed-1 was in the console. Places: console (log).",
        [own],
    )


def test_leak_1_judges_a_page_whose_backend_uses_real_time() -> None:
    visit = visit_of()
    visit.request("50:00", token="embed-1")
    leak(visit, "51:00", "console", "log")

    page = PageFacts("page", "http://localhost:3000", has_own_backend=True)

    assert verdict("LEAK-1", visit.end("55:00"), page=page).outcome == "failed"


def test_leak_1_fails_even_if_the_clock_could_not_wait_for_a_call_before_the_leak() -> None:
    visit = visit_of()
    visit.write("0", "clock", what="work without an end", url="", since=visit.expiries["embed-1"], call="fetch()")
    leak(visit, "1", "console", "log")

    assert verdict("LEAK-1", visit.end("55:00")).outcome == "failed"


@pytest.mark.parametrize(("stopped", "message"), [("", "Nothing was embedded (EMB-1)."), ("Too long.", "Too long.")])
def test_leak_1_is_skipped_when_nothing_is_embedded(stopped: str, message: str) -> None:
    visit = Visit()
    leak(visit, "1", "console", "log")

    found = verdict("LEAK-1", visit.end("0:30", stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", message)
