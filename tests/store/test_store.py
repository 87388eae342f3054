"""The model store against a web server of its own: what arrives is whole and right, or is not there at all."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from huiyin.configs.store import download
from huiyin.configs.store import model_store as store_module
from huiyin.configs.store.catalog import load_catalog
from huiyin.configs.store.errors import CatalogError, DiskFullError, StoreError, UnknownNameError
from tests.support.limits import PATIENCE_S, until
from tests.support.local_hub import Bench, open_bench

BODY = random.Random(1).randbytes(1_000_000)
OTHER = random.Random(2).randbytes(1_000_000)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PAUSE_S", 0.01)


def test_a_file_is_downloaded_once_and_hashed_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.on_hubs("a/one.bin", BODY)
    bench.on_hubs("a/two.bin", OTHER)
    assert bench.store().ensure("a") == bench.dir / "a"
    assert (bench.dir / "a/one.bin").read_bytes() == BODY and (bench.dir / "a/two.bin").read_bytes() == OTHER
    assert len(bench.hub.requests) == 2 and not bench.unfinished()

    def never(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(store_module, "sha256_of", never)
    assert bench.store().ensure("a/one.bin").read_bytes() == BODY
    assert bench.store().ensure("a/") == bench.dir / "a"
    assert len(bench.hub.requests) == 2


def test_a_source_with_other_content_is_passed_over(bench: Bench) -> None:
    first, _ = bench.on_hubs("m.bin", BODY)
    first.body = OTHER
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    assert any("sent other content" in line for line in bench.told.lines)


def test_a_page_that_is_no_model_is_not_downloaded(bench: Bench) -> None:
    first, second = bench.on_hubs("m.bin", BODY)
    first.body = b"<html>please log in</html>"
    second.body, second.told_length = BODY * 3, False  # never says how long it is
    with pytest.raises(StoreError, match=r"offers 26 bytes where the catalog says 1000000"):
        bench.store().ensure("m.bin")
    assert not bench.files()


def test_wrong_content_everywhere_is_an_error_that_says_all(bench: Bench) -> None:
    for page in bench.on_hubs("m.bin", BODY):
        page.body = OTHER
    with pytest.raises(StoreError) as caught:
        bench.store().ensure("m.bin")
    text = str(caught.value)
    for part in ("m.bin (1.0 MB)", "modelscope: 127.0.0.1", "huggingface: 127.0.0.1", "sent other content"):
        assert part in text
    assert "`huiyin models fetch small`" in text and str(bench.dir) in text
    assert not bench.files() and not bench.unfinished()


def test_a_cut_connection_is_taken_up_where_it_broke(bench: Bench) -> None:
    page, _ = bench.on_hubs("m.bin", BODY)
    page.cuts = [400_000, 300_000]
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    asked = bench.hub.requests
    assert [bool(r.range) for r in asked] == [False, True, True] and len({r.path for r in asked}) == 1
    assert sum(r.sent for r in asked) <= len(BODY) + 2 * download._CHUNK_BYTES


def test_a_source_that_breaks_off_for_good_is_continued_from_the_next_one(bench: Bench) -> None:
    first, _ = bench.on_hubs("m.bin", BODY)
    first.cuts = [500_000, 0, 0, 0, 0, 0]
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    (second,) = bench.hub.asked("/hf/")
    assert second.range and second.sent <= 500_000 + download._CHUNK_BYTES


def test_a_server_that_knows_no_ranges_sends_everything_again(bench: Bench) -> None:
    page, _ = bench.on_hubs("m.bin", BODY)
    page.ranges, page.cuts = False, [400_000]
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    assert [r.sent for r in bench.hub.requests] == [400_000, len(BODY)]


def test_a_server_that_is_busy_is_asked_again_and_then_left(bench: Bench) -> None:
    first, _ = bench.on_hubs("m.bin", BODY)
    first.status = 503
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    assert len(bench.hub.asked("/ms/")) == download._IDLE_RETRIES


@pytest.mark.parametrize("beginning", [OTHER[:200_000], OTHER, OTHER + OTHER], ids=["short", "whole", "too long"])
def test_a_wrong_beginning_is_thrown_away_once(bench: Bench, beginning: bytes) -> None:
    bench.on_hubs("m.bin", BODY)
    store = bench.store()
    (bench.dir / ".state").mkdir(parents=True)
    (bench.dir / ".state/m.bin.part").write_bytes(beginning)
    assert store.ensure("m.bin").read_bytes() == BODY
    assert not bench.hub.asked("/hf/") and not bench.unfinished()


@pytest.mark.slow
def test_a_silent_server_does_not_hold_up_the_next_source(bench: Bench) -> None:
    page, _ = bench.on_hubs("m.bin", BODY)
    page.gate = threading.Event()
    page.cuts = [500_000]
    assert bench.store(read_timeout_s=2.0).ensure("m.bin").read_bytes() == BODY
    assert not page.gate.is_set(), "it is silent still"


def test_no_network_fails_at_once_and_names_everything(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/one.bin", "a/two.bin", "a/three.bin"):
        bench.on_hubs(name, BODY)
    bench.hub.close()
    calls = []
    get = requests.Session.get
    monkeypatch.setattr(requests.Session, "get", lambda self, url, **kw: calls.append(url) or get(self, url, **kw))
    with pytest.raises(StoreError) as caught:
        bench.store().ensure("a")
    text = str(caught.value)
    for name in ("a/one.bin", "a/two.bin", "a/three.bin"):
        assert f"could not get {name}" in text
    assert text.count("modelscope: 127.0.0.1") == 3 and "connection refused" in text and "huiyin models fetch" in text
    assert len(calls) == 1, "a host that cannot be reached is asked once"
    assert not bench.files()


def test_offline_never_touches_the_network(bench: Bench) -> None:
    bench.on_hubs("m.bin", BODY)
    with pytest.raises(StoreError, match=r"m\.bin is not there, and store\.offline"):
        bench.store(offline=True).ensure("m.bin")
    bench.dir.mkdir(exist_ok=True)
    (bench.dir / "m.bin").write_bytes(OTHER)
    with pytest.raises(StoreError, match=r"m\.bin is damaged"):
        bench.store(offline=True).ensure("m.bin")
    (bench.dir / "m.bin").write_bytes(BODY)  # copied by hand
    assert bench.store(offline=True).ensure("m.bin").read_bytes() == BODY
    assert not bench.hub.requests


def test_a_file_damaged_on_disk_is_found_and_fetched_again(bench: Bench) -> None:
    bench.on_hubs("m.bin", BODY)
    path = bench.store().ensure("m.bin")
    stat = path.stat()
    with path.open("r+b") as file:
        file.seek(500)
        file.write(b"?" if BODY[500:501] != b"?" else b"!")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # even with the old date
    assert [s.state for s in bench.store().look()] == ["unchecked"]
    assert [s.state for s in bench.store().verify("m.bin")] == ["damaged"]
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    path.write_bytes(BODY[:100])
    assert [s.state for s in bench.store().look()] == ["damaged"]
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    assert [s.state for s in bench.store().verify()] == ["here"]
    assert len(bench.hub.requests) == 3 and sum("is damaged" in line for line in bench.told.lines) == 2


RUN = """
import sys
from pathlib import Path
from huiyin.configs.settings import StoreSettings
from huiyin.configs.store.model_store import ModelStore

from tests.support.limits import PATIENCE_S, until
catalog, dir, url = sys.argv[1:]
settings = StoreSettings(dir=dir, modelscope_url=url + "/ms", huggingface_url=url + "/hf")
print(ModelStore(settings, catalog=Path(catalog)).ensure("m.bin"))
"""


def start(bench: Bench) -> subprocess.Popen[str]:
    """Another process that wants the same file."""
    command = [sys.executable, "-c", RUN, str(bench.catalog), str(bench.dir), bench.hub.url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_part(bench: Bench, size: int) -> None:
    until(lambda: download.size_of(bench.dir / ".state/m.bin.part") >= size, "the download did not begin")


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.slow
def test_a_killed_download_leaves_no_final_file_and_the_next_run_goes_on(bench: Bench) -> None:
    page, _ = bench.on_hubs("m.bin", BODY)
    page.gate = threading.Event()
    with start(bench) as process:
        wait_for_part(bench, 400_000)
        process.send_signal(signal.SIGKILL)
    assert not bench.files()
    page.gate.set()
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    first, second = bench.hub.requests
    assert not first.range and int(second.range[6:-1]) >= 400_000


@pytest.mark.slow
def test_two_processes_download_once(bench: Bench) -> None:
    page, _ = bench.on_hubs("m.bin", BODY)
    page.gate = threading.Event()
    with start(bench) as one:
        wait_for_part(bench, 1)
        with start(bench) as two:
            assert two.stderr is not None
            line = two.stderr.readline()
            page.gate.set()
            outputs = [p.communicate(timeout=PATIENCE_S)[0].strip() for p in (one, two)]
    assert "another process is getting m.bin" in line
    assert outputs == [str(bench.dir / "m.bin")] * 2 and one.returncode == two.returncode == 0
    assert len(bench.hub.requests) == 1 and (bench.dir / "m.bin").read_bytes() == BODY


def test_an_interrupted_download_frees_its_lock_and_keeps_its_beginning(bench: Bench) -> None:
    bench.on_hubs("m.bin", BODY)
    store = bench.store()

    def stop(position: int) -> None:
        if position >= 300_000:
            raise KeyboardInterrupt

    bench.told.at = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        store.ensure("m.bin")
    assert not bench.files() and bench.told.lines[-1] == "stopped"
    bench.told.at = lambda position: None  # type: ignore[method-assign]
    assert bench.store().ensure("m.bin").read_bytes() == BODY
    assert bench.hub.requests[1].range


def test_too_small_a_disk_is_told_before_anything_is_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.on_hubs("m.bin", BODY)

    class Usage:
        free = 1_000_000

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(DiskFullError, match=r"not enough disk for m\.bin: .* 1\.0 MB free.*HUIYIN_STORE_DIR"):
        bench.store().ensure("m.bin")
    assert not bench.hub.requests and not bench.files()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_stops_everything_and_leaves_no_final_file(bench: Bench) -> None:
    bench.on_hubs("a/one.bin", BODY)
    bench.on_hubs("a/two.bin", BODY)
    part = bench.dir / ".state/a--one.bin.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match=r"the disk is full: a/one\.bin"):
        bench.store().ensure("a")
    assert len(bench.hub.requests) == 1 and not bench.files()
    part.unlink()
    bench.store().ensure("a")
    assert bench.files() == {"a/one.bin", "a/two.bin"}


def test_a_folder_that_cannot_be_written_is_named(bench: Bench) -> None:
    bench.on_hubs("m.bin", BODY)
    bench.dir.write_text("a file where the folder should be")
    with pytest.raises(StoreError, match=r"cannot (read|write) .*store.*"):
        bench.store().ensure("m.bin")


def test_names_outside_the_catalog(bench: Bench) -> None:
    bench.on_hubs("whisper-base/model.bin", BODY)
    with pytest.raises(UnknownNameError, match="did you mean 'whisper-base'"):
        bench.store().ensure("whisper-bse")
    with pytest.raises(UnknownNameError, match="did you mean 'small'"):
        bench.store().fetch("smal")
    assert bench.store().ensure(str(bench.root)) == bench.root, "a path of the user's own is left alone"
    with pytest.raises(StoreError, match="did you mean 'modelscope'"):
        bench.store(sources=("modelscop",))


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../x", "a\\\\x", "C:/x", ".state/x", "a//x", "a/", ""])
def test_unsafe_names_are_refused(bench: Bench, name: str) -> None:
    bench.describe(name, BODY)
    with pytest.raises(CatalogError, match="unsafe"):
        load_catalog(bench.catalog)


def test_the_projects_own_catalog_can_be_used_without_a_hub() -> None:
    catalog = load_catalog()
    on_hubs_only = {"funasr", "funasr-paraformer", "chat"}
    assert set(catalog.profiles) == {"embedded", "common", "embedded-small", "voices", "speakers"} | on_hubs_only
    assert all(file.archives for file in catalog.files if not on_hubs_only & set(file.profiles))
    assert all(file.archives or file.modelscope or file.huggingface for file in catalog.files)
    assert {f.name for f in catalog.under("whisper-base")} <= {f.name for f in catalog.profile("embedded")}
    assert len({f.name.lower() for f in catalog.files}) == len(catalog.files), "some disks know no upper case"
