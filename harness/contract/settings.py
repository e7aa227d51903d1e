"""The options of a run of the contract, as what they mean."""

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
from harness.contract.rules import RULES

SHAPES = ("embed", "aad")
RULE_TIME = timedelta(seconds=60)


@dataclass(frozen=True)
class Settings:
    """A run of the contract: which pages by which rules, and how."""

    pages: Sequence[PageUnderTest] = ()
    rules: Sequence[Rule] = field(default_factory=lambda: list(RULES.values()))
    seed: int = 1
    thorough: bool = False
    strict: bool = False
    keep_going: bool = False
    rule_time: timedelta = RULE_TIME
    json: Path | None = None
    expected: Mapping[str, Mapping[str, Expectation]] | None = None
    """What pages of our own are expected to get; None: every finding counts."""

    @property
    def single(self) -> bool:
        """Whether one page of somebody's is judged, so that the report is about it alone."""
        return self.expected is None and len(self.pages) == 1

    @classmethod
    def of(cls, urls: Sequence[str], options: Any) -> "Settings":
        """From parsed options. Raises `UsageError` for what cannot be followed."""
        given = Given(options)
        try:
            page = given.page()
            return cls(
                pages=[_at(page, url) for url in urls],
                rules=given.rules(),
                seed=given.number("seed"),
                thorough=given["thorough"],
                strict=given["strict"],
                keep_going=given["keep-going"],
                rule_time=duration(given["rule-time"]),
                json=Path(given["json"]) if given["json"] else None,
            )
        except DurationError as error:
            raise UsageError(str(error)) from None


class Given:
    """The options that were given, each as what it means."""

    def __init__(self, options: Any) -> None:
        self._options = options

    def __getitem__(self, name: str) -> Any:
        return getattr(self._options, f"pbi_{name.replace('-', '_')}")

    def number(self, name: str) -> int:
        if not str(self[name]).isdigit():
            raise UsageError(f"--{name} {self[name]!r} is not a number; give one such as 1.")
        return int(self[name])

    def file(self, name: str) -> Path | None:
        if self[name] is None:
            return None
        path = Path(self[name])
        if not path.is_file():
            raise UsageError(f"--{name} names {path}, and there is no such file; correct the name.")
        return path

    def json(self, name: str) -> Any:
        path = self.file(name)
        if path is None:
            return None
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise UsageError(f"--{name} {path} is not JSON ({error}); correct the file.") from None

    def rules(self) -> list[Rule]:
        only, skip = (self._named(name) for name in ("only", "skip"))
        return [rule for id, rule in RULES.items() if (not only or id in only) and id not in skip]

    def _named(self, option: str) -> set[str]:
        found: set[str] = set()
        for name in re.split(r"[,\s]+", self[option] or ""):
            named = {id for id in RULES if name and name.upper() in (id, id.partition("-")[0])}
            if name and not named:
                raise UsageError(f"--{option} names {name!r}, which is no rule; there are {', '.join(RULES)}.")
            found |= named
        return found

    def page(self) -> PageUnderTest:
        """What is said of every page, under no name yet."""
        template = self.json("token-template")
        state = self.json("storage-state")
        if state is not None and not (isinstance(state, dict) and {"cookies", "origins"} & set(state)):
            raise UsageError(
                f"--storage-state {self['storage-state']} has neither cookies nor origins; write it with Playwright's "
                "context.storage_state(path=...)."
            )
        urls = tuple(parse_token_url(text) for text in self["token-url"] or ())
        if self["answer-tokens"] and not urls:
            raise UsageError(
                "--answer-tokens needs to know which requests to answer: add --token-url GLOB=embed (or =aad), such as "
                "--token-url '*/api/token*=embed'."
            )
        if template is not None and not self["answer-tokens"]:
            raise UsageError("--token-template says how tokens are answered, so it needs --answer-tokens.")
        return PageUnderTest(
            name="",
            token_urls=urls,
            answer_tokens=self["answer-tokens"],
            template=template,
            remove=self["remove"],
            item=self["item"],
            lifetime=duration(self["lifetime"]) if self["lifetime"] else None,
            allow_hosts=tuple(self["allow-host"] or ()),
            storage_state=state,
            ignore_https_errors=self["ignore-https-errors"],
            only_items=_ids(self.json("strict-tenant"), self["strict-tenant"]),
            adapter=load_adapter(path) if (path := self.file("adapter")) else Adapter(),
        )


def _at(page: PageUnderTest, url: str) -> PageUnderTest:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not the address of a page; give one such as http://localhost:3000/report.")
    return replace(page, name=url, url=url)


def parse_token_url(text: str) -> TokenUrl:
    """`GLOB`, `GLOB=embed` or `GLOB=aad`. Raises `UsageError` for any other ending."""
    glob, equals, shape = text.rpartition("=")
    if equals and shape in SHAPES:
        return TokenUrl(glob, "embed" if shape == "embed" else "aad")
    if equals and re.fullmatch(r"[A-Za-z]+", shape) and "?" not in glob:
        raise UsageError(f"--token-url {text!r} ends in ={shape}; what it brings is either =embed or =aad.")
    return TokenUrl(text)


def _ids(document: Any, source: str | None) -> frozenset[str] | None:
    if document is None:
        return None
    lists = document.values() if isinstance(document, dict) else [document]
    if not all(isinstance(ids, list) and all(isinstance(id, str) for id in ids) for ids in lists):
        raise UsageError(
            f'--strict-tenant {source} is not {{"reports": [ids], "dashboards": [ids], "tiles": [ids]}}; correct the file.'
        )
    return frozenset(id for ids in lists for id in ids)


def load_adapter(path: Path) -> Adapter:
    """The adapter of a Python file: the one class in it that is derived from `Adapter`. Raises `UsageError`."""
    spec = importlib.util.spec_from_file_location(f"pbi_adapter_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--adapter {path} is not a Python file; give one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(
            f"--adapter {path} could not be loaded ({type(error).__name__}: {error}); correct it."
        ) from error
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Adapter) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise UsageError(
            f"--adapter {path} has {len(found)} classes derived from harness.contract.Adapter; it needs exactly one."
        )
    return found[0]()
