"""EMB-1, on small journals."""

from collections.abc import Callable
from typing import Any

import pytest
from journals import TOKENS, Visit, verdict

from harness.contract import PageFacts
from harness.contract.observation import Observation

URL = "http://localhost:3000/report"
"""The address of the page."""
NO_IFRAME = "The page made no iframe of app.powerbi.com in 30 s; "
OWN_BACKEND = PageFacts("page", url=URL, has_own_backend=True)


def healthy(*, items: int = 1, **facts: Any) -> Observation:
    """Return a healthy visit whose items load after 1.1 s, 1.2 s and so on, and are never renewed."""
    visit = Visit()
    for number in range(1, items + 1):
        visit.embed(f"1.{number}", token=f"embed-{number}", item=str(number))
        visit.expire(f"embed-{number}", item=str(number))
    return visit.end("3:12:00", **facts)


def frame(visit: Visit, at: str = "1") -> None:
    """Let the page make the iframe of a report."""
    visit.write(at, "embed.frame", item="1", path="/reportEmbed", url="https://app.powerbi.com/reportEmbed?reportId=1")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (1, "1 item loaded; the first raised `loaded` at 00:01.100."),
        (2, "2 items loaded; the first raised `loaded` at 00:01.100."),
    ],
)
def test_emb_1_passes_when_an_item_loads_with_a_valid_token(items: int, message: str) -> None:
    found = verdict("EMB-1", healthy(items=items))

    assert (found.outcome, found.message) == ("passed", message)
    assert [(entry["item"], entry["event"]) for entry in found.evidence] == [("1", "loaded")]


def test_emb_1_passes_when_an_item_loads_with_the_pages_own_policy_in_force() -> None:
    with_policy = Visit("own_policy")
    with_policy.embed("1")

    found = verdict("EMB-1", healthy(has_policy=True), with_policy.end("6"))

    assert (found.outcome, found.message) == ("passed", "1 item loaded; the first raised `loaded` at 00:01.100.")


def test_emb_1_fails_when_the_pages_own_policy_refuses_the_iframe() -> None:
    with_policy = Visit("own_policy")
    for _ in range(4):
        with_policy.throw("1", "EvalError: Refused to evaluate a string as JavaScript.")

    found = verdict("EMB-1", healthy(has_policy=True), with_policy.end("30"))

    assert (found.outcome, found.message) == (
        "failed",
        "No item loaded while the page's own Content-Security-Policy was in force.",
    )
    assert found.likely_cause.startswith("The policy does not allow https://app.powerbi.com in its frame-src")
    assert [entry.kind for entry in found.evidence] == ["page.error"] * 3


def test_emb_1_is_skipped_for_an_item_that_the_fake_power_bi_does_not_emulate() -> None:
    visit = Visit()
    visit.request("1", url="https://app.powerbi.com/rdlEmbed?reportId=1", status=404)

    found = verdict("EMB-1", visit.end("30"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The fake Power BI does not emulate rdlEmbed, so the item of this page cannot be judged (docs/emulated.md).",
    )


def does_nothing(_: Visit) -> None:
    """Let the page do nothing."""


def throws(visit: Visit) -> None:
    """Let the page throw an exception of two lines, and then another one."""
    visit.throw("2", "TypeError: config is null\n    at embed (report.js:3:7)")
    visit.throw("3", "TypeError: report is undefined")


def misses_a_script(visit: Visit) -> None:
    """Let one of the page's scripts be missing, after its icon, and let the page throw an exception for it."""
    visit.request("0.5", url="http://localhost:3000/favicon.ico", status=404)
    visit.request("1", url="http://localhost:3000/bundle.js?v=2", status=404)
    visit.throw("1.5", "ReferenceError: app is not defined")


def misses_an_api(visit: Visit) -> None:
    """Let a request of the page fail, because nothing answers at its address."""
    visit.request("1", url="http://localhost:3000/api/config", status=None, error="net::ERR_CONNECTION_REFUSED")


def needs_other_hosts(visit: Visit) -> None:
    """Let the page request two other hosts, one of them twice, and throw an exception."""
    for at, host in (("1", "cdn.example.com"), ("2", "api.example.com"), ("3", "cdn.example.com")):
        visit.write(at, "host.refused", host=host)
    visit.throw("4", "TypeError: Failed to fetch")


@pytest.mark.parametrize(
    ("happens", "facts", "seen", "cause"),
    [
        (does_nothing, {}, "the page threw nothing.", "The page never called powerbi.embed()."),
        (
            throws,
            {},
            "the page threw 'TypeError: config is null'.",
            "The page's script ended before it called powerbi.embed()",
        ),
        (
            misses_a_script,
            {},
            "the page threw 'ReferenceError: app is not defined'; http://localhost:3000/bundle.js?v=2 answered 404.",
            "The page could not load one of its scripts: http://localhost:3000/bundle.js?v=2.",
        ),
        (
            misses_an_api,
            {},
            "the page threw nothing; http://localhost:3000/api/config answered net::ERR_CONNECTION_REFUSED.",
            "The page never called powerbi.embed().",
        ),
        (
            needs_other_hosts,
            {},
            "the page threw 'TypeError: Failed to fetch'; "
            "the harness refused requests to api.example.com, cdn.example.com.",
            "The page needs a script or an API of another host.",
        ),
        (
            needs_other_hosts,
            {"url": URL, "landed": "http://localhost:3000/login?next=report"},
            "the page threw 'TypeError: Failed to fetch'; "
            "the harness refused requests to api.example.com, cdn.example.com; "
            "the page went to http://localhost:3000/login?next=report.",
            "The page probably went to a sign-in.",
        ),
        (
            does_nothing,
            {"url": URL, "landed": f"{URL}/?embedded#first"},
            "the page threw nothing.",
            "The page never called powerbi.embed().",
        ),
        (
            does_nothing,
            {
                "url": URL,
                "landed": "http://localhost:3000/login",
                "stopped": "The clock could not advance for 30 s of real time. A script of the page does not end.",
            },
            "the page threw nothing; the page went to http://localhost:3000/login; The clock could not advance for "
            "30 s of real time. A script of the page does not end.",
            "A script of the page does not end, or the page's server does not answer.",
        ),
    ],
    ids=[
        "does nothing",
        "throws",
        "script is missing",
        "API does not answer",
        "other hosts",
        "sign-in",
        "landed where it was opened",
        "endless script",
    ],
)
def test_emb_1_fails_without_an_iframe_and_says_what_the_page_did_instead(
    happens: Callable[[Visit], None], facts: dict[str, Any], seen: str, cause: str
) -> None:
    visit = Visit()
    happens(visit)

    found = verdict("EMB-1", visit.end("30", **facts))

    assert (found.outcome, found.message) == ("failed", NO_IFRAME + seen)
    assert found.likely_cause.startswith(cause)


def test_emb_1_shows_at_most_three_exceptions_and_three_refused_hosts() -> None:
    visit = Visit()
    for _ in range(4):
        visit.throw("1", "TypeError: config is null")
        visit.write("1", "host.refused", host="cdn.example.com")

    found = verdict("EMB-1", visit.end("30"))

    assert [entry.kind for entry in found.evidence] == ["page.error"] * 3 + ["host.refused"] * 3


@pytest.mark.parametrize(
    ("items", "chosen", "embedded"), [(1, "2", "1 item"), (2, "3", "2 items")], ids=["one item", "two items"]
)
def test_emb_1_fails_when_the_chosen_item_is_not_on_the_page(items: int, chosen: str, embedded: str) -> None:
    found = verdict("EMB-1", healthy(items=items, chosen=chosen))

    assert (found.outcome, found.message) == (
        "failed",
        f"--item asks for item {chosen}, and the page embedded {embedded}.",
    )
    assert found.likely_cause == "Correct --item: 1 is the first item that the page embeds."
    assert [entry.kind for entry in found.evidence] == ["embed.frame"] * items


def test_emb_1_passes_when_the_chosen_item_loads() -> None:
    found = verdict("EMB-1", healthy(items=3, chosen="2"))

    assert (found.outcome, found.message) == ("passed", "1 item loaded; the first raised `loaded` at 00:01.200.")


def test_emb_1_fails_when_the_sdk_refuses_the_configuration_and_the_page_hides_the_exception() -> None:
    visit = Visit()
    visit.issue("0.5", "embed-1")
    visit.request("0.5", token="embed-1")
    frame(visit)

    found = verdict("EMB-1", visit.end("30"))

    assert (found.outcome, found.message) == (
        "failed",
        "The page made an iframe and sent no load request; the page threw nothing.",
    )
    assert found.likely_cause.startswith("The SDK refused the configuration and the page hides the SDK's exception.")
    assert [entry.kind for entry in found.evidence] == ["embed.frame"]


def test_emb_1_fails_when_a_prepared_iframe_never_gets_a_token() -> None:
    visit = Visit()
    frame(visit)
    visit.request("1", status=404)

    found = verdict("EMB-1", visit.end("30"))

    assert (found.outcome, found.message) == (
        "failed",
        f"The page made an iframe and sent no load request; the page threw nothing; {TOKENS} answered 404.",
    )
    assert found.likely_cause.startswith("The page prepared the iframe (powerbi.bootstrap) and had no token")


def loaded_with_a_text(*, status: int = 200) -> Observation:
    """Return a visit whose item is loaded with a text that is no token. `status` is that of the token endpoint."""
    visit = Visit()
    visit.request("0.5", status=status)
    frame(visit)
    visit.load("1")
    visit.apply("1", "unknown", how="load")
    visit.raise_error("1", "LoadReportFailed")
    return visit.end("30")


KEPT = "The page embeds with a token that it kept from an earlier visit, or with a text that is no token."
OTHER_SERVICE = "The page's backend gets its tokens from another service than the fake Power BI."


@pytest.mark.parametrize(
    ("status", "under_test", "cause"),
    [
        (200, PageFacts("page"), KEPT),
        (200, OWN_BACKEND, OTHER_SERVICE),
        (500, OWN_BACKEND, KEPT),
    ],
    ids=["tokens of the fake cloud", "backend answers", "backend answers nothing"],
)
def test_emb_1_fails_when_the_item_is_loaded_with_a_text_that_is_no_token(
    status: int, under_test: PageFacts, cause: str
) -> None:
    found = verdict("EMB-1", loaded_with_a_text(status=status), page=under_test)

    assert (found.outcome, found.message) == (
        "failed",
        "The item was loaded at 00:01 with an unusable token: the service did not issue it.",
    )
    assert found.likely_cause.startswith(cause)
    assert [(entry.kind, entry["state"]) for entry in found.evidence] == [("token.applied", "unknown")]


@pytest.mark.parametrize("under_test", [PageFacts("page"), OWN_BACKEND], ids=["host page", "own backend"])
def test_emb_1_fails_when_the_item_is_loaded_with_an_expired_token(under_test: PageFacts) -> None:
    visit = Visit()
    visit.issue("0", "embed-1", lifetime=-visit.lifetime)
    visit.request("0.5", token="embed-1")
    visit.embed("1", token="embed-1", loaded=False)

    found = verdict("EMB-1", visit.end("30"), page=under_test)

    assert (found.outcome, found.message) == (
        "failed",
        "The item was loaded at 00:01 with an unusable token: the token had expired.",
    )
    assert found.likely_cause.startswith(KEPT)


@pytest.mark.parametrize(
    ("type", "token", "needed"), [("entra", "entra-1", "an embed"), ("embed", "embed-1", "an Entra")]
)
def test_emb_1_fails_when_the_token_is_of_the_other_type(type: str, token: str, needed: str) -> None:
    visit = Visit()
    visit.issue("0.5", token, type=type)
    visit.request("0.5", token=token)
    frame(visit)
    visit.load("1")
    visit.apply("1", token, how="load", type=type, expires=None, state="unknown")

    found = verdict("EMB-1", visit.end("30"), page=OWN_BACKEND)

    assert (found.outcome, found.message) == (
        "failed",
        f"The item was loaded at 00:01 with an unusable token: it is {token}, and the item needs {needed} token.",
    )
    assert found.likely_cause.startswith("tokenType names another kind of token than the page has.")


def test_emb_1_fails_when_an_item_with_a_valid_token_never_raises_loaded() -> None:
    visit = Visit()
    visit.embed("1", loaded=False)
    visit.raise_error("2", "EntityNotFound")

    found = verdict("EMB-1", visit.end("30"))

    assert found.outcome == "failed"
    assert found.message.startswith("The item never raised `loaded`; it raised [{'message': 'EntityNotFound', ")
    assert [entry["event"] for entry in found.evidence] == ["error"]
