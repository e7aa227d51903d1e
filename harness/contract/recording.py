"""Recordings: the files that visits leave, from which rules can judge again without a browser.

Each visit leaves one file `journal.jsonl`. Its first line is the header, and each further line is an entry of the
journal. docs/recording.schema.json describes the lines.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from harness.base.errors import HarnessError, UsageError
from harness.base.journal import Entry, Journal
from harness.base.journal_kinds import AnyKind
from harness.base.json_text import to_json
from harness.contract.errors import NotRecorded, RecordingError
from harness.contract.observation import Observation, VisitFacts, cut_short
from harness.contract.page import PageFacts
from harness.contract.wording import first_line

SCHEMA = 1
"""The version of the recordings that this version writes and reads."""
FILE, UNFINISHED = "journal.jsonl", "journal.unfinished"
"""The names of a recording, and of one whose writing was interrupted."""
RECORD_AGAIN = "Record the page again with 'pbi-harness verify URL --record DIR'."
LONGEST_NAME_CHARACTERS = 60


class Header(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The first line of a recording."""

    schema: int
    """The version of the recordings."""
    page: PageFacts
    """The facts of the page that rules use."""
    visit: VisitFacts
    """The facts of the visit besides its journal."""
    made: int
    """The number of the visit among all visits to the page, from 1."""
    seed: int
    """The seed of the random interactions."""
    thorough: bool
    """True if scenarios were repeated with every lifetime, more outages and several seeds."""
    entries: int
    """The number of the lines that follow."""


class _Version(msgspec.Struct):
    schema: int


_VERSION = msgspec.json.Decoder(_Version)
_HEADER = msgspec.json.Decoder(Header)
_ENTRY = msgspec.json.Decoder(AnyKind)
_DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The errors of a line that is no JSON, nests too deep, or is JSON of another shape."""


class Recorder:
    """The writer of the recordings of one page."""

    def __init__(self, folder: Path, page: PageFacts, *, seed: int, thorough: bool) -> None:
        """Write into a folder for the page in `folder`. The other parameters go to the headers."""
        self._folder, self._page = folder / _folder_name(page.name), page
        self._seed, self._thorough = seed, thorough
        self._made = 0

    def write(self, observed: Observation) -> None:
        """Write the recording of a visit that has ended.

        Raises `HarnessError` if the file cannot be written.
        """
        self._made += 1
        entries = list(observed.journal)
        facts = {name: value for name, value in vars(observed).items() if name != "journal"}
        header = Header(
            schema=SCHEMA,
            page=self._page,
            visit=VisitFacts(**facts),
            made=self._made,
            seed=self._seed,
            thorough=self._thorough,
            entries=len(entries),
        )
        path = self._folder / f"{observed.scenario}-{observed.number}" / FILE
        try:
            write_lines(path, [header, *map(line_of, entries)])
        except OSError as error:
            raise HarnessError(
                f"The recording {path} could not be written ({error.strerror}). Free disk space, or name another folder "
                "with --record."
            ) from error


def prepare_folder(folder: Path) -> None:
    """Make a folder for recordings, and delete the recordings that are in it, with their folders.

    Raises `UsageError` if the folder cannot be written, or has other files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
        if other := [path for path in old if not _is_recording(path)]:
            raise UsageError(f"--record names {folder}, which has other files, such as {other[0]}. Name a new folder.")
        for path in old:
            path.unlink()
            parent = path.parent
            while parent != folder and not any(parent.iterdir()):
                parent.rmdir()
                parent = parent.parent
    except OSError as error:
        raise UsageError(
            f"--record names {folder}, which cannot be written ({error.strerror}). Name another folder."
        ) from None


def _is_recording(path: Path) -> bool:
    """Return whether a file is a recording of any version, or one whose writing was interrupted."""
    if path.name != FILE or path.is_symlink():
        return path.name == UNFINISHED
    with path.open("rb") as file, suppress(*_DECODING_ERRORS):
        _VERSION.decode(file.readline())
        return True
    return False


def write_lines(path: Path, values: Sequence[Any]) -> None:
    """Write values as JSON, one per line. The file appears whole, or not at all. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(UNFINISHED)
    unfinished.write_bytes(b"".join(to_json(value) + b"\n" for value in values))
    unfinished.replace(path)


def line_of(entry: Entry) -> dict[str, Any]:
    """Return an entry as the object that its line contains."""
    return {"kind": entry.kind, "at": entry.at, **entry.data}


def _folder_name(page: str) -> str:
    """Return the name of a page's folder. Pages with different names have different folders."""
    name = re.sub(r"[^\w.-]+", "-", page).strip("-.")[:LONGEST_NAME_CHARACTERS]
    return name if name == page else f"{name}-{hashlib.sha256(page.encode()).hexdigest()[:8]}"


class RecordedPage:
    """A page whose visits were recorded: what a rule judges in place of a page that is watched."""

    def __init__(self, page: PageFacts, made: Sequence[Observation], *, seed: int = 1) -> None:
        """Take the observations of a page, oldest first. `seed` is that of their random interactions."""
        self.page, self.made, self.seed = page, made, seed

    @property
    def token_urls(self) -> Sequence[str]:
        """The globs of the page's token addresses."""
        return max((visit.token_urls for visit in self.made), key=len)

    def visits(self, scenario: str, *, only_first: bool = False) -> list[Observation]:
        """Return the observations of a scenario's visits, or of the first of them.

        Raises `NotRecorded` if one of them was not recorded.
        """
        found = sorted((visit for visit in self.made if visit.scenario == scenario), key=lambda visit: visit.number)
        if only_first:
            found = found[:1]
        complete = found and (only_first or len(found) == found[-1].planned or cut_short(found[-1]))
        if not complete or [visit.number for visit in found] != list(range(1, len(found) + 1)):
            raise NotRecorded(f"the recordings lack a visit of the scenario {scenario!r}")
        return found


def read_pages(folder: Path) -> list[RecordedPage]:
    """Return the pages whose recordings are in a folder, by the names of their folders.

    Raises `RecordingError` if there is none, or one cannot be read.
    """
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        raise RecordingError(f"{folder} cannot be read ({error.strerror}). Name another folder.") from None
    if not is_folder:
        raise RecordingError(f"{folder} is no folder. Name the folder that 'pbi-harness verify --record DIR' wrote.")
    paths = sorted(folder.rglob(FILE))
    if not paths:
        raise RecordingError(f"There is no {FILE} in {folder}. {RECORD_AGAIN}")
    pages: dict[str, list[tuple[Header, Observation]]] = {}
    places: dict[tuple[str, str, int], Path] = {}
    for path in paths:
        header, observed = read(path)
        visit = (header.page.name, observed.scenario, observed.number)
        if visit in places:
            raise RecordingError(f"{path} records the same visit as {places[visit]}. Delete one of them.")
        places[visit] = path
        pages.setdefault(header.page.name, []).append((header, observed))
    return [_page(recordings) for recordings in pages.values()]


def _page(recordings: Sequence[tuple[Header, Observation]]) -> RecordedPage:
    in_order = sorted(recordings, key=lambda recording: recording[0].made)
    header = in_order[0][0]
    return RecordedPage(header.page, [observed for _, observed in in_order], seed=header.seed)


def read(path: Path) -> tuple[Header, Observation]:
    """Return the header of a recording, and the observation of its visit.

    Raises `RecordingError` if the file is no recording, is of another version, was cut short, or was edited so that an
    entry is not as docs/recording.schema.json says.
    """
    try:
        first, *lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    except OSError as error:
        raise RecordingError(f"{path} cannot be read ({error.strerror}). Allow reading it.") from None
    if not first:
        raise RecordingError(f"{path} is empty. {RECORD_AGAIN}")
    header = _header(path, first)
    if len(lines) != header.entries:
        raise RecordingError(
            f"{path} has {len(lines)} entries, and its header names {header.entries}: the file was cut short or edited. "
            f"{RECORD_AGAIN}"
        )
    entries = [_entry(path, number, line) for number, line in enumerate(lines, 2)]
    return header, Observation(**vars(header.visit), journal=Journal.of_the_past(entries))


def _header(path: Path, line: bytes) -> Header:
    try:
        version = _VERSION.decode(line).schema
    except _DECODING_ERRORS:
        raise RecordingError(f"{path} does not begin with the header of a recording. {RECORD_AGAIN}") from None
    if version != SCHEMA:
        raise RecordingError(
            f"{path} is a recording of version {version}, and this pbi-harness reads version {SCHEMA}. {RECORD_AGAIN}"
        )
    try:
        header = _HEADER.decode(line)
    except _DECODING_ERRORS as error:
        raise _wrong_line(path, 1, error) from None
    if not header.page.name.isprintable():
        raise _wrong_line(path, 1, f"the page's name {header.page.name!r} cannot be printed")
    visit = header.visit
    returns = [at for back in visit.margin_returns for at in (back.hidden, back.shown)]
    _expect_zones(path, 1, [visit.opened, visit.ended, visit.arrived, visit.removed, *visit.returns, *returns])
    return header


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        kind = _ENTRY.decode(line)
    except _DECODING_ERRORS as error:
        raise _wrong_line(path, number, error) from None
    data = {name: value for name, value in msgspec.structs.asdict(kind).items() if value is not msgspec.UNSET}
    _expect_zones(path, number, data.values())
    return Entry(data.pop("at"), str(kind.__struct_config__.tag), data)


def _expect_zones(path: Path, number: int, values: Iterable[Any]) -> None:
    """Raise `RecordingError` if one of the values in a line is an instant without a time zone."""
    for value in values:
        if isinstance(value, datetime) and value.tzinfo is None:
            raise _wrong_line(path, number, f"the time {value.isoformat()} has no time zone")


def _wrong_line(path: Path, number: int, seen: object) -> RecordingError:
    """Return the error of a line that is not as docs/recording.schema.json says. `seen` may quote the line at length."""
    return RecordingError(f"{path}, line {number}: {first_line(str(seen))}. {RECORD_AGAIN}")
