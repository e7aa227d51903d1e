"""docs/recording.schema.json fits the lines that the harness writes, and no others."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from journals import OPENED, PAGE, Visit, after

from harness.contract.observation import TabReturn
from harness.contract.recording import FILE, Recorder

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/recording.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def recorded(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the recording of a visit in which much happens."""
    visit = Visit()
    visit.write("0", "page.opened", url="http://localhost:3000/", lifetime=3600.0)
    visit.embed(provider=True)
    visit.use("5:00", "embed-1")
    visit.away("10:00", "20:00", "frozen")
    visit.outage("40:00", "42:00", "40:10")
    visit.call("50:00", token=visit.issue("50:00", "embed-2"))
    visit.apply("50:01", "embed-2", how="hook")
    visit.expire("embed-2")
    visit.write("55:00", "page.error", text="TypeError: x is undefined", rejection=False, url="http://localhost:3000/")
    visit.write("56:00", "clock", what="request without an end", url="http://localhost:3000/", since=OPENED)
    back = TabReturn("1", OPENED + after("10:00"), OPENED + after("20:00"))
    observed = visit.end("2:00:00", returns=["20:00"], margin_returns=[back], conditions={"time_zone": "Asia/Kolkata"})
    Recorder(folder, PAGE, seed=1, thorough=False).write(observed)
    (path,) = folder.rglob(FILE)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_line_of_a_recording_fits_the_schema(tmp_path: Path) -> None:
    lines = recorded(tmp_path)

    assert len({line.get("kind") for line in lines}) > 15
    for line in lines:
        VALIDATOR.validate(line)


@pytest.mark.parametrize(
    "change",
    [{"more": 1}, {"kind": "token.lost"}, {"state": "dead"}, {"item": None}],
    ids=["another datum", "another kind", "another state", "no item"],
)
def test_line_that_the_harness_does_not_write_does_not_fit_the_schema(tmp_path: Path, change: dict[str, Any]) -> None:
    applied = next(line for line in recorded(tmp_path) if line.get("kind") == "token.applied")

    VALIDATOR.validate(applied)
    assert not VALIDATOR.is_valid(applied | change)
