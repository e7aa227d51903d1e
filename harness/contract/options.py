"""The options of a run of the contract. `pbi-harness verify` spells them `--x`, pytest spells them `--pbi-x`."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

CONTRACT_RUN = "pbi-contract"
"""The name under which a run of the contract is registered as a plugin of pytest."""

OPTIONS: Mapping[str, dict[str, Any]] = {
    "token-url": {
        "action": "append",
        "metavar": "GLOB[=embed|aad]",
        "help": "a pattern for the URLs of the page's token requests, and which token they fetch: an embed token, or "
        "an Entra token (aad); repeatable (default: the harness finds the token requests)",
    },
    "answer-tokens": {
        "action": "store_true",
        "help": "answer the token requests in place of the app's backend, to judge a front end alone; "
        "needs the token URLs",
    },
    "token-template": {
        "metavar": "FILE",
        "help": "JSON file with the shape of these answers, if it is neither GenerateToken's nor MSAL's; placeholders: "
        '"{token}", "{tokenId}", "{expiration}", "{expires_in}", "{expires_in_minutes}", "{expires_on}", '
        '"{expires_on_ms}"',
    },
    "remove": {
        "metavar": "SELECTOR",
        "help": "the element to click to remove an item from the page (default: none, and DROP-1 is skipped)",
    },
    "only": {
        "metavar": "RULE,...",
        "help": "judge by these rules only, such as LIFE-1,WAKE-4; LIFE names all rules of its family",
    },
    "skip": {"metavar": "RULE,...", "help": "judge by all rules except these; LIFE names all rules of its family"},
    "strict": {"action": "store_true", "help": "let a warning fail the run, too"},
    "thorough": {
        "action": "store_true",
        "help": "judge with every lifetime, more moments of outage and several seeds; takes minutes",
    },
    "seed": {
        "metavar": "N",
        "default": "1",
        "help": "the seed of the random moments at which the user uses an item (default: 1)",
    },
    "lifetime": {
        "metavar": "DURATION",
        "help": "the lifetime of the tokens, such as 45min (default: 60min; some rules also use 90min and 35min)",
    },
    "item": {
        "metavar": "N|SELECTOR",
        "help": "judge only this item of the page: its number in the order of embedding, from 1, or a selector of its "
        "element",
    },
    "allow-host": {
        "action": "append",
        "metavar": "GLOB",
        "help": "a pattern for real hosts that the page may reach, such as a CDN; repeatable "
        "(default: only the page's own site)",
    },
    "storage-state": {
        "metavar": "FILE",
        "help": "the cookies and storage of a signed-in user, as Playwright's storage_state() writes them",
    },
    "ignore-https-errors": {
        "action": "store_true",
        "help": "accept every certificate of the app's server, such as that of a development server",
    },
    "strict-tenant": {
        "metavar": "FILE",
        "help": 'JSON file with the only ids that exist: {"reports": [...], "dashboards": [...], "tiles": [...]} '
        "(default: every id exists)",
    },
    "adapter": {
        "metavar": "FILE",
        "help": "Python file with a class derived from harness.contract.Adapter (docs/verify.md)",
    },
    "rule-time": {
        "metavar": "DURATION",
        "default": "60s",
        "help": "the real time that one rule may take; a rule that takes longer is skipped (default: 60s)",
    },
    "record": {
        "metavar": "DIR",
        "help": "write the journal of each visit into this folder; 'pbi-harness judge DIR' judges it again without a "
        "browser",
    },
    "json": {"metavar": "FILE", "help": "write the verdicts as JSON (docs/verdicts.schema.json)"},
    "keep-going": {"action": "store_true", "help": "if a page cannot be judged, continue with the next page"},
}
"""Name -> the arguments of `add_argument` or `addoption`."""


def add_options(add: Callable[..., Any], prefix: str, *, only: Collection[str] = tuple(OPTIONS)) -> None:
    """Add options with `add`, which is argparse's `add_argument` or pytest's `addoption`.

    The option's name on the command line begins with `prefix`. `only` are the names of the options to add.
    """
    for name, keywords in OPTIONS.items():
        if name not in only:
            continue
        add(f"{prefix}{name}", dest=f"pbi_{name.replace('-', '_')}", **keywords)
