"""The JSON of the files that the harness writes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.base.json_text import to_json, write_json


@dataclass
class Point:
    x: float
    y: float


class Named(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, True, None, "b"]}, '{"a":[1,2.5,true,null,"b"]}'),
        (Point(1, 2.5), '{"x":1,"y":2.5}'),
        (Named("a"), '{"name":"a"}'),
        (datetime(2026, 1, 1, 12, 0, 0, 200_000, tzinfo=UTC), '"2026-01-01T12:00:00.200000Z"'),
        (timedelta(hours=1), '"PT3600S"'),
        (Path("a/b"), '"a/b"'),
        (10**30, "1" + "0" * 30),
        (float("nan"), "null"),
        (float("inf"), "null"),
        ("\x1b[31m\0\n\x7f", '"\\u001b[31m\\u0000\\n\x7f"'),
        ("é\u2028\N{PILE OF POO}", '"é\u2028\N{PILE OF POO}"'),
    ],
)
def test_to_json_writes_a_value_in_one_line(value: object, text: str) -> None:
    assert to_json(value).decode() == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\ud800", '"\N{REPLACEMENT CHARACTER}"'),
        ("a\udfffb", '"a\N{REPLACEMENT CHARACTER}b"'),
        ("\ud83d\udca9 \ud83d", '"\N{PILE OF POO} \N{REPLACEMENT CHARACTER}"'),
        ({"\ud800": {"a": ["\ud800", 1, None]}}, '{"\ufffd":{"a":["\ufffd",1,null]}}'),
        (("a", ("\ud800",)), '["a",["\ufffd"]]'),
        (Point("\ud800", 1), '{"x":"\ufffd","y":1}'),  # type: ignore[arg-type]
        ([timedelta(seconds=1), Path("\udcff")], '["PT1S","\ufffd"]'),
    ],
    ids=["alone", "within a text", "beside a pair", "names and parts", "tuples", "dataclass", "path"],
)
def test_to_json_replaces_each_lone_surrogate(value: Any, text: str) -> None:
    """UTF-8 has none, and JavaScript's texts may have some."""
    assert to_json(value).decode() == text


def test_write_json_writes_indented_json_that_ends_with_a_line(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [1], "b": "\ud800"})

    assert (tmp_path / "a.json").read_text("utf-8") == '{\n  "a": [\n    1\n  ],\n  "b": "\ufffd"\n}\n'


def test_write_json_raises_oserror_when_the_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_json(tmp_path, {})
