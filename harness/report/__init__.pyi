from .artifacts import Artifacts, last_entries
from .json import write_json
from .terminal import TerminalReport

__all__ = ["Artifacts", "TerminalReport", "last_entries", "write_json"]
