"""The overview of the errors."""

import importlib
import re

from harness.base import errors
from harness.base.errors import HarnessError


def test_every_error_is_in_the_overview_with_its_exit_code() -> None:
    for room in ("browser", "clock", "stage", "contract"):
        importlib.import_module(f"harness.{room}.errors")
    classes = [HarnessError, *_subclasses(HarnessError)]
    assert set(re.findall(r"(\w+) +exit \d", errors.__doc__ or "")) == {error.__name__ for error in classes}
    for error in classes:
        assert re.search(rf"{error.__name__} +exit {error.exit_code} ", errors.__doc__ or "")
        assert error.exit_code in (1, 2, 3, 4)
        assert "\n" not in (error.__doc__ or "\n")


def _subclasses(error: type[HarnessError]) -> list[type[HarnessError]]:
    return [found for own in error.__subclasses__() for found in (own, *_subclasses(own))]
