"""``huiyin bench echo`` (``python -m benchmarks.echo``): every canceller in simulated rooms or on recordings.

The options, and what the figures mean, stand in `assistant/faces/cli/commands.toml`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import as_command
from benchmarks.echo import picture, speech
from benchmarks.echo.measures import audible, ratio_db
from benchmarks.echo.scenes import CONDITIONS, SCENE_S, Speech, play_scene
from benchmarks.echo.trial import EchoFigures, listen
from benchmarks.output import show, tell
from huiyin.assistant.conversation.assemble import make_vad
from huiyin.assistant.ears.echo import EchoPath, make_echo_path
from huiyin.assistant.ears.vad import SileroVad
from huiyin.assistant.faces.cli.language import use_language
from huiyin.assistant.faces.cli.options import parse_below
from huiyin.assistant.faces.cli.shared import check_writable, output_file
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.delay_line import as_int16
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.wav import read_wav
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings, as_arguments, load

CANCELLERS = ("off", "speex", "webrtc", "both")
_FIRST_ROOM = {"choose": 0, "report": 2000}  # two sets of rooms that have nothing in common


def main() -> int:
    """Read the command line, measure. Returns the exit status."""
    use_language([])
    args = parse_below("bench", "echo", sys.argv[1:])
    args.service_arguments = as_arguments(args.profile, args.set)
    try:
        run(args, load(args.profile, args.set))
    except HuiyinError as error:
        print(f"huiyin: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def run(args: argparse.Namespace, settings: Settings) -> None:
    """Measure, print, write."""
    for path in (args.json, args.png):
        if path:
            check_writable(path)
    vad = make_vad(settings)
    names = _available(args.canceller or CANCELLERS)
    if args.pairs:
        rows = list(_on_pairs(args.pairs, names, vad))
    else:
        lines = speech.voices(settings, args.service_arguments)
        if args.user_speech:
            lines = Speech(lines.assistant, speech.recorded(args.user_speech))
        first = _FIRST_ROOM[args.set_of_rooms]
        rooms = range(first, first + args.rooms)
        results = measure(lines, vad, names, args.condition or CONDITIONS, rooms, args.seconds, _progress)
        rows = [figures(result) for result in results]
        if args.verbose:
            for result in results:
                for at in (*result.first_15_s.false_at, *result.after.false_at):
                    tell(f"false: {result.canceller}: {at}")
    _show(rows)
    if args.json:
        with output_file(args.json) as file:
            file.write(json.dumps({"rows": rows}, ensure_ascii=False, indent=2).encode() + b"\n")
    if args.png:
        with output_file(args.png) as file:
            file.write(picture.draw(rows))


def measure(
    lines: Speech,
    vad: SileroVad,
    cancellers: Sequence[str],
    conditions: Sequence[str],
    rooms: Sequence[int],
    seconds: float = SCENE_S,
    progress: Callable[[str], None] = lambda line: None,
) -> list[EchoFigures]:
    """Every canceller in every condition, over `rooms`."""
    results: list[EchoFigures] = []
    for condition in conditions:
        row = {name: EchoFigures(name, condition) for name in cancellers}
        for number in rooms:
            progress(f"{condition}, room {number}")
            scene = play_scene(number, condition, lines, seconds)
            for name, result in row.items():
                result.add(scene, listen(scene.mic, scene.far_end, partial(_path, name), vad))
        results += row.values()
    progress("")
    return results


def figures(result: EchoFigures) -> dict[str, Any]:
    """A row of the table, as data."""

    def mean(values: list[float]) -> float | None:
        return round(float(np.mean(values)), 3) if values else None

    row: dict[str, Any] = {"canceller": result.canceller, "condition": result.condition}
    for name, part in (("first_15_s", result.first_15_s), ("after", result.after)):
        row[f"{name}_false_per_min"] = round(part.false_per_min, 2)
        row[f"{name}_far_end_min"] = round(part.far_end_min, 2)
        row[f"{name}_recall"] = None if part.recall is None else round(part.recall, 3)
        row[f"{name}_median_ms"] = None if part.median_ms is None else round(part.median_ms)
    row["erle_db"], row["residual_dbfs"] = mean(result.erle), mean(result.residual)
    row["stoi"], row["si_sdr_db"] = mean(result.stoi), mean(result.si_sdr)
    row["path_us"] = round(float(np.median(result.path_us))) if result.path_us else None
    row["listener_us"] = round(float(np.median(result.listener_us))) if result.listener_us else None
    return row


def _path(name: str) -> EchoPath:
    return make_echo_path(name)[0]


def _available(names: Sequence[str]) -> list[str]:
    available = []
    for name in names:
        warning = make_echo_path(name)[1]
        if warning:
            tell(f"{name} is left out: {warning}")
        else:
            available.append(name)
    return available


def _on_pairs(folder: Path, names: Sequence[str], vad: SileroVad) -> Iterator[dict[str, Any]]:
    """Recordings: who speaks when is not known, so barge-ins are only counted."""
    pairs = list(_pairs(folder))
    for name in names:
        for title, mic, reference in pairs:
            output = listen(mic, reference, partial(_path, name), vad)
            length = len(output.near)
            active = audible(reference[:length].astype(np.float32) / np.float32(32768))
            before, after = (float(np.mean((s[:length][active] / 32768.0) ** 2)) for s in (mic, output.near))
            yield {
                "canceller": name,
                "condition": title,
                "barge_ins_per_min": round(len(output.starts_s) / max(1e-3, active.sum() / SAMPLE_RATE / 60), 2),
                "erle_db": round(ratio_db(before, after), 1),
                "residual_dbfs": round(ratio_db(after, 1.0), 1),
                "path_us": round(output.path_us),
                "listener_us": round(output.listener_us),
            }


def _pairs(folder: Path) -> Iterator[tuple[str, Pcm16, Pcm16]]:
    files = sorted(folder.glob("*_mic.wav"))
    if not files:
        raise SystemExit(f"there are no *_mic.wav files in {folder}")
    for path in files:
        title = path.name.removesuffix("_mic.wav")
        reference = path.with_name(f"{title}_ref.wav")
        if not reference.is_file():
            raise SystemExit(f"{path} has no {reference.name} beside it")
        mic, ref = (as_int16(read_wav(file) * 32768) for file in (path, reference))
        length = min(len(mic), len(ref))
        yield title, mic[:length], ref[:length]


_COLUMNS = (
    ("canceller", "canceller", "{}"),
    ("condition", "condition", "{}"),
    ("barge_ins_per_min", "barge-ins per minute", "{:.1f}"),
    ("first_15_s_false_per_min", "false barge-ins per minute, first 15 s", "{:.1f}"),
    ("after_false_per_min", "after", "{:.1f}"),
    ("first_15_s_recall", "recall, first 15 s", "{:.2f}"),
    ("after_recall", "after", "{:.2f}"),
    ("first_15_s_median_ms", "median, first 15 s", "{:.0f} ms"),
    ("after_median_ms", "after", "{:.0f} ms"),
    ("erle_db", "ERLE", "{:.0f} dB"),
    ("residual_dbfs", "residual", "{:.0f} dBFS"),
    ("stoi", "STOI", "{:.2f}"),
    ("si_sdr_db", "SI-SDR", "{:.1f} dB"),
    ("path_us", "µs per 10 ms", "{:.0f}"),
    ("listener_us", "with gate", "{:.0f}"),
)
"""Key of a row, head and format."""


def _show(rows: list[dict[str, Any]]) -> None:
    columns = [column for column in _COLUMNS if any(column[0] in row for row in rows)]
    lines = ([None if row.get(key) is None else form.format(row[key]) for key, _, form in columns] for row in rows)
    show([head for _, head, _ in columns], lines)


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line:40}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    as_command(main)
