"""The choice with a hub of the tests' own: what is told, fetched, proven, recorded, and taken at the next start."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from huiyin.assistant.clients import model_choice as module
from huiyin.configs.choice.record import recorded_values
from huiyin.configs.store import download
from huiyin.configs.store import model_store as store_module
from tests.choice.desk import BODIES, FAST, LADDERS, SLOW, Desk
from tests.support.local_hub import open_bench


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(download, "_PAUSE_S", 0.01)
    for name in ("HF_HOME", "HF_HUB_CACHE", "MODELSCOPE_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    with open_bench(tmp_path) as bench:
        yield Desk(bench, monkeypatch)


def test_the_first_run_with_a_hub_chooses_fetches_proves_and_records(desk: Desk) -> None:
    for pages in desk.pages.values():
        pages[1].status = 404
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert desk.told[1:3] == [
        "Ears: hears emotion; 0.0 GB from ModelScope, under a minute",
        "Chat: chats; 0.0 GB from ModelScope, under a minute",
    ]
    assert desk.tried == ["ears", "chat"]
    assert recorded_values(desk.bench.dir, set()) == [
        ("asr", "engine", "sensevoice"), ("asr", "model", "ears"),
        ("llm", "upstreams", ["embedded"]), ("llm", "model", "chat.gguf"),
    ]  # fmt: skip
    assert recorded_values(desk.bench.dir, {"asr.engine"}) == [
        ("llm", "upstreams", ["embedded"]), ("llm", "model", "chat.gguf"),
    ], "a setting of one's own takes the part out of the choice"  # fmt: skip

    desk.bench.hub.requests.clear()
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert not desk.told and not desk.bench.hub.requests and desk.tried == ["ears", "chat"], "nothing is done again"


def test_without_a_hub_nothing_changes_and_nothing_is_fetched(desk: Desk) -> None:
    desk.bench.hub.close()
    assert desk.start() == {"asr": "words", "llm": "coder"}
    assert desk.told == ["Words: words alone; on this machine", "Coder: codes; on this machine"]
    assert not desk.tried and not desk.beside


@pytest.mark.parametrize("silent", [0, 1], ids=["modelscope", "huggingface"])
def test_one_hub_is_enough(desk: Desk, silent: int) -> None:
    for pages in desk.pages.values():
        pages[silent].status = 404
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert desk.record.sources[-1] != ("modelscope", "huggingface")[silent]


def test_a_login_page_is_not_a_hub(desk: Desk) -> None:
    for pages in desk.pages.values():
        for page in pages:
            page.body, page.kind = b"<html>Please log in</html>", "text/html"
    assert desk.start() == {"asr": "words", "llm": "coder"}
    assert not desk.bench.unfinished()


def test_a_hub_that_does_not_answer_in_time_is_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from huiyin.configs.choice import hubs

    monkeypatch.setattr(hubs.ask_hubs, "__defaults__", (0.3,))
    for pages in desk.pages.values():
        for page in pages:
            page.gate = threading.Event()
    assert desk.start() == {"asr": "words", "llm": "coder"}


def test_the_quicker_hub_is_asked_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huiyin.configs.choice.hubs._rate", lambda session, url, *_: 5e6 if "/hf/" in url else 1e6)
    desk.start()
    assert "0.0 GB from Hugging Face" in desk.told[1] and desk.record.sources[0] == "huggingface"
    assert [request.path[:4] for request in desk.bench.hub.asked("ears/model.bin")] == ["/hf/"]


def test_wrong_bytes_leave_the_rung_below_and_the_next_start_goes_on(desk: Desk) -> None:
    right = [page.body for page in desk.pages["ears/model.bin"]]
    for page in desk.pages["ears/model.bin"]:
        page.body = BODIES["ears/model.bin"][:-1] + b"?"
    assert desk.start() == {"asr": "words", "llm": "chat"}
    assert any(line.startswith("Ears is not here yet, it goes on at the next start") for line in desk.told)
    assert desk.beside == [["ears"]]
    for page, body in zip(desk.pages["ears/model.bin"], right, strict=True):
        page.body = body
    desk.fetched()
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert desk.told == ["trying Ears …", "Ears is here now and is used from now on: hears emotion"]


def test_half_a_file_is_taken_up_where_it_broke(desk: Desk) -> None:
    first, second = desk.pages["ears/model.bin"]
    first.cuts, second.cuts = [150_000, 0, 0, 0], [0, 0, 0]
    assert desk.start()["asr"] == "words"
    desk.bench.hub.requests.clear()
    desk.fetched()
    (again,) = desk.bench.hub.asked("ears/model.bin")
    assert again.range and desk.start()["asr"] == "ears"


def test_a_long_fetch_goes_on_beside_the_conversation(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAIT_S", -1.0)
    monkeypatch.setattr("huiyin.configs.choice.hubs._rate", lambda *_: 1.0)
    assert desk.start() == {"asr": "words", "llm": "coder"}
    assert desk.beside == [["ears", "chat.gguf"]]
    assert "fetched while you talk; Words until the next start after that" in desk.told[1]
    assert desk.start() == {"asr": "words", "llm": "coder"}, "not done yet: it goes on"
    assert desk.beside == [["ears", "chat.gguf"]] * 2
    desk.fetched()
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert desk.start() == {"asr": "ears", "llm": "chat"} and not desk.told


def test_two_fetches_that_are_long_together_are_not_both_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huiyin.configs.choice.hubs._rate", lambda *_: 1500.0)  # 200 s and 267 s
    assert desk.start() == {"asr": "ears", "llm": "coder"} and desk.beside == [["chat.gguf"]]
    assert desk.told[1].endswith("about 3 min")
    assert desk.told[2].endswith("fetched while you talk; Coder until the next start after that")


def test_choosing_again_measures_and_tries_again(desk: Desk) -> None:
    desk.failures["ears"], desk.speed = "it heard nothing", SLOW
    assert desk.start() == {"asr": "words", "llm": "coder"}
    desk.failures.clear()
    desk.speed = FAST
    with desk.choice() as choice:
        choice.choose_again()
    assert {part: one.used for part, one in desk.record.parts.items()} == {"asr": "ears", "llm": "chat"}


def test_a_model_that_fails_its_proof_is_told_and_not_used(desk: Desk) -> None:
    desk.failures["ears"] = "'hello' was recognised as ''"
    assert desk.start() == {"asr": "words", "llm": "chat"}
    assert any("Ears failed its proof: 'hello' was recognised as ''" in line for line in desk.told)
    assert any("--set asr.engine=sensevoice --set asr.model=ears" in line for line in desk.told)
    assert "Words: words alone; on this machine" in desk.told
    assert desk.start() == {"asr": "words", "llm": "chat"} and desk.tried.count("ears") == 1, "not tried again"


def test_a_slow_machine_keeps_the_small_model(desk: Desk) -> None:
    desk.speed = SLOW
    assert desk.start() == {"asr": "ears", "llm": "coder"}


@pytest.mark.parametrize("is_fast", [True, False])
def test_a_machine_with_nothing_is_measured_with_what_it_fetches_first(desk: Desk, is_fast: bool) -> None:
    desk.ladders.write_text(LADDERS.replace("least_tokens_s = 12", "least_tokens_s = 12\nunmeasured = true"), "utf-8")
    for name in ("words.bin", "coder.gguf"):
        (desk.bench.dir / name).unlink()
    desk.bench.catalog.write_text(
        desk.bench.catalog.read_text("utf-8").partition('[[file]]\nname = "words')[0], "utf-8"
    )
    desk.pages["coder.gguf"] = desk.bench.on_hubs("coder.gguf", BODIES["coder.gguf"])
    desk.pages["words.bin"] = desk.bench.on_hubs("words.bin", BODIES["words.bin"])
    desk.speed = FAST if is_fast else SLOW
    assert desk.start() == {"asr": "ears", "llm": "chat" if is_fast else "coder"}
    assert desk.measured == ["chat.gguf"]
    assert any(line.startswith("Chat: chats; 0.0 GB from") for line in desk.told)
    assert bool(desk.bench.hub.asked("coder.gguf")) != is_fast, "what is not used is not fetched"
    assert not desk.bench.hub.asked("words.bin")


def test_a_disk_without_room_keeps_what_is_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 500_100_000

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage)
    assert desk.start() == {"asr": "words", "llm": "coder"}
    assert desk.bench.files() == {"words.bin", "coder.gguf"} and not desk.beside


def test_a_disk_that_fills_up_leaves_a_working_assistant(desk: Desk) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs a device that is always full")
    state = desk.bench.dir / ".state"
    state.mkdir()
    (state / "ears--model.bin.part").symlink_to("/dev/full")
    assert desk.start() == {"asr": "words", "llm": "chat"}
    (state / "ears--model.bin.part").unlink()
    desk.fetched()
    assert desk.start() == {"asr": "ears", "llm": "chat"}


def test_a_metered_network_is_left_alone(desk: Desk) -> None:
    assert desk.start(metered="yes") == {"asr": "words", "llm": "coder"}


def test_with_ask_a_no_keeps_what_is_here(desk: Desk) -> None:
    assert desk.start(answer=False) == {"asr": "words", "llm": "coder"}
    assert [line.split(":")[0] for line in desk.asked[0]] == ["Ears", "Chat"]
    assert not desk.beside and not desk.tried
    with desk.choice(answer=True) as choice:
        choice.choose()
    assert {part: one.used for part, one in desk.record.parts.items()} == {"asr": "ears", "llm": "chat"}


def test_settings_of_ones_own_are_not_chosen_for(desk: Desk) -> None:
    assert desk.start(overrides=["llm.upstreams=http://127.0.0.1:11434/v1"]) == {"asr": "ears"}
    assert not desk.bench.hub.asked("chat.gguf")


def test_another_machine_is_measured_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.start()
    monkeypatch.setattr(module, "machine", lambda: "a slower one")
    desk.speed = SLOW
    assert desk.start() == {"asr": "ears", "llm": "coder"}
    assert desk.told[0].startswith("this machine is not the one")
    assert desk.start() == {"asr": "ears", "llm": "coder"} and not desk.told


def test_a_machine_that_was_busy_is_measured_again_when_it_is_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.speed = replace(SLOW, others=0.9)
    assert desk.start() == {"asr": "ears", "llm": "coder"}
    desk.speed = FAST
    monkeypatch.setattr(module, "busy_share", lambda: 0.9)
    assert desk.start() == {"asr": "ears", "llm": "coder"} and not desk.told, "busy still"
    monkeypatch.setattr(module, "busy_share", lambda: 0.1)
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert desk.told[0] == "this machine was busy when models were chosen: choosing again"
    assert desk.start() == {"asr": "ears", "llm": "chat"} and not desk.told


def test_an_interrupted_fetch_leaves_a_record_of_what_works(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store_module.ModelStore, "ensure", stop)
        with pytest.raises(KeyboardInterrupt):
            desk.start()
    assert {part: one.used for part, one in desk.record.parts.items()} == {"asr": "words", "llm": "coder"}
    desk.start()
    assert desk.beside == [["ears", "chat.gguf"]], "the next start goes on without looking again"


def test_models_of_the_hubs_own_libraries_are_linked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk.bench.hub.close()
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    blob = tmp_path / "hf/hub/models--me--repo/blobs/1234"
    snapshot = tmp_path / "hf/hub/models--me--repo/snapshots/main"
    modelscope = tmp_path / "ms/hub/models/me/repo"
    for path, name in ((blob, "chat.gguf"), (modelscope / "ears/small.json", "ears/small.json"),
                       (modelscope / "ears/model.bin", "ears/model.bin")):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BODIES[name])
    snapshot.mkdir(parents=True)
    (snapshot / "chat.gguf").symlink_to(blob)
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert os.path.samefile(desk.bench.dir / "chat.gguf", blob)
    assert os.path.samefile(desk.bench.dir / "ears/model.bin", modelscope / "ears/model.bin")


def test_a_cached_file_with_other_content_is_not_used(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    wrong = tmp_path / "ms/me/repo/chat.gguf"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(bytes(len(BODIES["chat.gguf"])))
    assert desk.start() == {"asr": "ears", "llm": "chat"}
    assert (desk.bench.dir / "chat.gguf").read_bytes() == BODIES["chat.gguf"]


def test_a_mirror_and_a_proxy_of_the_environment_are_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.invalid/hf")
    monkeypatch.setenv("HTTP_PROXY", desk.bench.hub.url)
    for name, pages in desk.pages.items():
        desk.bench.hub.pages[f"http://mirror.invalid/hf/me/repo/resolve/main/{name}"] = pages[1]
    assert desk.start(huggingface_url="", sources=("huggingface",)) == {"asr": "ears", "llm": "chat"}
    assert desk.bench.hub.asked("http://mirror.invalid/")
