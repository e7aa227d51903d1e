from .clock import Clock
from .service_clock import ServiceClock

__all__ = ["Clock", "ServiceClock"]
