"""The parts of docs/ that are made from the code.

`python tests/generated_docs.py` writes them, and `make docs` calls it. They are the pages of the rules, the tables and
lists of docs/contract.md between markers, and the JSON Schema of the recordings.
"""

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from recording_schema import recording_schema

from harness.contract import RULES, Rule, explanation
from harness.contract.explanation import Section, applies_to, scenario_title
from harness.contract.fragments import NAMES
from harness.contract.observations import EVERY_VISIT, FIRST_VISIT
from harness.contract.scenarios import SCENARIOS

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE = "<!-- Made by `make docs` from harness/contract. -->"
LINE_CHARACTERS = 120


def documents() -> dict[Path, str]:
    """Return the content of each file that has made parts, as it should be."""
    return {
        DOCS / "contract.md": with_parts((DOCS / "contract.md").read_text("utf-8"), parts()),
        DOCS / "recording.schema.json": recording_schema(),
        DOCS / "rules/README.md": _index(),
        **{DOCS / f"rules/{rule.id}.md": _page(rule) for rule in RULES.values()},
    }


def with_parts(document: str, parts: Mapping[str, str]) -> str:
    """Return a document with each part between its markers. Raises `ValueError` if a marker is missing."""
    for name, part in parts.items():
        begin, end = f"<!-- made by `make docs`: {name} -->\n", f"<!-- end: {name} -->"
        if not (document.count(begin) == document.count(end) == 1):
            raise ValueError(f"docs/contract.md needs the markers {begin.strip()!r} and {end!r}, each once.")
        before, _, rest = document.partition(begin)
        document = f"{before}{begin}\n{part}\n\n{end}{rest.partition(end)[2]}"
    return document


def parts() -> dict[str, str]:
    """Return the parts of docs/contract.md, by the names in their markers."""
    return {
        "rules": _table(("Id", "Severity", "The rule requires that …", "Observed in"), _rule_rows("rules/")),
        "applies": "\n".join(_bullet(line) for line in _applications()),
        "skipped": "\n".join(_bullet(line) for line in _skips()),
        "visits": _table(("Visit", "What happens", "Rules"), _visit_rows()),
    }


def _rule_rows(folder: str) -> Iterator[tuple[str, ...]]:
    for rule in RULES.values():
        observed = [_visit_title(requirement) for requirement in rule.requires]
        yield f"[{rule.id}]({folder}{rule.id}.md)", rule.severity, rule.demand, ", ".join(observed)


def _visit_title(requirement: str) -> str:
    if requirement == FIRST_VISIT:
        return "healthy (first visit)"
    return requirement if requirement == EVERY_VISIT else scenario_title(requirement)


def _visit_rows() -> Iterator[tuple[str, ...]]:
    """Yield a row for each scenario: those that no rule requires, then the others in the order in which rules do."""
    users: dict[str, list[str]] = {name: [] for name in SCENARIOS}
    for rule in RULES.values():
        for requirement in rule.requires:
            if requirement != EVERY_VISIT:
                users["healthy" if requirement == FIRST_VISIT else requirement].append(rule.id)
    judged = list(RULES)
    for name in sorted(users, key=lambda name: judged.index(users[name][0]) if users[name] else -1):
        yield scenario_title(name), SCENARIOS[name].happens, listed(users[name]) or "none"


def _applications() -> Iterator[str]:
    """Yield the pages that rules apply to, rules with the same pages together, without what applies to most rules."""
    rules = [rule for rule in RULES.values() if rule.applies_to or not rule.needs_items]
    for pages in dict.fromkeys(map(applies_to, rules)):
        ids = [rule.id for rule in rules if applies_to(rule) == pages]
        yield f"**{listed(ids)}** {'applies' if len(ids) == 1 else 'apply'} to {pages}."


def _skips() -> Iterator[str]:
    """Yield the reasons for which rules are skipped that have nothing to do with what a rule is about."""
    yield f"{_all_but(not rule.needs_renewals for rule in RULES.values())}: the page's backend uses real time."
    yield (
        f"{_all_but(rule.timeless for rule in RULES.values())}: the evidence of a finding came after a browser call that "
        "the clock could not wait for."
    )


def _all_but(excepted: Iterable[bool]) -> str:
    return f"**All rules but {listed(itertools.compress(RULES, excepted))}**"


def listed(ids: Iterable[str]) -> str:
    """Return rule ids as text, three or more in sequence as a range: "LIFE-1 to LIFE-3, WAKE-4 and LEAK-1"."""
    runs: list[list[str]] = []
    for id in ids:
        family, _, number = id.partition("-")
        if runs and runs[-1][-1] == f"{family}-{int(number) - 1}":
            runs[-1].append(id)
        else:
            runs.append([id])
    texts = itertools.chain(*([f"{run[0]} to {run[-1]}"] if len(run) > 2 else run for run in runs))
    *most, last = list(texts) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _page(rule: Rule) -> str:
    sections = "\n\n".join(_section(section) for section in explanation(rule))
    return f"{MADE}\n\n# {rule.id}\n\n{sections}\n\n[All rules](README.md) · [The contract](../contract.md)\n"


def _section(section: Section) -> str:
    blocks = [f"## {section.title}"] if section.title else []
    blocks += [_filled(paragraph) for paragraph in section.paragraphs]
    if section.points:
        blocks.append("\n".join(_point(label, text) for label, text in section.points))
    if section.code:
        blocks.append(f"```js\n{section.code}\n```")
    return "\n\n".join(blocks)


def _point(label: str, text: str) -> str:
    return _bullet(f"{label if label.startswith('`') else f'**{label}**'}: {text}")


def _index() -> str:
    rows = [row[:-1] for row in _rule_rows("")]
    return (
        "\n\n".join(
            [
                MADE,
                "# The rules",
                _filled(
                    "Each rule of [the contract](../contract.md) has a page here. `pbi-harness explain RULE` prints the same "
                    "text in a terminal."
                ),
                _table(("Id", "Severity", "The rule requires that …"), rows),
                "## The fragments",
                _filled(
                    "A rule shows a wrong and a right fragment of a page. Both are parts of one small page that embeds a "
                    "report, `fixtures/fragments.html` of the project's repository. A fragment replaces the functions of "
                    "the page that it defines. The tests judge the page with each fragment: the wrong one breaks the rule, "
                    "and the right one keeps the rule. The page has these names:"
                ),
                "\n".join(_bullet(f"`{name}`: {meaning}") for name, meaning in NAMES.items()),
            ]
        )
        + "\n"
    )


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("-" for _ in header), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    text = ["| " + " | ".join(line) + " |" for line in cells]
    text[1] = "|" + "---|" * len(header)
    return "\n".join(text)


def _bullet(text: str) -> str:
    return _filled(text, initial_indent="- ", subsequent_indent="  ")


def _filled(text: str, **indents: str) -> str:
    return textwrap.fill(text, LINE_CHARACTERS, break_long_words=False, break_on_hyphens=False, **indents)


def main() -> None:
    """Write the files, and delete the pages of rules that no longer exist."""
    made = documents()
    for path in set((DOCS / "rules").glob("*")) - set(made):
        path.unlink()
    for path, content in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")


if __name__ == "__main__":
    main()
