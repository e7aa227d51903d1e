"""The targets of make, and the script that CI runs."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from support.machine import Machine

ROOT = Path(__file__).resolve().parent.parent


def without_outer_make() -> dict[str, str]:
    """Return the environment without the variables that make sets for the commands it runs."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def test_make_help_lists_every_target() -> None:
    declared = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    shown = subprocess.run(["make"], cwd=ROOT, env=without_outer_make(), capture_output=True, text=True, check=True)
    assert re.findall(r"^  make ([a-z]+) +\S", shown.stdout, re.MULTILINE) == declared[1].split()


def test_make_explains_that_no_suitable_python_was_found(tmp_path: Path) -> None:
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    (tmp_path / "pyproject.toml").touch()
    command = ["make", "setup", "PYTHON=/no/such/python"]
    ended = subprocess.run(command, cwd=tmp_path, env=without_outer_make(), capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0] == (
        "No Python 3.11 or newer among: /no/such/python. Install one, or name it: make PYTHON=/path/to/python3."
    )


@pytest.mark.parametrize(
    ("user", "installs"), [(0, ["apt-get update -qq", "apt-get install -qq python3-venv"]), (1000, [])]
)
def test_make_installs_venv_as_root_or_explains_how_to_install_it(
    machine: Machine, user: int, installs: list[str]
) -> None:
    (machine.home / "Makefile").symlink_to(ROOT / "Makefile")
    (machine.home / "pyproject.toml").touch()
    python = machine.program("python", 'case "$2" in *ensurepip*) exit 1;; esac')
    machine.program("id", f"echo {user}")
    machine.program("apt-get", 'echo "apt-get $*" >> "$LOG"')
    # macOS has no command timeout. The Makefile uses it only where there is apt-get, and such a system has it.
    machine.program("timeout", 'PATH="${0%/*}:$PATH"; shift; exec "$@"')
    ended = subprocess.run(
        ["make", "setup", f"PYTHON={python}"],
        cwd=machine.home,
        env=without_outer_make() | {"PATH": f"{machine.bin}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert machine.log == installs
    assert ended.stderr.splitlines()[0] == (
        f"{python} has no module venv. Run 'apt-get install python3-venv' as root (Debian, Ubuntu), "
        "or name another Python: make PYTHON=/path/to/python3."
    )


def test_ci_runs_make_test_from_anywhere(machine: Machine, tmp_path: Path) -> None:
    machine.program("make", 'echo "$PWD: make $*"')
    environment = {"PATH": f"{machine.bin}:/usr/bin:/bin"}
    ended = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run")], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.stdout == f"{ROOT}: make test\n"
