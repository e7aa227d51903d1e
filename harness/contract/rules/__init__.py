"""The rules of the refresh contract, with one module for each family.

Every module in this folder is imported, so a new one needs no entry anywhere.
"""

from importlib import import_module
from pkgutil import iter_modules

from harness.contract.observations import EVERY_VISIT
from harness.contract.rule import REGISTERED, Rule

FAMILIES = ("EMB", "TYPE", "LIFE", "WAKE", "PROV", "FAIL", "SKEW", "ZONE", "MULTI", "DROP")
"""The families in the order of judging. Other families follow; rules that look at every visit come last."""


def _in_order(rule: Rule) -> tuple[bool, int, str]:
    family = FAMILIES.index(rule.family) if rule.family in FAMILIES else len(FAMILIES)
    return EVERY_VISIT in rule.requires, family, rule.id


for _module in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")

RULES: dict[str, Rule] = {rule.id: rule for rule in sorted(REGISTERED, key=_in_order)}
"""Rule id -> rule, in the order of judging."""


def rules_named(name: str) -> list[Rule]:
    """Return the rule with an id, or the rules of a family. Letter case does not matter.

    The list is empty if there is no such rule and no such family.
    """
    return [rule for rule in RULES.values() if name.upper() in (rule.id, rule.family)]
