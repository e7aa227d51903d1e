"""The command line: wrong usage, help, exit codes and errors."""

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cli
from harness.base.errors import SetupError, UsageError
from harness.commands import setup

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        ([], "COMMAND"),
        (["no-such-command"], "'no-such-command'"),
        (["--no-such-option"], "COMMAND"),
        (["setup", "--no-such-option"], "--no-such-option"),
        (["setup", "--pbi-browser"], "--pbi-browser"),
        (["setup", "--pbi-b", "x"], "--pbi-b"),
    ],
)
def test_wrong_usage_is_explained_and_ends_with_4(
    capsys: pytest.CaptureFixture[str], argv: list[str], names: str
) -> None:
    assert cli.main(argv) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"pbi-harness: .*" + names + r".* Try 'pbi-harness( setup)? --help'\.\n", printed.err)


@pytest.mark.parametrize("argv", [["--help"], ["setup", "--help"]])
def test_help_names_the_command_setup(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(argv)
    assert "pbi-harness setup" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (SetupError("No luck."), 3, "pbi-harness: No luck.\n"),
        (UsageError("Not so."), 4, "pbi-harness: Not so.\n"),
        (KeyboardInterrupt(), 2, "pbi-harness: interrupted\n"),
    ],
)
def test_error_of_a_command_is_printed_and_sets_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    printed: str,
) -> None:
    def fail(explicit: Path | None, say: Callable[[str], None]) -> Path:
        raise error

    monkeypatch.setattr(setup, "ensure_browser", fail)
    assert cli.main(["setup"]) == code
    assert capsys.readouterr().err == printed


def test_command_line_as_a_process_ends_with_the_exit_code() -> None:
    command = [sys.executable, "-m", "harness.cli", "setup", "--pbi-browser", "/no/such/browser"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert re.fullmatch(
        r"pbi-harness: --pbi-browser names /no/such/browser, which does not exist\. .*\.\n", ended.stderr
    )


def test_version_prints_the_installed_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"pbi-harness {importlib.metadata.version('pbi-harness')}\n"


def test_importing_the_command_line_imports_no_heavy_package() -> None:
    code = "import harness.cli, sys; print({'aiohttp', 'msal', 'playwright', 'pytest'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")
