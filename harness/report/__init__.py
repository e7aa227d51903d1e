"""The results of a run: verdicts in the terminal and as JSON, and the files of a failed test.

The public names are listed in `__init__.pyi`, and each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
