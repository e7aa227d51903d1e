"""A figure beside its yardstick."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` and `yardstick` in `unit`; it holds if value / yardstick is at most `at_most`."""

    name: str
    value: float
    yardstick: float
    what: str
    at_most: float
    unit: str = "s"

    @property
    def holds(self) -> bool:
        return self.value <= self.at_most * self.yardstick

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "FAILS"
        ratio = self.value / self.yardstick
        return (
            f"{verdict}  {self.name}: {self.value:.2f} {self.unit} against {self.yardstick:.2f} {self.unit} ({self.what}): "
            f"ratio {ratio:.2f}, at most {self.at_most:g}"
        )
