"""The receiver of what happens in a contract run."""

from typing import Protocol

from harness.contract.reports import PageReport, RuleReport


class Listener(Protocol):
    """The receiver of a run's progress, such as the report on a terminal."""

    def scenario(self, page: str, rule: str, title: str) -> None:
        """Receive the title of a visit that begins, with the page and the rule that needs the visit."""

    def noticed(self, page: str, what: str) -> None:
        """Receive a remark about a page, such as its token addresses."""

    def found(self, page: PageReport, rule: RuleReport) -> None:
        """Receive the report on a rule, with the report on its page so far."""

    def page_failed(self, page: str, error: str) -> None:
        """Receive the error that prevents a page from being judged."""
