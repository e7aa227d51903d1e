"""The parts of docs/ that are made from the code are up to date, and true."""

import json
from pathlib import Path

import generated_docs
import jsonschema
import pytest
from generated_docs import DOCS, documents, listed, with_parts

from harness.contract import RULES

MADE = documents()


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_document_is_the_one_that_make_docs_writes(path: Path) -> None:
    if not path.is_file() or path.read_text("utf-8") != MADE[path]:
        pytest.fail(f"{path} is out of date. Run `make docs`.", pytrace=False)


def test_each_rule_has_a_page_and_no_other_rule_has() -> None:
    assert {path.stem for path in (DOCS / "rules").iterdir()} == {*RULES, "README"}


def test_make_docs_deletes_the_page_of_a_rule_that_no_longer_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/OLD-1.md").touch()
    (tmp_path / "contract.md").write_text((DOCS / "contract.md").read_text("utf-8"), "utf-8")
    monkeypatch.setattr(generated_docs, "DOCS", tmp_path)

    generated_docs.main()

    assert {path.stem for path in (tmp_path / "rules").iterdir()} == {*RULES, "README"}


def test_part_of_a_document_replaces_what_is_between_its_markers() -> None:
    document = "Before\n<!-- made by `make docs`: rules -->\nold\n<!-- end: rules -->\nAfter\n"

    assert with_parts(document, {"rules": "new"}) == (
        "Before\n<!-- made by `make docs`: rules -->\n\nnew\n\n<!-- end: rules -->\nAfter\n"
    )


def test_part_of_a_document_without_its_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="<!-- end: rules -->"):
        with_parts("A text", {"rules": "new"})


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([], ""),
        (["LIFE-1"], "LIFE-1"),
        (["LIFE-1", "LIFE-2"], "LIFE-1 and LIFE-2"),
        (["LIFE-1", "LIFE-2", "LIFE-3", "LIFE-5"], "LIFE-1 to LIFE-3 and LIFE-5"),
        (["LIFE-3", "WAKE-4", "LEAK-1"], "LIFE-3, WAKE-4 and LEAK-1"),
    ],
)
def test_rule_ids_in_a_sentence_are_a_list_with_ranges(ids: list[str], text: str) -> None:
    assert listed(ids) == text


def test_schema_of_recordings_is_a_json_schema_that_describes_every_property() -> None:
    schema = json.loads((DOCS / "recording.schema.json").read_text("utf-8"))
    header = schema["$defs"]["Header"]["properties"] | schema["$defs"]["VisitFacts"]["properties"]

    jsonschema.Draft202012Validator.check_schema(schema)
    assert [name for name, property in header.items() if not property.get("description")] == []
    assert [name for name, definition in schema["$defs"].items() if not definition.get("description")] == []
