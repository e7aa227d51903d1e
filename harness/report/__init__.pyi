from .artifacts import Artifacts, last_entries
from .explanations import print_explanations, print_rules
from .json import write_report
from .terminal import TerminalReport

__all__ = ["Artifacts", "TerminalReport", "last_entries", "print_explanations", "print_rules", "write_report"]
