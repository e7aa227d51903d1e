"""The verdicts as JSON, for programs. docs/verdicts.schema.json describes the shape, and `schema` is its version."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.base.json_text import write_json
from harness.contract.findings import cause_of
from harness.contract.reports import PageReport, RuleReport

SCHEMA = 1


def write_report(path: Path, pages: Sequence[PageReport], exit_code: int, *, seed: int, single: bool) -> None:
    """Write the report of a run, even if the run ended early.

    Args:
        path: The file.
        pages: The reports on the pages.
        exit_code: The exit code of the run.
        seed: The seed of its random interactions.
        single: True if the run judges one page that is not built in. Then the report is about that page alone.

    Raises:
        OSError: The file cannot be written.
    """
    documents = [_page(page) for page in pages]
    if single and documents:
        write_json(path, {"schema": SCHEMA, "seed": seed, **documents[0], "exit_code": exit_code})
        return
    report = {
        "schema": SCHEMA,
        "seed": seed,
        "pages": documents,
        "summary": _summary([rule for page in pages for rule in page.rules]),
        "exit_code": exit_code,
        "virtual_seconds": sum(page.virtual_seconds for page in pages),
        "real_seconds": round(sum(page["real_seconds"] for page in documents), 3),
    }
    write_json(path, report)


def _page(page: PageReport) -> dict[str, Any]:
    broken = {rule.id for rule in page.rules if rule.is_finding}
    return vars(page) | {
        "rules": [vars(rule) | {"consequence_of": _cause(rule, broken)} for rule in page.rules],
        "summary": _summary(page.rules),
        "real_seconds": round(sum(rule.real_seconds for rule in page.rules), 3),
    }


def _cause(rule: RuleReport, broken: set[str]) -> str | None:
    return cause_of(rule.id, broken) if rule.is_finding else None


def _summary(rules: Sequence[RuleReport]) -> dict[str, int]:
    counted = Counter(rule.outcome for rule in rules)
    outcomes = {outcome: counted[outcome] for outcome in ("passed", "failed", "warned", "skipped")}
    return outcomes | {"unexpected": sum(rule.as_expected is False for rule in rules)}
