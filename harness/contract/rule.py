"""What a rule is, and what it says of a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from harness.base.journal import Entry

if TYPE_CHECKING:
    from harness.contract.scenarios import Scenarios

LONGEST_LINE = 160

Severity = Literal["must", "should"]
Outcome = Literal["passed", "failed", "warned", "skipped"]


@dataclass(frozen=True)
class Verdict:
    """What was seen, in one sentence with virtual times; `evidence` are the journal entries that it rests on."""

    outcome: Outcome
    message: str
    evidence: Sequence[Entry] = ()
    likely_cause: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether something is wrong with the page: a failure or a warning."""
        return self.outcome in ("failed", "warned")


@dataclass(frozen=True)
class Rule:
    """A rule of the refresh contract. Its id is public and stable."""

    id: str
    severity: Severity
    basis: str
    judge: "Callable[[Scenarios], Verdict]" = field(repr=False)

    def broken(self, verdict: Verdict) -> Verdict:
        """A finding of a `should` rule is a warning."""
        if verdict.outcome == "failed" and self.severity == "should":
            return Verdict("warned", verdict.message, verdict.evidence, verdict.likely_cause)
        return verdict


REGISTERED: dict[str, list[Rule]] = {}
"""Module name -> the rules that the module declares, in the order of its source."""


def rule(
    id: str, severity: Severity, *, basis: str
) -> "Callable[[Callable[[Scenarios], Verdict]], Callable[[Scenarios], Verdict]]":
    """Register a function, which says what the page must do, as a rule. `basis`: the sentence of a source that it rests on."""

    def register(judge: "Callable[[Scenarios], Verdict]") -> "Callable[[Scenarios], Verdict]":
        REGISTERED.setdefault(judge.__module__, []).append(Rule(id, severity, basis, judge))
        return judge

    return register


def passed(message: str, evidence: Sequence[Entry] = ()) -> Verdict:
    return Verdict("passed", message, evidence)


def failed(message: str, evidence: Sequence[Entry] = (), likely_cause: str = "") -> Verdict:
    return Verdict("failed", message, evidence, likely_cause)


def skipped(message: str) -> Verdict:
    return Verdict("skipped", message)


def counted(number: int, thing: str) -> str:
    """ "1 item", "2 items"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def worthless(applied: Entry) -> str:
    """What a token is, in words, that an item took and the service does not take from it."""
    if applied["state"] != "unknown":
        return str(applied["state"])
    if applied["token"] == "unknown":
        return "none that the service issued"
    needed = "an Entra" if applied["type"] == "embed" else "an embed"
    return f"{applied['token']}, where {needed} token is needed"


def minutes(length: timedelta) -> str:
    """ "60 min", "9.7 min"."""
    return f"{round(length.total_seconds() / 60, 1):g} min"


def first_line(text: str) -> str:
    """The first line of an exception's text, cut where it is long: the SDK puts whole configurations into it."""
    line = text.partition("\n")[0]
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
