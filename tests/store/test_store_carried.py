"""Model files on a stick: exported by one machine, fetched by another that asks no network."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli import main
from huiyin.configs.store.errors import DiskFullError, StoreError
from huiyin.configs.store.model_store import ModelStore
from tests.support.local_hub import Bench, open_bench

BODIES = {"ears/model.bin": random.Random(1).randbytes(3_000_000), "ears/words.txt": b"one two", "voice.bin": b"v" * 99}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A store that has all of `BODIES`."""
    with open_bench(tmp_path) as opened:
        for name, body in BODIES.items():
            opened.on_hubs(name, body, profile="small" if name.startswith("ears/") else "voices")
            opened.store().ensure(name)
        opened.hub.requests.clear()
        yield opened


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "stick"


def other(bench: Bench) -> ModelStore:
    """The store of another machine, without a network."""
    return bench.store(dir=str(bench.root / "there"), offline=True)


def files_below(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and ".state" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def written(path: Path) -> tuple[int, int]:
    """Which file it is, and when it was written: not when it was read, which it may be."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_what_one_machine_has_another_gets_without_a_network(bench: Bench, stick: Path) -> None:
    bench.store().export(stick)
    there = other(bench)
    assert {path.relative_to(there.dir).as_posix() for path in there.fetch("", stick)} == set(BODIES)
    assert files_below(there.dir) == BODIES
    shutil.rmtree(stick)  # it was copied, not linked
    assert there.ensure("voice.bin").read_bytes() == BODIES["voice.bin"]
    assert not bench.hub.requests


def test_the_folder_says_what_it_holds(bench: Bench, stick: Path) -> None:
    bench.store().export(stick, "small")
    held = files_below(stick)
    assert held.keys() == {"ears/model.bin", "ears/words.txt", "SHA256SUMS", "README.txt"}
    sums = dict(reversed(line.split("  ")) for line in held["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(held[name]).hexdigest() for name in held if name.startswith("ears/")}
    assert "ears/model.bin (MIT): here" in held["README.txt"].decode()


def test_a_second_export_copies_what_is_missing_or_wrong(bench: Bench, stick: Path) -> None:
    bench.store().export(stick)
    (stick / "voice.bin").write_bytes(b"w" * 99)
    before = written(stick / "ears/model.bin")
    bench.told.lines.clear()
    bench.store().export(stick)
    assert written(stick / "ears/model.bin") == before and (stick / "voice.bin").read_bytes() == BODIES["voice.bin"]
    assert len(bench.told.lines) == 2  # the beginning and the end of one copy


def test_a_file_that_was_damaged_here_is_not_passed_on(bench: Bench, stick: Path) -> None:
    (bench.dir / "ears/words.txt").write_bytes(b"one_two")
    with pytest.raises(StoreError, match=r"words\.txt is not the file that the catalog means"):
        bench.store().export(stick)
    assert files_below(stick).keys() == {"ears/model.bin"}  # whole; no sums, as it is not complete


def test_what_is_not_here_is_named_with_the_way_to_get_it(bench: Bench, stick: Path) -> None:
    (bench.dir / "ears/words.txt").unlink()
    with pytest.raises(StoreError, match=r"ears/words\.txt; `huiyin models fetch small`"):
        bench.store().export(stick, "small")
    assert not stick.exists()
    assert len(bench.store().export(stick)) == 2  # without a name: what there is
    with pytest.raises(StoreError, match="nothing to export"):
        other(bench).export(stick)


def test_a_full_stick_is_found_out_before_anything_is_copied(
    bench: Bench, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huiyin.configs.store.carried.free_bytes", lambda folder: 1_000_000)
    with pytest.raises(DiskFullError, match="name a folder on another disk"):
        bench.store().export(stick)
    assert files_below(stick) == {}


def test_a_wrong_or_missing_file_is_named_and_the_rest_is_in_place(bench: Bench, stick: Path) -> None:
    bench.store().export(stick)
    (stick / "ears/words.txt").write_bytes(b"two one")
    (stick / "voice.bin").unlink()
    there = other(bench)
    with pytest.raises(StoreError) as refused:
        there.fetch("small", stick)
    assert "words.txt is not the file" in str(refused.value) and "models export" in str(refused.value)
    with pytest.raises(StoreError, match=r"voice\.bin is not there"):
        there.fetch("voices", stick)
    assert files_below(there.dir).keys() == {"ears/model.bin"}


@pytest.mark.parametrize(("made", "said"), [(False, "there is no folder"), (True, "holds no model file")])
def test_a_folder_of_something_else_is_refused(bench: Bench, stick: Path, made: bool, said: str) -> None:
    if made:
        stick.mkdir()
    with pytest.raises(StoreError, match=said):
        other(bench).fetch("", stick)


def test_the_commands(
    bench: Bench, stick: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIYIN_STORE_CATALOG", str(bench.catalog))
    monkeypatch.setenv("HUIYIN_STORE_DIR", str(bench.dir))
    assert main.main(["models", "export", str(stick), "small"]) == 0
    assert "2 files, 3.0 MB, checked" in capsys.readouterr().out
    monkeypatch.setenv("HUIYIN_STORE_DIR", str(bench.root / "there"))
    assert main.main(["models", "fetch", "--from", str(stick)]) == 0
    assert files_below(bench.root / "there").keys() == {"ears/model.bin", "ears/words.txt"}
    assert main.main(["models", "fetch", "voices", "--from", str(stick)]) == 1
    assert capsys.readouterr().err.count("voice.bin is not there") == 1


def test_makers_own_releases_come_before_the_registries(bench: Bench) -> None:
    body = b"a release"
    digest = hashlib.sha256(b"never asked for").hexdigest()
    bench.describe(
        "r.bin", body, github='"me/repo/releases/download/v1/r.bin"', wheels=f'[["w", "1", "{digest}", "m"]]'
    )
    bench.serve_github("me/repo/releases/download/v1/r.bin", body)
    assert bench.store().ensure("r.bin").read_bytes() == body
    assert bench.told.lines[-2:] == ["r.bin from github", "done"]
