"""Whether Full-Duplex-Bench's own scripts find what we find.

    huiyin bench agent --sound --out RESULTS …
    python -m benchmarks.full_duplex_bench --script FOLDER --recordings RESULTS

FOLDER is your clone of github.com/DanielLin94144/Full-Duplex-Bench, whose licence forbids commercial use; nothing of it
is part of Huiyin. Its scripts are run as they are (`theirs.py` says what stands in for their downloads) on the
recordings of all agents in RESULTS:

- `get_timing.py` (1.5): Silero's voice activity on what the user and what the agent said, both as they were spoken, on
  one clock; response latency and the overlap of an interruption, each beside our figure of the same event, as they are
  and by the script's definition (`events.py`). For each that is apart, the sound says who is right. The same is done
  with conversations made of sentences at known samples (`control.py`): so often the script agrees with the truth;
- `eval_smooth_turn_taking.py`, `eval_pause_handling.py`, `eval_user_interruption.py` (1.0): whether the agent took the
  turn, by the words of what it said. These are our recogniser's in place of Parakeet's.

Definitions that differ, and how they are brought together, stand in docs/agents.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import requests

from benchmarks.command import as_command, existing_folder
from benchmarks.echo.speech import voices
from benchmarks.environment import python_with
from benchmarks.full_duplex_bench.control import made_of
from benchmarks.full_duplex_bench.events import CLOSE_S, EDGES, KINDS, compared
from benchmarks.full_duplex_bench.ours import Recording, recordings, seconds
from benchmarks.output import percent, show, tell
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.configs.files import cache_folder
from huiyin.configs.settings import load
from tests.support.service_process import start_service

_PACKAGES = ("silero-vad==6.2.3", "soundfile==0.14.0", "tqdm==4.70.1", "numpy")
_SCRIPT = "get_timing.py"
_TASKS = ("turn", "pause", "interruption")
_TARGET = 0.95
_ASR_LIMIT_S = 120.0


def main() -> int:
    """Print the tables. Returns 1 where fewer events agree than should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--script", type=existing_folder, required=True, metavar="FOLDER", help="your clone of Full-Duplex-Bench"
    )
    parser.add_argument(
        "--recordings", type=Path, default=Path("agents"), metavar="RESULTS", help="(default: ./agents)"
    )
    parser.add_argument("--without-words", action="store_true", help="only the timing script, no recogniser")
    args = parser.parse_args()
    scripts = next((path.parent for path in sorted(args.script.rglob(_SCRIPT))), None)
    if scripts is None:
        parser.error(f"there is no {_SCRIPT} below {args.script}: clone github.com/DanielLin94144/Full-Duplex-Bench")
    ours = recordings(args.recordings)
    control = made_of(voices(load(), []))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tell(f"{len(ours)} recordings …")
        for each in (*ours, *control):
            _lay_out_timing(each, root)
        if not args.without_words:
            _lay_out_words(ours, root)
        python = python_with(cache_folder() / "bench" / "full-duplex-bench-venv", *_PACKAGES)
        command = [str(python), str(Path(__file__).with_name("theirs.py")), str(scripts), str(root)]
        subprocess.run(command, check=True)
        theirs = json.loads((root / "found.json").read_text(encoding="utf-8"))
    share = _show_times(ours, theirs["timing"], "ours")
    _show_times(control, theirs["timing"], "truth")
    if not args.without_words:
        _show_takeovers(ours, theirs)
    return 0 if share >= _TARGET else 1


def _lay_out_timing(recording: Recording, root: Path) -> None:
    folder = root / "timing" / recording.name
    folder.mkdir(parents=True)
    for name, sound in zip(("input.wav", "output.wav"), recording.sound, strict=True):
        (folder / name).write_bytes(wav_bytes(sound, SAMPLE_RATE))


def _lay_out_words(ours: Sequence[Recording], root: Path) -> None:
    """What the agent said as words with their times, from where each script wants them on."""
    with start_service("asr") as url:
        for at, each in enumerate(each for each in ours if each.family in _TASKS):
            tell(f"words {at + 1}: {each.name}")
            folder = root / each.family / each.name / "1"
            folder.mkdir(parents=True)
            starts_s, ends_s = each.user(2 if each.family == "interruption" else 1)
            offset_s = ends_s if each.family == "interruption" else 0.0
            until_s = ends_s if each.family == "pause" else None
            words = _words(url, seconds(each.sound[1], offset_s, until_s), each.language, offset_s)
            _write(folder / "output.json", {"text": " ".join(word["text"] for word in words), "chunks": words})
            if each.family == "turn":
                _write(folder / "turn_taking.json", [{"text": "[TURN-TAKING]", "timestamp": [ends_s, ends_s]}])
            if each.family == "interruption":
                said = {"context": "", "interrupt": "", "timestamp": [starts_s, ends_s]}
                _write(folder / "interrupt.json", [said])


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _words(url: str, sound: Pcm16, language: str, offset_s: float) -> list[dict[str, Any]]:
    """Words as their scripts read them: [{"text", "timestamp": [start, end]}], seconds."""
    if not len(sound) or not np.any(sound):
        return []
    wishes = {"response_format": "verbose_json", "timestamp_granularities[]": "word", "language": language}
    files = {"file": ("said.wav", wav_bytes(sound, SAMPLE_RATE))}
    answer = requests.post(f"{url}/v1/audio/transcriptions", data=wishes, files=files, timeout=_ASR_LIMIT_S)
    answer.raise_for_status()
    return [
        {"text": word["word"], "timestamp": [word["start"] + offset_s, word["end"] + offset_s]}
        for word in answer.json().get("words") or ()
    ]


def _show_times(ours: Sequence[Recording], theirs: dict[str, Any], whose: str) -> float:
    """Print how far the times are apart; the share of events that are close by the script's definition.

    `whose`: what the script's times are compared with, "ours" or the "truth" of conversations that were made.
    """
    events = [event for each in ours for event in compared(each, theirs[each.name])]
    rows: list[list[str | None]] = []
    for kind in KINDS:
        for edge in (0, 1):
            apart = [event.defined_apart_s[edge] for event in events if event.kind == kind and event.defined_apart_s]
            middle = statistics.median(apart) if apart else 0.0
            spread = float(np.percentile([abs(each - middle) for each in apart], 95)) if apart else 0.0
            near = _share(sum(abs(each) <= CLOSE_S for each in apart), len(apart))
            rows.append([EDGES[kind][edge], f"{1000 * middle:+.0f}", f"{1000 * spread:.0f}", near])
    close = f"within {1000 * CLOSE_S:.0f} ms"
    show(("moment, its 30 ms taken off", f"script − {whose}, median ms", "distance from it, p95 ms", close), rows)
    rows = []
    share = 0.0
    for kind in (*KINDS, "all"):
        chosen = [event for event in events if kind in (event.kind, "all")]
        raw, defined = (sum(event.is_close(by_definition=each) for event in chosen) for each in (False, True))
        found = sum(event.apart_s is not None for event in chosen)
        share = defined / max(1, len(chosen))
        rows.append([kind, str(len(chosen)), str(found), _share(raw, len(chosen)), _share(defined, len(chosen))])
    defined_close = f"{close}, by its definition" + (f" (≥ {_TARGET:.0%})" if whose == "ours" else "")
    show(("event", whose, "found by the script", close, defined_close), rows)
    for event in events:
        if whose == "ours" and not event.is_close(by_definition=True):
            tell(f"apart: {event}")
    return share


def _share(part: int, whole: int) -> str | None:
    return f"{part}/{whole} = {percent(part / whole)}" if whole else None


def _show_takeovers(ours: Sequence[Recording], theirs: dict[str, Any]) -> None:
    rows: list[list[str | None]] = []
    for task in _TASKS:
        pairs = [(each, theirs[task][each.name]) for each in ours if each.family == task]
        same = 0
        for each, found in pairs:
            same += each.took_turn() == bool(found["takeover"])
            if each.took_turn() != bool(found["takeover"]):
                tell(f"{each.name}: we say {each.took_turn()}, the script {found}")
        rows.append([task, str(len(pairs)), _share(same, len(pairs))])
    show(("takeover, by words", "conversations", "the same"), rows)


if __name__ == "__main__":
    as_command(main)
