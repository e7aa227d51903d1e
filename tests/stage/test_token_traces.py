"""The traces of tokens in texts: the form in which a token is found, and the texts without it."""

import base64
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from fake_pbi.tokens import Token, TokenBook
from harness.base.journal import Entry, Journal
from harness.stage.token_traces import concealed, form_in

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FORMS: dict[str, tuple[Callable[[str], str], str]] = {
    "as it is": (str, "as it is"),
    "percent-encoded": (lambda text: quote(text, safe=""), "escaped"),
    "percent-encoded twice": (lambda text: quote(quote(text, safe=""), safe=""), "escaped"),
    "percent-encoded in small letters": (lambda text: quote(text, safe="").replace("%3D", "%3d"), "escaped"),
    "cut short": (lambda text: text[:-30], "escaped"),
    **{
        f"in base64 after {before} bytes": (
            lambda text, before=before: base64.b64encode(b"?" * before + text.encode()).decode(),
            "in base64",
        )
        for before in range(4)
    },
    **{
        f"in URL-safe base64 after {before} bytes": (
            lambda text, before=before: base64.urlsafe_b64encode(b"\xff" * before + text.encode() + b"\xff").decode(),
            "in base64",
        )
        for before in range(4)
    },
    "in the base64 of JSON": (
        lambda text: base64.b64encode(json.dumps({"user": "?>", "token": text, "more": "~~~"}).encode()).decode(),
        "in base64",
    ),
}
"""Ways to write a token: the function that does so, and the form that is found."""
BOOK = TokenBook(lambda: NOW, Journal(lambda: NOW))
ENTRA = BOOK.issue_entra(timedelta(hours=1), tenant_id="tenant", client_id="client")
EMBED, OTHER = BOOK.issue_embed(ENTRA), BOOK.issue_embed(ENTRA)


def foreign(text: str) -> Token:
    """Return a token of another service."""
    return Token("foreign-1", "embed", text, NOW, NOW + timedelta(hours=1))


UNSIGNED = foreign("eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyNzI0MDAsInN1YiI6Im1vY2sifQ.")
"""A JWT without a signature, as mocks have it."""
READABLE = base64.b64encode(b'{"exp":1767272400,"clusterUrl":"https://example.analysis.windows.net"}').decode()
STANDARD = foreign(f"{base64.b64encode(random.Random(1).randbytes(400)).decode()}.{READABLE}")
"""An embed token in standard base64, with + and / in it."""


def without_tokens(value: Any, *tokens: Token) -> Any:
    """Return a datum of an entry after the concealment of tokens."""
    (entry,) = concealed([Entry(NOW, "item.event", {"detail": value})], tokens)
    return entry["detail"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("token", [ENTRA, EMBED], ids=lambda token: token.name)
def test_token_is_found_in_any_form_and_replaced_in_a_query_with_other_parameters(token: Token, form: str) -> None:
    written, found = FORMS[form][0](token.text), FORMS[form][1]
    url = f"https://localhost:3000/report?a=1&token={written}&b=two#c"

    assert form_in(url, token) == ("as it is" if written == token.text else found)
    assert form_in(url, OTHER) == ""
    assert without_tokens(url, OTHER, token) == f"https://localhost:3000/report?a=1&token=<{token.name}>&b=two#c"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("token", [ENTRA, EMBED], ids=lambda token: token.name)
@pytest.mark.parametrize(
    ("before", "after"),
    [("Bearer ", ""), ('{"token": "', '", "exp": 1}'), ("(", ") was refused"), ("token: '", "'\n    at x.js:1")],
)
def test_token_is_replaced_in_other_texts(token: Token, form: str, before: str, after: str) -> None:
    text = f"{before}{FORMS[form][0](token.text)}{after}"

    assert without_tokens(text, token) == f"{before}<{token.name}>{after}"


def test_every_token_and_form_in_one_text_is_replaced() -> None:
    forms = [FORMS[form][0] for form in ("as it is", "percent-encoded", "in base64 after 1 bytes")]
    text = " & ".join(form(token.text) for form in forms for token in (EMBED, ENTRA, EMBED))

    assert without_tokens(text, ENTRA, EMBED) == " & ".join(["<embed-1>", "<entra-1>", "<embed-1>"] * 3)


def test_tokens_are_replaced_in_names_and_parts_at_any_depth() -> None:
    value = {
        EMBED.text: [1, None, {"filter": [f"x {EMBED.text}", True]}],
        "plain": "a text of more than 32 characters, kept",
    }

    assert without_tokens(value, EMBED) == {
        "<embed-1>": [1, None, {"filter": ["x <embed-1>", True]}],
        "plain": "a text of more than 32 characters, kept",
    }


def test_entry_without_a_token_is_not_copied() -> None:
    entry = Entry(NOW, "request", {"url": "https://localhost:3000/token?kind=embed&id=7", "status": 200, "list": [1]})

    assert concealed([entry], [EMBED, ENTRA])[0] is entry


def test_entry_keeps_its_time_its_kind_and_its_other_data() -> None:
    entry = Entry(NOW, "request", {"request": "1", "url": f"/?t={EMBED.text}", "method": "GET"})

    assert concealed([entry], [EMBED]) == [
        Entry(NOW, "request", {"request": "1", "url": "/?t=<embed-1>", "method": "GET"})
    ]


@pytest.mark.parametrize("form", ["as it is", "percent-encoded", "in base64 after 0 bytes", "in base64 after 2 bytes"])
@pytest.mark.parametrize("token", [UNSIGNED, STANDARD], ids=["unsigned JWT", "embed token in standard base64"])
def test_token_of_another_service_is_found_and_replaced(token: Token, form: str) -> None:
    written, found = FORMS[form][0](token.text), FORMS[form][1]
    url = f"https://localhost:3000/?a=1&token={written}&b=2"

    assert form_in(url, token) == ("as it is" if written == token.text else found)
    assert without_tokens(url, token) == "https://localhost:3000/?a=1&token=<foreign-1>&b=2"


@pytest.mark.parametrize("length", [400, 45])
def test_tokens_that_expire_together_are_told_apart(length: int) -> None:
    """The second part of an embed token is the same for all that expire together."""
    one, other = (
        foreign(f"{base64.urlsafe_b64encode(random.Random(seed).randbytes(length)).decode()}.{READABLE}")
        for seed in (1, 2)
    )

    assert form_in(quote(other.text, safe=""), one) == ""
    assert form_in(quote(one.text, safe=""), one) == "escaped"


def test_unsigned_tokens_of_two_users_are_told_apart() -> None:
    claims = [{"iss": "https://sts.windows.net/tenant/", "exp": 1767272400, "sub": user} for user in ("one", "two")]
    one, other = (
        foreign(f"eyJhbGciOiJub25lIn0.{base64.urlsafe_b64encode(json.dumps(claim).encode()).decode().rstrip('=')}.")
        for claim in claims
    )

    assert form_in(f"?cut={other.text[3:]}", one) == ""
    assert form_in(f"?cut={one.text[3:]}", one) == "escaped"


def test_path_around_a_token_stays() -> None:
    url = f"https://localhost:3000/tokens/{EMBED.text}/use?a=1"

    assert without_tokens(url, EMBED) == "https://localhost:3000/tokens/<embed-1>/use?a=1"


@pytest.mark.parametrize(
    "text",
    ["", "H4sIAAAAAAAE", EMBED.text[:80], ENTRA.text[:300], EMBED.text.swapcase()],
    ids=["nothing", "another beginning", "a part of an embed token", "a part of an Entra token", "another case"],
)
def test_no_token_is_found_in_a_text_that_has_none(text: str) -> None:
    assert form_in(text, EMBED) == form_in(text, ENTRA) == ""
