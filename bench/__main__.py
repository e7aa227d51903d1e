"""Run the benchmarks and print each beside its yardstick. Exits 1 if one misses its target."""

import sys

from playwright.sync_api import sync_playwright

from bench import contract, day, memory, opening, waits
from bench.figure import Figure
from harness.stage.session import HarnessSession

NAMES = {
    "contract": contract.figures,
    "day": day.figures,
    "opening": opening.figures,
    "memory": memory.figures,
    "waits": waits.figures,
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 4
    found: list[Figure] = []
    with sync_playwright() as playwright, HarnessSession(playwright) as session:
        for name in wanted or NAMES:
            for figure in NAMES[name](playwright, session):
                print(figure, flush=True)
                found.append(figure)
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
