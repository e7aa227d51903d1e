"""Tests of the answers of token endpoints: their forms, and their fields when the token has expired."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from fake_pbi.tenant import Tenant
from fake_pbi.token_answers import TokenAnswers
from fake_pbi.tokens import TokenBook
from harness.base.journal import Journal

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
EXPIRES = NOW + timedelta(minutes=60)
EXPIRED = NOW - timedelta(minutes=1)


@pytest.fixture
def book() -> TokenBook:
    return TokenBook(lambda: NOW, Journal(lambda: NOW))


@pytest.fixture
def answers(book: TokenBook) -> TokenAnswers:
    return TokenAnswers(lambda: NOW, Tenant(), book)


def test_embed_answer_has_the_form_of_generate_token(answers: TokenAnswers, book: TokenBook) -> None:
    answer = json.loads(answers.text("embed"))
    assert set(answer) == {"token", "tokenId", "expiration"}
    assert answer["expiration"] == "2030-01-01T13:00:00Z"
    token = book.find(answer["token"])
    assert token
    assert (token.type, token.expires) == ("embed", EXPIRES)


def test_aad_answer_has_the_form_of_msal(answers: TokenAnswers, book: TokenBook) -> None:
    answer = json.loads(answers.text("aad"))
    token = book.find(answer.pop("access_token"))
    assert token
    assert token.type == "entra"
    assert answer == {"token_type": "Bearer", "expires_in": 3600, "expires_on": int(EXPIRES.timestamp())}


def test_template_gives_the_answer_a_form_of_the_pages_own(answers: TokenAnswers) -> None:
    template = {"data": [{"header": "Bearer {token}", "life": "{expires_in}", "till": "{expiration}"}], "ok": True}
    template["more"] = ["{expires_in_minutes}", "{expires_on_ms}"]
    answer = json.loads(answers.text("embed", template))
    (data,) = answer["data"]
    assert data["header"].startswith("Bearer H4sI")
    assert (data["life"], data["till"], answer["ok"]) == (3600, "2030-01-01T13:00:00Z", True)
    assert answer["more"] == [60, int(EXPIRES.timestamp()) * 1000]


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("expiration", "2030-01-01T13:00:00Z", "2030-01-01T11:59:00Z"),
        ("tokenExpiry", "2030-01-01T13:00:00.000+00:00", "2030-01-01T11:59:00.000+00:00"),
        ("expires_in", 3600, -60),
        ("expiresIn", "3599", "-60"),
        ("ttlMs", 3_600_000, -60_000),
        ("validFor", 3600, -60),
        ("MinutesToExpiration", 60, -1),
        ("SecondsToExpiry", 3600, -60),
        ("refreshInSeconds", 3600, -60),
        ("lease_duration", 3600, -60),
        ("Expires", f"/Date({int(EXPIRES.timestamp())}000)/", f"/Date({int(EXPIRED.timestamp())}000)/"),
        ("until", "2030-01-01 13:00:00", "2030-01-01 11:59:00"),
        ("expires_on", int(EXPIRES.timestamp()), int(EXPIRED.timestamp())),
        ("exp", int(EXPIRES.timestamp()) * 1000, int(EXPIRED.timestamp()) * 1000),
        ("rows", 3600, 3600),
        ("created", "2030-01-01T12:00:00Z", "2030-01-01T12:00:00Z"),
    ],
)
def test_every_field_of_an_expired_answer_matches_the_expired_token(
    answers: TokenAnswers, book: TokenBook, field: str, value: object, wanted: object
) -> None:
    text = json.loads(answers.text("embed"))["token"]
    changed = json.loads(answers.expired(json.dumps({"nested": {"token": text, field: value}})))["nested"]
    assert changed[field] == wanted
    assert changed["token"] != text
    assert book.state(changed["token"]) == "expired"


def test_template_is_filled_with_the_values_of_an_expired_token(answers: TokenAnswers, book: TokenBook) -> None:
    template = {"t": "{token}", "left": ["{expires_in}", "{expires_in_minutes}"], "on": "at {expires_on_ms}"}

    answer = json.loads(answers.text("embed", template, expired=True))

    assert book.state(answer["t"]) == "expired"
    assert (answer["left"], answer["on"]) == ([-60, -1], f"at {int(EXPIRED.timestamp()) * 1000}")


def test_expired_entra_token_has_its_expiry_in_its_own_text(answers: TokenAnswers, book: TokenBook) -> None:
    text = json.loads(answers.expired(answers.text("aad")))["access_token"]
    token = book.find(text)
    assert token
    assert (token.type, token.expires, book.state(text)) == ("entra", EXPIRED, "expired")


def test_answer_without_a_token_stays_unchanged(answers: TokenAnswers) -> None:
    for text in ("", "<html>", '{"expires_in": 3600}'):
        assert answers.expired(text) == text


def test_tokens_of_another_service_are_found_only_if_foreign_tokens_are_accepted(book: TokenBook) -> None:
    other = TokenBook(lambda: NOW, Journal(lambda: NOW))
    entra = other.issue_entra(timedelta(minutes=60), tenant_id="t", client_id="c")
    embed = other.issue_embed(entra)
    assert book.find(entra.text) is None
    book.accepts_foreign = True
    for token, name in ((entra, "foreign-1"), (embed, "foreign-2"), (entra, "foreign-1")):
        found = book.find(token.text)
        assert found
        assert (found.name, found.type, found.expires) == (name, token.type, EXPIRES)
    for text in ("", "no token", "a.b", "a.b.c", "H4sI.e30="):
        assert book.state(text) == "unknown"
