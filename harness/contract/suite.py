"""The contract as a test class in the user's own test suite."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from harness.base.durations import Duration, duration
from harness.contract.adapter import Adapter
from harness.contract.page import PageUnderTest
from harness.contract.rule import Rule
from harness.contract.run import Judge
from harness.contract.settings import parse_token_url


class RefreshContract(Adapter):
    """The base of a test class by which pytest judges the page at `url` by every rule.

    Derive a class:

        class TestOurDashboard(RefreshContract):
            url = "http://localhost:3000/dashboard"
            token_urls = ["*/api/embed-token*"]

    The attributes have the meanings of the options on the command line. `remove_selector` is `--remove`.
    `strict_tenant` is the list of the ids that exist. `lifetime` is a timedelta, or a text with a unit ("45min").
    `item` is the number of an item (the first is "1"), or a selector of its element.

    The methods are those of `Adapter`; override the ones that your page needs.
    """

    url: str
    token_urls: Sequence[str] = ()
    answer_tokens: bool = False
    token_template: Any = None
    remove_selector: str | None = None
    item: str | None = None
    lifetime: Duration | None = None
    allow_hosts: Sequence[str] = ()
    storage_state: dict[str, Any] | None = None
    ignore_https_errors: bool = False
    strict_tenant: Sequence[str] | None = None

    @classmethod
    def page(cls) -> PageUnderTest:
        """Return the page under test that the attributes describe.

        Raises `UsageError` if a token URL is wrong, and `DurationError` if `lifetime` is not a duration.
        """
        lifetime: timedelta | None = duration(cls.lifetime) if cls.lifetime is not None else None
        return PageUnderTest(
            name=cls.__name__,
            url=cls.url,
            token_urls=tuple(parse_token_url(text) for text in cls.token_urls),
            answer_tokens=cls.answer_tokens,
            template=cls.token_template,
            remove=cls.remove_selector,
            item=cls.item,
            lifetime=lifetime,
            allow_hosts=tuple(cls.allow_hosts),
            storage_state=cls.storage_state,
            ignore_https_errors=cls.ignore_https_errors,
            only_items=frozenset(cls.strict_tenant) if cls.strict_tenant is not None else None,
            adapter=cls(),
        )

    def test_rule(self, pbi_contract: Judge, pbi_page: PageUnderTest, pbi_rule: Rule) -> None:
        """Judge the page by a rule: pass, fail or skip."""
        pbi_contract(pbi_page, pbi_rule)
