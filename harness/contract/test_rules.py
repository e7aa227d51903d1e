"""The contract as pytest items, one for each page and rule. `pbi-harness verify` runs this file."""

import pytest

from harness.contract.rule import Rule
from harness.contract.run import Judge
from harness.contract.scenarios import PageUnderTest


def test_rule(pbi_contract: Judge, pbi_page: PageUnderTest, pbi_rule: Rule) -> None:
    finding = pbi_contract(pbi_page, pbi_rule)
    if not finding.as_expected:
        pytest.fail(
            f"{pbi_rule.id} {finding.verdict.outcome}: {finding.verdict.message} ({finding.surprise})", pytrace=False
        )
    if finding.verdict.outcome == "skipped":
        pytest.skip(finding.verdict.message)
