"""The wheel holds everything that an installed copy needs, and its metadata says what a package index shows."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "fake_pbi")
COMPILED = "__pycache__"

USE_THE_PACKAGES = """
import importlib, json, sys
from harness.base import resources
from harness.clock import scripts

lazy = {}
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    lazy[name] = [public for public in package.__all__ if getattr(package, public) is None]
print(json.dumps({
    "file": resources.__file__,
    "lazy": lazy,
    "manifest": str(resources.npm_manifest()),
    "pages": [page.name for folder in resources.fixture_folders() for page in folder.glob("*.html")],
    "script": len(scripts.page_script(slept_ms=0)),
}))
"""
"""A program that resolves every lazily exported name of the packages in its arguments, and prints where it found the rest."""


def built_from(name: str) -> list[str]:
    """Return the files of a package in the checkout, as the wheel names them."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / name).rglob("*")
        if path.is_file() and COMPILED not in path.parts and "_carried" not in path.parts
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of this checkout, built without network by the build backend that is installed here."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def contents(wheel: Path) -> list[str]:
    """Return the names of all files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path, contents: list[str]) -> Message:
    """Return the wheel's METADATA file."""
    (name,) = [name for name in contents if name.endswith(".dist-info/METADATA")]
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_file_of_the_package(contents: list[str], package: str) -> None:
    files = built_from(package)

    assert {Path(name).suffix for name in files} >= {".js", ".py", ".typed"}
    assert set(files) <= set(contents)


def test_wheel_holds_the_stub_of_every_lazily_exporting_package(contents: list[str]) -> None:
    lazy = [path for path in (ROOT / "harness").rglob("__init__.py") if "attach_stub" in path.read_text("utf-8")]

    assert lazy
    assert {path.with_suffix(".pyi").relative_to(ROOT).as_posix() for path in lazy} <= set(contents)


def test_wheel_holds_the_expected_findings_of_the_built_in_pages(contents: list[str]) -> None:
    assert "harness/contract/expected_findings.toml" in contents


def test_wheel_carries_the_docs_the_schema_and_the_changelog(contents: list[str]) -> None:
    docs = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*") if path.is_file()]

    assert {"docs/glossary.md", "docs/verdicts.schema.json"} <= set(docs)
    assert {f"harness/_carried/{name}" for name in (*docs, "CHANGELOG.md")} <= set(contents)


def test_wheel_holds_no_tests_and_no_broken_pages(contents: list[str]) -> None:
    folders = {name.partition("/")[0] for name in contents}

    assert {folder for folder in folders if not folder.endswith(".dist-info")} == set(PACKAGES)
    assert not [name for name in contents if "fixtures/broken" in name]


def test_wheel_includes_the_host_pages_and_the_npm_manifest() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = {Path(source): Path(target) for source, target in wheel["force-include"].items()}
    needed = ["CHANGELOG.md", "docs", "fixtures/hosts", "package.json", "package-lock.json"]
    assert carried == {Path(name): Path("harness/_carried") / name for name in needed}
    assert [name for name in carried if not (ROOT / name).exists()] == []


def test_metadata_names_the_license_and_includes_its_text(wheel: Path, contents: list[str], metadata: Message) -> None:
    assert (metadata["License-Expression"], metadata.get_all("License-File")) == ("MIT", ["LICENSE"])
    (name,) = [name for name in contents if name.endswith(".dist-info/licenses/LICENSE")]
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(name).decode() == (ROOT / "LICENSE").read_text("utf-8")


def test_metadata_describes_the_project_to_a_package_index(metadata: Message) -> None:
    classifiers = metadata.get_all("Classifier") or []

    assert {"Framework :: Pytest", "Typing :: Typed", "Operating System :: MacOS"} <= set(classifiers)
    assert metadata["Keywords"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text("utf-8").strip()


def test_unpacked_wheel_resolves_its_lazy_names_and_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    stubs = (tmp_path / "harness").rglob("__init__.pyi")
    lazy = sorted(".".join(stub.relative_to(tmp_path).parent.parts) for stub in stubs)

    ended = subprocess.run(
        [sys.executable, "-c", USE_THE_PACKAGES, *lazy],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert "harness" in lazy
    assert Path(found["file"]).is_relative_to(tmp_path)
    assert found["lazy"] == {name: [] for name in lazy}
    assert Path(found["manifest"]) == tmp_path / "harness" / "_carried"
    assert "article_manual.html" in found["pages"]
    assert found["script"] > 0
