"""The scenarios: kinds of visits to a page that the rules observe, with one module for each group.

Every module in this folder is imported, so a new one needs no entry anywhere.
"""

from importlib import import_module
from pkgutil import iter_modules

from harness.contract.scenario import SCENARIOS

for _module in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")

__all__ = ["SCENARIOS"]
