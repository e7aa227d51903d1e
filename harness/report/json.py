"""The verdicts as JSON, for programs. docs/verdicts.schema.json describes the shape, and `schema` is its version."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.contract.findings import cause_of

SCHEMA = 1


def report(pages: Sequence[dict[str, Any]], exit_code: int, *, seed: int, single: bool) -> dict[str, Any]:
    """Return the report of a run. With `single`, the report is about the only page; else it lists all pages.

    `pages` are the JSON objects of `ContractRun.pages`, `exit_code` is that of the run, and `seed` that of its random
    moments.
    """
    documents = [_page(page) for page in pages]
    if single and documents:
        return {"schema": SCHEMA, "seed": seed, **documents[0], "exit_code": exit_code}
    return {
        "schema": SCHEMA,
        "seed": seed,
        "pages": documents,
        "summary": _summary([rule for page in documents for rule in page["rules"]]),
        "exit_code": exit_code,
        "virtual_seconds": sum(page["virtual_seconds"] for page in documents),
        "real_seconds": round(sum(page["real_seconds"] for page in documents), 3),
    }


def write_json(path: Path, pages: Sequence[dict[str, Any]], exit_code: int, *, seed: int, single: bool) -> None:
    """Write the report of a run to `path`, even if the run ended early. The other parameters are those of `report`.

    Raises `OSError` if the file cannot be written.
    """
    path.write_text(json.dumps(report(pages, exit_code, seed=seed, single=single), indent=2) + "\n", encoding="utf-8")


def _page(page: dict[str, Any]) -> dict[str, Any]:
    broken = {rule["id"] for rule in page["rules"] if rule["outcome"] in ("failed", "warned")}
    rules = [rule | {"consequence_of": _cause(rule, broken)} for rule in page["rules"]]
    return page | {
        "rules": rules,
        "summary": _summary(rules),
        "real_seconds": round(sum(rule["real_seconds"] for rule in rules), 3),
    }


def _cause(rule: dict[str, Any], broken: set[str]) -> str | None:
    return cause_of(rule["id"], broken) if rule["id"] in broken else None


def _summary(rules: Sequence[dict[str, Any]]) -> dict[str, int]:
    counted = Counter(rule["outcome"] for rule in rules)
    outcomes = {outcome: counted[outcome] for outcome in ("passed", "failed", "warned", "skipped")}
    return outcomes | {"unexpected": sum(rule["as_expected"] is False for rule in rules)}
