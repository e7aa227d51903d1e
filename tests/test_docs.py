"""README.md and docs/ agree with the code: their Python examples run, their tables are complete, their links are valid.

Each block of Python is a module of tests. Its tests are collected in this module under their own names, and a failure
shows the line of the document.
"""

import importlib
import inspect
import itertools
import linecache
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp import web

from fake_pbi import embed, entra, hosts, rest
from fake_pbi.tenant import Tenant
from fake_pbi.tokens import TokenBook
from harness import cli, plugin
from harness.base import journal
from harness.base.journal_kinds import AnyKind
from harness.commands.verify import BUILT_IN
from harness.contract import RULES
from harness.contract.findings import expected_findings
from harness.stage import Stage
from harness.stage.host import Host

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [document.relative_to(ROOT).as_posix() for document in DOCUMENTS]

Row = tuple[str, ...]


def fences(document: Path, language: str) -> Iterator[str]:
    """Yield the code blocks of a language.

    Each begins with empty lines, so that its lines have the numbers of the document.
    """
    inside, block = False, ""
    for number, line in enumerate(document.read_text("utf-8").splitlines(keepends=True)):
        if line.startswith("```"):
            if inside and block.strip():
                yield block
            inside, block = not inside and line.strip() == f"```{language}", "\n" * (number + 1)
        elif inside:
            block += line


def examples(document: Path) -> Iterator[dict[str, Callable[..., None]]]:
    """Yield the tests of each block of Python: name -> function."""
    for source in fences(document, "python"):
        module: dict[str, Any] = {"__name__": f"{document.stem} in the docs"}
        exec(compile(source, document, "exec"), module)
        yield {name: found for name, found in module.items() if name.startswith("test_")}


for _document in DOCUMENTS:
    if _document.name == "verify.md":  # test_verify.py runs its blocks against an app
        continue
    for _tests in examples(_document):
        if not _tests or not _tests.keys().isdisjoint(globals()):
            raise AssertionError(
                f"{_document.name}: {[*_tests] or 'a python block'} has no test, or one whose name is taken"
            )
        globals().update(_tests)


def prose_of(document: Path) -> str:
    """Return the text of a document without its code blocks."""
    return re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def table(document: str, *header: str) -> list[Row]:
    """Return the rows of the only table in a document whose header begins with these cells."""
    lines = (ROOT / document).read_text("utf-8").splitlines()
    (begin,) = [number for number, line in enumerate(lines) if cells(line)[: len(header)] == header]
    return [cells(line) for line in itertools.takewhile(lambda line: line.startswith("|"), lines[begin + 2 :])]


def cells(line: str) -> Row:
    """Return the cells of a line of a table."""
    return tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))


def spans(cell: str) -> list[str]:
    """Return the texts in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def span(cell: str) -> str:
    """Return the only text in backticks in a cell."""
    (only,) = spans(cell)
    return only


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """Return the help text of `pbi-harness`, or of a subcommand."""
    with pytest.raises(SystemExit):
        cli.main([*command, "--help"])
    return capsys.readouterr().out


def commands(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the names of the subcommands of `pbi-harness`."""
    listed = help_of(capsys).split("commands:")[1].split("start here:")[0]
    return re.findall(r"^ {4}(\w+) ", listed, re.MULTILINE)


def options_in(help: str) -> set[str]:
    """Return the options that a help text lists, each as "--name METAVAR"."""
    found = re.findall(r"^ {2}(?:-\w, )?(--[\w-]+(?: [A-Z]\S*)?)", help, re.MULTILINE)
    return {option for option in found if option != "--help"}


def test_examples_of_the_readme_are_collected_with_their_line_numbers() -> None:
    found = inspect.getsourcefile(globals()["test_report_survives_a_day"])

    assert found == str(ROOT / "README.md")
    assert linecache.getline(found, globals()["test_refreshes_on_return"].__code__.co_firstlineno).startswith("def ")


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_link_between_documents_has_a_target(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (document.parent / file).resolve() if file else document
        assert path.is_file(), target
        assert not anchor or anchor in anchors(path), target


def anchors(document: Path) -> list[str]:
    """Return the anchors of the headings of a document, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_commands_that_are_named_exist(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = "\n".join([*fences(document, "sh"), *spans(prose_of(document))])
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    assert set(re.findall(r"\bpbi-harness ([a-z]+)", shell)) <= set(commands(capsys))
    assert set(re.findall(r"\bmake ([a-z]+)", shell)) <= set(targets)


def test_readme_and_help_name_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"pbi-harness ([a-z]+)", (ROOT / "README.md").read_text("utf-8")))

    assert named >= set(commands(capsys))
    assert set(re.findall(r"pbi-harness ([a-z]+)", help_of(capsys))) >= set(commands(capsys))


def test_documented_options_are_those_of_pytest_and_of_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    of_pytest: set[str] = set()

    class Parser:
        def getgroup(self, *_: str) -> "Parser":
            return self

        def addoption(self, name: str, metavar: str = "", **_: object) -> None:
            of_pytest.add(f"{name} {metavar}".strip())

    plugin.pytest_addoption(Parser())  # type: ignore[arg-type]
    exist = {(option, "pytest") for option in of_pytest}
    for command in commands(capsys):
        exist |= {(option, f"pbi-harness {command}") for option in options_in(help_of(capsys, command))}

    listed = {(span(option), span(of)) for option, of, *_ in table("README.md", "Option", "Of")}
    for ours, pytests, _ in table("docs/verify.md", "Option of `pbi-harness verify`", "of `pytest`", "What it does"):
        listed |= {(span(ours), "pbi-harness verify"), (span(pytests), "pytest")}
    listed |= {
        (span(option), "pbi-harness judge")
        for option, _ in table("docs/verify.md", "Option of `pbi-harness judge`", "What it does")
    }
    assert {(option.replace("\\|", "|"), of) for option, of in listed} == exist


def test_documented_fixtures_are_those_of_the_plugin(pytester: pytest.Pytester) -> None:
    listed = pytester.runpytest_subprocess("--fixtures", "-q").stdout.str()
    found = re.findall(r"^(pbi_\w+)(?: \[(\w+) scope\])? -- .*plugin\.py", listed, re.MULTILINE)
    rows = table("README.md", "Fixture", "Scope", "Type", "Default")

    assert sorted((span(name), scope) for name, scope, *_ in rows) == sorted(
        (name, scope or "function") for name, scope in found
    )
    for name, _, type_, _ in rows:
        module, _, documented = span(type_).rpartition(".")
        assert hasattr(importlib.import_module(module), documented)
        returned = inspect.unwrap(getattr(plugin, span(name))).__annotations__["return"]
        assert documented in re.findall(r"\w+", returned)


def test_documented_exit_codes_are_those_of_the_help_text(capsys: pytest.CaptureFixture[str]) -> None:
    listed = help_of(capsys).partition("exit codes: ")[2].strip().split(", ")

    assert [" ".join(row) for row in table("README.md", "Code", "Meaning")] == listed


def test_transcript_in_the_readme_has_the_expected_outcome_of_every_rule() -> None:
    (transcript,) = fences(ROOT / "README.md", "text")
    outcomes, page = {}, ""
    for line in transcript.splitlines():
        if re.fullmatch(r"\w+", line):
            page = line
        elif verdict := re.match(r"  (passed|failed|warned|skipped) +([A-Z]+-\d)", line):
            outcomes[page, verdict[2]] = verdict[1]
    expected = expected_findings()

    assert outcomes == {
        (page, rule): expected[page][rule].outcome if rule in expected.get(page, {}) else "passed"
        for page, rule in itertools.product(BUILT_IN[:1], RULES)
    }


def test_documented_journal_kinds_are_those_of_the_journal() -> None:
    listed = [spans(kinds) for kinds, *_ in table("docs/writing-tests.md", "Kind", "What happened", "Data")]

    assert sorted(itertools.chain(*listed)) == sorted(str(kind.__struct_config__.tag) for kind in get_args(AnyKind))


def test_documented_endpoints_are_those_of_the_fake_cloud(npm: Path) -> None:
    def now() -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC)

    book, tenant = journal.Journal(now), Tenant()
    tokens = TokenBook(now, book)
    applications = {
        hosts.LOGIN: entra.Entra(now, tenant, tokens).application(),
        hosts.API: rest.Rest(tenant, tokens).application(),
        hosts.APP: embed.Embed(now, book, tenant, tokens, npm=npm).application(),
    }
    served = {
        (host, route.method, path_of(route))
        for host, application in applications.items()
        for route in application.router.routes()
        if route.method != "HEAD"
    }
    rows = table("docs/emulated.md", "Host", "Method", "Path", "Basis")
    documented = {(host, method, path) for host, method, cell, _ in rows for path in both_ways(span(cell))}

    assert documented == served


def path_of(route: web.AbstractRoute) -> str:
    """Return the path of a route, with its parameters in braces."""
    assert route.resource
    return route.resource.canonical


def both_ways(path: str) -> set[str]:
    """Return a path without and with its optional part, which is in brackets."""
    return {re.sub(r"\[.*?\]", "", path), path.replace("[", "").replace("]", "")}


def test_documented_members_of_stage_host_and_tab_exist(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.open(pbi_host.url("reference"))
    held = {"pbi_stage": pbi_stage, "pbi_host": pbi_host}

    for what, contents in [
        *table("docs/writing-tests.md", "Object", "What it is"),
        *(("`pbi_stage.tab`", calls) for calls, _ in table("docs/tab.md", "Call", "What happens")),
    ]:
        thing = eval(span(what), held)
        for name in re.findall(r"`(\w+)(?:\(.*?\))?`", contents):
            assert hasattr(thing, name), f"{what} {name}"


def test_architecture_lists_the_rooms_of_the_import_linter_and_modules_that_exist() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = " | ".join(next(contract["layers"] for contract in contracts if contract["type"] == "layers"))
    rows = [(span(room), spans(modules)) for room, _, modules in table("docs/architecture.md", "Room", "What it does")]

    assert {room for room, _ in rows} == {layer.removeprefix("harness.") for layer in layers.split(" | ")} | {
        "fake_pbi"
    }
    for room, modules in rows:
        package = ROOT / room if room == "fake_pbi" else ROOT / "harness" / room
        missing = [name for name in modules if not (package / f"{name}.py").exists() and not (package / name).is_dir()]
        assert missing == [], room


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_a_document_for_contributors_names_exist(document: str) -> None:
    words = " ".join(fences(ROOT / document, "sh")).split()
    named = [
        name for name in spans(prose_of(ROOT / document)) if re.fullmatch(r"\S+/\S+\.(js|json|md|py|toml|txt)", name)
    ] + [word for word in words if word.startswith("tests/")]

    assert named
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / "harness" / name).exists()] == []
