"""Licences of all that Huiyin needs: known, allowed, and seen inside wheels, too."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli import main
from huiyin.configs.packages import licences, parts
from huiyin.configs.packages.parts import Part
from huiyin.configs.packages.sbom import bill_of_materials
from huiyin.configs.store.catalog import load_catalog
from tests.support import ROOT

RUST = {"name": "ring", "version": "0.17", "licenses": [{"expression": "Apache-2.0 AND ISC"}]}
UNUSED = {"name": "libimagequant", "scope": "optional", "licenses": [{"license": {"id": "GPL-3.0-or-later"}}]}


@cache
def here() -> list[Part]:
    """Everything in this environment."""
    return parts.all_parts(load_catalog())


def test_every_licence_of_this_environment_is_known_and_allowed() -> None:
    assert licences.not_allowed(here()) == []


def test_every_exception_is_explained_to_those_who_pass_it_on() -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    assert [key for key in parts.table()["exceptions"] if f"`{key}`" not in page] == []
    assert parts.table()["exceptions"].keys() == parts.table()["exceptions_zh"].keys()


@pytest.mark.skipif(
    not (find_spec("torch") and find_spec("aiortc")), reason="extras are missing here, and with them what they say"
)
def test_every_pinned_package_has_a_licence() -> None:
    """Also those of other platforms and Pythons, which are not installed here."""
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    packages = {part.name for part in here() if part.kind == "package"}
    ours = {name for name in pins if name in packages or parts.row("packages", name)}
    others = {name for name in set(pins) - ours if _installed_licence(name)}
    assert set(pins) - ours - others == set()


def _installed_licence(name: str) -> str:
    try:
        return parts._package(metadata.distribution(name), "").licence
    except metadata.PackageNotFoundError:
        return ""


def test_what_the_set_up_asks_of_the_system_has_a_licence() -> None:
    (line,) = re.findall(r'^packages="(.*?) \$', (ROOT / "setup.sh").read_text(), re.MULTILINE)
    assert set(line.split()) == set(parts.table()["system"])


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("", False),
        ("GPL-3.0-or-later", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("GPL-2.0-only OR MIT", True),
        ("GPL-2.0-only AND MIT", False),
        ("MIT OR GPL-2.0-only AND GPL-3.0-only", True),
        ("(MIT OR GPL-2.0-only) AND ISC", True),
        ("(MIT AND GPL-2.0-only) OR AGPL-3.0-only", False),
        ("MIT AND", False),
        ("(MIT", False),
    ],
)
def test_an_expression_is_held_against_the_list(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression, set(parts.table()["allowed"])) is allowed


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("av.libs/libx264-d6533a8d.so.165", "x264"),
        ("av.libs/libxcb-shape-7716c890.so.0.0.0", "xcb-shape"),
        ("numpy.libs/libgfortran-040039e1-0352e75f.so.5.0.0", "gfortran"),
        ("av/.dylibs/libavcodec.62.28.102.dylib", "avcodec"),
        ("av.libs/avcodec-62-1a2b3c4d.dll", "avcodec-62"),
        ("torch/lib/libgomp.so.1", "gomp"),
        ("torch/lib/libtorch_cpu.so", ""),
        ("numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so", ""),
        ("yaml/__init__.py", ""),
    ],
)
def test_a_library_is_known_by_its_file(file: str, name: str) -> None:
    assert parts._carried(parts.PurePosixPath(file)) == name


@pytest.fixture
def wheel(tmp_path: Path) -> metadata.Distribution:
    """A package that carries x264 as a file, a crate that its bill of materials names, and one that is not there."""
    about = tmp_path / "films-1.0.dist-info"
    files = {
        "METADATA": "Metadata-Version: 2.4\nName: Films\nVersion: 1.0\nLicense: The MIT License\n",
        "RECORD": "films-1.0.dist-info/sboms/rust.json,,\nfilms.libs/libx264-d6533a8d.so.165,,\n",
        "sboms/rust.json": json.dumps({"components": [RUST, UNUSED]}),
    }
    for name, text in files.items():
        (about / name).parent.mkdir(parents=True, exist_ok=True)
        (about / name).write_text(text)
    return metadata.PathDistribution(about)


def parts_of(wheel: metadata.Distribution) -> list[Part]:
    package = parts._package(wheel, "")
    return [package, *parts._inside(wheel, package)]


def test_what_a_wheel_carries_is_found(wheel: metadata.Distribution) -> None:
    found = {part.key: part.licence for part in parts_of(wheel)}
    assert found == {"films": "MIT", "films/ring": "Apache-2.0 AND ISC", "films/x264": "GPL-2.0-or-later"}


def test_what_is_not_on_the_list_is_refused_by_name(
    wheel: metadata.Distribution, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = Part("library", "mystery", "", "", within="films")
    monkeypatch.setattr("huiyin.assistant.faces.cli.licences.all_parts", lambda catalog: [*parts_of(wheel), strange])
    assert main.main(["licences"]) == 1
    told = capsys.readouterr()
    assert "films/x264 : GPL-2.0-or-later; films/mystery : UNKNOWN" in told.err


def test_the_bill_of_materials_holds_everything_that_is_used() -> None:
    bill = bill_of_materials(here())
    outer = {component["name"]: component for component in bill["components"]}
    used = [part for part in here() if part.extra != parts.DEVELOPERS]
    assert sum(1 + len(one.get("components", ())) for one in outer.values()) + 1 == len(used)
    assert bill["metadata"]["component"]["name"] == "huiyin" and "pytest" not in outer
    references = [bill["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in _all(bill["components"]))]
    assert len(references) == len(set(references))
    assert outer["silero_vad_16k.onnx"]["hashes"][0]["content"].startswith("7776b81ad1b0350c")


@pytest.mark.slow
def test_the_same_parts_make_the_same_bill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bills = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in bills:
        assert main.main(["licences", "--sbom", str(path)]) == 0
    assert bills[0].read_bytes() == bills[1].read_bytes()
    count = 1 + len(_all(json.loads(bills[0].read_bytes())["components"]))  # and Huiyin itself
    assert f"{count} parts" in capsys.readouterr().out


def _all(components: list[dict]) -> list[dict]:  # type: ignore[type-arg]
    return [one for component in components for one in (component, *component.get("components", ()))]
