"""The contract notices small mistakes: each mutant is a good page with one mistake of real teams."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_broken_pages import is_removable

from harness.contract import RULES, PageUnderTest, Watch, judge
from harness.stage.session import HarnessSession

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
HOSTS = FIXTURES / "hosts"
FEWEST_MUTANTS = 60

Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Mutant:
    """A good page with one mistake, and the rules that have to find it.

    The mistake replaces the text `find` in `file`, the page's document or one of its scripts, with `replace`.
    """

    page: str
    name: str
    find: str
    replace: str
    rules: tuple[str, ...]
    file: str

    @property
    def original(self) -> str:
        """The text of the file without the mistake."""
        return (HOSTS / self.file).read_text("utf-8")


def _mutants() -> list[Mutant]:
    listed = tomllib.loads((FIXTURES / "mutants.toml").read_text("utf-8"))["mutant"]
    return [Mutant(**{"file": f"{one['page']}.html"} | one | {"rules": tuple(one["rules"])}) for one in listed]


MUTANTS = {f"{mutant.page}: {mutant.name}": mutant for mutant in _mutants()}


@pytest.mark.mutants
@pytest.mark.parametrize("name", MUTANTS)
def test_every_rule_of_a_mutant_finds_its_mistake(
    pbi_session: HarnessSession, tmp_path: Path, record_property: Record, name: str
) -> None:
    mutant = MUTANTS[name]
    (tmp_path / mutant.file).write_text(mutant.original.replace(mutant.find, mutant.replace), "utf-8")
    page = PageUnderTest(mutant.page, folder=tmp_path, remove="#remove" if is_removable(mutant.page) else None)
    scenarios = Watch(pbi_session, page)
    verdicts = {rule: judge(RULES[rule], scenarios) for rule in mutant.rules}
    missed = [f"{id} {found.outcome}: {found.message}" for id, found in verdicts.items() if not found.is_finding]
    record_property("mutant", not missed)
    if missed:
        pytest.fail("\n".join(missed), pytrace=False)


def test_there_are_enough_mutants_with_different_names() -> None:
    assert len(MUTANTS) == len(_mutants()) >= FEWEST_MUTANTS


@pytest.mark.parametrize("name", MUTANTS)
def test_text_that_a_mutant_replaces_occurs_once_in_its_file(name: str) -> None:
    mutant = MUTANTS[name]
    assert mutant.original.count(mutant.find) == 1
    assert mutant.replace != mutant.find
    assert set(mutant.rules) <= RULES.keys()
