"""Run a command while every processor is kept busy: `python -m bench.busy COMMAND …`, as `make test BUSY=1` does."""

import multiprocessing
import os
import subprocess
import sys


def main(command: list[str]) -> int:
    """Run `command` and return its exit code."""
    spinning = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in spinning:
        process.start()
    try:
        return subprocess.call(command)
    finally:
        for process in spinning:
            process.terminate()


def _spin() -> None:
    """Keep one processor busy until the process is terminated."""
    while True:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
