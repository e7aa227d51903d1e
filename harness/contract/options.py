"""What can be said about a run of the contract: one table of options, `--x` of `pbi-harness verify` and `--pbi-x` of pytest."""

from collections.abc import Callable, Mapping
from typing import Any

CONTRACT_RUN = "pbi-contract"
"""The name under which a run of the contract is a plugin of pytest."""

OPTIONS: Mapping[str, dict[str, Any]] = {
    "token-url": {
        "action": "append",
        "metavar": "GLOB[=embed|aad]",
        "help": "requests of the page that fetch a token, an embed token or one of Entra ID (aad); repeatable (default: they are found "
        "by watching where the tokens come from)",
    },
    "answer-tokens": {
        "action": "store_true",
        "help": "the fake answers these requests itself: for a front end without its backend (needs the token URLs)",
    },
    "token-template": {
        "metavar": "FILE",
        "help": 'the shape of such an answer, if it is neither GenerateToken\'s nor MSAL\'s: JSON with "{token}", "{tokenId}", '
        '"{expiration}", "{expires_in}", "{expires_in_minutes}", "{expires_on}", "{expires_on_ms}"',
    },
    "remove": {
        "metavar": "SELECTOR",
        "help": "what to click to remove an item from the page; without it DROP-1 is skipped",
    },
    "only": {"metavar": "RULE,...", "help": "judge by these rules only (LIFE-1,WAKE-4; a family: LIFE)"},
    "skip": {"metavar": "RULE,...", "help": "judge by all rules but these; the same names as for only"},
    "strict": {"action": "store_true", "help": "a warning fails the run, too"},
    "thorough": {"action": "store_true", "help": "every lifetime, more moments of outage, several seeds (minutes)"},
    "seed": {
        "metavar": "N",
        "default": "1",
        "help": "for the moments of interaction: with another one the page is used at others (default: 1)",
    },
    "lifetime": {
        "metavar": "DURATION",
        "help": 'life of the tokens, "45min" (default: 60min, for some rules 90 and 35, too)',
    },
    "item": {
        "metavar": "N|SELECTOR",
        "help": "judge this item of the page only: 1 is the first that is embedded, or a selector of its element",
    },
    "allow-host": {
        "action": "append",
        "metavar": "GLOB",
        "help": "let the page reach this real host, such as a CDN; repeatable (all but its own site is refused)",
    },
    "storage-state": {"metavar": "FILE", "help": "a signed-in session, as Playwright's storage_state() writes it"},
    "ignore-https-errors": {
        "action": "store_true",
        "help": "accept the certificate of a development server, whoever signed it",
    },
    "strict-tenant": {
        "metavar": "FILE",
        "help": 'JSON of the ids that exist, {"reports": [...], "dashboards": [...], "tiles": [...]} (default: any id does)',
    },
    "adapter": {
        "metavar": "FILE",
        "help": "Python file with a class derived from harness.contract.Adapter (docs/verify.md)",
    },
    "rule-time": {
        "metavar": "DURATION",
        "default": "60s",
        "help": "real time that a rule may take; what takes longer is skipped (default: 60s)",
    },
    "json": {"metavar": "FILE", "help": "write the verdicts for programs, too (docs/verdicts.schema.json)"},
    "keep-going": {"action": "store_true", "help": "where a page cannot be judged, go on with the next one"},
}


def add_options(add: Callable[..., Any], prefix: str) -> None:
    """Declare all of them with `add` (argparse's or pytest's); `prefix` stands before each name."""
    for name, keywords in OPTIONS.items():
        add(f"{prefix}{name}", dest=f"pbi_{name.replace('-', '_')}", **keywords)
