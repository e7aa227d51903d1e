"""The public names of the package `harness`."""

import subprocess
import sys

import pytest

import harness

NAMES = [
    "Adapter",
    "Clock",
    "Conditions",
    "HarnessError",
    "HarnessSession",
    "Host",
    "Item",
    "PageUnderTest",
    "RefreshContract",
    "SetupError",
    "Stage",
    "Tab",
    "UsageError",
]


def test_public_names_are_exactly_these() -> None:
    assert harness.__all__ == NAMES
    assert dir(harness) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_public_name_can_be_imported_and_has_a_docstring(name: str) -> None:
    docstring = vars(getattr(harness, name))["__doc__"]
    assert docstring
    assert not docstring.startswith(f"{name}("), "a dataclass without a docstring gets its signature as one"


def test_importing_and_listing_the_package_imports_no_heavy_package() -> None:
    code = "import harness, sys; dir(harness); print({'aiohttp', 'playwright', 'pytest'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")
