from .base.errors import HarnessError, SetupError, UsageError
from .clock.clock import Clock
from .contract.adapter import Adapter
from .contract.page import PageUnderTest
from .contract.suite import RefreshContract
from .stage.host import Host
from .stage.item import Item
from .stage.session import HarnessSession
from .stage.stage import Conditions, Stage
from .stage.tab import Tab

__all__ = [
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
