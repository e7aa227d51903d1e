"""TYPE-1, on small journals."""

import pytest
from journals import Visit, verdict

from harness.contract.observation import UNSUPPORTED

REFUSED = f"Error: {UNSUPPORTED} in report SaaS embed"
"""The first line of the SDK's exception."""


def prepared(*, token: bool) -> Visit:
    """Return a visit whose page makes an iframe and sends no load request. With `token` it has received a token."""
    visit = Visit()
    if token:
        visit.issue("0.5", "embed-1")
    visit.request("0.5", token="embed-1" if token else None, status=200 if token else 404)
    visit.write("1", "embed.frame", item="1", path="/reportEmbed", url="https://app.powerbi.com/reportEmbed?reportId=1")
    return visit


@pytest.mark.parametrize("token", [True, False], ids=["had a token", "had no token"])
def test_type_1_fails_when_the_sdk_refuses_the_provider(token: bool) -> None:
    visit = prepared(token=token)
    visit.throw("1.2", "TypeError: settings is undefined")
    visit.throw("1.5", f"{REFUSED}\n    at Report.validateEventHooks", rejection=True)
    visit.throw("1.6", REFUSED)

    found = verdict("TYPE-1", visit.end("30"))

    assert (found.outcome, found.message) == ("failed", f"The SDK threw at 00:01.500: {REFUSED}.")
    assert found.likely_cause.startswith("The page registers an accessTokenProvider for an embed token")
    assert [entry["text"].partition("\n")[0] for entry in found.evidence] == [REFUSED, REFUSED]


def test_type_1_is_skipped_when_the_page_makes_no_iframe() -> None:
    visit = Visit()
    visit.throw("1", "TypeError: config is null")

    found = verdict("TYPE-1", visit.end("30"))

    assert (found.outcome, found.message) == ("skipped", "Nothing was embedded (EMB-1).")


def test_type_1_is_skipped_for_a_prepared_iframe_that_never_gets_a_token() -> None:
    visit = prepared(token=False)
    visit.throw("2", "SyntaxError: Unexpected token '<'")

    found = verdict("TYPE-1", visit.end("30"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page made an iframe and never received a token to embed with (EMB-1).",
    )


@pytest.mark.parametrize("text", ["", "Uncaught (in promise)", "Uncaught (in promise)\nundefined"])
def test_type_1_is_skipped_when_the_page_hides_the_sdks_exception(text: str) -> None:
    visit = prepared(token=True)
    if text:
        visit.throw("1", text, rejection=True)

    found = verdict("TYPE-1", visit.end("30"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page made an iframe and sent no load request. The page also hides the SDK's exception, so nobody can see "
        "whether the SDK refused a provider (EMB-1).",
    )


def test_type_1_passes_when_the_page_shows_that_the_sdk_refused_something_other_than_a_provider() -> None:
    visit = prepared(token=True)
    visit.throw("1", "Uncaught (in promise)", rejection=True)
    visit.throw("1", "Error: background is invalid")

    found = verdict("TYPE-1", visit.end("30"))

    assert (found.outcome, found.message) == ("passed", "The page registers no accessTokenProvider.")


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        (False, "The page registers no accessTokenProvider."),
        (True, "The page registers its accessTokenProvider for a report with an Entra token."),
    ],
)
def test_type_1_passes_when_the_sdk_accepts_the_configuration(provider: bool, message: str) -> None:
    visit = Visit()
    visit.embed("1", token="entra-1", type="entra", provider=provider)

    found = verdict("TYPE-1", visit.end("50:00"))

    assert (found.outcome, found.message) == ("passed", message)


def test_type_1_passes_when_the_item_with_the_provider_is_replaced_in_the_first_seconds() -> None:
    visit = Visit()
    visit.embed("1", token="entra-1", type="entra", provider=True)
    visit.write("8", "embed.gone", item="1")
    visit.embed("8", item="2")

    found = verdict("TYPE-1", visit.end("50:00"))

    assert (found.outcome, found.message) == (
        "passed",
        "The page registers its accessTokenProvider for a report with an Entra token.",
    )


def test_type_1_passes_when_the_item_is_loaded_with_an_unusable_token() -> None:
    visit = prepared(token=False)
    visit.load("1", provider=True)
    visit.apply("1", "unknown", how="load")
    visit.raise_error("1", "LoadReportFailed")

    found = verdict("TYPE-1", visit.end("30"))

    assert (found.outcome, found.message) == (
        "passed",
        "The page registers its accessTokenProvider for a report with an Entra token.",
    )
