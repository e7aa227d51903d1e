"""Test how a web app renews the access tokens of its embedded Power BI, in a real browser on a virtual clock.

The public names are listed in `__init__.pyi`, and each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
