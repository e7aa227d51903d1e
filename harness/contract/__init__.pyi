from .adapter import Adapter
from .findings import Finding, expected_findings
from .judging import judge
from .page import PageUnderTest, TokenUrl
from .rule import Rule, Verdict
from .rules import RULES
from .run import RULES_FILE, ContractRun, Judge
from .scenarios import Scenarios
from .settings import Settings
from .suite import RefreshContract

__all__ = [
    "RULES",
    "RULES_FILE",
    "Adapter",
    "ContractRun",
    "Finding",
    "Judge",
    "PageUnderTest",
    "RefreshContract",
    "Rule",
    "Scenarios",
    "Settings",
    "TokenUrl",
    "Verdict",
    "expected_findings",
    "judge",
]
