"""The rules of the refresh contract, with one module for each family."""

from harness.contract.rule import REGISTERED, Rule
from harness.contract.rules import clean, drop, emb, fail, leak, life, multi, prov, skew, wake, zone
from harness.contract.rules import type as token_type

JUDGED_IN_ORDER = (emb, token_type, life, wake, prov, fail, skew, zone, multi, drop, clean, leak)
"""The families in the order in which they are judged. CLEAN-1 and LEAK-1 read every visit, so they come last."""

RULES: dict[str, Rule] = {rule.id: rule for family in JUDGED_IN_ORDER for rule in REGISTERED[family.__name__]}
"""Rule id -> rule, in the order of judging."""
