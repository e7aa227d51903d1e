"""The contract as pytest tests, one per page and rule. `pbi-harness verify` and `pytest --pbi-url` run this file."""

from harness.contract.page import PageUnderTest
from harness.contract.rule import Rule
from harness.contract.run import Judge


def test_rule(pbi_contract: Judge, pbi_page: PageUnderTest, pbi_rule: Rule) -> None:
    """Judge a page by a rule: pass, fail or skip."""
    pbi_contract(pbi_page, pbi_rule)
