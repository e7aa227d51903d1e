"""The report and the exit code of `pbi-harness verify`, for expected and unexpected verdicts and for bad input."""

import json

import pytest
from support.inner_runs import Runs

VERIFY = """
import sys
import harness.contract.findings
from harness import cli
from harness.commands import verify
from harness.contract import RULES, Rule, Verdict
from harness.contract.findings import Expectation

def interrupt(seen):
    raise KeyboardInterrupt

def stub(id, judge):
    return Rule(id, "must", (), "basis", judge, "why", "wrong", "right", needs_items=False, needs_renewals=False)

def expect(page):
    harness.contract.findings.expected_findings = lambda: page

verify.BUILT_IN = ("reference",)
rules = {
    "real": [RULES["EMB-1"]],
    "surprise": [stub("EMB-1", lambda _: Verdict("failed", "It was.")), stub("TYPE-1", lambda _: Verdict("passed", "Well."))],
    "interrupted": [stub("EMB-1", lambda _: Verdict("passed", "Well.")), stub("TYPE-1", interrupt)],
    "expected": [stub("EMB-1", lambda _: Verdict("failed", "It was."))],
}[sys.argv[1]]
RULES.clear()
RULES.update({rule.id: rule for rule in rules})
expect({"reference": {"EMB-1": Expectation("failed", "For now.")}} if sys.argv[1] == "expected" else {})
sys.exit(cli.main(["verify", *sys.argv[2:]]))
"""


@pytest.mark.parametrize(
    ("case", "code", "as_expected", "printed"),
    [
        ("real", 0, {"EMB-1": True}, "Every verdict is as expected."),
        ("surprise", 1, {"EMB-1": False, "TYPE-1": True}, "Not as expected: reference EMB-1."),
        ("expected", 0, {"EMB-1": True}, "Every verdict is as expected."),
        ("interrupted", 2, {"EMB-1": True}, "The run ended early"),
    ],
)
def test_verify_reports_verdicts_against_expectations_and_sets_the_exit_code(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, case: str, code: int, as_expected: object, printed: str
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    ended = runs.python(VERIFY, case, "--json=report.json")
    assert (ended.returncode, ended.stderr) == (code, "")
    assert printed in ended.stdout
    assert "Traceback" not in ended.stdout
    report = json.loads((runs.folder / "report.json").read_text())
    assert report["exit_code"] == code
    assert [page["page"] for page in report["pages"]] == ["reference"]
    assert {rule["id"]: rule["as_expected"] for rule in report["pages"][0]["rules"]} == as_expected
    assert report["summary"]["unexpected"] == len(ended.stdout.split("Not as expected: ")) - 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--json=no/such/report.json"],
            4,
            "--json names no/such/report.json, whose folder does not exist. Make the folder, or name another file.",
        ),
        (["--json=."], 4, "--json names ., which cannot be written. Name another file."),
        (
            ["--json=report.json", "--pbi-browser=nothing"],
            4,
            "--pbi-browser names FOLDER/nothing, which does not exist. Give the path of an executable Chrome, Edge or "
            "Chromium, or leave --pbi-browser out: then a browser is searched for.",
        ),
        (
            ["--json=report.json", "--pbi-browser=browser"],
            3,
            "The browser FOLDER/browser did not start: it ended with exit code 1 and printed 'Oh.'. "
            "Pass another browser with --pbi-browser PATH, or run 'pbi-harness setup'.",
        ),
    ],
    ids=["no folder for the report", "report is a folder", "no such browser", "browser does not start"],
)
def test_verify_reports_bad_input_with_its_exit_code_and_still_writes_the_report(
    runs: Runs, arguments: list[str], code: int, message: str
) -> None:
    runs.script("browser", "#!/bin/sh\necho Oh. >&2\nexit 1\n")
    ended = runs.python(
        "import sys; from harness.cli import main; sys.exit(main(['verify', *sys.argv[1:]]))", *arguments
    )
    assert ended.returncode == code
    assert ended.stderr == f"pbi-harness: {message}\n".replace("FOLDER", str(runs.folder))
    assert "Traceback" not in ended.stdout
    report = runs.folder / "report.json"
    if f"--json={report.name}" in arguments:
        assert json.loads(report.read_text())["exit_code"] == code
