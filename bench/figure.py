"""A measured value and the value that it is compared with."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured `value` and its `reference`, both in `unit`. `source` says where the reference comes from.

    The figure holds if `value` is at most `at_most` times `reference`.
    """

    name: str
    value: float
    reference: float
    source: str
    at_most: float
    unit: str = "s"

    @property
    def holds(self) -> bool:
        """True if the value is small enough."""
        return self.value <= self.at_most * self.reference

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "FAILS"
        ratio = self.value / self.reference
        return (
            f"{verdict}  {self.name}: {self.value:.2f} {self.unit} against {self.reference:.2f} {self.unit} "
            f"({self.source}): ratio {ratio:.2f}, at most {self.at_most:g}"
        )
