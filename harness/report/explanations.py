"""Explanations of rules, for the terminal."""

from collections.abc import Sequence
from typing import TextIO

from harness.contract import RULES, Rule, explanation
from harness.report.console import Console

BOLD, RED, GREEN = "1", "31", "32"
"""SGR codes. Source: ECMA-48."""
TITLE_COLOURS = {"Wrong": RED, "Right": GREEN}
"""Title of a section -> the colour of the title, if it is not bold."""
INDENT_CHARACTERS = 2


def print_rules(out: TextIO) -> None:
    """Print a list of all rules, each with its severity and its demand."""
    console = Console(out)
    for rule in RULES.values():
        text = console.wrapped(rule.demand, 16).strip()
        console.write(f"{console.tint(BOLD, f'{rule.id:<8}')}{rule.severity:<8}{text}\n")


def print_explanations(rules: Sequence[Rule], out: TextIO) -> None:
    """Print an explanation of each rule: its demand, its reason, how it is observed, and how to fix a page."""
    console = Console(out)
    console.write("\n\n".join(_explanation(console, rule) for rule in rules))


def _explanation(console: Console, rule: Rule) -> str:
    parts = []
    for section in explanation(rule):
        title = section.title or rule.id
        blocks = [console.wrapped(paragraph, INDENT_CHARACTERS) for paragraph in section.paragraphs]
        if section.points:
            blocks.append("\n".join(_point(console, label, text) for label, text in section.points))
        if section.code:
            space = " " * 2 * INDENT_CHARACTERS
            blocks.append("\n".join(f"{space}{line}".rstrip() for line in section.code.splitlines()))
        parts.append("\n".join([console.tint(TITLE_COLOURS.get(title, BOLD), title), *blocks]))
    return "\n\n".join(parts) + "\n"


def _point(console: Console, label: str, text: str) -> str:
    lines = console.wrapped(f"{label}: {text}", 2 * INDENT_CHARACTERS)
    return f"{' ' * INDENT_CHARACTERS}-{lines[INDENT_CHARACTERS + 1 :]}"
