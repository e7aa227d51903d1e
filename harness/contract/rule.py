"""A rule of the refresh contract, and the verdict that it gives on a page."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.base.journal import Entry
from harness.contract.observations import Observations

Severity = Literal["must", "should"]
Outcome = Literal["passed", "failed", "warned", "skipped"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one rule on one page.

    `message` says in one or two sentences what was seen; its times count from the opening of the page. `evidence` are
    the journal entries that show it. `likely_cause` says what in the page to change, and why; it may be empty.
    """

    outcome: Outcome
    message: str
    evidence: Sequence[Entry] = ()
    likely_cause: str = ""

    @property
    def is_finding(self) -> bool:
        """True if the page breaks the rule: the outcome is `failed` or `warned`."""
        return self.outcome in ("failed", "warned")


Judge = Callable[[Observations], Verdict]
"""A function that judges a page by its observations. It reads nothing else, so the same observations give the same
verdict again."""


@dataclass(frozen=True)
class Rule:
    """One demand of the refresh contract.

    Attributes:
        id: The id, which is public and stable: "LIFE-1". The part before the dash is the rule's family.
        severity: "must", or "should" if a breach is a warning.
        requires: The scenarios whose visits the rule looks at, `FIRST_VISIT` or `EVERY_VISIT`.
        source: The sentence of an article, a standard or the SDK from which the rule follows.
        judge: The function that judges a page. Its docstring says what the rule demands.
        why: What a user meets if a page breaks the rule.
        wrong: A fragment of a page that breaks the rule. `NAMES` in harness/contract/fragments.py has its names.
        right: The same fragment of a page that keeps the rule.
        applies_to: The pages that the rule applies to, as the end of "The rule applies to ..."; empty for every page
            that embeds an item, or, if the rule needs no item, for every page.
        needs_items: True if only a page that embeds an item can be judged.
        needs_renewals: True if only a page whose backend renews tokens in virtual time can be judged.
        timeless: True if a finding holds even if the clock missed a pending call.
    """

    id: str
    severity: Severity
    requires: tuple[str, ...]
    source: str
    judge: Judge = field(repr=False)
    why: str
    wrong: str
    right: str
    applies_to: str = ""
    needs_items: bool = True
    needs_renewals: bool = True
    timeless: bool = False

    @property
    def family(self) -> str:
        """The part of the id before the dash: "LIFE"."""
        return self.id.partition("-")[0]

    @property
    def demand(self) -> str:
        """The demand of the rule, as the end of "The rule requires that ..."."""
        return self._description.partition("\n\n")[0].replace("\n", " ").removeprefix("Require that ").rstrip(".")

    @property
    def details(self) -> str:
        """More about what the rule demands and how it is observed, as paragraphs; empty if there is no more to say."""
        return self._description.partition("\n\n")[2]

    @property
    def _description(self) -> str:
        return inspect.getdoc(self.judge) or ""

    def graded(self, verdict: Verdict) -> Verdict:
        """Return the verdict with the rule's severity applied: a broken `should` is a warning."""
        if verdict.outcome == "failed" and self.severity == "should":
            return replace(verdict, outcome="warned")
        return verdict


REGISTERED: list[Rule] = []
"""All rules, in the order of their declaration."""


def rule(
    id: str,
    severity: Severity,
    *,
    requires: Sequence[str],
    source: str,
    why: str,
    wrong: str,
    right: str,
    applies_to: str = "",
    needs_items: bool = True,
    needs_renewals: bool = True,
    timeless: bool = False,
) -> Callable[[Judge], Judge]:
    """Return a decorator that registers a function as the judge of a rule.

    The function gets the observations of a page and returns its verdict. Its docstring begins with "Require that". The
    parameters are the attributes of `Rule`.
    """

    def register(judge: Judge) -> Judge:
        REGISTERED.append(
            Rule(
                id,
                severity,
                tuple(requires),
                source,
                judge,
                why=why,
                wrong=inspect.cleandoc(wrong),
                right=inspect.cleandoc(right),
                applies_to=applies_to,
                needs_items=needs_items,
                needs_renewals=needs_renewals,
                timeless=timeless,
            )
        )
        return judge

    return register


def passed(message: str, evidence: Sequence[Entry] = ()) -> Verdict:
    """Return the verdict that the page keeps the rule."""
    return Verdict("passed", message, evidence)


def failed(message: str, evidence: Sequence[Entry] = (), likely_cause: str = "") -> Verdict:
    """Return the verdict that the page breaks the rule."""
    return Verdict("failed", message, evidence, likely_cause)


def skipped(message: str) -> Verdict:
    """Return the verdict that the rule cannot be judged; the message says why."""
    return Verdict("skipped", message)
