from .artifacts import Artifacts, last_entries
from .json import write_report
from .terminal import TerminalReport

__all__ = ["Artifacts", "TerminalReport", "last_entries", "write_report"]
