from .adapter import Adapter
from .explanation import explanation
from .findings import Finding, expected_findings
from .judging import judge
from .page import PageFacts, PageUnderTest, TokenUrl
from .recording import RecordedPage, prepare_folder, read_pages
from .rejudging import judge_again, judge_recorded
from .rule import Rule, Verdict
from .rules import RULES, rules_named
from .run import RULES_FILE, ContractRun, Judge
from .settings import Settings
from .suite import RefreshContract
from .watch import Watch

__all__ = [
    "RULES",
    "RULES_FILE",
    "Adapter",
    "ContractRun",
    "Finding",
    "Judge",
    "PageFacts",
    "PageUnderTest",
    "RecordedPage",
    "RefreshContract",
    "Rule",
    "Settings",
    "TokenUrl",
    "Verdict",
    "Watch",
    "expected_findings",
    "explanation",
    "judge",
    "judge_again",
    "judge_recorded",
    "prepare_folder",
    "read_pages",
    "rules_named",
]
