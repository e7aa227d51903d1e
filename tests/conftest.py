from collections.abc import Iterator

import pytest
from inner_runs import Runs, runs_of
from site_of_pages import Site, site


@pytest.fixture(scope="session")
def pages() -> Iterator[Site]:
    """A web site of plain pages. Session scope."""
    with site() as served:
        yield served


@pytest.fixture
def runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Runs]:
    """Runs of pytest inside a test. Function scope."""
    with runs_of(pytester, monkeypatch, request.config.option.pbi_browser) as started:
        yield started
