"""Run all benchmarks, or those named on the command line, and print their figures. Exits with 1 if one fails."""

import sys

from playwright.sync_api import sync_playwright

from bench import contract, day, memory, opening, waits
from bench.figure import Figure
from harness.stage.session import HarnessSession

BENCHMARKS = {
    "contract": contract.figures,
    "day": day.figures,
    "opening": opening.figures,
    "memory": memory.figures,
    "waits": waits.figures,
}


def main(wanted: list[str]) -> int:
    """Run the benchmarks named in `wanted`, or all if it is empty, and return the exit code."""
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}. Choose from: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 4
    found: list[Figure] = []
    with sync_playwright() as playwright, HarnessSession(playwright) as session:
        for name in wanted or BENCHMARKS:
            for figure in BENCHMARKS[name](playwright, session):
                print(figure, flush=True)
                found.append(figure)
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
