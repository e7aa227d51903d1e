"""The settings of a contract run, read from the options of `pbi-harness verify` or pytest."""

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.base.durations import DurationError, duration
from harness.base.errors import UsageError
from harness.contract.adapter import Adapter
from harness.contract.findings import Expectation
from harness.contract.page import PageUnderTest, TokenUrl
from harness.contract.rule import Rule
from harness.contract.rules import RULES, rules_named

SHAPES = ("embed", "aad")
"""The endings of `--token-url GLOB=SHAPE`: an embed token as GenerateToken answers, or an Entra token as MSAL does."""
RULE_TIME = timedelta(seconds=60)
"""The real time that the judgement of one rule may take."""


@dataclass(frozen=True)
class Settings:
    """The settings of a contract run.

    Attributes:
        pages: The pages that are judged.
        rules: The rules by which they are judged.
        seed: The seed of the random interactions.
        thorough: True if scenarios are repeated with every lifetime, more outages and several seeds.
        strict: True if a warning fails the run.
        keep_going: True if the run goes on to the next page after a page that cannot be judged.
        rule_time: The real time that the judgement of one rule may take.
        record: The folder for the recordings of the visits; None for no recordings.
        json: The file for the JSON report; None for no report.
        expected: The expectations for the built-in pages by page and rule id; None if every finding counts.
    """

    pages: Sequence[PageUnderTest] = ()
    rules: Sequence[Rule] = field(default_factory=lambda: list(RULES.values()))
    seed: int = 1
    thorough: bool = False
    strict: bool = False
    keep_going: bool = False
    rule_time: timedelta = RULE_TIME
    record: Path | None = None
    json: Path | None = None
    expected: Mapping[str, Mapping[str, Expectation]] | None = None

    @property
    def single(self) -> bool:
        """True if the run judges one page that is not built in. Then the JSON report is the report of that page."""
        return self.expected is None and len(self.pages) == 1

    @classmethod
    def of(cls, urls: Sequence[str], options: Any) -> "Settings":
        """Return the settings for the pages at some addresses, from parsed options.

        Raises `UsageError` if an address or an option is wrong.
        """
        given = GivenOptions(options)
        page = given.page()
        return cls(
            pages=[_page_at(page, url) for url in urls],
            rules=given.rules(),
            seed=given.number("seed"),
            thorough=given["thorough"],
            strict=given["strict"],
            keep_going=given["keep-going"],
            rule_time=given.duration("rule-time"),
            record=Path(given["record"]) if given["record"] else None,
            json=Path(given["json"]) if given["json"] else None,
        )


class GivenOptions:
    """The parsed options, with a method for each way to read one. The names of options come without dashes in front."""

    def __init__(self, options: Any) -> None:
        self._options = options

    def __getitem__(self, name: str) -> Any:
        return getattr(self._options, f"pbi_{name.replace('-', '_')}")

    def number(self, name: str) -> int:
        """Return an option as a whole number. Raises `UsageError` if it is none, or negative."""
        if not str(self[name]).isdigit():
            raise UsageError(f"--{name} {self[name]!r} is not a whole number. Give a number such as 1.")
        return int(self[name])

    def duration(self, name: str) -> timedelta:
        """Return an option as a duration. Raises `UsageError` if it is none."""
        try:
            return duration(self[name])
        except DurationError as error:
            raise UsageError(f"--{name}: {error}") from None

    def file(self, name: str) -> Path | None:
        """Return an option as the path of a file; None if it was not given. Raises `UsageError` if there is no file."""
        if self[name] is None:
            return None
        path = Path(self[name])
        if not path.is_file():
            raise UsageError(f"--{name} {path}: there is no such file. Correct the path.")
        return path

    def json(self, name: str) -> Any:
        """Return the JSON in the file that an option names; None if it was not given.

        Raises `UsageError` if there is no file, or it contains no JSON.
        """
        path = self.file(name)
        if path is None:
            return None
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise UsageError(f"--{name} {path}: the file is not JSON ({error}). Correct the file.") from None

    def rules(self) -> list[Rule]:
        """Return the rules that `--only` and `--skip` leave. Raises `UsageError` if one of them names no rule."""
        only, skip = (self._ids_in(name) for name in ("only", "skip"))
        return [rule for id, rule in RULES.items() if (not only or id in only) and id not in skip]

    def _ids_in(self, option: str) -> set[str]:
        """Return the ids of the rules and families that an option names."""
        found: set[str] = set()
        for name in re.split(r"[,\s]+", self[option] or ""):
            named = {rule.id for rule in rules_named(name)}
            if name and not named:
                raise UsageError(
                    f"--{option} names {name!r}, which is no rule and no family. The rules are {', '.join(RULES)}."
                )
            found |= named
        return found

    def page(self) -> PageUnderTest:
        """Return what the options say of every page. The page has no name and no address yet.

        Raises `UsageError` if an option is wrong.
        """
        template = self.json("token-template")
        state = self.json("storage-state")
        if state is not None and not (isinstance(state, dict) and {"cookies", "origins"} & set(state)):
            raise UsageError(
                f"--storage-state {self['storage-state']}: the file has neither cookies nor origins. Write it with "
                "Playwright's context.storage_state(path=...)."
            )
        urls = tuple(parse_token_url(text) for text in self["token-url"] or ())
        if self["answer-tokens"] and not urls:
            raise UsageError(
                "--answer-tokens was given without --token-url, so it is not known which requests to answer. "
                "Add --token-url GLOB=embed or GLOB=aad, such as --token-url '*/api/token*=embed'."
            )
        if template is not None and not self["answer-tokens"]:
            raise UsageError(
                "--token-template was given without --answer-tokens, so there are no answers that could use it. "
                "Add --answer-tokens."
            )
        return PageUnderTest(
            name="",
            token_urls=urls,
            answer_tokens=self["answer-tokens"],
            template=template,
            remove=self["remove"],
            item=self["item"],
            lifetime=self.duration("lifetime") if self["lifetime"] else None,
            allow_hosts=tuple(self["allow-host"] or ()),
            storage_state=state,
            ignore_https_errors=self["ignore-https-errors"],
            only_items=_ids(self.json("strict-tenant"), self["strict-tenant"]),
            adapter=load_adapter(path) if (path := self.file("adapter")) else Adapter(),
        )


def _page_at(page: PageUnderTest, url: str) -> PageUnderTest:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not the address of a page. Give an address such as http://localhost:3000/report.")
    return replace(page, name=url, url=url)


def parse_token_url(text: str) -> TokenUrl:
    """Return the token address that `GLOB`, `GLOB=embed` or `GLOB=aad` stands for.

    Raises `UsageError` if another word follows the last `=`, unless the glob has a query.
    """
    glob, equals, shape = text.rpartition("=")
    if equals and shape in SHAPES:
        return TokenUrl(glob, "embed" if shape == "embed" else "aad")
    if equals and re.fullmatch(r"[A-Za-z]+", shape) and "?" not in glob:
        raise UsageError(f"The token URL {text!r} ends with ={shape}, which is no kind of token. Write =embed or =aad.")
    return TokenUrl(text)


def _ids(content: Any, path: str | None) -> frozenset[str] | None:
    """Return the ids in the content of the file of `--strict-tenant`; None if it was not given."""
    if content is None:
        return None
    lists = content.values() if isinstance(content, dict) else [content]
    if not all(isinstance(ids, list) and all(isinstance(id, str) for id in ids) for ids in lists):
        raise UsageError(
            f"--strict-tenant {path}: the file does not contain lists of ids. "
            'Write {"reports": [ids], "dashboards": [ids], "tiles": [ids]}.'
        )
    return frozenset(id for ids in lists for id in ids)


def load_adapter(path: Path) -> Adapter:
    """Return an object of the one class in a Python file that is derived from `Adapter`.

    Raises `UsageError` if the file is not Python, raises an exception, or has no such class, or several.
    """
    spec = importlib.util.spec_from_file_location(f"pbi_adapter_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--adapter {path}: not a Python file. Give a file whose name ends with .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(
            f"--adapter {path}: the file could not be loaded ({type(error).__name__}: {error}). Correct the file."
        ) from error
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Adapter) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise UsageError(
            f"--adapter {path}: the file has {len(found)} classes derived from harness.contract.Adapter. "
            "It needs exactly one."
        )
    return found[0]()
