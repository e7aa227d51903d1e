"""Recordings: a round trip, judging again from the command line, and what is wrong with recordings that were edited."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from journals import OPENED, Visit, after

from harness.base.errors import HarnessError, UsageError
from harness.cli import main
from harness.contract import RULES, PageFacts, RecordedPage, judge, judge_recorded, prepare_folder, read_pages
from harness.contract.observation import Observation, TabReturn
from harness.contract.recording import FILE, SCHEMA, UNFINISHED, Recorder, read, write_lines

PAGE = PageFacts("http://localhost:3000/report", "http://localhost:3000/report", has_own_backend=True, can_remove=True)
AGAIN = "Record the page again with 'pbi-harness verify URL --record DIR'."
RED = "\x1b[31mred\x07"
"""A text that makes the rest of a terminal red, and rings its bell."""

Lines = list[bytes]


def healthy(number: int = 1, planned: int = 1) -> Observation:
    """Return a healthy visit whose item is renewed and used."""
    visit = Visit(facts={"number": number, "planned": planned})
    visit.embed()
    visit.renew("50:00", "embed-2")
    visit.use("55:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    visit.renew("2:30:00", "embed-4")
    return visit.end("3:12:00")


def away(scenario: str, how: str) -> Observation:
    """Return a visit whose tab is hidden, frozen or asleep past the expiry, and whose item is renewed on the return."""
    visit = Visit(scenario)
    visit.embed()
    visit.away("5:00", "1:30:00", how)
    visit.expire("embed-1")
    visit.renew("1:30:00.2", "embed-2")
    visit.use("1:30:05", "embed-2")
    return visit.end("1:31:00", returns=["1:30:00"])


def in_outage(scenario: str) -> Observation:
    """Return a visit with an outage at the renewal, after which the page renews."""
    visit = Visit(scenario, facts={"is_outage": True})
    visit.embed()
    visit.outage("50:00", "52:00", "50:00", "51:00")
    visit.renew("52:00", "embed-2")
    visit.throw("50:01", "Error: status 500", rejection=True)
    return visit.end("1:03:00")


def every_visit() -> list[Observation]:
    """Return the visits of all scenarios that rules require of a page without a provider."""
    back = TabReturn("1", OPENED + after("49:55"), OPENED + after("50:05"))
    margin = healthy()
    margin.scenario, margin.margin_returns = "renewal_moment", [back]
    removal = Visit("removal")
    removal.embed()
    removal.write("2:00", "token.leaked", token="embed-1", where="console", detail="log", form="as it is")
    removal.write("3:00", "clock", what="request without an end", url="http://localhost:3000/x", since=OPENED)
    removal.write("5:00", "embed.gone", item="1")
    outages = ("status_500", "dropped_connections", "slow_answers", "unusable_answers", "long_status_500")
    visits = [
        healthy(),
        away("frozen_past_expiry", "frozen"),
        away("asleep_past_expiry", "asleep"),
        away("hidden", "hidden"),
        margin,
        removal.end("2:17:00", removed="5:00", returns=["2:14:00", "2:15:00", "2:16:00"]),
        *(in_outage(scenario) for scenario in (*outages, "expired_tokens")),
    ]
    for scenario in ("wrong_clocks", "time_zones"):
        other = healthy()
        other.scenario = scenario
        visits.append(other)
    return visits


def record(folder: Path, *visits: Observation, page: PageFacts = PAGE) -> Path:
    """Write the recordings of a page, and return the path of the last one."""
    recorder = Recorder(folder, page, seed=7, thorough=False)
    for observed in visits:
        recorder.write(observed)
    return next(folder.rglob(f"{visits[-1].scenario}-{visits[-1].number}/{FILE}"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the recording of a healthy visit, the only one in the folder."""
    return record(tmp_path, healthy())


def lines_of(path: Path) -> Lines:
    return path.read_bytes().splitlines()


def write(path: Path, lines: Lines) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def edit(path: Path, number: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the object in a line of a recording, 1 for the header."""
    lines = lines_of(path)
    value = json.loads(lines[number - 1])
    change(value)
    lines[number - 1] = json.dumps(value).encode()
    write(path, lines)


def add(path: Path, /, **entry: Any) -> None:
    """Add an entry to the end of a recording."""
    lines = lines_of(path)
    header = json.loads(lines[0])
    header["entries"] += 1
    entry = {"at": header["visit"]["ended"]} | entry
    write(path, [json.dumps(header).encode(), *lines[1:], json.dumps(entry).encode()])


def number_of(path: Path, kind: str) -> int:
    """Return the number of the first line with an entry of a kind."""
    return next(n for n, line in enumerate(lines_of(path), 1) if json.loads(line).get("kind") == kind)


class Judged:
    """The outcome of `pbi-harness judge`: exit code, output, error output."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: object) -> None:
        self.code = main(["judge", *map(str, arguments)])
        self.out, self.err = capsys.readouterr()
        assert "Traceback" not in self.err
        assert "\x1b" not in self.out + self.err
        assert "\x07" not in self.out + self.err

    @property
    def error(self) -> str:
        """The one line of the error output."""
        assert self.err.count("\n") == 1
        return self.err.removeprefix("pbi-harness: ").removesuffix("\n")

    def verdicts(self, outcome: str) -> list[str]:
        """Return the ids of the rules with an outcome on the first page."""
        lines = [line.split() for line in self.out.strip().partition("\n\n")[0].splitlines() if line.startswith("  ")]
        return [words[1] for words in lines if words[0] == outcome and words[1] in RULES]


@pytest.fixture
def judged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Judged]]:
    """Return a function that runs `pbi-harness judge`. It asserts that no traceback and no escape is printed."""
    return lambda *arguments: Judged(capsys, *arguments)


def test_recordings_give_the_entries_facts_and_verdicts_of_the_visits(tmp_path: Path) -> None:
    visits = every_visit()
    live = RecordedPage(PAGE, visits)

    record(tmp_path, *visits)
    (page,) = read_pages(tmp_path)

    assert {path.name for path in tmp_path.rglob("*.*") if path.is_file()} == {FILE}
    assert (page.page, page.seed) == (PAGE, 7)
    for before, now in zip(visits, page.made, strict=True):
        assert list(now.journal) == list(before.journal)
        assert vars(now) | {"journal": None} == vars(before) | {"journal": None}
    verdicts = {rule.id: judge_recorded(rule, page) for rule in RULES.values()}
    assert verdicts == {rule.id: judge(rule, live) for rule in RULES.values()}
    assert {verdict.outcome for verdict in verdicts.values()} == {"passed", "warned", "failed", "skipped"}
    assert not [verdict.message for verdict in verdicts.values() if "could not be judged" in verdict.message]


def test_recording_keeps_every_fact_of_a_visit(tmp_path: Path) -> None:
    facts: dict[str, Any] = {
        "is_outage": True,
        "conditions": {"bypass_csp": False, "time_zone": "Asia/Kolkata"},
        "token_urls": ["*/a", "*/b[?]*"],
        "stopped": "The page\ncrashed \x1b[31m.",
        "storm": True,
        "url": "http://localhost:3000/report",
        "landed": "http://localhost:3000/sign-in#\N{PILE OF POO}",
        "has_policy": True,
        "arrived": "0:02.5",
        "chosen": "2",
        "removed": "5:00",
        "returns": ["1:00", "2:00"],
        "margin_returns": [TabReturn(None, OPENED, OPENED + after("10")), TabReturn("1", OPENED, OPENED)],
        "why_no_renewal_moment": "The page does not renew.",
    }
    observed = Visit("removal", after("1:23:45.678"), {"number": 2, "planned": 3, "title": "a title"}).end("1", **facts)

    _, again = read(record(tmp_path, observed))

    assert vars(again) | {"journal": None} == vars(observed) | {"journal": None}


def test_recording_keeps_every_text_but_for_lone_surrogates(tmp_path: Path) -> None:
    """JavaScript allows a lone surrogate in a text, and UTF-8 does not."""
    visit = Visit()
    for text in (f"{RED}\0\r\n\u2028", "\ud800 alone", "a" * 1_000_000):
        visit.throw("1", text)

    _, observed = read(record(tmp_path, visit.end("2")))

    texts = [entry["text"] for entry in observed.journal]
    assert texts == [f"{RED}\0\r\n\u2028", "\N{REPLACEMENT CHARACTER} alone", "a" * 1_000_000]


def test_read_pages_returns_the_visits_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    visits = [healthy(), away("hidden", "hidden"), away("asleep_past_expiry", "asleep"), in_outage("status_500")]
    record(tmp_path, *visits)

    (page,) = read_pages(tmp_path)

    assert [visit.scenario for visit in page.made] == [visit.scenario for visit in visits]


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["article_manual", "reference"], ["article_manual", "reference"]),
        (
            ["http://localhost:3000/?a", "http://localhost:3000/-a"],
            ["http-localhost-3000-a-*", "http-localhost-3000-a-*"],
        ),
        (["a" * 61, "a" * 62], [f"{'a' * 60}-*", f"{'a' * 60}-*"]),
        (["../../etc", "/", ".."], ["etc-*", "-*", "-*"]),
        ([f"{RED} page", "Übersicht für 東京"], ["31mred-page-*", "Übersicht-für-東京-*"]),
    ],
    ids=["built-in pages", "URLs with the same stem", "long names", "names that leave the folder", "odd characters"],
)
def test_each_page_has_a_folder_of_its_own(tmp_path: Path, names: list[str], folders: list[str]) -> None:
    for name in names:
        record(tmp_path / "recordings", healthy(), page=PageFacts(name))

    made = sorted((tmp_path / "recordings").iterdir())
    assert len(made) == len(names)
    assert all(any(folder.match(glob) for folder in made) for glob in folders)
    assert list(tmp_path.iterdir()) == [tmp_path / "recordings"]


def test_judge_judges_several_pages_whose_folders_have_the_same_stem(
    tmp_path: Path, judged: Callable[..., Judged]
) -> None:
    for name in ("http://localhost:3000/?a", "http://localhost:3000/-a"):
        record(tmp_path, healthy(), page=PageFacts(name, name))

    seen = judged(tmp_path, "--only", "LIFE-1,LIFE-2")

    assert (seen.code, seen.err) == (0, "")
    assert "http://localhost:3000/?a\n  passed   LIFE-1" in seen.out
    assert "http://localhost:3000/-a\n  passed   LIFE-1" in seen.out
    assert "2 pages, 4 verdicts: 4 passed." in seen.out
    assert "seed 7." in seen.out


def test_judge_prints_and_writes_the_verdicts_of_the_visits(tmp_path: Path, judged: Callable[..., Judged]) -> None:
    visits, report = every_visit(), tmp_path / "verdicts.json"
    live = RecordedPage(PAGE, visits)
    record(tmp_path / "recordings", *visits)

    seen = judged(tmp_path / "recordings", "--json", report)

    expected = {rule.id: judge(rule, live) for rule in RULES.values()}
    assert (seen.code, seen.err) == (1, "")
    assert seen.verdicts("failed") == [id for id, verdict in expected.items() if verdict.outcome == "failed"]
    assert seen.verdicts("passed") == [id for id, verdict in expected.items() if verdict.outcome == "passed"]
    written = json.loads(report.read_text())
    assert (written["page"], written["exit_code"]) == (PAGE.name, 1)
    assert {rule["id"]: rule["message"] for rule in written["rules"]} == {
        id: verdict.message for id, verdict in expected.items()
    }


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
def test_judge_fails_for_a_warning_only_if_it_is_strict(
    path: Path, judged: Callable[..., Judged], options: list[str], code: int
) -> None:
    edit(path, number_of(path, "token.applied"), lambda entry: entry.update(expires="2026-01-01T12:50:30Z"))

    seen = judged(path.parent, "--only", "LIFE-2", *options)

    assert (seen.code, seen.verdicts("warned")) == (code, ["LIFE-2"])


@pytest.mark.parametrize(
    ("outcomes", "code", "said"),
    [
        ("--only=LIFE-1", 0, "Every verdict is as expected."),
        ("--only=LIFE-3", 1, "Not as expected: article_manual LIFE-3."),
    ],
)
def test_judge_compares_a_built_in_page_with_its_expectations(
    tmp_path: Path, judged: Callable[..., Judged], outcomes: str, code: int, said: str
) -> None:
    record(tmp_path, healthy(), page=PageFacts("article_manual"))

    seen = judged(tmp_path, outcomes)

    assert (seen.code, said in seen.out) == (code, True)


def is_cut(lines: Lines) -> Lines:
    return lines[:7]


def ends_in_a_line(lines: Lines) -> Lines:
    return [*lines[:-1], lines[-1][:-5]]


def with_header(change: Callable[[dict[str, Any]], object]) -> Callable[[Lines], Lines]:
    """Return a function that changes the header of a recording."""

    def changed(lines: Lines) -> Lines:
        header = json.loads(lines[0])
        change(header)
        return [json.dumps(header).encode(), *lines[1:]]

    return changed


def with_entry(text: bytes) -> Callable[[Lines], Lines]:
    """Return a function that puts a text in place of the second line of a recording."""
    return lambda lines: [lines[0], text, *lines[2:]]


def entry(**data: Any) -> bytes:
    """Return the line of an entry with some data."""
    return json.dumps({"at": "2026-01-01T12:00:00Z", **data}).encode()


NO_HEADER = f" does not begin with the header of a recording. {AGAIN}"
MALFORMED: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "empty file": (lambda _: [], f" is empty. {AGAIN}"),
    "empty line": (lambda _: [b""], f" is empty. {AGAIN}"),
    "picture": (lambda _: [b"\x89PNG\r", b"\x1a"], NO_HEADER),
    "JSON of another program": (lambda _: [b'{"log": {"version": "1.2"}}'], NO_HEADER),
    "list": (lambda _: [b"[]"], NO_HEADER),
    "UTF-16": (lambda lines: [line.decode().encode("utf-16") for line in lines], NO_HEADER),
    "no header": (lambda lines: lines[1:], NO_HEADER),
    "version that is a text": (with_header(lambda header: header.update(schema=RED)), NO_HEADER),
    "earlier version": (
        with_header(lambda header: header.update(schema=0)),
        f" is a recording of version 0, and this pbi-harness reads version {SCHEMA}. {AGAIN}",
    ),
    "later version with other facts": (
        lambda _: [b'{"schema": 99}'],
        f" is a recording of version 99, and this pbi-harness reads version {SCHEMA}. {AGAIN}",
    ),
    "cut short by lines": (
        is_cut,
        f" has 6 entries, and its header names 24: the file was cut short or edited. {AGAIN}",
    ),
    "cut in a line": (ends_in_a_line, f", line 25: Input data was truncated. {AGAIN}"),
    "cut in the header": (lambda lines: [lines[0][:90]], NO_HEADER),
    "a line too much": (
        lambda lines: [*lines, lines[-1]],
        f" has 25 entries, and its header names 24: the file was cut short or edited. {AGAIN}",
    ),
    "an empty line too much": (
        lambda lines: [*lines, b""],
        f" has 25 entries, and its header names 24: the file was cut short or edited. {AGAIN}",
    ),
    "header without a datum": (
        with_header(lambda header: header.pop("seed")),
        f", line 1: Object missing required field `seed`. {AGAIN}",
    ),
    "header with one datum more": (
        with_header(lambda header: header.update(mood="good")),
        f", line 1: Object contains unknown field `mood`. {AGAIN}",
    ),
    "header with a datum of another type": (
        with_header(lambda header: header.update(seed="1")),
        f", line 1: Expected `int`, got `str` - at `$.seed`. {AGAIN}",
    ),
    "visit without a fact": (
        with_header(lambda header: header["visit"].pop("opened")),
        f", line 1: Object missing required field `opened` - at `$.visit`. {AGAIN}",
    ),
    "visit with a fact of another type": (
        with_header(lambda header: header["visit"].update(token_urls="*/token")),
        f", line 1: Expected `array`, got `str` - at `$.visit.token_urls`. {AGAIN}",
    ),
    "page name with an escape": (
        with_header(lambda header: header["page"].update(name=RED)),
        f", line 1: the page's name '\\x1b[31mred\\x07' cannot be printed. {AGAIN}",
    ),
    "page name with NUL": (
        with_header(lambda header: header["page"].update(name="page\0")),
        f", line 1: the page's name 'page\\x00' cannot be printed. {AGAIN}",
    ),
    "header with a lone surrogate": (
        lambda lines: [lines[0].replace(b'"name":"http', b'"name":"\\ud800 http'), *lines[1:]],
        NO_HEADER,
    ),
    "header that is not UTF-8": (
        lambda lines: [lines[0].replace(b'"title":"', b'"title":"\xff'), *lines[1:]],
        f", line 1: Invalid UTF-8 encoded string. {AGAIN}",
    ),
    "header that nests too deep": (
        lambda lines: [
            lines[0].replace(b'"page":', b'"page":' + b"[" * 100_000 + b"]" * 100_000 + b',"page":'),
            *lines[1:],
        ],
        NO_HEADER,
    ),
    "opening without a time zone": (
        with_header(lambda header: header["visit"].update(opened="2026-01-01T12:00:00")),
        f", line 1: the time 2026-01-01T12:00:00 has no time zone. {AGAIN}",
    ),
    "removal without a time zone": (
        with_header(lambda header: header["visit"].update(removed="2026-01-01T12:00:00")),
        f", line 1: the time 2026-01-01T12:00:00 has no time zone. {AGAIN}",
    ),
    "return without a time zone": (
        with_header(lambda header: header["visit"].update(returns=["2026-01-01T12:00:00"])),
        f", line 1: the time 2026-01-01T12:00:00 has no time zone. {AGAIN}",
    ),
    "margin return without a time zone": (
        with_header(
            lambda header: header["visit"].update(
                margin_returns=[{"item": "1", "hidden": "2026-01-01T12:00:00Z", "shown": "2026-01-01T13:00:00"}]
            )
        ),
        f", line 1: the time 2026-01-01T13:00:00 has no time zone. {AGAIN}",
    ),
    "entry that is no JSON": (with_entry(b"\0" * 100), ", line 2: JSON is malformed: invalid character (byte 0). "),
    "entry that is not UTF-8": (
        with_entry(entry(kind="embed.gone", item="?").replace(b"?", b"\xff")),
        f", line 2: Invalid UTF-8 encoded string. {AGAIN}",
    ),
    "entry with a lone surrogate": (
        with_entry(entry(kind="embed.gone", item="\ud800")),
        f", line 2: Input data was truncated. {AGAIN}",
    ),
    "entry that nests too deep": (
        with_entry(entry(kind="item.event", item="1", event="x", detail=0).replace(b": 0", b": " + b"[" * 100_000)),
        ", line 2: maximum recursion depth exceeded",
    ),
    "entry without a kind": (with_entry(entry(item="1")), f", line 2: Object missing required field `kind`. {AGAIN}"),
    "entry of an unknown kind": (
        with_entry(entry(kind="embed.lost", item="1")),
        f", line 2: Invalid value 'embed.lost' - at `$.kind`. {AGAIN}",
    ),
    "entry without a datum": (
        with_entry(entry(kind="embed.gone")),
        f", line 2: Object missing required field `item`. {AGAIN}",
    ),
    "entry with one datum more": (
        with_entry(entry(kind="embed.gone", item="1", mood="good")),
        f", line 2: Object contains unknown field `mood`. {AGAIN}",
    ),
    "entry with a datum of another type": (
        with_entry(entry(kind="embed.gone", item=1)),
        f", line 2: Expected `str`, got `int` - at `$.item`. {AGAIN}",
    ),
    "entry with an unknown value": (
        with_entry(entry(kind="tab", state="lost")),
        f", line 2: Invalid enum value 'lost' - at `$.state`. {AGAIN}",
    ),
    "entry whose kind has escapes": (
        with_entry(entry(kind=RED, item="1")),
        ", line 2: Invalid value '\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}' - at `$.kind`. ",
    ),
    "entry with a datum whose name has escapes": (
        with_entry(entry(kind="embed.gone", item="1", **{RED: 1})),
        ", line 2: Object contains unknown field `\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}`. ",
    ),
    "entry whose kind has 1 MB": (
        with_entry(entry(kind="x" * 1_000_000, item="1")),
        f", line 2: Invalid value '{'x' * 144}…. {AGAIN}",
    ),
    "entry at a time without a time zone": (
        with_entry(entry(kind="embed.gone", item="1", at="2026-01-01T12:00:00")),
        f", line 2: the time 2026-01-01T12:00:00 has no time zone. {AGAIN}",
    ),
    "entry with a time without a time zone": (
        with_entry(entry(kind="token.issued", token="embed-1", type="embed", expires="2026-01-01T13:00:00")),
        f", line 2: the time 2026-01-01T13:00:00 has no time zone. {AGAIN}",
    ),
}
"""A fault of a recording -> the change that makes the fault, and the message after the path."""


@pytest.mark.parametrize("case", MALFORMED)
def test_judge_says_what_is_wrong_with_a_recording(path: Path, judged: Callable[..., Judged], case: str) -> None:
    change, said = MALFORMED[case]
    write(path, change(lines_of(path)))

    seen = judged(path.parent)

    assert (seen.code, seen.out) == (4, "")
    assert seen.error.startswith(f"{path}{said}")
    assert seen.error.endswith(AGAIN)


def test_judge_reads_a_recording_with_other_line_ends(path: Path, judged: Callable[..., Judged]) -> None:
    """Git may give text files the line ends of Windows."""
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert judged(path.parent, "--only", "LIFE").verdicts("passed") == ["LIFE-1", "LIFE-2", "LIFE-4", "LIFE-5"]


def test_judge_says_that_a_recording_is_unreadable(
    path: Path, judged: Callable[..., Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    seen = judged(path.parent)

    assert (seen.code, seen.error) == (4, f"{path} cannot be read (Permission denied). Allow reading it.")


def test_judge_says_that_a_recording_is_a_folder(path: Path, judged: Callable[..., Judged]) -> None:
    path.unlink()
    path.mkdir()

    seen = judged(path.parent)

    assert (seen.code, seen.error) == (4, f"{path} cannot be read (Is a directory). Allow reading it.")


def test_judge_says_that_a_folder_has_no_recording(tmp_path: Path, judged: Callable[..., Judged]) -> None:
    (tmp_path / "journal.json").write_text("{}")

    seen = judged(tmp_path)

    assert (seen.code, seen.error) == (4, f"There is no {FILE} in {tmp_path}. {AGAIN}")


@pytest.mark.parametrize("name", ["nothing", "a file"])
def test_judge_says_that_there_is_no_folder(tmp_path: Path, judged: Callable[..., Judged], name: str) -> None:
    (tmp_path / "a file").touch()

    seen = judged(tmp_path / name)

    assert (seen.code, seen.error) == (
        4,
        f"{tmp_path / name} is no folder. Name the folder that 'pbi-harness verify --record DIR' wrote.",
    )


def test_judge_says_that_a_folder_cannot_be_read(tmp_path: Path, judged: Callable[..., Judged]) -> None:
    folder = tmp_path / ("x" * 5000)

    seen = judged(folder)

    assert (seen.code, seen.error) == (4, f"{folder} cannot be read (File name too long). Name another folder.")


@pytest.mark.parametrize("has_recording", [False, True])
def test_judge_prints_no_escape_in_the_name_of_a_folder(
    tmp_path: Path, judged: Callable[..., Judged], has_recording: bool
) -> None:
    folder = tmp_path / RED
    if has_recording:
        folder.mkdir()
        (folder / FILE).touch()

    seen = judged(folder)

    assert seen.code == 4
    assert "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}" in seen.error


def test_judge_says_that_two_recordings_are_of_the_same_visit(path: Path, judged: Callable[..., Judged]) -> None:
    copy = path.parent.parent / "copy" / FILE
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())

    seen = judged(path.parent.parent)

    assert (seen.code, seen.error) == (4, f"{path} records the same visit as {copy}. Delete one of them.")


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_rules_are_skipped_when_a_visit_is_missing(tmp_path: Path, judged: Callable[..., Judged], missing: int) -> None:
    record(tmp_path, *(healthy(number, 3) for number in (1, 2, 3)))
    next(tmp_path.rglob(f"healthy-{missing}/{FILE}")).unlink()

    seen = judged(tmp_path, "--only", "EMB-1,LIFE-1")

    assert (seen.code, seen.err) == (0, "")
    assert seen.verdicts("skipped") == (["EMB-1", "LIFE-1"] if missing == 1 else ["LIFE-1"])
    assert "could not be judged: the recordings lack a visit of the scenario 'healthy'." in " ".join(seen.out.split())


def test_no_visit_is_missing_after_one_that_ended_early(tmp_path: Path, judged: Callable[..., Judged]) -> None:
    stopped = Visit(facts={"number": 2, "planned": 3})
    stopped.embed()
    record(tmp_path, healthy(1, 3), stopped.end("10:00", stopped=f"The page\ncrashed {RED}."))

    seen = judged(tmp_path, "--only", "LIFE-1")

    assert (seen.code, seen.err) == (0, "")
    assert "skipped  LIFE-1   The page crashed" in seen.out


def test_rule_is_skipped_when_its_scenario_was_not_recorded(path: Path, judged: Callable[..., Judged]) -> None:
    seen = judged(path.parent, "--only", "WAKE-1")

    assert (seen.code, seen.verdicts("skipped")) == (0, ["WAKE-1"])
    assert " ".join(seen.out.split()).startswith(
        f"{PAGE.name} skipped WAKE-1 This rule could not be judged: the recordings lack a visit of the scenario "
        "'frozen_past_expiry'. Record the page again with this rule."
    )


def contradicted(**facts: Any) -> Callable[[Path], None]:
    """Return a function that changes facts of the visit in a recording."""
    return lambda path: edit(path, 1, lambda header: header["visit"].update(facts))


def without_entries(path: Path) -> None:
    lines = lines_of(path)
    write(path, [line for line in lines if json.loads(line).get("kind") != "tab"])
    edit(path, 1, lambda header: header.update(entries=len(lines_of(path)) - 1))


@pytest.mark.parametrize(
    ("scenario", "how", "rule", "change"),
    [
        ("frozen_past_expiry", "frozen", "WAKE-1", contradicted(returns=[])),
        ("frozen_past_expiry", "frozen", "WAKE-1", without_entries),
        ("hidden", "hidden", "WAKE-2", contradicted(returns=[])),
        ("asleep_past_expiry", "asleep", "WAKE-5", contradicted(returns=[])),
        ("asleep_past_expiry", "asleep", "WAKE-5", without_entries),
    ],
)
def test_rule_is_skipped_when_a_recording_contradicts_itself(
    tmp_path: Path, judged: Callable[..., Judged], scenario: str, how: str, rule: str, change: Callable[[Path], None]
) -> None:
    change(record(tmp_path, healthy(), away(scenario, how)))

    seen = judged(tmp_path, "--only", rule)

    assert (seen.code, seen.err, seen.verdicts("skipped")) == (0, "", [rule])
    assert "could not be judged: the recordings contradict themselves" in " ".join(seen.out.split())


@pytest.mark.parametrize(
    "facts",
    [
        {"ended": "2025-01-01T12:00:00Z"},
        {"ended": "9999-12-31T23:59:59Z"},
        {"opened": "9999-12-31T23:59:59Z"},
        {"lifetime": "PT0S"},
        {"lifetime": "-PT3600S"},
        {"lifetime": "P999999999D"},
        {"title": ""},
        {"number": 0},
        {"number": 2},
        {"planned": 0},
        {"scenario": RED},
        {"token_urls": []},
        {"landed": RED},
        {"chosen": RED},
        {"removed": "2020-01-01T00:00:00Z"},
        {"margin_returns": [{"item": RED, "hidden": "9999-12-31T23:59:59Z", "shown": "0001-01-01T00:00:00Z"}]},
        {"storm": True},
        {"title": RED, "stopped": RED, "storm": True},
    ],
)
def test_every_rule_has_a_verdict_on_facts_that_cannot_be(
    tmp_path: Path, judged: Callable[..., Judged], facts: dict[str, Any]
) -> None:
    for visit in every_visit():
        contradicted(**facts)(record(tmp_path / visit.scenario, visit))

    for visit in every_visit():
        seen = judged(tmp_path / visit.scenario)

        assert (seen.code in (0, 1), seen.err) == (True, "")
        assert f"1 page, {len(RULES)} verdicts" in seen.out


def test_judge_says_that_recordings_contradict_themselves_when_nothing_can_be_said_of_their_page(
    path: Path, judged: Callable[..., Judged]
) -> None:
    edit(path, number_of(path, "embed.frame"), lambda entry: entry.update(path=f"/{RED}"))

    seen = judged(path.parent)

    assert (seen.code, seen.error) == (
        4,
        f"The recordings of {PAGE.name} contradict themselves (KeyError: '/\\x1b[31mred\\x07'). {AGAIN}",
    )


HOSTILE = [
    {"kind": "page.error", "text": f"{RED}\nmore", "rejection": False, "url": RED},
    {"kind": "page.error", "text": RED * 100_000, "rejection": True, "url": ""},
    {"kind": "page.dialog", "type": "confirm", "text": RED},
    {"kind": "token.leaked", "token": RED, "where": RED, "detail": RED, "form": "escaped"},
    {"kind": "host.refused", "host": RED},
    {"kind": "item.event", "item": "1", "event": RED, "detail": {RED: [RED]}},
    {"kind": "item.event", "item": "1", "event": "x" * 1_000_000, "detail": None},
    {"kind": "clock", "what": "work without an end", "url": RED, "since": "2026-01-01T12:00:00Z", "call": RED},
    {"kind": "hook.answered", "item": "1", "call": 1, "status": RED, "answer": "other", "text": RED},
    {"kind": "request", "request": RED, "url": RED, "method": RED, "type": RED, "source": "page"},
    {"kind": "response", "request": RED, "status": None, "error": RED},
    {"kind": "response", "request": "none", "status": None, "error": None},
    {
        "kind": "token.applied",
        "item": RED,
        "token": RED,
        "type": "embed",
        "expires": None,
        "how": "load",
        "state": "live",
    },
    {"kind": "embed.frame", "item": "2", "path": "/reportEmbed", "url": RED},
]
"""Entries that a hostile page could leave, or that were added by hand."""


@pytest.mark.parametrize("added", HOSTILE, ids=lambda added: added["kind"])
def test_judge_prints_no_escape_of_an_entry(
    tmp_path: Path, judged: Callable[..., Judged], added: dict[str, Any]
) -> None:
    report = tmp_path / "verdicts.json"
    for observed in every_visit():
        add(record(tmp_path / "recordings", observed), **added)

    seen = judged(tmp_path / "recordings", "--json", report)

    assert (seen.code in (0, 1), seen.err) == (True, "")
    assert f"{len(RULES)} verdicts" in seen.out
    assert "\x1b" not in report.read_text()


def test_judge_prints_no_escape_of_the_version_of_the_sdk(path: Path, judged: Callable[..., Judged]) -> None:
    edit(path, number_of(path, "protocol"), lambda entry: entry.update(sdk=RED))
    add(path, kind="page.error", text="Error: not caught", rejection=False, url="")
    edit(path, 1, lambda header: header["visit"].update(stopped="The page crashed."))

    judged(path.parent, "--only", "CLEAN-1")


def test_judge_writes_no_report_into_a_folder_that_does_not_exist(
    path: Path, judged: Callable[..., Judged], tmp_path: Path
) -> None:
    report = tmp_path / "none" / "verdicts.json"

    seen = judged(path.parent, "--json", report)

    assert (seen.code, seen.error) == (
        4,
        f"--json names {report}, whose folder does not exist. Make the folder, or name another file.",
    )


def test_judge_writes_no_report_over_a_folder(path: Path, judged: Callable[..., Judged], tmp_path: Path) -> None:
    seen = judged(path.parent, "--json", tmp_path)

    assert (seen.code, seen.error) == (4, f"--json names {tmp_path}, which cannot be written. Name another file.")


def test_judge_names_a_rule_that_does_not_exist(path: Path, judged: Callable[..., Judged]) -> None:
    seen = judged(path.parent, "--only", "LIFE-9")

    assert seen.code == 4
    assert seen.error.startswith("--only names 'LIFE-9', which is no rule and no family. The rules are EMB-1,")


def test_prepare_folder_makes_a_new_folder_with_its_parents(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_prepare_folder_deletes_the_recordings_and_their_folders(tmp_path: Path) -> None:
    record(tmp_path, healthy(), away("hidden", "hidden"))
    old = record(tmp_path, healthy(), page=PageFacts("another"))
    write(old, [b'{"schema": 99, "page": {}}'])
    (old.parent / UNFINISHED).write_bytes(b'{"schema"')

    prepare_folder(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_prepare_folder_deletes_no_folder_without_a_recording(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    record(folder / "recordings", healthy())
    (folder / "empty").mkdir()
    (folder / FILE).write_bytes(b'{"schema": 1}')

    prepare_folder(folder)

    assert list(tmp_path.rglob("*")) == [folder, folder / "empty"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.txt", "mine"),
        (FILE, ""),
        (FILE, '{"kind": "page.opened", "at": "2026-01-01T12:00:00Z"}'),
        (FILE, '{"schema": "1"}'),
        (FILE, "[" * 100_000),
        ("Journal.jsonl", '{"schema": 1}'),
    ],
    ids=["another name", "empty file", "journal of a failed test", "another program's", "deep JSON", "another case"],
)
def test_prepare_folder_refuses_a_folder_with_other_files_and_deletes_nothing(
    tmp_path: Path, name: str, text: str
) -> None:
    path, other = record(tmp_path, healthy()), tmp_path / "z" / "mine" / name
    other.parent.mkdir(parents=True)
    other.write_text(text)

    with pytest.raises(UsageError) as refused:
        prepare_folder(tmp_path)

    assert (
        str(refused.value) == f"--record names {tmp_path}, which has other files, such as {other}. Name a new folder."
    )
    assert path.exists()
    assert other.read_text() == text


@pytest.mark.parametrize("name", [FILE, "elsewhere"])
def test_prepare_folder_refuses_a_folder_with_a_link(tmp_path: Path, name: str) -> None:
    path, folder = record(tmp_path / "elsewhere", healthy()), tmp_path / "recordings"
    folder.mkdir()
    (folder / name).symlink_to(path if name == FILE else path.parent)

    with pytest.raises(UsageError, match="has other files"):
        prepare_folder(folder)

    assert path.exists()


def test_prepare_folder_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError) as refused:
        prepare_folder(tmp_path / "file")

    assert str(refused.value) == (
        f"--record names {tmp_path / 'file'}, which cannot be written (File exists). Name another folder."
    )


def test_recorder_says_that_a_recording_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "page").touch()

    with pytest.raises(HarnessError) as error:
        record(tmp_path, healthy(), page=PageFacts("page"))

    assert error.value.exit_code == 3
    assert str(error.value) == (
        f"The recording {tmp_path}/page/healthy-1/{FILE} could not be written (Not a directory). Free disk space, or "
        "name another folder with --record."
    )


def test_an_interrupted_write_leaves_the_recording_before_it_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def disk_full(unfinished: Path, data: bytes) -> int:
        with unfinished.open("wb") as file:
            return file.write(data[:100]) and int("disk full")

    monkeypatch.setattr(Path, "write_bytes", disk_full)

    with pytest.raises(ValueError, match="disk full"):
        write_lines(path, [{"schema": 1}])

    assert path.read_bytes() == before
