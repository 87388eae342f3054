"""Runs Full-Duplex-Bench's own evaluation scripts, as they are, in an environment of its own (no Huiyin in it):

    python theirs.py FOLDER ROOT

FOLDER has `get_timing.py`, `eval_smooth_turn_taking.py`, `eval_pause_handling.py` and `eval_user_interruption.py`. ROOT
has a folder `timing` and one for each task, with a folder for each recording in them, as the scripts want them; what
they found is written to ROOT/found.json.

In place of what they would fetch: Silero's model is not that of `torch.hub` but the one in its makers' package;
`torchaudio.load` is soundfile; the model that rates an answer after an interruption is one that always rates it 0, as
only times are wanted.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

_RATING = "Analysis: none.\nI would rate the AI's response as 0"
_TAKEOVER = re.compile(r"the TOR is (\d)")
_LATENCY = re.compile(r"the latency is (\S+)")
_MEAN_TAKEOVER = re.compile(r"Average take turn:\s+(\S+)")
_MEAN_LATENCY = re.compile(r"Average latency:\s+(\S+)")


class _Rater:
    """An OpenAI client that rates whatever it is asked about; it is asked where the turn was taken."""

    def __init__(self) -> None:
        self.was_asked = False
        self.chat = types.SimpleNamespace(completions=types.SimpleNamespace(create=self._create))

    def _create(self, **asked: Any) -> Any:
        self.was_asked = True
        message = types.SimpleNamespace(content=_RATING)
        return types.SimpleNamespace(choices=[types.SimpleNamespace(message=message)])


def _put_in() -> None:
    """What stands in for downloads."""
    import silero_vad
    import soundfile
    import torch

    def load(path: Path) -> tuple[Any, int]:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), rate

    sound = types.ModuleType("torchaudio")
    sound.load = load  # type: ignore[attr-defined]
    sys.modules["torchaudio"] = sound
    torch.hub.load = lambda *what, **how: (silero_vad.load_silero_vad(), None)


def _printed(evaluate: Callable[[], object]) -> str:
    """What a script prints. It divides by the number of turns that were taken, which may be none."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(ZeroDivisionError),
    ):
        evaluate()
    return printed.getvalue()


def _number(pattern: re.Pattern[str], text: str) -> float | None:
    match = pattern.search(text)
    return float(match[1]) if match and match[1] != "None" else None


def main() -> None:
    """As the docstring of the file says."""
    scripts, root = (Path(argument).resolve() for argument in sys.argv[1:])
    sys.path.insert(0, str(scripts))
    _put_in()
    timing: Any = importlib.import_module("get_timing")
    smooth: Any = importlib.import_module("eval_smooth_turn_taking").eval_smooth_turn_taking
    pausing: Any = importlib.import_module("eval_pause_handling").eval_pause_handling
    interrupted: Any = importlib.import_module("eval_user_interruption").eval_user_interruption
    found: dict[str, dict[str, Any]] = {"timing": {}, "turn": {}, "pause": {}, "interruption": {}}
    for folder in sorted((root / "timing").iterdir()):
        _printed(lambda folder=folder: timing.process_folder(folder))
        found["timing"][folder.name] = json.loads((folder / timing.OUT_FILENAME).read_text(encoding="utf-8"))
    for folder in sorted((root / "turn").glob("*")):
        text = _printed(lambda folder=folder: smooth(str(folder)))
        found["turn"][folder.name] = {"takeover": _number(_TAKEOVER, text), "latency_s": _number(_LATENCY, text)}
    for folder in sorted((root / "pause").glob("*")):
        text = _printed(lambda folder=folder: pausing(str(folder)))
        found["pause"][folder.name] = {"takeover": _number(_MEAN_TAKEOVER, text)}
    for folder in sorted((root / "interruption").glob("*")):
        rater = _Rater()
        text = _printed(lambda folder=folder, rater=rater: interrupted(str(folder), rater))
        found["interruption"][folder.name] = {
            "takeover": float(rater.was_asked),
            "latency_s": _number(_MEAN_LATENCY, text),
        }
    (root / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
