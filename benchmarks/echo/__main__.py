"""``huiyin bench echo`` (``python -m benchmarks.echo``): every canceller in simulated rooms and on
recordings, as a table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.echo import picture, speech
from benchmarks.echo.measures import audible, ratio_db
from benchmarks.echo.scenes import CONDITIONS, SCENE_S, Speech, play_scene
from benchmarks.echo.trial import EchoFigures, listen
from huiyin.assistant.ears.echo import EchoPath, make_echo_path
from huiyin.assistant.ears.vad import SileroVad
from huiyin.assistant.faces.cli.shared import USAGE, CommandError, check_writable, output_file
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.delay_line import as_int16
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.wav import read_wav
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings, load
from huiyin.configs.store.model_store import ModelStore

CANCELLERS = ("off", "speex", "webrtc", "both")
_FIRST_ROOM = {"choose": 0, "report": 2000}  # two sets of rooms that have nothing in common

_DESCRIPTION = """\
How well the assistant does not hear itself: an assistant that talks on and on in simulated rooms, a user who cuts in,
and each canceller in turn between them, through the very code that a conversation runs.

  huiyin bench echo                                  16 rooms, all cancellers: some five minutes
  huiyin bench echo --rooms 4 --canceller both       a first look
  huiyin bench echo --pairs recordings/              your own NAME_mic.wav with NAME_ref.wav, played and heard together
  huiyin bench echo --json echo.json --png echo.png

false/min  false barge-ins per minute of the assistant alone, in the first 15 s of a talk and after
recall     share of true barge-ins that the gate sees, and the median time from the user's first sound to its answer
ERLE       echo taken away, assistant alone; residual: level of what is left
STOI       how well the user is understood while both speak, 0..1 (needs pystoi); SI-SDR: likewise as a ratio
us/10 ms   one core's time for 10 ms of sound: cancelling and alignment / with voice activity and gate"""


def main() -> int:
    """Read the command line, measure. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="huiyin bench echo", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rooms", type=int, default=16, metavar="N", help="how many rooms (default: 16)")
    parser.add_argument("--seconds", type=float, default=SCENE_S, metavar="S", help="length of a scene (default: 44)")
    parser.add_argument("--canceller", action="append", choices=CANCELLERS, help="only this one; may be repeated")
    parser.add_argument("--condition", action="append", choices=CONDITIONS, help="only this one; may be repeated")
    parser.add_argument(
        "--set-of-rooms", choices=tuple(_FIRST_ROOM), default="report",
        help="choose: for whoever turns the gate's knobs; report (default): rooms in which nothing was chosen",
    )  # fmt: skip
    parser.add_argument("--user-speech", type=Path, metavar="DIR", help="recordings of users (.wav) instead of voices")
    parser.add_argument("--pairs", type=Path, metavar="DIR", help="measure on *_mic.wav and *_ref.wav instead of rooms")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw them")
    parser.add_argument("--verbose", action="store_true", help="say where every false barge-in was")
    parser.add_argument("--profile", metavar="NAME|FILE", help="settings profile")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    args.service_arguments = [word for item in args.set for word in ("--set", item)]
    if args.profile:
        args.service_arguments += ["--profile", args.profile]
    try:
        return run(args, load(args.profile, args.set))
    except HuiyinError as error:
        print(f"huiyin: {error}", file=sys.stderr)
        return error.exit_status


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Measure, print, write. Returns the exit status."""
    for path in (args.json, args.png):
        if path:
            check_writable(path)
    if args.rooms < 1 or args.seconds < 5:
        raise CommandError("at least one room and five seconds are needed", USAGE)
    vad = SileroVad(ModelStore(settings.store).ensure("silero_vad.onnx"))
    names = _available(args.canceller or CANCELLERS)
    if args.pairs:
        rows = _on_pairs(args.pairs, names, vad)
        print(_table(rows))
        _write(args, rows)
        return 0
    lines = speech.synthesised(settings, args.service_arguments, _tell)
    if args.user_speech:
        lines = Speech(lines.assistant, speech.recorded(args.user_speech))
    results = measure(lines, vad, names, args.condition or CONDITIONS, _rooms(args), args.seconds, _progress)
    rows = [figures(result) for result in results]
    print(_table(rows))
    if args.verbose:
        for result in results:
            for at in (*result.first.false_at, *result.after.false_at):
                print(f"false: {result.canceller}: {at}")
    _write(args, rows)
    return 0


def measure(
    lines: Speech,
    vad: SileroVad,
    cancellers: tuple[str, ...] | list[str],
    conditions: tuple[str, ...] | list[str],
    rooms: list[int],
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
    for name, part in (("first", result.first), ("after", result.after)):
        row[f"{name}_false_per_min"] = round(part.false_per_min, 2)
        row[f"{name}_far_end_min"] = round(part.far_end_min, 2)
        row[f"{name}_recall"] = None if part.recall is None else round(part.recall, 3)
        row[f"{name}_median_ms"] = None if part.median_ms is None else round(part.median_ms)
    row["erle_db"], row["residual_dbfs"] = mean(result.erle), mean(result.residual)
    row["stoi"], row["si_sdr_db"] = mean(result.stoi), mean(result.si_sdr)
    row["path_us"] = round(float(np.median(result.path_us))) if result.path_us else None
    row["listener_us"] = round(float(np.median(result.listener_us))) if result.listener_us else None
    return row


def _rooms(args: argparse.Namespace) -> list[int]:
    first = _FIRST_ROOM[args.set_of_rooms]
    return list(range(first, first + args.rooms))


def _path(name: str) -> EchoPath:
    return make_echo_path(name)[0]


def _available(names: tuple[str, ...] | list[str]) -> list[str]:
    available = []
    for name in names:
        warning = make_echo_path(name)[1]
        if warning:
            _tell(f"{name} is left out: {warning}")
        else:
            available.append(name)
    return available


def _on_pairs(folder: Path, names: list[str], vad: SileroVad) -> list[dict[str, Any]]:
    """Recordings: who speaks when is not known, so that every barge-in counts as false."""
    pairs = list(_pairs(folder))
    rows = []
    for name in names:
        for title, mic, reference in pairs:
            heard = listen(mic, reference, partial(_path, name), vad)
            length = len(heard.near)
            active = audible(reference[:length].astype(np.float32) / np.float32(32768))
            before, after = (float(np.mean((s[:length][active] / 32768.0) ** 2)) for s in (mic, heard.near))
            rows.append(
                {
                    "canceller": name,
                    "condition": title,
                    "barge_ins_per_min": round(len(heard.starts_s) / max(1e-3, active.sum() / SAMPLE_RATE / 60), 2),
                    "erle_db": round(ratio_db(before, after), 1),
                    "residual_dbfs": round(ratio_db(after, 1.0), 1),
                    "path_us": round(heard.path_us),
                    "listener_us": round(heard.listener_us),
                }
            )
    return rows


def _pairs(folder: Path) -> Iterator[tuple[str, Pcm16, Pcm16]]:
    found = sorted(folder.glob("*_mic.wav"))
    if not found:
        raise CommandError(f"there are no *_mic.wav files in {folder}")
    for path in found:
        title = path.name[: -len("_mic.wav")]
        reference = path.with_name(f"{title}_ref.wav")
        if not reference.is_file():
            raise CommandError(f"{path} has no {reference.name} beside it")
        mic, ref = (as_int16(read_wav(file) * 32768) for file in (path, reference))
        length = min(len(mic), len(ref))
        yield title, mic[:length], ref[:length]


_COLUMNS = (
    ("canceller", "canceller", "{}"),
    ("condition", "condition", "{}"),
    ("barge_ins_per_min", "starts/min", "{:.1f}"),
    ("first_false_per_min", "false/min first 15 s", "{:.1f}"),
    ("after_false_per_min", "after", "{:.1f}"),
    ("first_recall", "recall first 15 s", "{:.2f}"),
    ("first_median_ms", "ms", "{:.0f}"),
    ("after_recall", "after", "{:.2f}"),
    ("after_median_ms", "ms", "{:.0f}"),
    ("erle_db", "ERLE dB", "{:.1f}"),
    ("residual_dbfs", "residual dBFS", "{:.0f}"),
    ("stoi", "STOI", "{:.2f}"),
    ("si_sdr_db", "SI-SDR dB", "{:.1f}"),
    ("path_us", "us/10 ms", "{:.0f}"),
    ("listener_us", "with gate", "{:.0f}"),
)


def _table(rows: list[dict[str, Any]]) -> str:
    columns = [column for column in _COLUMNS if any(column[0] in row for row in rows)]
    lines = [[title for _, title, _ in columns]]
    for row in rows:
        lines.append([text.format(row[key]) if row.get(key) is not None else "-" for key, _, text in columns])
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    # Names to the left, figures to the right.
    put = [str.ljust if i < 2 else str.rjust for i in range(len(columns))]
    return "\n".join("  ".join(p(cell, n) for p, cell, n in zip(put, line, widths, strict=True)) for line in lines)


def _write(args: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    if args.json:
        with output_file(args.json) as file:
            file.write(json.dumps({"rows": rows}, ensure_ascii=False, indent=2).encode() + b"\n")
    if args.png:
        with output_file(args.png) as file:
            file.write(picture.draw(rows))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line:40}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
