"""The held-out recordings of the latency benchmark: listed in full, fetched once, and used as they are."""

from __future__ import annotations

import functools
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency_people
from benchmarks.latency_heldout import HeldOut, fetch, listed, spoken
from benchmarks.latency_intervals import of_percentile, of_share
from benchmarks.latency_speech import with_pauses
from benchmarks.sentences import DATA
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.configs.layers import read_toml
from huiyin.configs.settings import StoreSettings

RATE = 16_000
STORE = StoreSettings()


def _recording(*pieces_s: float) -> bytes:
    """A WAV file: a tone and a silence, in turn."""
    tone = np.sin(2 * np.pi * 200 * np.arange(10 * RATE) / RATE)
    parts = [(tone if i % 2 == 0 else 0 * tone)[: round(piece_s * RATE)] for i, piece_s in enumerate(pieces_s)]
    return wav_bytes((np.concatenate(parts) * 9000).astype(np.int16), RATE)


@pytest.fixture
def committed(tmp_path: Path) -> Callable[..., HeldOut]:
    """Commits a file into the clone of someone/voices; what lists it."""
    clone = tmp_path / "clones" / "someone" / "voices"
    clone.mkdir(parents=True)

    def git(*arguments: str) -> str:
        as_someone = ["-c", "user.name=someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", "-C", str(clone), *as_someone, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")

    def commit(name: str, content: bytes) -> HeldOut:
        (clone / name).write_bytes(content)
        git("add", ".")
        git("commit", "-qm", name)
        head = git("rev-parse", "HEAD")
        return HeldOut("voices", "someone/voices", head, name, sha256(content).hexdigest(), "ann", "en")

    return commit


def test_the_list_names_address_licence_speaker_and_language_of_every_recording() -> None:
    recordings, sources = listed(), read_toml(DATA / "heldout_sources.toml")
    assert len(recordings) >= 200
    assert (
        len({(one.source, one.path) for one in recordings})
        == len({one.sha256 for one in recordings})
        == len(recordings)
    )
    assert len({one.name for one in recordings}) == len(recordings), "they are told apart by their names"
    assert {one.source for one in recordings} == set(sources)
    assert all(source["licence"] and source["corpus"] for source in sources.values())
    speakers = {language: {one.speaker for one in recordings if one.language == language} for language in ("zh", "en")}
    assert len(speakers["zh"]) >= 40 and len(speakers["en"] - {"?"}) >= 10
    for language in speakers:
        assert sum(one.language == language for one in recordings) >= 90


def test_recordings_are_read_from_clones_once(committed: Callable[..., HeldOut], tmp_path: Path) -> None:
    one, clones, folder = committed("one é.wav", b"one"), tmp_path / "clones", tmp_path / "held-out"
    committed("one é.wav", b"replaced")
    fetch([one], folder, STORE, clones)
    assert one.file(folder).read_bytes() == b"one", "as it was at that commit"
    fetch([one], folder, STORE, tmp_path / "nothing here")


def test_a_recording_that_is_another_or_missing_is_not_used(committed: Callable[..., HeldOut], tmp_path: Path) -> None:
    one, folder = committed("one.wav", b"one"), tmp_path / "held-out"
    for wrong in (replace(one, sha256="0" * 64), replace(one, path="two.wav")):
        with pytest.raises(SystemExit, match=wrong.address):
            fetch([wrong], folder, STORE, tmp_path / "clones")
        assert not wrong.file(folder).exists()


def test_without_clones_they_come_from_their_addresses(
    committed: Callable[..., HeldOut], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, folder = committed("one é.wav", b"one"), tmp_path / "held-out"
    assert one.address == f"https://raw.githubusercontent.com/someone/voices/{one.commit}/one%20%C3%A9.wav"
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path / "clones" / "someone" / "voices")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/one%20%C3%A9.wav"
        monkeypatch.setattr(HeldOut, "address", property(lambda _: here))
        fetch([one], folder, STORE)
        server.shutdown()
    assert [path.read_bytes() for path in folder.iterdir()] == [b"one"]


def test_the_speakers_own_pauses_are_kept_and_others_get_one(committed: Callable[..., HeldOut], tmp_path: Path) -> None:
    own = committed("own.wav", _recording(1.0, 0.4, 1.0))
    fluent = [committed(f"fluent{i}.wav", _recording(2.0 + i / 10)) for i in range(3)]
    folder = tmp_path / "held-out"
    fetch([own, *fluent], folder, STORE, tmp_path / "clones")
    made = {utterance.name: utterance for utterance in with_pauses(spoken([own, *fluent], folder))}
    assert made[own.name].pauses == ((pytest.approx(1.0, abs=0.02), pytest.approx(1.4, abs=0.02)),)
    places = [made[one.name].pauses[0][0] / made[one.name].duration_s for one in fluent]
    assert len(places) == 3 and max(places) - min(places) > 0.05, "not all at the same place"


def test_the_interval_of_a_share_is_wilsons() -> None:
    """Values of the formula in Wilson 1927, as in Newcombe 1998, table I."""
    for count, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert of_share(count / of, of) == pytest.approx((low, high), abs=0.00006)


def test_the_interval_of_a_percentile_holds_the_right_one_19_times_in_20() -> None:
    rng, right = np.random.default_rng(7), 0
    for _ in range(200):
        low, high = of_percentile([[value] for value in rng.exponential(1.0, 100)], 0.5)
        right += low <= np.log(2) <= high
    assert 0.91 <= right / 200 <= 0.99


def test_more_runs_of_the_same_utterances_make_no_interval_narrower() -> None:
    latencies_s = [[i / 100] for i in range(100)]
    assert of_percentile(latencies_s, 0.95) == of_percentile([3 * one for one in latencies_s], 0.95)
    assert of_percentile([*latencies_s, []], 0.95) == of_percentile(latencies_s, 0.95), "cut off: no latency"


def test_what_turns_are_tuned_by_has_no_held_out_recording_or_speaker() -> None:
    held_out, people = listed(), latency_people.listed()
    assert {one.language for one in people} == {"zh", "en"}
    assert len({one.name for one in people}) == len({one.sha256 for one in people}) == len(people)
    assert not {one.sha256 for one in people} & {one.sha256 for one in held_out}
    assert not {one.speaker for one in people} & {one.speaker for one in held_out} - {"?"}
