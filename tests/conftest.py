from collections.abc import Iterator

import pytest
from site_of_pages import Site, site


@pytest.fixture(scope="session")
def pages() -> Iterator[Site]:
    """A web site of plain pages. Session scope."""
    with site() as served:
        yield served
