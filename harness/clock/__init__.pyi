from .clock import Clock
from .conditions import Conditions
from .service_clock import ServiceClock
from .virtual_browser import VirtualBrowser
from .virtual_page import VirtualPage

__all__ = ["Clock", "Conditions", "ServiceClock", "VirtualBrowser", "VirtualPage"]
