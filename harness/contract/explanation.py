"""The explanation of a rule, made from its declaration: what `pbi-harness explain` prints and docs/rules contains."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.contract.findings import CAUSES
from harness.contract.fragments import NAMES
from harness.contract.observations import EVERY_VISIT, FIRST_VISIT
from harness.contract.rule import Rule
from harness.contract.scenarios import SCENARIOS

SEVERITIES = {
    "must": "a page that breaks the rule fails",
    "should": "a page that breaks the rule gets a warning, which fails a run only with `--strict`",
}
"""Severity -> what it means."""


@dataclass(frozen=True)
class Section:
    """A part of an explanation: paragraphs, then points, then JavaScript.

    Attributes:
        title: The title; empty for the first section.
        paragraphs: Each paragraph as one line.
        points: Pairs of a label and a text.
        code: Lines of JavaScript; empty if there is none.
    """

    title: str
    paragraphs: Sequence[str] = ()
    points: Sequence[tuple[str, str]] = ()
    code: str = ""


def explanation(rule: Rule) -> list[Section]:
    """Return what there is to say about a rule: its demand, its reason, how it is observed, and how to fix a page."""
    sections = [
        Section("", [_demand(rule), f"The rule is a {rule.severity}: {SEVERITIES[rule.severity]}."]),
        Section("Why", [rule.why]),
        Section("When it applies", [f"The rule applies to {applies_to(rule)}. {_skipped(rule)}"]),
        Section("How it is observed", points=[_observed(requirement) for requirement in rule.requires]),
        Section("Wrong", code=rule.wrong),
        Section("Right", code=rule.right),
        Section("Names in the fragments", points=list(_names(f"{rule.wrong}\n{rule.right}"))),
    ]
    if causes := CAUSES.get(rule.id):
        also = f"If the page also breaks {' or '.join(causes)}, correct that mistake first"
        sections.append(Section("What to correct first", [f"{also}: it can be the cause of this finding."]))
    return [*sections, Section("Source", [rule.source])]


def applies_to(rule: Rule) -> str:
    """Return the pages that a rule applies to, as the end of "The rule applies to ..."."""
    return rule.applies_to or ("every page that embeds an item" if rule.needs_items else "every page")


def scenario_title(name: str) -> str:
    """Return the title of a scenario: "frozen past expiry"."""
    return name.replace("_", " ")


def _demand(rule: Rule) -> str:
    details = re.sub(r"\s*\n\s*", " ", rule.details)
    return f"The rule requires that {rule.demand}. {details}".strip()


def _skipped(rule: Rule) -> str:
    """Return the general reasons for which the rule is skipped, as sentences."""
    sentences = ["The rule is skipped if the page's backend uses real time."] if rule.needs_renewals else []
    if rule.timeless:
        sentences.append("A finding holds even if the clock could not wait for a browser call.")
    else:
        sentences.append("A finding is skipped if it may come from a browser call that the clock could not wait for.")
    return " ".join(sentences)


def _observed(requirement: str) -> tuple[str, str]:
    if requirement == EVERY_VISIT:
        return requirement, "The rule looks at each visit that was made for any rule."
    if requirement == FIRST_VISIT:
        return "healthy", f"{SCENARIOS['healthy'].happens} The rule looks only at the first of these visits."
    return scenario_title(requirement), SCENARIOS[requirement].happens


def _names(code: str) -> Iterator[tuple[str, str]]:
    """Yield the names of the common page that some JavaScript uses or defines, with their meanings."""
    code = re.sub(r"//.*", "", code)
    for name, meaning in NAMES.items():
        word = name.removesuffix("()")
        used = re.search(rf"(?<!\w)((?<=\.\.\.)|(?<!\.)){word}\b(?!:)", code)
        if used and not re.search(rf"\b(const|let) {word}\b", code):
            yield f"`{name}`", meaning
