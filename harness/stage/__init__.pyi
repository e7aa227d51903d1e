from .driver import Driver
from .host import Host
from .item import Item
from .session import HarnessSession
from .stage import Conditions, Stage
from .tab import Tab

__all__ = ["Conditions", "Driver", "HarnessSession", "Host", "Item", "Stage", "Tab"]
