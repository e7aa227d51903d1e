"""The places of the project's own files in a checkout. tests/commands/test_install.py has those of an installed wheel."""

from pathlib import Path

from harness.base import resources

ROOT = Path(__file__).resolve().parents[2]


def test_checkout_keeps_its_files_at_its_top_level() -> None:
    assert resources.npm_manifest() == ROOT
    assert resources.node_modules() == ROOT / "node_modules"
    assert resources.fixture_folders() == [ROOT / "fixtures" / "hosts", ROOT / "fixtures" / "broken"]
