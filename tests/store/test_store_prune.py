"""Deleting model files: what was asked for, what was begun and made of it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli import main
from tests.support.local_hub import Bench, open_bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A store of three files, what was made of two, a download that was begun, the choice, and a file of the user's."""
    with open_bench(tmp_path) as opened:
        monkeypatch.setenv("HUIYIN_STORE_CATALOG", str(opened.catalog))
        monkeypatch.setenv("HUIYIN_STORE_DIR", str(opened.dir))
        for name in ("ears/model.bin", "ears/words.txt", "voice.bin"):
            opened.on_hubs(name, name.encode() * 100, profile="small")
            opened.store().ensure(name)
        opened.on_hubs("later.bin", b"later", profile="more")
        for name in ("ears/onnx/int8-1/model.onnx", ".state/later.bin.part", ".state/choice.json", "mine.gguf"):
            (opened.dir / name).parent.mkdir(parents=True, exist_ok=True)
            (opened.dir / name).write_bytes(b"x")
        yield opened


@pytest.fixture
def there(bench: Bench) -> Callable[[], set[str]]:
    """The files of the store now; without locks, which are empty."""

    def look() -> set[str]:
        files = (path for path in bench.dir.rglob("*") if path.is_file() and path.suffix != ".lock")
        return {path.relative_to(bench.dir).as_posix() for path in files}

    return look


def test_all_weights_are_deleted_and_the_choice_and_other_files_stay(
    there: Callable[[], set[str]], bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["models", "prune"]) == 2 and "models prune --yes" in capsys.readouterr().err
    assert "ears/model.bin" in there()
    assert main.main(["models", "prune", "--yes"]) == 0
    assert "deleted 4 files" in capsys.readouterr().out
    assert there() == {".state/choice.json", "mine.gguf"} and not (bench.dir / "ears").exists()
    assert main.main(["models", "prune", "--yes"]) == 0 and "nothing" in capsys.readouterr().out


def test_a_file_or_a_folder_is_deleted_and_can_be_fetched_again(there: Callable[[], set[str]], bench: Bench) -> None:
    before = there()
    assert main.main(["models", "prune", "ears/words.txt", "--yes"]) == 0
    assert before - there() == {"ears/words.txt", ".state/ears--words.txt.ok"}, (
        "the quick form's weights are still here"
    )
    assert main.main(["models", "prune", "ears", "--yes"]) == 0
    assert {name for name in there() if "ears" in name} == set() and "voice.bin" in there()
    assert bench.store().ensure("ears/words.txt").is_file()
    assert main.main(["models", "prune", "eers", "--yes"]) == 2
